"""Boxes in pictures: checking, clipping, overlap."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

from shopsight.errors import QueryError


class Box(NamedTuple):
    """Part of an upright picture, in fractions of its width and height, origin at the top left.

    Attributes:
        x1: Left edge, 0 to 1.
        y1: Upper edge, 0 to 1.
        x2: Right edge, more than ``x1``.
        y2: Lower edge, more than ``y1``.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def checked(cls, x1: float, y1: float, x2: float, y2: float) -> Self:
        """A box that makes sense.

        Raises:
            QueryError: A number is not finite, the box is reversed or empty, or it is not inside
                the picture; says which.
        """
        box = cls(float(x1), float(y1), float(x2), float(y2))
        named = ", ".join(f"{name}={value:g}" for name, value in zip(cls._fields, box, strict=True))
        if not all(math.isfinite(value) for value in box):
            raise QueryError(f"The box ({named}) has a number that is not finite.")
        if not all(0 <= value <= 1 for value in box):
            raise QueryError(
                f"The box ({named}) is not inside the picture: give fractions of its width and "
                "height, 0 to 1."
            )
        if box.x2 <= box.x1 or box.y2 <= box.y1:
            raise QueryError(
                f"The box ({named}) is reversed or empty: x1 must be less than x2, y1 less than y2."
            )
        return box

    @property
    def area(self) -> float:
        """Share of the picture, 0 to 1."""
        return max(self.x2 - self.x1, 0.0) * max(self.y2 - self.y1, 0.0)

    def grown(self, share: float) -> Self:
        """The box with ``share`` of its sides added on every side, clipped to the picture."""
        dx, dy = (self.x2 - self.x1) * share, (self.y2 - self.y1) * share
        return type(self)(
            max(self.x1 - dx, 0.0),
            max(self.y1 - dy, 0.0),
            min(self.x2 + dx, 1.0),
            min(self.y2 + dy, 1.0),
        )


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
"""All of a picture."""

MARGIN = 0.1
"""Of a box's sides: what searches see around it. Boxes, found or drawn, cut things off."""


def intersection(one: Box, other: Box) -> float:
    """Area that two boxes share, as a fraction of the picture."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    return max(width, 0.0) * max(height, 0.0)


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes (Jaccard index), 0 to 1."""
    shared = intersection(one, other)
    union = one.area + other.area - shared
    return shared / union if union > 0 else 0.0
