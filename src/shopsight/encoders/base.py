"""The encoder seam: pixels (or words) in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shopsight.images.preprocessing import Preprocessing

Pixels = NDArray[np.uint8]
"""``(n, size, size, 3)`` uint8 RGB, upright, made by :func:`shopsight.images.prepare.to_pixels`."""

Vectors = NDArray[np.float32]
"""``(n, dimension)`` float32; rows have length 1."""


SHAPE = "shape"
"""Name of the part that says what a thing is and what form it has."""

COLOR = "color"
"""Name of the part that says which colours it has."""


class Part(BaseModel):
    """Neighbouring dimensions of a vector that say one thing, so that queries can weight them.

    Attributes:
        name: What they say: :data:`SHAPE`, :data:`COLOR`, or another lower-case word.
        start: First dimension.
        stop: The dimension after the last; more than ``start``.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    start: int = Field(ge=0)
    stop: int

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.stop <= self.start:
            raise ValueError(f"part {self.name!r} stops at {self.stop}, not after {self.start}")
        return self


def checked_parts(parts: tuple[Part, ...], dimension: int) -> None:
    """Check that parts follow each other, without a gap, from the first dimension to the last.

    Args:
        parts: None, or all of a vector's parts.
        dimension: Length of the vector.

    Raises:
        ValueError: They overlap, leave dimensions out, two have the same name, or none is
            ``shape``.
    """
    if not parts:
        return
    starts = [part.start for part in parts]
    stops = [part.stop for part in parts]
    if starts != [0, *stops[:-1]] or stops[-1] != dimension:
        ranges = ", ".join(f"{part.name} {part.start} to {part.stop}" for part in parts)
        raise ValueError(
            f"the parts ({ranges}) do not cover the {dimension} dimensions one after the other"
        )
    if len({part.name for part in parts}) < len(parts):
        raise ValueError("two parts have the same name")
    if SHAPE not in {part.name for part in parts}:
        raise ValueError(f"none of the parts is {SHAPE!r}")


class EncoderSpec(BaseModel):
    """Facts about an encoder, as data.

    Attributes:
        name: Name it is loaded by.
        dimension: Length of its vectors.
        preprocessing: Geometry of its input.
        modalities: What it can encode.
        fingerprint: Changes whenever its vectors do: hash of weights, graph and preprocessing. An
            index remembers it.
        licence: SPDX identifier of the weights.
        source: Where the weights come from.
        parts: What its vectors are made of, in order, all dimensions covered, one of them
            ``shape``; each has the same length in every vector, or nearly so. None given: one part,
            ``shape``.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    dimension: int = Field(gt=0)
    preprocessing: Preprocessing
    modalities: frozenset[Literal["image", "text"]] = frozenset({"image"})
    fingerprint: str
    licence: str
    source: str
    parts: tuple[Part, ...] = ()

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        checked_parts(self.parts, self.dimension)
        return self

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """The parts, with the one that goes without saying spelled out."""
        return self.parts or (Part(name=SHAPE, start=0, stop=self.dimension),)


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures into vectors whose cosine similarity says how alike the pictures are.

    Implementations are safe to call from several threads, and pass
    ``shopsight.testing.encoder.EncoderConformance``.
    """

    @property
    def spec(self) -> EncoderSpec:
        """Facts about this encoder."""
        ...

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures.

        Args:
            pixels: ``(n, size, size, 3)`` uint8 RGB, ``size`` as in ``spec.preprocessing``; n may
                be 0.

        Returns:
            ``(n, dimension)`` float32, rows of unit length, row i for picture i.

        Raises:
            EncoderError: Wrong shape or dtype, or the model failed.
        """
        ...

    def close(self) -> None:
        """Free the model. Further calls are errors."""
        ...


@runtime_checkable
class CellEncoder(Encoder, Protocol):
    """An encoder that also says where in the picture its vector comes from."""

    def encode_cells(self, pixels: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """Embed prepared pictures and their cells.

        Args:
            pixels: As in :meth:`Encoder.encode_images`.

        Returns:
            The vectors of :meth:`Encoder.encode_images`, and the cell map ``(n, h, w, dimension)``
            float32 on the same
            scale: the sum of a picture's cells is its vector, so the cells' dot products with
                another vector add up to
            the score.
        """
        ...


@runtime_checkable
class TextEncoder(Encoder, Protocol):
    """An encoder that also turns words into vectors, of the same space as those of pictures.

    Its ``spec.modalities`` has ``text``.
    """

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Args:
            texts: Such as a product's title or a search; may be empty. What exceeds the encoder's
                length is cut off.

        Returns:
            ``(n, dimension)`` float32, rows of unit length, row i for text i. Cosines between text
            and picture are much smaller than between pictures, and only their order means
            something.

        Raises:
            EncoderError: The model failed, or is closed.
        """
        ...
