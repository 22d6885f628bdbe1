"""Scaling of every dimension to mean 0 and standard deviation 1 over the catalogue."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.errors import VectorIndexError

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Standardizer:
    """``(x - mean) / std`` per dimension.

    Attributes:
        mean: ``(dimension,)`` float32.
        std: ``(dimension,)`` float32, positive: population standard deviation, 1 where a dimension
            never varied.
    """

    mean: Vectors
    std: Vectors

    @classmethod
    def fit(cls, batches: Iterable[Vectors]) -> Standardizer:
        """Measure a catalogue in one pass, in float64.

        Batches are combined by the method of Chan, Golub and LeVeque, "Updating Formulae and a
        Pairwise Algorithm for Computing Sample Variances" (1979), which loses no precision where
        the mean is large.

        Args:
            batches: ``(n, dimension)`` each, finite; empty ones are skipped.

        Raises:
            VectorIndexError: There are no vectors, their lengths differ, or one is not finite.
        """
        count = 0
        mean = squares = np.zeros(0)
        for batch in batches:
            rows = np.asarray(batch, dtype=np.float64)
            if not len(rows):
                continue
            if rows.ndim != 2 or (count and rows.shape[1] != len(mean)):  # noqa: PLR2004  # rows and columns
                raise VectorIndexError(f"Vectors of the shape {rows.shape} cannot be standardised.")
            if not np.isfinite(rows).all():
                raise VectorIndexError("A vector that is not finite cannot be standardised.")
            if not count:
                mean = squares = np.zeros(rows.shape[1])
            centre = rows.mean(axis=0)
            shift = centre - mean
            total = count + len(rows)
            squares = (
                squares
                + ((rows - centre) ** 2).sum(axis=0)
                + shift**2 * (count * len(rows) / total)
            )
            mean = mean + shift * (len(rows) / total)
            count = total
        if not count:
            raise VectorIndexError(
                "Standardisation needs at least one vector: index a feed with pictures."
            )
        std = np.sqrt(squares / count).astype(np.float32)
        # Rounding leaves a little where a dimension is constant; scaling that up would only add
        # noise.
        constant = std <= np.abs(mean) * np.finfo(np.float32).eps
        return cls(mean.astype(np.float32), np.where(constant, np.float32(1), std))

    def apply(self, vectors: Vectors) -> Vectors:
        """Scale vectors ``(..., dimension)``."""
        return np.asarray((vectors - self.mean) / self.std, dtype=np.float32)

    def invert(self, vectors: Vectors) -> Vectors:
        """Undo :meth:`apply`, up to rounding."""
        return np.asarray(vectors * self.std + self.mean, dtype=np.float32)

    def to_dict(self) -> dict[str, str]:
        """As JSON can hold it: little-endian float32 in base64."""
        return {
            name: base64.b64encode(values.astype("<f4").tobytes()).decode()
            for name, values in (("mean", self.mean), ("std", self.std))
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Standardizer:
        """What :meth:`to_dict` wrote.

        Raises:
            VectorIndexError: It is not that.
        """
        try:
            mean, std = (
                np.frombuffer(base64.b64decode(values[name], validate=True), "<f4").astype(
                    np.float32
                )
                for name in ("mean", "std")
            )
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise VectorIndexError(f"The index's scaling is damaged ({error}).") from error
        if mean.shape != std.shape or not (
            np.isfinite(mean).all() and np.isfinite(std).all() and (std > 0).all()
        ):
            raise VectorIndexError("The index's scaling is damaged: its numbers make no sense.")
        return cls(mean, std)
