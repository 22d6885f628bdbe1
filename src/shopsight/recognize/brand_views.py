"""Views of a logo as it is printed on things: it is seen in many ways, and few pictures exist.

A logo is laid on other grounds, in its own colours or in one, dark on light or light on dark, seen
from the front or at an angle, and small or large in the view.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from shopsight.errors import DecodeError
from shopsight.images.photo_views import cut_out
from shopsight.images.prepare import ImageLimits, decode

Random = np.random.Generator

VIEWS = 24
"""Views of one logo."""

_ALPHA_FROM = 8  # levels of 255 that the pixels of a see-through picture differ on two grounds
_SEEN_FROM = 32  # opacity, of 255, from which something is there
_OWN_COLOURS = 0.5  # share of the views
_DARK = 96.0
_CORNER = 0.06  # standard deviation of a corner's shift, in sides of the logo
_TURN = 5.0  # degrees


def logo_of(data: bytes, limits: ImageLimits) -> Image.Image:
    """A logo without its ground.

    Args:
        data: A picture file, see-through or on a plain ground.
        limits: What it may cost.

    Returns:
        Mode RGBA. A picture whose ground is not plain is opaque, as a whole.

    Raises:
        DecodeError: The picture cannot be used, or shows nothing (reason ``blank``).
    """
    on_white = decode(data, limits)
    on_black = decode(data, limits, background=(0, 0, 0))
    white, black = np.asarray(on_white, np.float32), np.asarray(on_black, np.float32)
    through = (white - black).mean(axis=2)
    if through.max() < _ALPHA_FROM:
        cut = cut_out(on_white)
        return cut if cut is not None else on_white.convert("RGBA")
    alpha = (255 - through).clip(0, 255)
    if alpha.max() < _SEEN_FROM:
        raise DecodeError("The logo shows nothing: all of it is see-through.", reason="blank")
    color = (black * (255 / np.maximum(alpha, 1))[..., None]).clip(0, 255)
    levels = np.concatenate([color, alpha[..., None]], axis=2).round().astype(np.uint8)
    logo = Image.fromarray(levels)
    return logo.crop(
        logo.getchannel("A").point([0] * _SEEN_FROM + [255] * (256 - _SEEN_FROM)).getbbox()
    )


def logo_views(
    logo: Image.Image, rng: Random, *, side: int, count: int = VIEWS
) -> list[Image.Image]:
    """Made-up views of a logo.

    Args:
        logo: Mode RGBA, as :func:`logo_of` returns it.
        rng: Source of chance: the same state gives the same views.
        side: Of the views, in pixels.
        count: How many.

    Returns:
        Squares of mode RGB.
    """
    return [_view(logo, rng, side) for _ in range(count)]


def crop_views(crop: Image.Image) -> list[Image.Image]:
    """A cut-out photo of a logo, as it is, in grey, and with its colours inverted."""
    grey = ImageOps.grayscale(crop).convert("RGB")
    return [crop, grey, ImageOps.invert(crop)]


def _view(logo: Image.Image, rng: Random, side: int) -> Image.Image:
    ground, light = _ground(rng, side)
    if rng.random() >= _OWN_COLOURS or _hardly_seen(logo, ground):
        logo = _in_one_colour(logo, rng, dark=light)
    # Half of them fill the view, as where a box was drawn closely around a wide logo.
    stretched = rng.random() < 0.5  # noqa: PLR2004
    share = rng.uniform(0.7, 1.0) if stretched else rng.uniform(0.45, 0.95)
    scale = share * side / max(logo.size)
    size = (max(1, round(logo.width * scale)), max(1, round(logo.height * scale)))
    if stretched:
        size = (max(1, round(side * share)), max(1, round(side * share * rng.uniform(0.6, 1))))
    logo = _at_an_angle(logo.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0), rng)
    left = (side - logo.width) // 2 + round(rng.normal(0, 0.03) * side)
    top = (side - logo.height) // 2 + round(rng.normal(0, 0.03) * side)
    ground.paste(logo.convert("RGB"), (left, top), logo.getchannel("A"))
    return ground


def _ground(rng: Random, side: int) -> tuple[Image.Image, bool]:
    """A plain, slightly uneven ground, and whether it is light."""
    light = bool(rng.random() < 0.5)  # noqa: PLR2004
    middle = rng.uniform(165, 250) if light else rng.uniform(15, 110)
    color = middle + rng.normal(0, 30, 3)
    ramp = np.linspace(-1, 1, side)
    falls = rng.normal(0, 12) * ramp[:, None] + rng.normal(0, 12) * ramp
    levels = color + falls[..., None] + rng.normal(0, 3, (side, side, 1))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8)), light


def _hardly_seen(logo: Image.Image, ground: Image.Image) -> bool:
    alpha = np.asarray(logo.getchannel("A"), np.float64)
    own = np.average(np.asarray(logo.convert("L"), np.float64), weights=alpha + 1e-6)
    behind = float(np.asarray(ground.convert("L")).mean())
    return abs(float(own) - behind) < _DARK / 2


def _in_one_colour(logo: Image.Image, rng: Random, *, dark: bool) -> Image.Image:
    """A see-through logo in one colour; an opaque one in grey, perhaps inverted."""
    alpha = logo.getchannel("A")
    extrema: NDArray[np.uint8] = np.asarray(alpha)
    if extrema.min() == 255:  # noqa: PLR2004  # opaque: there is no ground to see through to
        grey = ImageOps.grayscale(logo.convert("RGB"))
        painted = (ImageOps.invert(grey) if rng.random() < 0.5 else grey).convert("RGB")  # noqa: PLR2004
    else:
        levels = rng.uniform(0, _DARK, 3) if dark else 255 - rng.uniform(0, _DARK / 2, 3)
        red, green, blue = (round(level) for level in levels.tolist())
        painted = Image.new("RGB", logo.size, (red, green, blue))
    painted.putalpha(alpha)
    return painted


def _at_an_angle(logo: Image.Image, rng: Random) -> Image.Image:
    logo = logo.rotate(float(rng.normal(0, _TURN)), Image.Resampling.BICUBIC, expand=True)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float64)
    corners += rng.normal(0, _CORNER, (4, 2))
    return logo.transform(
        logo.size,
        Image.Transform.QUAD,
        (corners * logo.size).ravel().tolist(),
        resample=Image.Resampling.BICUBIC,
    )
