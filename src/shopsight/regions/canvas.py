"""Lays a picture on a canvas of a size that a detector takes, whole and undistorted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.images.boxes import Box

UNIT = 32
"""Sides of a canvas are multiples of the largest stride of the networks."""

_REDUCING_GAP = 3.0


class Canvas(NamedTuple):
    """A picture at the top left of a canvas.

    Attributes:
        pixels: ``(height, width, 3)`` uint8 RGB.
        width: Of the picture on the canvas, in pixels.
        height: Of the picture on the canvas, in pixels.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Corners in pixels of the canvas as fractions of the picture, clipped to it."""
        return Box(
            min(max(x1 / self.width, 0.0), 1.0),
            min(max(y1 / self.height, 0.0), 1.0),
            min(max(x2 / self.width, 0.0), 1.0),
            min(max(y2 / self.height, 0.0), 1.0),
        )


def canvas_size(width: int, height: int, area: int, longest: int) -> tuple[int, int]:
    """The canvas on which a picture of these proportions comes out largest.

    Args:
        width: Of the picture.
        height: Of the picture.
        area: Pixels of the canvas at most.
        longest: Pixels of its longer side at most.

    Returns:
        Width and height, multiples of :data:`UNIT`; of equally good ones, the smallest.
    """
    sides = range(UNIT, longest + 1, UNIT)
    sizes = [(across, down) for across in sides for down in sides if across * down <= area]
    return max(sizes, key=lambda size: (_scale(size, width, height), -size[0] * size[1]))


def laid_out(image: Image.Image, size: tuple[int, int], fill: int) -> Canvas:
    """A picture scaled to fit a canvas, bilinearly and antialiased.

    Args:
        image: Of mode RGB.
        size: Width and height of the canvas.
        fill: Grey level beside the picture, 0 to 255.
    """
    scale = _scale(size, *image.size)
    width = min(max(round(image.width * scale), 1), size[0])
    height = min(max(round(image.height * scale), 1), size[1])
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
    pixels = np.full((size[1], size[0], 3), fill, np.uint8)
    pixels[:height, :width] = np.asarray(small)
    return Canvas(pixels, width, height)


def _scale(size: tuple[int, int], width: int, height: int) -> float:
    return min(size[0] / width, size[1] / height)
