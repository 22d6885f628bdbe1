"""Nearness of vectors in NumPy: what every store's scores mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopsight.index.base import Metric, Neighbors, Vectors

_PART_BYTES = 262_144


def unit_rows(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; rows of zeros become NaN, which no search returns."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    empty = np.full_like(vectors, np.nan)
    return np.asarray(np.divide(vectors, norms, out=empty, where=norms > 0), dtype=np.float32)


def scores(metric: Metric, rows: Vectors, vector: Vectors) -> NDArray[np.float32]:
    """How near rows ``(n, d)`` are to a vector ``(d,)``, larger is nearer.

    Args:
        metric: For cosine the rows must have gone through :func:`unit_rows`.
        rows: Vectors to compare with.
        vector: Finite.
    """
    if metric is Metric.COSINE:
        return np.asarray(rows @ (vector / np.linalg.norm(vector)), dtype=np.float32)
    difference = rows - vector
    return np.asarray(-np.einsum("ij,ij->i", difference, difference), dtype=np.float32)


def scores_at(
    metric: Metric, rows: Vectors, places: NDArray[np.intp], vector: Vectors
) -> NDArray[np.float32]:
    """As :func:`scores`, of the rows at some places.

    The rows are copied in parts that stay in the processor's cache: several times faster than
    copying all of them to fresh memory first.
    """
    size = max(1, _PART_BYTES // rows[:1].nbytes)
    part = np.empty((min(size, len(places)), rows.shape[1]), np.float32)
    found = np.empty(len(places), np.float32)
    for start in range(0, len(places), size):
        chosen = places[start : start + size]
        copied = part[: len(chosen)]
        np.take(rows, chosen, axis=0, out=copied, mode="clip")  # the mode that does not buffer
        found[start : start + size] = scores(metric, copied, vector)
    return found


def best(values: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Positions of the ``k`` largest values, largest first, without those that are NaN."""
    usable = np.where(np.isnan(values), -np.inf, values)
    if k < len(values):
        top = np.argpartition(-usable, k - 1)[:k]
        top = top[np.argsort(-usable[top], kind="stable")]
    else:
        top = np.argsort(-usable, kind="stable")
    return top[~np.isnan(values[top])]


def merged(parts: Sequence[Neighbors], k: int) -> Neighbors:
    """The ``k`` best of several results."""
    values = np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)])
    ids = [key for part in parts for key in part.ids]
    products = [key for part in parts for key in part.product_ids]
    top = best(values, k)
    return Neighbors(
        ids=[ids[place] for place in top],
        product_ids=[products[place] for place in top],
        scores=values[top],
    )
