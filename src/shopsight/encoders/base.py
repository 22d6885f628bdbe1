"""The encoder seam: pixels (or words) in, unit vectors out."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shopsight.images.preprocessing import Preprocessing

Pixels = NDArray[np.uint8]
"""``(n, size, size, 3)`` uint8 RGB, upright, made by :func:`shopsight.images.prepare.to_pixels`."""

Vectors = NDArray[np.float32]
"""``(n, dimension)`` float32; rows have length 1."""


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
    """

    model_config = ConfigDict(frozen=True)

    name: str
    dimension: int = Field(gt=0)
    preprocessing: Preprocessing
    modalities: frozenset[Literal["image", "text"]] = frozenset({"image"})
    fingerprint: str
    licence: str
    source: str


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
