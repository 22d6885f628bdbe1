"""Views of a catalogue picture as a shopper's photo of the thing might look, for want of photos.

What stands on a plain background is cut out, turned, seen at an angle, and laid on another
background among other things, in other light, with the faults of a phone's camera. What has no
plain background is shown as it is, in part and at an angle. The far side of a thing, which no
picture shows, is not made up: photos differ from their pictures more than views do.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

Random = np.random.Generator
Floats = NDArray[np.float64]

SIDE = 256
"""Pixels per side of a view, unless asked otherwise: about what encoders look at."""

_MASK_SIDE = 96
_PLAIN_SPREAD = 14.0  # levels of 255 by which a plain border varies at most
_LEAST_TOLERANCE, _MOST_TOLERANCE = 8.0, 18.0  # levels: a white thing on white differs by ten
_TOUCHED = 0.25  # share of the border that the thing itself may touch
_LEAST_SUBJECT, _MOST_SUBJECT = 0.02, 0.97  # shares of the picture: beyond, the cut went wrong
_STANDING = 0.7  # share of photos that show what the thing stands on
_PICTURED, _STRIPED = 0.25, 0.25  # shares of surfaces; stripes are boards, tiles, curtains


@dataclass(frozen=True, slots=True)
class Strength:
    """How much views differ from pictures. Hue hardly changes: it tells products apart.

    With the defaults, views of the sample shop's pictures score as its photos do with the default
    encoder: compared on every other photo, see ``benchmarks/confidence.py``.

    Attributes:
        least_size: Smallest that a thing is shown, as a share of the view's side; the largest is
            .95.
        turn: Standard deviation of the turn, in degrees.
        corner: Standard deviation of a corner's shift, in sides of the thing.
        light: Standard deviation of the relative change of brightness, contrast and saturation.
        cast: Standard deviation of the relative change of one colour channel.
        clutter: Most things beside it.
        blur: Largest radius of the blur, in pixels.
        noise: Largest standard deviation of the noise, in levels of 255.
        least_quality: Lowest quality of the JPEG compression, 1 to 95.
    """

    least_size: float = 0.45
    turn: float = 9.0
    corner: float = 0.07
    light: float = 0.14
    cast: float = 0.055
    clutter: int = 1
    blur: float = 1.4
    noise: float = 5.5
    least_quality: int = 42


def cut_out(image: Image.Image) -> Image.Image | None:
    """What stands on a plain background, without it.

    Background is all that is like the middle colour of the border and reaches the border.

    Args:
        image: Mode RGB.

    Returns:
        Mode RGBA, cut to what is left; ``None`` if the border is not plain, or hardly anything or
        nearly everything would be left.
    """
    small = image.resize((_MASK_SIDE, _MASK_SIDE), Image.Resampling.BILINEAR)
    levels = np.asarray(small, np.float64)
    border = np.concatenate([levels[0], levels[-1], levels[1:-1, 0], levels[1:-1, -1]])
    ground = np.median(border, axis=0)
    off = np.abs(border - ground).max(axis=1)
    if np.mean(off > _PLAIN_SPREAD) > _TOUCHED:
        return None
    varies = 2 * float(np.percentile(off, 90))
    tolerance = min(max(varies, _LEAST_TOLERANCE), _MOST_TOLERANCE)
    near = np.abs(levels - ground).max(axis=2) <= tolerance
    subject = ~_reached(near)
    if not _LEAST_SUBJECT <= subject.mean() <= _MOST_SUBJECT:
        return None
    mask = Image.fromarray((subject * 255).astype(np.uint8)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    cut = image.convert("RGB")
    cut.putalpha(mask)
    return cut.crop(mask.point([0] * 128 + [255] * 128).getbbox())


def photo_view(
    image: Image.Image,
    others: Sequence[Image.Image],
    rng: Random,
    *,
    side: int = SIDE,
    strength: Strength | None = None,
) -> Image.Image:
    """A made-up photo of the thing on a picture.

    Args:
        image: The picture, mode RGB.
        others: Pictures of other things, mode RGB, for the background and beside it; may be empty.
        rng: Source of chance: the same state gives the same view.
        side: Of the view, in pixels.
        strength: How much it differs.

    Returns:
        ``(side, side)``, mode RGB.
    """
    strength = strength or Strength()
    image = _small(image, side)
    cut = cut_out(image)
    if cut is None:
        seen = _seen_in_part(image, side, rng, strength)
    else:
        seen = _ground(others, side, rng)
        for _ in range(int(rng.integers(strength.clutter + 1)) if others else 0):
            other = cut_out(_small(others[int(rng.integers(len(others)))], side))
            if other is not None:
                _put_beside(seen, other, rng)
        _put(seen, cut, rng, strength)
    return _taken(_lit(seen, rng, strength), rng, strength)


def _small(image: Image.Image, side: int) -> Image.Image:
    """The picture, its longer side at most that of the view."""
    if max(image.size) <= side:
        return image
    return _sized(image, side)


def _reached(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Free cells that a walk over free cells, in four directions, reaches from the border."""
    reached = np.zeros_like(free)
    reached[[0, -1]], reached[:, [0, -1]] = free[[0, -1]], free[:, [0, -1]]
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= free
        if (wider == reached).all():
            return reached
        reached = wider


