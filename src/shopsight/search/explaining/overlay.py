"""A picture with its contributions painted over it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.search.explaining.sight import Sight

SIDE = 400
"""Pixels of the longer side at most."""

_COLORS = np.array(
    [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]], np.float32
)
"""From little to much: points of Matplotlib's ``plasma`` (CC0), whose lightness rises evenly, so
that it is read right with any kind of colour vision, and in grey."""

_FAINT, _OPAQUE = 0.1, 0.7
"""Share of the largest contribution from which anything is painted, and the thickest paint."""

_LEVELS = 255

_DIMMED = 0.75
"""How light the picture's grey is left: colours stand out from it."""


def overlay_png(
    image: Image.Image, cells: NDArray[np.float32], sight: Sight, *, side: int = SIDE
) -> bytes:
    """Paint what the places of a picture added to a score.

    The picture becomes grey, and over it lies a smooth map of what is positive: the more, the
    lighter and thicker, from violet over red to yellow, relative to the largest. What the encoder
    did not see stays grey, and so does all if nothing is positive.

    Args:
        image: The upright picture, mode RGB.
        cells: ``(h, w)``, such as ``Contributions.cells``.
        sight: Where they lie on the picture.
        side: Pixels of the longer side at most; the picture is not enlarged.

    Returns:
        A PNG file; the same for the same input.
    """
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=None)
    levels = (_heat(cells, sight, small.size) * _LEVELS).round().astype(np.uint8)
    shares = np.linspace(0, 1, _LEVELS + 1)
    steps = np.linspace(0, 1, len(_COLORS))
    paint = Image.fromarray(levels)
    paint.putpalette(
        np.stack([np.interp(shares, steps, channel) for channel in _COLORS.T], axis=-1)
        .round()
        .astype(np.uint8)
        .tobytes()
    )
    thick = _OPAQUE * np.clip((shares - _FAINT) / (0.5 - _FAINT), 0, 1) * _LEVELS
    cover = Image.fromarray(thick.round().astype(np.uint8)[levels])
    grey = small.convert("L").point([round(_DIMMED * level) for level in range(_LEVELS + 1)])
    mixed = Image.composite(paint.convert("RGB"), grey.convert("RGB"), cover)
    buffer = io.BytesIO()
    mixed.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _heat(cells: NDArray[np.float32], sight: Sight, size: tuple[int, int]) -> NDArray[np.float32]:
    """Positive contributions over a picture of some size, ``(height, width)``, 0 to 1."""
    width, height = size
    if cells.max() <= 0:
        return np.zeros((height, width), np.float32)
    x1, y1, x2, y2 = sight.square
    across = _weights((np.arange(width) + 0.5) / width, x1, x2, cells.shape[1])
    down = _weights((np.arange(height) + 0.5) / height, y1, y2, cells.shape[0])
    heat = down @ np.maximum(cells, 0) @ across.T
    part = sight.part
    xs, ys = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    inside = ((ys >= part.y1) & (ys <= part.y2))[:, None] & ((xs >= part.x1) & (xs <= part.x2))
    return np.asarray(np.where(inside, heat / heat.max(), 0), np.float32)


def _weights(
    places: NDArray[np.float64], start: float, stop: float, count: int
) -> NDArray[np.float64]:
    """What each of ``count`` cells from start to stop counts at places: ``(places, cells)``.

    Quadratic B-splines around the middles of cells, which show no edges; each row adds up to 1.
    """
    along = ((places - start) / (stop - start) * count - 0.5).clip(0, count - 1)
    apart = np.abs(along[:, None] - np.arange(count))
    # Within half a cell the second square is taken off the first, which leaves 3/4 - apart^2.
    near = ((1.5 - apart).clip(0) ** 2 - 3 * (0.5 - apart).clip(0) ** 2) / 2
    return np.asarray(near / near.sum(axis=1, keepdims=True))
