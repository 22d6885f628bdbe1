"""Random views of a picture, as another photo of the same thing might look."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from shopsight.images.prepare import decode, load_pixels, read_local
from shopsight.images.preprocessing import Preprocessing
from shopsight.train.split import LIMITS

Pixels = NDArray[np.uint8]
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Strength:
    """How much views differ. Hue hardly changes: it tells products apart.

    Attributes:
        least_share: Smallest share of the square's area that a crop keeps, 0 to 1.
        corner: Standard deviation of a corner's shift, in sides of the crop.
        light: Standard deviation of the relative change of brightness, contrast and saturation.
        cast: Standard deviation of the relative change of one colour channel.
        damage: Probability of blur, and of strong JPEG compression.
    """

    least_share: float = 0.4
    corner: float = 0.05
    light: float = 0.15
    cast: float = 0.03
    damage: float = 0.25


def plain_view(path: Path, preprocessing: Preprocessing) -> Pixels:
    """A picture as the encoder sees it: ``(size, size, 3)`` uint8."""
    return load_pixels(read_local(path, LIMITS), preprocessing, LIMITS)


def random_view(path: Path, side: int, rng: Random, strength: Strength | None = None) -> Pixels:
    """A picture cropped, mirrored, seen at an angle, in other light, blurred or compressed.

    Args:
        path: Its file.
        side: Of the result, in pixels.
        rng: Source of chance.
        strength: How much it may differ.

    Returns:
        ``(side, side, 3)`` uint8.

    Raises:
        FetchError: The file cannot be read.
        DecodeError: It is not a usable picture.
    """
    strength = strength or Strength()
    image = decode(read_local(path, LIMITS), LIMITS, target_side=2 * side)
    image = _seen(image, side, rng, strength)
    if rng.random() < 0.5:  # noqa: PLR2004 - as often as not
        image = ImageOps.mirror(image)
    image = _lit(image, rng, strength)
    if rng.random() < strength.damage:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
    if rng.random() < strength.damage:
        image = _compressed(image, int(rng.integers(30, 85)))
    return np.array(image)


def _seen(image: Image.Image, side: int, rng: Random, strength: Strength) -> Image.Image:
    """A square part of the picture, its corners moved a little."""
    width, height = image.size
    extent = min(width, height) * np.sqrt(rng.uniform(strength.least_share, 1.0))
    left, top = rng.uniform(0, width - extent), rng.uniform(0, height - extent)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * extent + (left, top)
    corners += rng.normal(0, strength.corner, (4, 2)) * extent
    limits = (width, height)
    corners = np.clip(corners, 0, limits)
    if extent > 2 * side:  # the transformation below samples points, so large pictures shrink first
        scale = 2 * side / extent
        image = image.resize((max(1, round(width * scale)), max(1, round(height * scale))))
        corners *= scale
    return image.transform(
        (side, side),
        Image.Transform.QUAD,
        corners.ravel().tolist(),
        resample=Image.Resampling.BICUBIC,
    )


def _lit(image: Image.Image, rng: Random, strength: Strength) -> Image.Image:
    """Brightness with a slight cast by a table; then contrast and saturation."""
    gains = (1 + rng.normal(0, strength.light)) * (1 + rng.normal(0, strength.cast, 3))
    levels = np.arange(256)
    table = np.concatenate([np.clip(levels * gain, 0, 255) for gain in gains])
    image = image.point(table.astype(int).tolist())
    image = ImageEnhance.Contrast(image).enhance(1 + rng.normal(0, strength.light))
    return ImageEnhance.Color(image).enhance(max(0.0, 1 + rng.normal(0, strength.light)))


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
