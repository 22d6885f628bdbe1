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

_GREYS, _SHADES, _PAINTED_GREYS = 60, 18, 23
"""The palette: greys where nothing is painted, shades of paint, and greys under one that covers
nothing; under thicker ones fewer can be told apart. That makes less than 256 colours."""

_DITHER = ((-0.375, 0.125), (0.375, -0.125))
"""What is added to the steps of four neighbouring pixels (Bayer): their mean shows what lies
between two colours of the palette."""

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
        image: The upright picture, mode RGB or L.
        cells: ``(h, w)``, such as ``Contributions.cells``.
        sight: Where they lie on the picture.
        side: Pixels of the longer side at most; the picture is not enlarged.

    Returns:
        A PNG file; the same for the same input.
    """
    small = grey_thumbnail(image, side)
    both = np.asarray(_heat(cells, sight, small.size)).astype(np.uint16) << 8
    both |= np.asarray(small)
    tables, colors = _palette()
    places = np.empty(both.shape, np.uint8)
    for (row, column), table in np.ndenumerate(tables):
        np.take(table, both[row::2, column::2], out=places[row::2, column::2])
    # With a palette, little is left to compress, and no filter to choose for each row.
    flat = Image.fromarray(places)
    flat.putpalette(colors)
    buffer = io.BytesIO()
    flat.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def grey_thumbnail(image: Image.Image, side: int = SIDE) -> Image.Image:
    """The picture in grey, mode L, its longer side at most so many pixels."""
    grey = image.convert("L")
    scale = side / max(image.size)
    if scale >= 1:
        return grey
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return grey.resize(size, Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)


@cache
def _palette() -> tuple[NDArray[np.object_], bytes]:
    """Which colour stands for a level of the map over a grey, and the colours.

    Returns:
        ``(2, 2)`` tables by row and column of the pixel, even or odd: each ``(65536,)`` uint8, for
        ``256 * level + grey`` a place in the palette; and the palette, red, green and blue in turn.
    """
    levels = np.arange(_LEVELS + 1)
    thickness = _OPAQUE * np.clip((levels / _LEVELS - _FAINT) / (0.5 - _FAINT), 0, 1)
    first = int(np.argmax(thickness > 0))
    shades = first + _middles(_SHADES) * (_LEVELS - first)
    steps = np.linspace(0, _LEVELS, len(_COLORS))
    paint = np.stack([np.interp(shades, steps, channel) for channel in _COLORS.T], axis=-1)
    thick = np.interp(shades, levels, thickness)
    beneath = np.rint(_PAINTED_GREYS * (1 - thick)).astype(int)
    starts = _GREYS + np.cumsum(beneath) - beneath
    light = _DIMMED * _LEVELS
    plain = np.tile(light * _middles(_GREYS)[:, None], len("RGB"))
    mixed = [
        cover * color + (1 - cover) * light * _middles(count)[:, None]
        for cover, color, count in zip(thick, paint, beneath, strict=True)
    ]
    colors = np.concatenate([plain, *mixed]).round().astype(np.uint8)

    def table(dither: float) -> NDArray[np.uint8]:
        grey = _step(levels / _LEVELS, _GREYS, dither)
        shade = _step((levels - first) / (_LEVELS - first), _SHADES, dither)[:, None]
        # The other way round, so that light and colour do not waver together.
        under = _step(levels / _LEVELS, beneath[shade], -dither)
        return np.where(levels[:, None] < first, grey, starts[shade] + under).astype(np.uint8)

    tables = np.empty((2, 2), object)
    for place, dither in np.ndenumerate(_DITHER):
        tables[place] = table(float(dither)).ravel()
    return tables, colors.tobytes()


def _middles(count: int) -> NDArray[np.float64]:
    """The middles of ``count`` equal steps from 0 to 1."""
    return (np.arange(count) + 0.5) / count


def _step(
    shares: NDArray[np.float64], count: int | NDArray[np.int64], dither: float
) -> NDArray[np.int64]:
    """Which of ``count`` equal steps from 0 to 1 stands for each share, moved by part of a step."""
    return np.floor(shares * count + dither).clip(0, count - 1).astype(np.int64)


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
