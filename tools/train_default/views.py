"""Two views of a product: as a shopper photographs it, and as a catalogue shows it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from sources import Box, Pixels

Random = np.random.Generator
WHOLE = Box(0, 0, 1, 1)


def catalogue_view(pixels: Pixels, side: int, rng: Random) -> Pixels:
    """A catalogue picture with slight changes of crop, size and light.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        side: Of the result.
        rng: Source of chance.

    Returns:
        ``(side, side, 3)`` uint8.
    """
    extent = rng.uniform(0.85, 1.1)
    shift = rng.uniform(-0.04, 0.04, 2)
    found = _window(pixels, (0.5 + shift[0], 0.5 + shift[1]), extent, side)
    if rng.random() < 0.5:
        found = found[:, ::-1]
    return _light(found, rng, 0.06)


def photo_view(pixels: Pixels, box: Box | None, side: int, rng: Random) -> Pixels:
    """A real photo: another crop, angle and light of it.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        box: Where the product is, if that is known: the crop then shows most of it.
        side: Of the result.
        rng: Source of chance.
    """
    height, width = pixels.shape[:2]
    whole = min(height, width)
    if box is None or rng.random() < 0.4:
        extent = rng.uniform(0.55, 1.0) ** 0.7
        centre = rng.uniform(-0.5, 0.5, 2) * (1.05 - extent) + 0.5
    else:
        longer = max((box.x2 - box.x1) * width, (box.y2 - box.y1) * height) / whole
        extent = float(np.clip(longer * rng.uniform(0.85, 1.9), 0.2, 1.05))
        spread = rng.normal(0, 0.06, 2) * extent
        centre = np.array([(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2]) + spread
    found = _window(
        pixels, (centre[0], centre[1]), extent, side, angle=rng.uniform(-12, 12), rng=rng
    )
    if rng.random() < 0.5:
        found = found[:, ::-1]
    return _camera(found, rng, 0.6)


def pasted_view(
    pixels: Pixels, mask: Pixels | None, grounds: list[Pixels], side: int, rng: Random
) -> Pixels:
    """A catalogue picture's product as if photographed somewhere else.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        mask: Its foreground, from :func:`sources.foreground`; ``None``: the picture as it is.
        grounds: Photos to paste it on.
        side: Of the result.
        rng: Source of chance.
    """
    if mask is None:
        return photo_view(pixels, None, side, rng)
    ys, xs = np.nonzero(mask)
    middle = ((xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2)
    extent = max(xs.max() - xs.min(), ys.max() - ys.min(), 8)
    scale = rng.uniform(0.5, 1.0) * side / extent
    place = side / 2 + rng.uniform(-0.5, 0.5, 2) * (side - extent * scale) * 0.9
    moved = _perspective(middle, extent, scale, place, rng)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    thing = cv2.warpPerspective(
        pixels, moved, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    eroded = cv2.erode(mask, np.ones((3, 3), np.uint8)) if min(mask.shape) > 100 else mask
    alpha = cv2.warpPerspective(eroded, moved, (side, side), flags=cv2.INTER_LINEAR)
    alpha = (
        cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, 1.0)).astype(np.float32)[..., None] / 255
    )
    ground = _ground(grounds, side, rng).astype(np.float32)
    drop = rng.uniform(0.01, 0.07, 2) * side * rng.choice([-1, 1], 2)
    shadow = np.roll(alpha[..., 0], drop.astype(int), (0, 1))
    shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(0.02, 0.06) * side)[..., None]
    ground *= 1 - rng.uniform(0.0, 0.6) * shadow
    thing = _light(thing, rng, 0.15).astype(np.float32)
    joined = (thing * alpha + ground * (1 - alpha)).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        joined = joined[:, ::-1]
    return _camera(joined, rng, 1.0)


def _perspective(
    middle: tuple[float, float],
    extent: float,
    scale: float,
    place: NDArray[np.float64],
    rng: Random,
) -> NDArray[np.float64]:
    """Map of a picture's points: moved, scaled, turned, and seen from the side."""
    angle = np.deg2rad(rng.normal(0, 10) if rng.random() < 0.85 else rng.uniform(-90, 90))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = extent / 2
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    stretch = rng.uniform(0.82, 1.1, 2)
    seen = corners * stretch @ turn.T + rng.normal(0, 0.06, (4, 2)) * extent
    source = (corners + middle).astype(np.float32)
    target = (seen * scale + place).astype(np.float32)
    found: NDArray[np.float64] = cv2.getPerspectiveTransform(source, target)
    return found


