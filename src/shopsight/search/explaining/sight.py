"""Where on a picture lies what an encoder saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Sight:
    """Place of an encoder's square input on a picture.

    Attributes:
        square: ``(x1, y1, x2, y2)`` of the square, in fractions of the upright picture; where the
            square was filled up with a background, it reaches beyond the part that was shown, and
            so perhaps beyond 0 and 1.
        part: What of the picture is inside the square, 0 to 1.
    """

    square: tuple[float, float, float, float]
    part: Box

    def cell_boxes(self, rows: int, columns: int) -> NDArray[np.float64]:
        """Boxes of a grid of cells.

        The cells of a network see far beyond their own squares; what they say is mostly about them.

        Args:
            rows: Number of cells from top to bottom, at least 1.
            columns: Number of cells from left to right, at least 1.

        Returns:
            ``(rows, columns, 4)``: ``x1, y1, x2, y2`` as in :class:`.boxes.Box`, cut to ``part``;
            cells that show nothing but background have no area.
        """
        x1, y1, x2, y2 = self.square
        across = np.linspace(x1, x2, columns + 1).clip(self.part.x1, self.part.x2)
        down = np.linspace(y1, y2, rows + 1).clip(self.part.y1, self.part.y2)
        boxes = np.empty((rows, columns, 4))
        boxes[..., 0], boxes[..., 2] = across[:-1], across[1:]
        boxes[..., 1], boxes[..., 3] = down[:-1, None], down[1:, None]
        return boxes


def sight(preprocessing: Preprocessing, image_size: tuple[int, int], box: Box = WHOLE) -> Sight:
    """What of a picture an encoder sees: as :func:`.prepare.to_pixels` prepares it.

    Args:
        preprocessing: How the picture, or the part of it, was fitted into the square. If parts are
            fitted in another way than whole pictures, the one that was used here.
        image_size: Width and height of the upright picture; only their ratio matters, but for
            rounding.
        box: The part of the picture that was prepared; may reach beyond it, where something else
            was put in the picture's place.
    """
    width, height = image_size[0] * (box.x2 - box.x1), image_size[1] * (box.y2 - box.y1)
    if preprocessing.fit == "crop":
        kept = min(width, height) * preprocessing.crop_ratio
        left, top = (width - kept) / 2, (height - kept) / 2
        edges = (left / width, top / height, (left + kept) / width, (top + kept) / height)
    elif preprocessing.fit == "pad":
        x1, x2 = _padded(width, max(width, height), preprocessing.size)
        y1, y2 = _padded(height, max(width, height), preprocessing.size)
        edges = (x1, y1, x2, y2)
    else:
        edges = WHOLE
    wide, high = box.x2 - box.x1, box.y2 - box.y1
    x1, x2 = (box.x1 + wide * edges[side] for side in (0, 2))
    y1, y2 = (box.y1 + high * edges[side] for side in (1, 3))
    part = Box(
        max(x1, box.x1, 0.0), max(y1, box.y1, 0.0), min(x2, box.x2, 1.0), min(y2, box.y2, 1.0)
    )
    return Sight((x1, y1, x2, y2), part)


def _padded(extent: float, longest: float, size: int) -> tuple[float, float]:
    """Edges of the square along one side, in fractions of the picture's extent."""
    inner = max(1, round(extent * size / longest))
    before = (size - inner) // 2
    return -before / inner, (size - before) / inner
