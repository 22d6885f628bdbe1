"""Figures before and after training, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

_Z = 1.959964  # 97.5 % of the normal distribution
_RESAMPLES = 1000
NEIGHBOURS = 5
"""Neighbours that vote in the figure ``knn``."""

_PART = 512


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95 % confidence interval.

    Attributes:
        value: The mean, 0 to 1.
        low: Lower end.
        high: Upper end.
        count: Photos it is the mean of.
    """

    value: float
    low: float
    high: float
    count: int

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "count": self.count,
        }

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def wilson(right: int, count: int) -> Figure:
    """A share with the score interval of Wilson (JASA 22, 1927): sound near 0 and 1 too."""
    if not count:
        return Figure(0.0, 0.0, 1.0, 0)
    share = right / count
    centre = share + _Z**2 / (2 * count)
    spread = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    scale = 1 + _Z**2 / count
    return Figure(share, (centre - spread) / scale, (centre + spread) / scale, count)


def bootstrap(values: NDArray[np.float64], groups: Sequence[str], seed: int = 0) -> Figure:
    """A mean with the percentile bootstrap interval over whole groups.

    Photos of one group are alike: resampling groups keeps the interval from being too narrow
    (Field, Welsh, Bootstrapping clustered data, 2007).
    """
    if not len(values):
        return Figure(0.0, 0.0, 1.0, 0)
    _, number = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(number, weights=values), np.bincount(number).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high), len(values))


def ranking(
    queries: Floats,
    gallery: Floats,
    query_labels: Labels,
    gallery_labels: Labels,
    *,
    hidden: NDArray[np.int64] | None = None,
    gallery_groups: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Average precision and first-place success of every query.

    Args:
        queries: ``(n, d)``, unit rows.
        gallery: ``(m, d)``, unit rows.
        query_labels: ``(n,)``.
        gallery_labels: ``(m,)``; a picture with the query's label is relevant.
        hidden: ``(n,)`` group of each query, whose pictures it does not see, itself among them.
        gallery_groups: ``(m,)`` groups of the gallery's pictures.

    Returns:
        ``(n,)`` average precisions, ``(n,)`` 1 where the first is relevant, and ``(n,)`` which
        queries have a relevant picture at all; the others' figures are 0.
    """
    precision = np.zeros(len(queries))
    first = np.zeros(len(queries))
    possible = np.zeros(len(queries), dtype=bool)
    for start in range(0, len(queries), _PART):
        part = slice(start, start + _PART)
        scores = queries[part] @ gallery.T
        for row, number in enumerate(range(start, start + len(scores))):
            seen = np.ones(len(gallery), dtype=bool)
            if hidden is not None and gallery_groups is not None:
                seen = gallery_groups != hidden[number]
            order = np.argsort(-scores[row][seen], kind="stable")
            relevant = (gallery_labels[seen] == query_labels[number])[order]
            ranks = np.flatnonzero(relevant) + 1
            if len(ranks):
                possible[number] = True
                precision[number] = float(np.mean(np.arange(1, len(ranks) + 1) / ranks))
                first[number] = float(ranks[0] == 1)
    return precision, first, possible


def voted(queries: Floats, gallery: Floats, labels: Labels, k: int = NEIGHBOURS) -> Labels:
    """Label of each query by the similarity-weighted vote of its k nearest gallery pictures."""
    found = np.empty(len(queries), np.int64)
    classes = int(labels.max()) + 1
    for start in range(0, len(queries), _PART):
        scores = queries[start : start + _PART] @ gallery.T
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        for row, chosen in enumerate(nearest):
            weights = np.maximum(scores[row][chosen], 1e-6)
            votes = np.bincount(labels[chosen], weights=weights, minlength=classes)
            found[start + row] = int(votes.argmax())
    return found
