"""Pixels of any kind to plain sRGB: 16-bit, palette, grey, CMYK, transparency, colour profiles."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

from shopsight.errors import DecodeError

Color = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_PROFILE_MAX_BYTES = 4_000_000  # the largest CMYK profiles in use have 2.7 MB
_SRGB_NAMES = (b"sRGB", "sRGB".encode("utf-16-be"))
_PROFILE_SPACES = {"RGB": "RGB ", "CMYK": "CMYK"}


def to_eight_bits(image: Image.Image) -> Image.Image:
    """The picture with 8 bits per channel and no palette.

    Args:
        image: Decoded picture of any Pillow mode.

    Returns:
        Mode L, LA, RGB, RGBA or CMYK: LA and RGBA only if the picture has transparency.

    Raises:
        DecodeError: Floating-point pixels, whose range nobody knows (``unsupported``).
    """
    if image.mode.startswith("I"):
        # Pillow's own conversion would clip 16-bit values to 255 instead of scaling them.
        values = np.asarray(image).astype(np.int64).clip(0, 65_535)
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode == "F":
        raise DecodeError(
            "the picture has floating-point pixels: save it with 8 or 16 bits per channel",
            reason="unsupported",
        )
    if image.mode in {"PA", "La", "RGBa"} or image.info.get("transparency") is not None:
        return image.convert("RGBA")
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def flatten(image: Image.Image, background: Color) -> Image.Image:
    """The picture with its transparent parts laid on a colour.

    Args:
        image: As :func:`to_eight_bits` returns it.
        background: What shows through.

    Returns:
        The picture itself if it has no transparency, else a new one of mode RGB.
    """
    if image.mode not in {"LA", "RGBA"}:
        return image
    ground = Image.new("RGB", image.size, background)
    ground.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return ground


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in the colours that screens show, following its colour profile.

    A profile that is damaged, huge or of another kind than the pixels is ignored: colours slightly
    off are better than a product that cannot be found.

    Args:
        image: Mode L, RGB or CMYK.
        profile: Embedded ICC profile, if there is one.

    Returns:
        Mode RGB.
    """
    if not profile or len(profile) > _PROFILE_MAX_BYTES or image.mode not in _PROFILE_SPACES:
        return image.convert("RGB")
    if image.mode == "RGB" and any(name in profile for name in _SRGB_NAMES):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != _PROFILE_SPACES[image.mode]:
            return image.convert("RGB")
        converted = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")
    return converted if converted is not None else image.convert("RGB")
