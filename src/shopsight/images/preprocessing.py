"""How a picture becomes the square of pixels that an encoder was trained on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Preprocessing(BaseModel):
    """Geometry of an encoder's input. Normalisation is part of the encoder, not of this.

    Attributes:
        size: Side of the square in pixels.
        fit: ``pad`` keeps the whole picture and fills up with ``background``; ``crop`` scales the
            shorter side to ``size / crop_ratio`` and cuts out the middle; ``stretch`` ignores the
            aspect ratio.
        crop_ratio: Share of the shorter side that ``crop`` keeps, 0 to 1.
        interpolation: Filter used for scaling; with ``antialias`` semantics, as Pillow does.
        background: RGB colour for padding and behind transparent pixels.
    """

    model_config = ConfigDict(frozen=True)

    size: int = Field(ge=16, le=1024)
    fit: Literal["pad", "crop", "stretch"] = "pad"
    crop_ratio: float = Field(default=1.0, gt=0, le=1)
    interpolation: Literal["bilinear", "bicubic", "lanczos"] = "bicubic"
    background: tuple[int, int, int] = (255, 255, 255)
