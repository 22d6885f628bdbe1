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


def macro_f1(
    expected: NDArray[np.intp], guessed: NDArray[np.intp], counts: Floats, classes: int
) -> float:
    """Mean over classes of the harmonic mean of precision and recall; unguessed ones have 0.

    Args:
        expected: ``(n,)`` class of each photo, 0 to ``classes - 1``.
        guessed: ``(n,)`` guesses, 0 to ``classes``: the last is for all that no photo shows.
        counts: ``(n,)`` how often each photo counts.
        classes: How many there are; those that no counted photo shows are left out of the mean.
    """
    here = np.bincount(expected, counts, classes)
    said = np.bincount(guessed, counts, classes + 1)[:classes]
    both = np.bincount(expected, counts * (expected == guessed), classes)
    shown = here > 0
    return float(np.mean(2 * both[shown] / (here + said)[shown]))


def coverage_at(
    precision: float, confidence: Floats, right: Floats, known: NDArray[np.bool_], counts: Floats
) -> float:
    """Share of the known things that can be answered at some precision, by answering the sure ones.

    Args:
        precision: Share of the answers that must be right, 0 to 1.
        confidence: ``(n,)`` of each guess.
        right: ``(n,)`` 1 where the guess is right, else 0.
        known: ``(n,)`` which photos have a right answer; a guess for any other is wrong.
        counts: ``(n,)`` how often each photo counts.

    Returns:
        The largest share, over all thresholds of confidence; 0 if none reaches the precision.
    """
    order = np.argsort(-confidence, kind="stable")
    given = np.cumsum(counts[order])
    good = np.cumsum((counts * right)[order])
    covered = np.cumsum((counts * known)[order])
    ends = np.append(np.diff(confidence[order]) != 0, True)  # equal confidences stand or fall
    reached = ends & (good >= precision * given - 1e-9) & (given > 0)
    most = float(covered[reached].max()) if np.any(reached) else 0.0
    return most / float(counts[known].sum()) if np.any(counts[known]) else 0.0
