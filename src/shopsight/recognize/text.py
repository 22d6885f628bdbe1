"""The seam to what reads text on pictures."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read on a picture.

    Attributes:
        lines: From top to bottom; none where there is no text, or no time was left.
        complete: Whether all lines that there are were looked at. Otherwise the time was up before,
            and the smallest are missing, or all.
    """

    lines: tuple[TextLine, ...] = ()
    complete: bool = True


CUT_SHORT = Reading((), complete=False)
"""There was no time to read anything."""


@runtime_checkable
class TextReader(Protocol):
    """Reads text on pictures. Safe to call from several threads."""

    def prepare(self) -> None:
        """Load the models, unless that was done: it is part of no budget.

        Raises:
            EncoderError: A model cannot be loaded.
        """
        ...

    def read(self, pixels: NDArray[np.uint8], budget_s: float) -> Reading:
        """Read the lines on an upright picture.

        Args:
            pixels: ``(height, width, 3)`` uint8 RGB, of any size. They are not changed.
            budget_s: Seconds after which no further line is begun. The largest lines are read
                first, so what is missing then is the small print. What was begun may take longer:
                see :class:`shopsight.recognize.timely_reader.TimelyReader`.

        Raises:
            EncoderError: The model failed.
        """
        ...

    def close(self) -> None:
        """Free the models. May be called twice."""
        ...