def _ground(others: Sequence[Image.Image], side: int, rng: Random) -> Image.Image:
    """A wall over a floor, each a rough colour, stripes or part of another picture."""
    view = _surface(others, side, rng)
    if rng.random() < _STANDING:
        start = int(side * rng.uniform(0.3, 0.8))
        view.paste(_surface(others, side, rng).crop((0, start, side, side)), (0, start))
    return view


def _surface(others: Sequence[Image.Image], side: int, rng: Random) -> Image.Image:
    kind = rng.random()
    if others and kind < _PICTURED:
        other = others[int(rng.integers(len(others)))]
        width, height = other.size
        extent = min(width, height) * rng.uniform(0.2, 0.6)
        left, top = rng.uniform(0, width - extent), rng.uniform(0, height - extent)
        box = (left, top, left + extent, top + extent)
        return other.resize((side, side), Image.Resampling.BILINEAR, box=box)
    grain = np.zeros((side, side), np.float32)
    for cells in (4, 12, 48):
        noise = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
        grain += np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC))
    if kind < _PICTURED + _STRIPED:
        angle, stripe = rng.uniform(0, math.pi), rng.uniform(0.03, 0.2) * side
        down, across = np.mgrid[:side, :side]
        along = (across * math.cos(angle) + down * math.sin(angle)) / stripe
        grain += 3 * (along % 1 < rng.uniform(0.1, 0.6))
    levels = rng.uniform(40, 235) + rng.normal(0, 25, 3).astype(np.float32)
    tint = (rng.uniform(2, 12) * rng.uniform(0.7, 1.3, 3)).astype(np.float32)
    rough = levels.astype(np.float32) + grain[..., None] * tint
    return Image.fromarray(rough.clip(0, 255).astype(np.uint8))


def _put(view: Image.Image, thing: Image.Image, rng: Random, strength: Strength) -> None:
    """Lay the thing on the view, turned and at an angle, with its shadow."""
    side = view.size[0]
    longest = side * rng.uniform(strength.least_size, 0.95)
    thing = _at_an_angle(_sized(thing, longest), rng, strength)
    # The middle of the thing stays well inside: a photo is of something.
    left = round((side - thing.width) / 2 + rng.normal(0, 0.06) * side)
    top = round((side - thing.height) / 2 + rng.normal(0, 0.06) * side)
    radius = max(1.0, 0.03 * longest)
    alpha = thing.getchannel("A")
    shadow = alpha.filter(ImageFilter.GaussianBlur(radius)).point(
        [round(level * 0.5) for level in range(256)]
    )
    shift = (round(rng.normal(0, 1) * radius), round(rng.uniform(0.5, 2) * radius))
    view.paste((20, 20, 25), (left + shift[0], top + shift[1]), shadow)
    view.paste(thing.convert("RGB"), (left, top), alpha)


