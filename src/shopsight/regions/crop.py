"""Cuts a thing out of a picture, so that an encoder sees all of it and little else."""

from __future__ import annotations

import numpy as np
from PIL import Image

from shopsight.images.boxes import Box

MARGIN = 0.1
"""Added on every side, as a share of the box's longer side: boxes are not exact, and encoders were
trained on things with some room around them."""

_LEAST = 2


def window(box: Box, size: tuple[int, int], margin: float = MARGIN) -> Box:
    """The part of a picture to look at for a box: as square as the picture allows.

    Encoders cut their input to a square; a square cut around the thing leaves nothing for them to
    cut off. It is moved, rather than cut, where it would leave the picture.

    Args:
        box: Where the thing is.
        size: Width and height of the picture in pixels.
        margin: Added on every side, as a share of the box's longer side; at least 0.

    Returns:
        A part of the picture with the box in it.
    """
    width, height = size
    side = max((box.x2 - box.x1) * width, (box.y2 - box.y1) * height) * (1 + 2 * margin)
    x1, x2 = _interval((box.x1 + box.x2) / 2 * width, side, width)
    y1, y2 = _interval((box.y1 + box.y2) / 2 * height, side, height)
    return Box(x1 / width, y1 / height, x2 / width, y2 / height)


def cropped(image: Image.Image, box: Box, margin: float = MARGIN) -> Image.Image:
    """A square picture of the thing in a box.

    Args:
        image: Of mode RGB.
        box: Where the thing is.
        margin: As for :func:`window`.

    Returns:
        The window of the picture. Where the picture is too narrow for a square, the colour that is
        usual along the cut's edges fills it up, so that nothing of the thing is cut off later.
    """
    part = window(box, image.size, margin)
    x1, y1 = round(part.x1 * image.width), round(part.y1 * image.height)
    x2 = max(round(part.x2 * image.width), min(x1 + _LEAST, image.width))
    y2 = max(round(part.y2 * image.height), min(y1 + _LEAST, image.height))
    cut = image.crop((min(x1, x2 - 1), min(y1, y2 - 1), x2, y2))
    side = max(cut.size)
    if cut.width == cut.height:
        return cut
    page = Image.new("RGB", (side, side), _edge_color(cut))
    page.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return page


def _interval(middle: float, side: float, extent: int) -> tuple[float, float]:
    """``side`` pixels around a place, moved to lie within ``extent``, cut if that is shorter."""
    if side >= extent:
        return 0.0, float(extent)
    start = min(max(middle - side / 2, 0.0), extent - side)
    return start, start + side


def _edge_color(image: Image.Image) -> tuple[int, int, int]:
    pixels = np.asarray(image)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = (int(value) for value in np.median(edge, axis=0))
    return red, green, blue
