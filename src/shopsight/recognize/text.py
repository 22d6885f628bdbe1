"""The seam to what reads text on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopsight.images.boxes import Box


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text on a picture.

    Attributes:
        text: What it says; neither empty nor surrounded by white space.
        confidence: That it was read right, 0 to 1.
        box: Where it is; of tilted lines, the upright box around them.
    """

    text: str
    confidence: float
    box: Box


@runtime_checkable
class TextReader(Protocol):
    """Reads text on pictures. Safe to call from several threads."""

    def read(self, pixels: NDArray[np.uint8], budget_s: float) -> Sequence[TextLine]:
        """Read the lines on an upright picture.

        Args:
            pixels: ``(height, width, 3)`` uint8 RGB, of any size. They are not changed.
            budget_s: Seconds after which no further line is begun. The largest lines are read
                first, so what is missing then is the small print.

        Returns:
            The lines that were read, from top to bottom; none where there is no text.

        Raises:
            EncoderError: The model failed.
        """
        ...

    def close(self) -> None:
        """Free the models. May be called twice."""
        ...
