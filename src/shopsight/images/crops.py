"""Cuts parts out of pictures for an encoder."""

from __future__ import annotations

import numpy as np
from PIL import Image

from shopsight.images.boxes import Box
from shopsight.images.preprocessing import Preprocessing


def square_around(size: tuple[int, int], box: Box) -> Box:
    """The square around a box, so that nothing of it is lost where encoders take squares.

    It is moved into the picture as far as it fits.

    Args:
        size: Width and height of the picture in pixels.
        box: Part of it.

    Returns:
        A square of whole pixels, its side the longer one of the box, in fractions of the picture.
        Where the box is longer than the picture is wide or high, it reaches beyond 0 and 1.
    """
    width, height = size
    side = max(round((box.x2 - box.x1) * width), round((box.y2 - box.y1) * height), 1)
    left = _start(box.x1 * width, box.x2 * width, side, width)
    top = _start(box.y1 * height, box.y2 * height, side, height)
    return Box(left / width, top / height, (left + side) / width, (top + side) / height)


def square_cut(image: Image.Image, box: Box) -> Image.Image:
    """The picture in :func:`square_around` a box; beyond its edges, they are drawn out.

    Args:
        image: Upright picture of mode RGB.
        box: Part of it.
    """
    width, height = image.size
    square = square_around(image.size, box)
    left, top = round(square.x1 * width), round(square.y1 * height)
    right, bottom = round(square.x2 * width), round(square.y2 * height)
    inner = image.crop((max(left, 0), max(top, 0), min(right, width), min(bottom, height)))
    if inner.size == (right - left, bottom - top):
        return inner
    before, above = max(-left, 0), max(-top, 0)
    after, below = right - left - before - inner.width, bottom - top - above - inner.height
    return Image.fromarray(
        np.pad(np.asarray(inner), ((above, below), (before, after), (0, 0)), mode="edge")
    )


def whole_square(preprocessing: Preprocessing) -> Preprocessing:
    """How a square from :func:`square_cut` is prepared: nothing more is cut off its edges."""
    return preprocessing.model_copy(update={"crop_ratio": 1.0})


def _start(low: float, high: float, side: int, whole: int) -> int:
    """Where a square around ``low`` to ``high`` begins along one axis."""
    if side >= whole:
        return (whole - side) // 2
    return min(max(round((low + high - side) / 2), 0), whole - side)