def _ground(grounds: list[Pixels], side: int, rng: Random) -> Pixels:
    """Somewhere else: part of a photo, strongly turned or blurred at times, or a plain colour."""
    chance = rng.random()
    if chance < 0.15:
        base = rng.uniform(20, 250, 3)
        slope = np.linspace(-1, 1, side)[:, None, None] * rng.normal(0, 20, 3)
        plain = base + np.broadcast_to(slope, (side, side, 3)) + rng.normal(0, 3, (side, side, 1))
        return plain.clip(0, 255).astype(np.uint8)
    pixels = grounds[rng.integers(len(grounds))]
    found = _window(pixels, tuple(rng.uniform(0.3, 0.7, 2)), rng.uniform(0.3, 0.9), side)
    if chance < 0.5:
        found = cv2.GaussianBlur(found, (0, 0), rng.uniform(1, 8))
    return _light(found, rng, 0.2)


def _window(
    pixels: Pixels,
    centre: tuple[float, float],
    extent: float,
    side: int,
    *,
    angle: float = 0.0,
    rng: Random | None = None,
) -> Pixels:
    """A square cut, ``extent`` in shorter sides of the picture, around ``centre`` in fractions."""
    height, width = pixels.shape[:2]
    half = extent * min(height, width) / 2
    middle = np.array([centre[0] * width, centre[1] * height])
    corners = np.array([[-half, -half], [half, -half], [half, half], [-half, half]])
    if rng is not None:
        corners = corners + rng.normal(0, 0.05, (4, 2)) * half
    radians = np.deg2rad(angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    source = (corners @ turn.T + middle).astype(np.float32)
    target = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    moved = cv2.getPerspectiveTransform(source, target)
    if 2 * half > 1.6 * side:
        shrink = side / (2 * half)
        pixels = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        moved = moved @ np.diag([width / pixels.shape[1], height / pixels.shape[0], 1.0])
    found: Pixels = cv2.warpPerspective(
        pixels, moved, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found


def _light(pixels: Pixels, rng: Random, strength: float) -> Pixels:
    """Brightness, contrast, gamma, saturation and a colour cast, each channel by a table."""
    levels = np.linspace(0, 1, 256)[:, None]
    gain = 1 + rng.normal(0, strength, 1) + rng.normal(0, strength / 3, 3)
    contrast = 1 + rng.normal(0, strength)
    table = ((levels ** np.exp(rng.normal(0, strength)) - 0.5) * contrast + 0.5) * gain
    found = np.empty_like(pixels)
    table = (table * 255).clip(0, 255).astype(np.uint8)
    for channel in range(3):
        found[..., channel] = cv2.LUT(np.ascontiguousarray(pixels[..., channel]), table[:, channel])
    share = 1 + rng.normal(0, strength)
    if abs(share - 1) > 0.03:
        grey = cv2.cvtColor(cv2.cvtColor(found, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        found = cv2.addWeighted(found, share, grey, 1 - share, 0)
    return found


def _camera(pixels: Pixels, rng: Random, strength: float) -> Pixels:
    """Light, vignette, blur, noise, compression, and at times the frame of a screenshot."""
    side = len(pixels)
    found = _light(pixels, rng, 0.12 * strength + 0.03)
    if rng.random() < 0.3 * strength:
        axis = np.linspace(-1, 1, side, dtype=np.float32)
        tilt = rng.normal(0, 0.2, 2)
        shade = (
            1
            + tilt[0] * axis[:, None]
            + tilt[1] * axis[None]
            - rng.uniform(0, 0.2) * (axis[:, None] ** 2 + axis[None] ** 2)
        )
        found = (found * shade[..., None]).clip(0, 255).astype(np.uint8)
    chance = rng.random()
    if chance < 0.35 * strength:
        found = cv2.GaussianBlur(found, (0, 0), rng.uniform(0.4, 1.6))
    elif chance < 0.5 * strength:
        small = max(int(side * rng.uniform(0.3, 0.7)), 24)
        found = cv2.resize(
            cv2.resize(found, (small, small), interpolation=cv2.INTER_AREA), (side, side)
        )
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 7), found.shape).astype(np.float32)
        found = (found + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.06 * strength:
        found = _screenshot(found, rng)
    if rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        _, coded = cv2.imencode(".jpg", found, quality)
        found = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return found


def _screenshot(pixels: Pixels, rng: Random) -> Pixels:
    """The picture inside a plain page with bars and lines of something like text."""
    side = len(pixels)
    page = np.full_like(pixels, rng.choice([255, 245, 30]))
    inner = int(side * rng.uniform(0.6, 0.92))
    left, top = (int(v) for v in rng.integers(0, side - inner + 1, 2))
    page[top : top + inner, left : left + inner] = cv2.resize(
        pixels, (inner, inner), interpolation=cv2.INTER_AREA
    )
    ink = tuple(int(v) for v in rng.integers(0, 256, 3))
    for line in range(top + inner + 4, side - 3, 7):
        cv2.line(page, (4, line), (int(rng.integers(8, side - 4)), line), ink, 2)
    return page
