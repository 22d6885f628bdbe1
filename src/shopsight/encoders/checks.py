"""Checks that every encoder applies to its input."""

from __future__ import annotations

import numpy as np

from shopsight.encoders.base import EncoderSpec, Pixels
from shopsight.errors import EncoderError


def check_pixels(pixels: Pixels, spec: EncoderSpec) -> None:
    """Refuse pixels that an encoder was not made for.

    Args:
        pixels: What the caller wants to encode.
        spec: Facts about the encoder.

    Raises:
        EncoderError: The array is not ``(n, size, size, 3)`` uint8.
    """
    size = spec.preprocessing.size
    picture = (size, size, 3)
    if pixels.dtype == np.uint8 and pixels.shape[1:] == picture and pixels.ndim > len(picture):
        return
    raise EncoderError(
        f"Encoder {spec.name!r} takes uint8 pixels of shape (n, {size}, {size}, 3), not "
        f"{pixels.dtype} of shape {pixels.shape}: prepare pictures with shopsight.images.prepare "
        "and this encoder's preprocessing"
    )
