"""Searches in which some dimensions count more than others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shopsight.index.base import Metric, Neighbors, Vectors


def weighted(query: Vectors, weights: NDArray[np.float32]) -> Vectors:
    """A query some of whose dimensions count more, as long as it was.

    Args:
        query: ``(dimension,)``.
        weights: ``(dimension,)``, positive.

    Returns:
        ``(dimension,)`` float32. Its dot product with a vector is, up to a factor, the weighted one
        of query and vector, so that every index of the vectors as they are can be searched with it.
    """
    product = query.astype(np.float64) * weights
    length = np.linalg.norm(product)
    if length == 0:
        return query
    return np.asarray(product * (np.linalg.norm(query) / length), dtype=np.float32)


def rescored(found: Neighbors, query: Vectors, searched: Vectors, metric: Metric) -> Neighbors:
    """What a weighted query found, with scores such that the query itself would score best.

    The store compares the weighted query with vectors that are not weighted. With weights ``w``,
    parts whose lengths are the same in all vectors, and ``|x|`` for the weighted length of ``x``,
    the cosine of two vectors that are both weighted is ``sum(w q d) / (|q| |d|)`` with
    ``|d| = |q|``: the store's cosine divided by the one that the query has with itself. Where the
    lengths differ a little (standardised vectors), so do the scores from that cosine.

    Args:
        found: From the store.
        query: ``(dimension,)``, not weighted, not all zero.
        searched: The same, :func:`weighted`.
        metric: Of the store.

    Returns:
        The same rows in the same order, with cosines of at most 1; for L2, as long as all vectors
        have the query's length, minus the squared distance that such a cosine makes.
    """
    square = float(np.vdot(query, query))
    own = float(np.vdot(query, searched)) / square
    if metric is Metric.COSINE:
        scores = np.minimum(found.scores / own, 1)
    else:
        scores = np.minimum((found.scores + 2 * square) / own - 2 * square, 0)
    return replace(found, scores=scores.astype(np.float32))
