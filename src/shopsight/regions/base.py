"""The region seam: a picture in, the boxes of the things on it out."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from PIL import Image

from shopsight.images.boxes import Box


class Region(NamedTuple):
    """A thing on a picture, of whatever kind.

    Attributes:
        box: Where it is.
        confidence: That it is a thing, 0 to 1. Comparable within one finder only.
    """

    box: Box
    confidence: float


@runtime_checkable
class RegionFinder(Protocol):
    """Finds things on pictures without knowing what they are.

    Implementations are safe to call from several threads, and pass
    ``shopsight.testing.regions.RegionConformance``.
    """

    @property
    def name(self) -> str:
        """What it is loaded by: ``default``, or the path of a model file."""
        ...

    def find(self, image: Image.Image) -> tuple[Region, ...]:
        """The things on a picture.

        Args:
            image: Upright picture of mode RGB, of any size and aspect, as
                :func:`shopsight.images.prepare.decode` returns it. It is not changed.

        Returns:
            Most confident first; no two boxes of the same thing, none of the whole picture. Empty
            if nothing is found.

        Raises:
            EncoderError: The model failed, or is closed.
        """
        ...

    def close(self) -> None:
        """Free the model. Further calls are errors."""
        ...
