"""Whether probabilities come true: pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]

BINS = 15
"""Of equal width, as in Guo et al. (2017)."""


class Bin(BaseModel):
    """Predictions of about the same size.

    Attributes:
        low: Least probability in the bin.
        high: Largest.
        predicted: Mean of the probabilities.
        happened: Share that came true.
        weight: Share of all predictions that are in this bin.
    """

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    predicted: float
    happened: float
    weight: float


def reliability_table(
    probabilities: Floats, outcomes: Floats, weights: Floats | None = None, bins: int = BINS
) -> tuple[Bin, ...]:
    """Compare predictions with what happened.

    Args:
        probabilities: ``(n,)``, 0 to 1.
        outcomes: ``(n,)``, 0 or 1.
        weights: ``(n,)``, how much each counts; without them, all the same.
        bins: How many, of equal width.

    Returns:
        Those bins that have predictions, in their order; their weights add up to 1.
    """
    counts = np.ones(len(probabilities)) if weights is None else weights
    number = np.minimum((probabilities * bins).astype(np.intp), bins - 1)
    table = []
    for which in np.unique(number).tolist():
        inside = number == which
        total = float(counts[inside].sum())
        if total > 0:
            table.append(
                Bin(
                    low=which / bins,
                    high=(which + 1) / bins,
                    predicted=float(counts[inside] @ probabilities[inside]) / total,
                    happened=float(counts[inside] @ outcomes[inside]) / total,
                    weight=total / float(counts.sum()),
                )
            )
    return tuple(table)


def expected_error(table: tuple[Bin, ...]) -> float:
    """Expected calibration error: mean distance of what was predicted from what happened.

    Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks (2017).
    ``evaluate.metrics.calibration_error`` has bins of equal count instead, which suit rankings
    whose scores are crowded; here the bins shall mean the same in every shop.
    """
    return sum(each.weight * abs(each.predicted - each.happened) for each in table)
