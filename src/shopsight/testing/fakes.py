"""Small real implementations, so that whole-pipeline tests run fast and without models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec, Part, Pixels, Vectors
from shopsight.encoders.checks import check_pixels
from shopsight.encoders.files import EncodesFiles
from shopsight.errors import EncoderError
from shopsight.images.preprocessing import Preprocessing

GRID = 8
"""Cells per side."""

SIZE = 32
"""Side of the input in pixels."""

CENTRE = 127.5 + 1 / 32
"""Middle grey. Cell means are multiples of 1/16: none is exactly this, no vector has length 0."""


class ThumbnailEncoder(EncodesFiles):
    """Encoder whose vector is the picture itself, shrunk to 8 x 8 pixels.

    Pictures with like colours in like places get like vectors, which is enough to test everything
    around an encoder. Deterministic, thread-safe, and needs no model file.

    Args:
        threads: Accepted as every encoder does; there is nothing to run in parallel.
    """

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._closed = False
        self._spec = EncoderSpec(
            name="thumbnail",
            dimension=GRID * GRID * 3,
            preprocessing=Preprocessing(size=SIZE, fit="pad", interpolation="bilinear"),
            fingerprint="thumbnail-8x8-1",
            licence="Apache-2.0",
            source="shopsight.testing.fakes",
        )

    @property
    def spec(self) -> EncoderSpec:
        """Facts about this encoder."""
        return self._spec

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures: ``(n, 32, 32, 3)`` uint8 to ``(n, 192)`` float32 unit rows.

        Raises:
            EncoderError: Wrong shape or dtype, or the encoder is closed.
        """
        if self._closed:
            raise EncoderError("The encoder 'thumbnail' is closed: load it again")
        check_pixels(pixels, self._spec)
        block = SIZE // GRID
        blocks = pixels.reshape(len(pixels), GRID, block, GRID, block, 3)
        means = blocks.mean(axis=(2, 4), dtype=np.float32) - np.float32(CENTRE)
        vectors = means.reshape(len(pixels), self._spec.dimension)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def encode_cells(self, pixels: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """Embed prepared pictures and their cells, each holding its own colour only.

        Returns:
            ``(n, 192)`` vectors and ``(n, 8, 8, 192)`` cells, float32.

        Raises:
            EncoderError: As :meth:`encode_images`.
        """
        vectors = self.encode_images(pixels)
        cells = np.zeros((len(vectors), GRID * GRID, GRID * GRID, 3), np.float32)
        every = np.arange(GRID * GRID)
        cells[:, every, every] = vectors.reshape(len(vectors), GRID * GRID, 3)
        return vectors, cells.reshape(len(vectors), GRID, GRID, self._spec.dimension)

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True


COLOR_SHARE = 0.25
"""Share of the squared length that the colour part of :class:`TwoPartEncoder` holds."""

LEVELS = 4
"""Steps of red, green and blue that its colours are counted in."""

FOREGROUND = 24
"""What differs so much from the upper left corner, in any channel, is no background."""


class TwoPartEncoder(EncodesFiles):
    """Encoder whose vectors have two parts, for tests of what weights them.

    ``shape``: where the picture is lighter and darker than its mean, on 8 x 8 cells, whatever its
    contrast. ``color``: which colours are in front of a plain background, wherever they are.
    Deterministic, thread-safe, and needs no model file.

    Args:
        threads: Accepted as every encoder does; there is nothing to run in parallel.
    """

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._closed = False
        cells = GRID * GRID
        self._spec = EncoderSpec(
            name="two-part",
            dimension=cells + LEVELS**3,
            preprocessing=Preprocessing(size=SIZE, fit="pad", interpolation="bilinear"),
            fingerprint="two-part-1",
            licence="Apache-2.0",
            source="shopsight.testing.fakes",
            parts=(
                Part(name=SHAPE, start=0, stop=cells),
                Part(name=COLOR, start=cells, stop=cells + LEVELS**3),
            ),
        )

    @property
    def spec(self) -> EncoderSpec:
        """Facts about this encoder."""
        return self._spec

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures: ``(n, 32, 32, 3)`` uint8 to ``(n, 128)`` float32 unit rows.

        Raises:
            EncoderError: Wrong shape or dtype, or the encoder is closed.
        """
        if self._closed:
            raise EncoderError("The encoder 'two-part' is closed: load it again")
        check_pixels(pixels, self._spec)
        shapes = np.sqrt(1 - COLOR_SHARE) * _shapes(pixels)
        colors = np.sqrt(COLOR_SHARE) * _colors(pixels)
        return np.concatenate([shapes, colors], axis=1).astype(np.float32)

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True


def _shapes(pixels: Pixels) -> NDArray[np.float64]:
    """Lightness of the cells above the mean, ``(n, 64)`` unit rows; equal in plain pictures."""
    block = SIZE // GRID
    blocks = pixels.reshape(len(pixels), GRID, block, GRID, block, 3)
    cells = blocks.mean(axis=(2, 4, 5)).reshape(len(pixels), GRID * GRID)
    relief = cells - cells.mean(axis=1, keepdims=True)
    relief[np.ptp(cells, axis=1) < 1] = 1
    unit: NDArray[np.float64] = relief / np.linalg.norm(relief, axis=1, keepdims=True)
    return unit


def _colors(pixels: Pixels) -> NDArray[np.float64]:
    """Square roots of the shares of the colours in front, ``(n, 64)`` unit rows."""
    flat = pixels.reshape(len(pixels), SIZE * SIZE, 3).astype(np.int64)
    front = (np.abs(flat - flat[:, :1]) > FOREGROUND).any(axis=2)
    front[~front.any(axis=1)] = True
    steps = flat * LEVELS // 256
    bins = (steps[..., 0] * LEVELS + steps[..., 1]) * LEVELS + steps[..., 2]
    counts = np.zeros((len(pixels), LEVELS**3))
    for row, (found, inside) in enumerate(zip(bins, front, strict=True)):
        counts[row] = np.bincount(found[inside], minlength=LEVELS**3)
    roots: NDArray[np.float64] = np.sqrt(counts / counts.sum(axis=1, keepdims=True))
    return roots
