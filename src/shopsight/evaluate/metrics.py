"""Figures of rankings and of scores: pure functions.

Definitions of the rankings' figures: Manning, Raghavan, Schütze, Introduction to Information
Retrieval, chapter 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def recall_at(k: int, ranks: Sequence[int], relevant: int) -> float:
    """Share of the relevant products (at most k can be) among the first k.

    Args:
        k: Depth.
        ranks: Ranks of the relevant products that were found, from 1, ascending.
        relevant: How many relevant products there are.
    """
    return sum(rank <= k for rank in ranks) / min(k, relevant)


def ndcg_at(k: int, ranks: Sequence[int], relevant: int) -> float:
    """Normalised discounted cumulative gain, binary relevance (Järvelin, Kekäläinen, 2002)."""
    gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= k)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, relevant) + 1))
    return gain / ideal


def average_precision(ranks: Sequence[int], relevant: int) -> float:
    """Mean of the precision at each relevant product; one not found counts as 0."""
    return sum(position / rank for position, rank in enumerate(ranks, start=1)) / relevant


def found_at(k: int, ranks: Sequence[int]) -> float:
    """1 if a relevant product is among the first k, else 0; arguments as :func:`recall_at`."""
    return float(bool(ranks) and ranks[0] <= k)


def reciprocal_rank(ranks: Sequence[int]) -> float:
    """1 divided by the rank of the first relevant product; 0 if none was found."""
    return 1 / ranks[0] if ranks else 0.0


def wins(positive: Floats, negative: Floats) -> Floats:
    """Which scores are above which.

    Args:
        positive: ``(n,)``.
        negative: ``(m,)``.

    Returns:
        ``(n, m)``: 1 where the positive score is larger, 1/2 where both are equal, else 0. The mean
        is the area under the receiver operating characteristic: the probability that a positive
        scores above a negative (Hanley, McNeil, 1982).
    """
    return np.heaviside(positive[:, None] - negative, 0.5)


def calibration_error(probabilities: Floats, outcomes: Floats, bins: int = 10) -> float:
    """Expected calibration error (Naeini, Cooper, Hauskrecht, 2015), bins of equal count.

    Args:
        probabilities: ``(n,)``, 0 to 1, what was predicted.
        outcomes: ``(n,)``, 0 or 1, what happened.
        bins: How many, at most n are used. Each has the same number of predictions, give or take
            one, neighbours in size.

    Returns:
        Mean distance, 0 to 1, between a bin's mean prediction and the share that happened, weighted
        by the bins' counts.
    """
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [abs(float(np.sum(probabilities[part] - outcomes[part]))) for part in parts]
    return sum(gaps) / len(order)


def brier_score(probabilities: Floats, outcomes: Floats) -> float:
    """Mean squared distance of predictions from what happened, 0 to 1 (Brier, 1950)."""
    return float(np.mean((probabilities - outcomes) ** 2))
