"""Whether scores can be turned into honest probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.evaluate.metrics import Floats, brier_score, calibration_error

FOLDS = 5
LEAST = 20
"""Queries needed: with fewer, or with fewer than five right or wrong ones, nothing can be said."""

_STEPS = 100
_RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """Figures of probabilities that cross-validation predicted.

    Attributes:
        error: Expected calibration error, 0 to 1.
        brier: Brier score, 0 to 1.
    """

    error: float
    brier: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return {"ece": round(self.error, 4), "brier": round(self.brier, 4)}


def calibrate(
    scores: Floats, right: NDArray[np.bool_], clusters: NDArray[np.intp], seed: int = 0
) -> Calibration | None:
    """Measure how well scores predict whether the first answer is right.

    A logistic curve is fitted on four fifths of the clusters and predicts the rest, in turn.

    Args:
        scores: ``(n,)`` of the first answers.
        right: ``(n,)``: whether each is right.
        clusters: ``(n,)``: queries of one cluster are never on both sides.
        seed: Of the division.

    Returns:
        ``None`` where there are too few queries: see :data:`LEAST`.
    """
    outcomes = right.astype(np.float64)
    wrong_or_right = min(outcomes.sum(), len(outcomes) - outcomes.sum())
    names = np.unique(clusters)
    if len(scores) < LEAST or wrong_or_right < FOLDS or len(names) < FOLDS:
        return None
    fold_of = dict(
        zip(
            np.random.default_rng(seed).permutation(names).tolist(),
            np.arange(len(names)) % FOLDS,
            strict=True,
        )
    )
    folds = np.array([fold_of[name] for name in clusters.tolist()])
    predicted = np.empty(len(scores))
    for fold in range(FOLDS):
        held = folds == fold
        slope, offset = fit_curve(scores[~held], outcomes[~held])
        predicted[held] = _curve(slope * scores[held] + offset)
    return Calibration(calibration_error(predicted, outcomes), brier_score(predicted, outcomes))


def fit_curve(scores: Floats, outcomes: Floats) -> tuple[float, float]:
    """Platt scaling: slope and offset of the logistic curve of most likelihood.

    Platt, Probabilistic Outputs for Support Vector Machines (1999), with the smoothed targets given
    there; Newton's method with halved steps as in Lin, Lin, Weng, A Note on Platt's Probabilistic
    Outputs (2007).

    Args:
        scores: ``(n,)``.
        outcomes: ``(n,)``, 0 or 1.
    """
    positive = float(outcomes.sum())
    negative = len(outcomes) - positive
    targets = np.where(outcomes > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    inputs = np.stack([(scores - centre) / spread, np.ones(len(scores))], axis=1)
    theta = np.zeros(2)
    loss = _loss(inputs @ theta, targets)
    for _ in range(_STEPS):
        chances = _curve(inputs @ theta)
        gradient = inputs.T @ (chances - targets)
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs
        step = np.linalg.solve(curvature + _RIDGE * np.eye(2), gradient)
        scale = 1.0
        while (better := _loss(inputs @ (theta - scale * step), targets)) > loss and scale > _RIDGE:
            scale /= 2
        if loss - better < _RIDGE:
            break
        theta, loss = theta - scale * step, better
    slope = float(theta[0]) / spread
    return slope, float(theta[1]) - slope * centre


def _curve(values: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(values / 2))  # the logistic function, without overflow


def _loss(values: Floats, targets: Floats) -> float:
    return float(np.sum(np.logaddexp(0, values) - targets * values))