def _put_beside(view: Image.Image, thing: Image.Image, rng: Random) -> None:
    """Lay another thing near the edge of the view, most of it inside or not."""
    side = view.size[0]
    thing = _sized(thing, side * rng.uniform(0.15, 0.4))
    angle = rng.uniform(0, 2 * math.pi)
    middle = [side * (0.5 + 0.45 * reach) for reach in (math.cos(angle), math.sin(angle))]
    place = (round(middle[0] - thing.width / 2), round(middle[1] - thing.height / 2))
    view.paste(thing.convert("RGB"), place, thing.getchannel("A"))


def _sized(thing: Image.Image, longest: float) -> Image.Image:
    scale = longest / max(thing.size)
    size = (max(1, round(thing.width * scale)), max(1, round(thing.height * scale)))
    return thing.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def _at_an_angle(thing: Image.Image, rng: Random, strength: Strength) -> Image.Image:
    """Turned in the plane, then seen as if from another side: its corners moved."""
    thing = thing.rotate(float(rng.normal(0, strength.turn)), Image.Resampling.BICUBIC, expand=True)
    width, height = thing.size
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float64)
    corners += rng.normal(0, strength.corner, (4, 2))
    return thing.transform(
        thing.size,
        Image.Transform.QUAD,
        (corners * (width, height)).ravel().tolist(),
        resample=Image.Resampling.BICUBIC,
    )


def _seen_in_part(image: Image.Image, side: int, rng: Random, strength: Strength) -> Image.Image:
    """A square part of a picture, its corners moved a little."""
    width, height = image.size
    extent = min(width, height) * math.sqrt(rng.uniform(strength.least_size, 1))
    left, top = rng.uniform(0, width - extent), rng.uniform(0, height - extent)
    box = (left, top, left + extent, top + extent)
    part = image.resize((side, side), Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
    part = part.rotate(float(rng.normal(0, strength.turn)) / 2, Image.Resampling.BICUBIC)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float64)
    corners = (corners + rng.normal(0, strength.corner, (4, 2))).clip(0, 1)
    return part.transform(
        (side, side),
        Image.Transform.QUAD,
        (corners * side).ravel().tolist(),
        resample=Image.Resampling.BICUBIC,
    )


def _lit(view: Image.Image, rng: Random, strength: Strength) -> Image.Image:
    """Brightness that falls off to one side, with a cast; then contrast and saturation."""
    side = view.size[0]
    gains = (1 + rng.normal(0, strength.light)) * (1 + rng.normal(0, strength.cast, 3))
    ramp = np.linspace(-0.5, 0.5, side)
    slopes = rng.normal(0, strength.light, 2)
    falls = 1 + slopes[0] * ramp[:, None] + slopes[1] * ramp
    light = (falls[..., None] * gains).astype(np.float32)
    levels = np.asarray(view, np.float32) * light
    view = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    view = ImageEnhance.Contrast(view).enhance(max(0.2, 1 + rng.normal(0, strength.light)))
    return ImageEnhance.Color(view).enhance(max(0.0, 1 + rng.normal(0, strength.light)))


def _taken(view: Image.Image, rng: Random, strength: Strength) -> Image.Image:
    """Out of focus, noisy and compressed."""
    view = view.filter(ImageFilter.GaussianBlur(rng.uniform(0, strength.blur)))
    spread = np.float32(rng.uniform(0, strength.noise))
    noise = rng.standard_normal((*view.size, 3), np.float32)
    levels = np.asarray(view, np.float32) + noise * spread
    file = io.BytesIO()
    quality = int(rng.integers(strength.least_quality, 96))
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")
