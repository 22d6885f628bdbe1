"""Cells of pictures: made by the encoder or by hiding places, and remembered."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import CellEncoder, Encoder, Pixels, Vectors
from shopsight.images.boxes import Box
from shopsight.search.explaining.occlusion import occlusion_cells
from shopsight.search.explaining.sight import Sight

MOST_CELLS = 32
"""Of a grid that several looks at a picture share, per side."""

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PictureCells:
    """A picture's vector, and what each place adds to it.

    Attributes:
        vector: ``(dimension,)`` float32, as the encoder made it.
        cells: ``(h, w, dimension)`` float32, on the same scale.
        sight: Where the cells lie on the picture.
        exact: The cells add up to the vector. Otherwise they are differences that hiding a place
            makes, and add up to something near it at best.
    """

    vector: Vectors
    cells: NDArray[np.float32]
    sight: Sight
    exact: bool

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return self.vector.nbytes + self.cells.nbytes


def picture_cells(encoder: Encoder, pixels: Pixels, sights: Sequence[Sight]) -> list[PictureCells]:
    """Cells of prepared pictures.

    Costs one forward pass for each picture if the encoder has cells, and otherwise
    :data:`.occlusion.GRID` ** 2 + 1.

    Args:
        encoder: With cells or without.
        pixels: ``(n, size, size, 3)`` uint8; n may be 0.
        sights: Where each lies on its picture.

    Raises:
        EncoderError: Wrong pixels, or the model failed.
    """
    if isinstance(encoder, CellEncoder):
        vectors, cells = encoder.encode_cells(pixels)
        found = zip(vectors, cells, sights, strict=True)
        # Copies, so that one that is kept does not hold the rest of the batch in memory.
        return [
            PictureCells(vector.copy(), each.copy(), sight, exact=True)
            for vector, each, sight in found
        ]
    return [
        PictureCells(*occlusion_cells(encoder, picture), sight, exact=False)
        for picture, sight in zip(pixels, sights, strict=True)
    ]


def joined_cells(pictures: Sequence[PictureCells], shares: Sequence[float]) -> PictureCells:
    """Cells of a query whose vector is made of several looks at one picture.

    Such as at all of it and at its main subject. The cells of all looks are shared out over one
    fine grid in proportion to the areas they have in common, which keeps their sum.

    Args:
        pictures: The looks, at least one; sights are on the same picture.
        shares: How much each counts, as for :func:`shopsight.search.photos.joined`.

    Returns:
        The vector is the weighted sum at unit length, and the cells make it up.
    """
    if len(pictures) == 1:
        return pictures[0]
    length = float(np.linalg.norm(np.asarray(shares) @ np.stack([one.vector for one in pictures])))
    if length <= np.finfo(np.float32).eps:
        return pictures[0]
    squares = np.array([one.sight.square for one in pictures])
    whole = (*squares[:, :2].min(axis=0).tolist(), *squares[:, 2:].max(axis=0).tolist())
    rows, columns = (_fineness(pictures, whole, axis) for axis in (1, 0))
    cells = np.zeros((rows, columns, len(pictures[0].vector)))
    vector = np.zeros(len(pictures[0].vector))
    for one, share in zip(pictures, shares, strict=True):
        down = _overlap(one, whole, 1, rows)
        across = _overlap(one, whole, 0, columns)
        scaled = one.cells * (share / length)
        # Without BLAS, whose threads go on waiting for work while the next pass wants to run.
        cells += np.einsum("cj,rjd->rcd", across, np.einsum("ri,ijd->rjd", down, scaled))
        vector += one.vector * (share / length)
    parts = np.array([one.sight.part for one in pictures])
    part = Box(*parts[:, :2].min(axis=0).tolist(), *parts[:, 2:].max(axis=0).tolist())
    return PictureCells(
        vector.astype(np.float32),
        cells.astype(np.float32),
        Sight(whole, part),
        exact=all(one.exact for one in pictures),
    )


def _fineness(
    pictures: Sequence[PictureCells], whole: tuple[float, float, float, float], axis: int
) -> int:
    """Cells along an axis of the common grid: no coarser than the finest look, within reason."""
    finest: float = min(
        (one.sight.square[axis + 2] - one.sight.square[axis]) / one.cells.shape[1 - axis]
        for one in pictures
    )
    return min(math.ceil((whole[axis + 2] - whole[axis]) / finest - _ROUNDING), MOST_CELLS)


def _overlap(
    picture: PictureCells, whole: Sequence[float], axis: int, count: int
) -> NDArray[np.float64]:
    """Share of each of a look's rows or columns in each of the common grid's: ``(grid, look)``."""
    square = picture.sight.square
    own = np.linspace(square[axis], square[axis + 2], picture.cells.shape[1 - axis] + 1)
    common = np.linspace(whole[axis], whole[axis + 2], count + 1)
    shared = np.minimum(common[1:, None], own[1:]) - np.maximum(common[:-1, None], own[:-1])
    return np.asarray(shared.clip(0) / (own[1:] - own[:-1]), np.float64)


class Kept(Protocol):
    """What is remembered of a picture."""

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        ...


KeptT = TypeVar("KeptT", bound=Kept)


class CellCache(Generic[KeptT]):
    """Pictures that were explained lately, with their cells. Safe to use from several threads.

    Args:
        max_bytes: Memory for all; what was not used for longest goes first. 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, KeptT] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Memory that is in use."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def get(
        self,
        keys: Sequence[Hashable],
        make: Callable[[Sequence[int]], Sequence[KeptT]],
    ) -> list[KeptT]:
        """Pictures, those that are not known made together.

        Two threads that miss the same picture at once both make it.

        Args:
            keys: Name the pictures. A key changes with the bytes of the picture, with the encoder
                (its fingerprint), and with the part of the picture that was prepared.
            make: Called with the places in ``keys`` of what is missing, each picture once, and
                returns them in that order; not called if nothing is missing. What it raises
                goes through, and nothing is kept.

        Returns:
            The pictures, in the order of ``keys``.
        """
        with self._lock:
            found = {key: self._kept[key] for key in keys if key in self._kept}
            for key in found:
                self._kept.move_to_end(key)
        missing = {key: place for place, key in enumerate(keys) if key not in found}
        if missing:
            made = make(list(missing.values()))
            new = dict(zip(missing, made, strict=True))
            found |= new
            self._keep(new)
        return [found[key] for key in keys]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _keep(self, new: dict[Hashable, KeptT]) -> None:
        with self._lock:
            for key, cells in new.items():
                before = self._kept.pop(key, None)
                self._bytes += cells.nbytes - (before.nbytes if before else 0)
                self._kept[key] = cells
            while self._bytes > self._max_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= gone.nbytes
