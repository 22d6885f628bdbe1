"""How scores come about, so that they can be split up: the formulas of the index, spelled out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.index.base import Metric
from shopsight.index.standardize import Standardizer

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """What a search compared vectors by.

    With q and p the vectors of query and product, scaled if the index is, and w the weights, every
    score is ``factor * sum(w q p) + constant``. See :meth:`terms`.

    Attributes:
        metric: Of the index.
        scaling: Of the index, if it is standardised.
        weights: ``(dimension,)`` as :func:`.weights.part_weights` gives them, or ``None``.
    """

    metric: Metric = Metric.COSINE
    scaling: Standardizer | None = None
    weights: NDArray[np.float32] | None = None

    def scaled(self, vectors: NDArray[np.float32]) -> Floats:
        """Vectors ``(..., dimension)`` as the index compares them."""
        exact = vectors.astype(np.float64)
        if self.scaling is None:
            return exact
        return np.asarray((exact - self.scaling.mean) / self.scaling.std, np.float64)

    def scaled_cells(self, cells: NDArray[np.float32]) -> Floats:
        """Cells ``(..., dimension)`` as the index compares vectors; the mean is of no place."""
        exact = cells.astype(np.float64)
        return exact if self.scaling is None else np.asarray(exact / self.scaling.std, np.float64)

    def terms(self, query: Floats, products: Floats) -> tuple[Floats, Floats]:
        """What turns ``sum(w q p)`` into the score.

        Without weights, the cosine has the factor ``1 / (|q| |p|)``, and minus the squared distance
        is ``2 sum(q p) - |q|^2 - |p|^2``. With weights, :func:`.weighted.rescored` has it, where
        ``own = sum(w q q) / (|w q| |q|)``: the cosine's factor is ``|q| / (|p| sum(w q q))``, and
        the distance is ``2 |q|^2 / sum(w q q) sum(w q p) + (|q|^2 - |p|^2) / own - 2 |q|^2``.

        Args:
            query: ``(dimension,)``, scaled, not all zero.
            products: ``(..., dimension)``, scaled, none of them all zero.

        Returns:
            The factors ``(...)`` and the constants ``(..., dimension)``, each dimension's own.
        """
        square = float(query @ query)
        lengths = np.linalg.norm(products, axis=-1)
        if self.weights is None:
            if self.metric is Metric.COSINE:
                return 1 / (square**0.5 * lengths), np.zeros_like(products)
            return np.full(lengths.shape, 2.0), -(query**2) - products**2
        weighted = self.weights * query
        whole = float(weighted @ query)
        if self.metric is Metric.COSINE:
            return square**0.5 / (lengths * whole), np.zeros_like(products)
        own = whole / (float(np.linalg.norm(weighted)) * square**0.5)
        constants = (query**2 - products**2) / own - 2 * query**2
        return np.full(lengths.shape, 2 * square / whole), constants

    def score(self, query: NDArray[np.float32], product: NDArray[np.float32]) -> float:
        """The score of two vectors ``(dimension,)`` as the encoder made them."""
        asked, stored = self.scaled(query), self.scaled(product)
        factor, constants = self.terms(asked, stored)
        return float(factor * (self.weighted(asked) @ stored) + constants.sum())

    def weighted(self, query: Floats) -> Floats:
        """``w q`` for vectors or cells ``(..., dimension)``."""
        return query if self.weights is None else query * self.weights

    def most(self) -> float:
        """The score that nothing exceeds."""
        return 1.0 if self.metric is Metric.COSINE else 0.0
