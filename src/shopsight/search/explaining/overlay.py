"""A picture with its contributions painted over it."""

from __future__ import annotations

import io
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.search.explaining.sight import Sight

SIDE = 320
"""Pixels of the longer side at most."""

_COARSER = 4
"""Pixels per place where the map is worked out; it is smooth, so what lies between is drawn in."""

_COLORS = np.array(
    [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]], np.float32
)
"""From little to much: points of Matplotlib's ``plasma`` (CC0), whose lightness rises evenly, so
that it is read right with any kind of colour vision, and in grey."""

_FAINT, _OPAQUE = 0.1, 0.7
"""Share of the largest contribution from which anything is painted, and the thickest paint."""

_LEVELS = 255
_PALETTE = 256

_REDUCING_GAP = 2.0

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
    small = thumbnail(image, side)
    levels = _heat(cells, sight, small.size)
    grey = small.convert("L").point([round(_DIMMED * level) for level in range(_LEVELS + 1)])
    paint = Image.merge("RGB", [levels.point(channel) for channel in _paint()])
    mixed = Image.composite(paint, grey.convert("RGB"), levels.point(_cover()))
    # A palette of this picture's own looks the same and is several times faster to compress.
    flat = mixed.quantize(_PALETTE, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    flat.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def thumbnail(image: Image.Image, side: int = SIDE) -> Image.Image:
    """The picture, its longer side at most so many pixels; itself if that is so already."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)


@cache
def _paint() -> tuple[list[int], ...]:
    """Red, green and blue of each level of the map."""
    shares = np.linspace(0, 1, _LEVELS + 1)
    steps = np.linspace(0, 1, len(_COLORS))
    channels = (np.interp(shares, steps, channel).round() for channel in _COLORS.T)
    return tuple(channel.astype(int).tolist() for channel in channels)


@cache
def _cover() -> list[int]:
    """How thick the paint of each level is, 0 to 255."""
    shares = np.linspace(0, 1, _LEVELS + 1)
    thick = _OPAQUE * np.clip((shares - _FAINT) / (0.5 - _FAINT), 0, 1) * _LEVELS
    levels: list[int] = thick.round().astype(int).tolist()
    return levels


def _heat(cells: NDArray[np.float32], sight: Sight, size: tuple[int, int]) -> Image.Image:
    """Positive contributions over a picture of some size, mode L, the largest 255."""
    blank = Image.new("L", size)
    if cells.max() <= 0:
        return blank
    width, height = (math.ceil(side / _COARSER) for side in size)
    x1, y1, x2, y2 = sight.square
    across = _weights((np.arange(width) + 0.5) / width, x1, x2, cells.shape[1])
    down = _weights((np.arange(height) + 0.5) / height, y1, y2, cells.shape[0])
    # Without BLAS, whose threads would wait for each other longer than this takes.
    rows = np.einsum("yi,ij->yj", down, np.maximum(cells, 0))
    heat = np.einsum("yj,xj->yx", rows, across)
    levels = Image.fromarray((heat / heat.max() * _LEVELS).round().astype(np.uint8))
    part = sight.part
    edges = (part.x1 * size[0], part.y1 * size[1], part.x2 * size[0], part.y2 * size[1])
    left, top, right, bottom = (round(edge) for edge in edges)
    inside = (left, top, right, bottom)
    blank.paste(levels.resize(size, Image.Resampling.BILINEAR).crop(inside), inside)
    return blank


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
