"""Bytes to pixels: decodes pictures from anywhere within limits, and scales them for an encoder."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from shopsight.images.colors import Color, flatten, to_srgb
from shopsight.images.decoding import ImageLimits, Stored, load, translation
from shopsight.images.local import read_local
from shopsight.images.preprocessing import Preprocessing

__all__ = [
    "ImageLimits",
    "Prepared",
    "Upright",
    "decode",
    "decode_sized",
    "load_pixels",
    "prepare",
    "read_local",
    "to_pixels",
]

WHITE: Color = (255, 255, 255)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset((5, 6, 7, 8))
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# After a cheap reduction the filter still sees this many times the pixels it makes, so that the
# result hardly differs from that of the filter alone.
_REDUCED_MARGIN = 2.5
_REDUCING_GAP = 3.0


@dataclass(frozen=True, slots=True)
class Upright:
    """A picture as people see it.

    Attributes:
        image: Pillow image of mode RGB in sRGB, perhaps reduced.
        size: Width and height of the whole picture before it was reduced, upright.
    """

    image: Image.Image
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture as an encoder takes it.

    Attributes:
        pixels: ``(side, side, 3)`` uint8 RGB.
        size: Width and height of the whole picture, upright.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]


def decode(
    data: bytes,
    limits: ImageLimits,
    *,
    target_side: int | None = None,
    background: Color = WHITE,
) -> Image.Image:
    """Decode a picture to upright sRGB.

    EXIF orientation and colour profile are applied, transparency is laid on the background, and of
    an animation the first frame is taken. Size limits are checked before memory is taken.

    Args:
        data: A whole JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF file.
        limits: What it may cost.
        target_side: If given, a large picture may come back smaller, its shorter side at least this
            many pixels: JPEGs are then decoded at 1/2, 1/4 or 1/8 of their size, which is much
            faster.
        background: Shows through transparent pixels.

    Returns:
        A Pillow image of mode RGB.

    Raises:
        DecodeError: Reason ``empty``, ``html``, ``svg``, ``not_an_image``, ``unsupported``,
            ``too_many_bytes``, ``too_many_pixels``, ``too_small``, ``truncated`` or ``corrupt``.
    """
    return decode_sized(data, limits, target_side=target_side, background=background).image


def decode_sized(
    data: bytes,
    limits: ImageLimits,
    *,
    target_side: int | None = None,
    background: Color = WHITE,
) -> Upright:
    """Decode a picture as :func:`decode` does, and tell how large the whole of it is."""
    with translation(data, limits) as kind:
        stored = load(kind, data, limits, target_side)
        upright = _upright(stored.image, stored.orientation)
        image = to_srgb(flatten(upright, background), stored.profile)
        # A copy lets go of the file and its decoder.
        return Upright(
            image.copy() if isinstance(image, ImageFile) else image, _upright_size(stored)
        )


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Scale a picture to the square an encoder takes.

    Args:
        image: Upright picture of mode RGB, as :func:`decode` returns it.
        preprocessing: Geometry of the square.

    Returns:
        ``(size, size, 3)`` uint8 RGB.
    """
    inner, kept = _fit(image.size, preprocessing)
    return _placed(_scaled(image, image.size, inner, kept, preprocessing), preprocessing)


def load_pixels(
    data: bytes, preprocessing: Preprocessing, limits: ImageLimits
) -> NDArray[np.uint8]:
    """Decode a picture and scale it for an encoder, faster than one after the other.

    JPEGs are decoded at reduced scale where that leaves pixels enough; turning, transparency and
    colours are dealt with after scaling.

    Args:
        data: As for :func:`decode`.
        preprocessing: Geometry of the encoder's input; transparent parts show its background.
        limits: What the picture may cost.

    Returns:
        ``(size, size, 3)`` uint8 RGB.

    Raises:
        DecodeError: As :func:`decode`.
    """
    return prepare(data, preprocessing, limits).pixels


def prepare(data: bytes, preprocessing: Preprocessing, limits: ImageLimits) -> Prepared:
    """Decode and scale a picture as :func:`load_pixels` does, and tell how large it is."""
    with translation(data, limits) as kind:
        share = preprocessing.crop_ratio if preprocessing.fit == "crop" else 1.0
        target_side = math.ceil(preprocessing.size / share * _REDUCED_MARGIN)
        stored = load(kind, data, limits, target_side)
        turned = stored.orientation in _SIDEWAYS
        width, height = stored.extent
        inner, kept = _fit((height, width) if turned else (width, height), preprocessing)
        if turned:
            inner, kept = inner[::-1], kept[::-1]
        scaled = _scaled(stored.image, stored.extent, inner, kept, preprocessing)
        upright = _upright(scaled, stored.orientation)
        colored = to_srgb(flatten(upright, preprocessing.background), stored.profile)
        return Prepared(_placed(colored, preprocessing), _upright_size(stored))


def _upright_size(stored: Stored) -> tuple[int, int]:
    width, height = stored.full_size
    return (height, width) if stored.orientation in _SIDEWAYS else (width, height)


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _fit(
    size: tuple[float, float], preprocessing: Preprocessing
) -> tuple[tuple[int, int], tuple[float, float]]:
    """How an upright picture of some size is scaled: to which size, and how much of its middle."""
    width, height = size
    side = preprocessing.size
    if preprocessing.fit == "pad":
        scale = side / max(width, height)
        return (max(1, round(width * scale)), max(1, round(height * scale))), (width, height)
    if preprocessing.fit == "crop":
        kept = min(width, height) * preprocessing.crop_ratio
        return (side, side), (kept, kept)
    return (side, side), (width, height)


def _scaled(
    image: Image.Image,
    extent: tuple[float, float],
    inner: tuple[int, int],
    kept: tuple[float, float],
    preprocessing: Preprocessing,
) -> Image.Image:
    """The middle of a picture, scaled."""
    left, top = (extent[0] - kept[0]) / 2, (extent[1] - kept[1]) / 2
    return image.resize(
        inner,
        _FILTERS[preprocessing.interpolation],
        box=(left, top, left + kept[0], top + kept[1]),
        reducing_gap=_REDUCING_GAP,
    )


def _placed(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """A picture no larger than the square, in its middle."""
    size = preprocessing.size
    if image.size == (size, size):
        return np.array(image)
    width, height = image.size
    left, top = (size - width) // 2, (size - height) // 2
    pixels = np.empty((size, size, 3), dtype=np.uint8)
    pixels[:] = preprocessing.background
    pixels[top : top + height, left : left + width] = np.asarray(image)
    return pixels
