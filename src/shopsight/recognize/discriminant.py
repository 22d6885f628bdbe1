"""Classes from vectors without training: linear discriminant analysis in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Discriminant:
    """Scores of classes, linear in the vector.

    Attributes:
        weights: ``(dimension, classes)`` float32.
        offsets: ``(classes,)`` float32; minus infinity for a class that nothing is known of.
    """

    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores ``(n, classes)`` of vectors ``(n, dimension)``: log-likelihoods, but for a sum."""
        found: NDArray[np.float32] = vectors @ self.weights + self.offsets
        return found


class Moments:
    """Sums over vectors of classes: all that the analysis needs, whatever the number of vectors.

    Args:
        dimension: Length of the vectors.
        classes: How many there are.
    """

    def __init__(self, dimension: int, classes: int) -> None:
        self.counts: Floats = np.zeros(classes)
        self.sums: Floats = np.zeros((classes, dimension))
        self.products: Floats = np.zeros((dimension, dimension))

    def add(self, vectors: NDArray[np.float32], classes: Classes) -> None:
        """Take vectors ``(n, dimension)`` of classes ``(n,)`` into account."""
        if len(vectors):
            exact = vectors.astype(np.float64)
            np.add.at(self.counts, classes, 1.0)
            np.add.at(self.sums, classes, exact)
            self.products += exact.T @ exact

    def without(self, other: Moments) -> Moments:
        """The moments of those vectors that are not in another one, all of whose are in here."""
        rest = Moments(0, 0)
        rest.counts = self.counts - other.counts
        rest.sums = self.sums - other.sums
        rest.products = self.products - other.products
        return rest

    def discriminant(self, shrinkage: float) -> Discriminant:
        """Linear discriminant analysis with a shrunken covariance.

        All classes are taken to spread alike (Fisher, 1936). Their common covariance is mixed with
        a multiple of the identity (Friedman, Regularized Discriminant Analysis, 1989), as large as
        the spread of all vectors, so that classes of a single vector do no harm. Classes are taken
        to be equally frequent: what shoppers photograph is not what fills the catalogue.

        Args:
            shrinkage: Share of the identity, above 0, up to 1.
        """
        known = self.counts > 0
        count = float(self.counts.sum())
        dimension = self.sums.shape[1]
        means = self.sums / np.maximum(self.counts, 1)[:, None]
        middle = self.sums.sum(axis=0) / max(count, 1.0)
        scaled = self.sums[known] / np.sqrt(self.counts[known])[:, None]
        spread = (self.products - scaled.T @ scaled) / max(count, 1.0)
        total = float(np.trace(self.products)) / max(count, 1.0) - float(middle @ middle)
        size = max(total / dimension, float(np.finfo(np.float32).eps))
        covariance = (1 - shrinkage) * spread + shrinkage * size * np.eye(dimension)
        centred = means - middle
        weights = np.linalg.solve(covariance, centred.T)
        offsets = -0.5 * np.einsum("cd,dc->c", centred, weights) - middle @ weights
        weights[:, ~known] = 0
        offsets[~known] = -np.inf
        return Discriminant(weights.astype(np.float32), offsets.astype(np.float32))
