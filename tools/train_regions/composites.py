"""Pictures that label themselves: products on made-up and photographed grounds, and renders."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pictures import Boxes, Materials, Photo, Pixels, decoded

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train_default"))

import views  # its folder is on the path from here on

Random = np.random.Generator

SHARES = {
    "renders": 0.27,
    "luma": 0.13,
    "myntra": 0.12,
    "grocery": 0.12,
    "drawings": 0.2,
    "clothes": 0.16,
}
"""Of products on composites, by set."""

COUNTS = (0.04, 0.26, 0.25, 0.25, 0.12, 0.08)
"""Chance of 0, 1, ... products on a composite."""

MOST_HIDDEN = 0.3
LARGE = 0.85
"""Products of this size, relative to the picture, lie near its middle."""

GREY = 127


@dataclass
class Example:
    """A picture to learn from.

    Attributes:
        pixels: ``(h, w, 3)`` uint8 RGB.
        boxes: ``(n, 4)`` float32, corners in pixels.
        wanted: ``(n,)`` bool; see :class:`pictures.Photo`.
    """

    pixels: Pixels
    boxes: Boxes
    wanted: NDArray[np.bool_]


def composite(materials: Materials, size: tuple[int, int], rng: Random) -> Example:
    """Products cut out, put on a ground.

    Args:
        materials: What to put where.
        size: Height and width.
        rng: Source of chance.
    """
    canvas = ground(materials, size, rng).astype(np.float32)
    count = int(rng.choice(len(COUNTS), p=COUNTS))
    names = list(SHARES)
    boxes: list[Boxes] = []
    same = rng.random() < 0.5
    name = names[rng.choice(len(names), p=list(SHARES.values()))]
    for _ in range(count):
        if not same:
            name = names[rng.choice(len(names), p=list(SHARES.values()))]
        things = materials.cutouts[name]
        thing = things[rng.integers(len(things))]
        placed = _placed(thing, size, count, boxes, rng)
        if placed is not None:
            moved, box = placed
            _paste(canvas, thing, moved, rng)
            boxes.append(box)
    pixels = camera(canvas.clip(0, 255).astype(np.uint8), rng)
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return Example(pixels, found, np.ones(len(found), bool))


def _placed(
    thing: Pixels, size: tuple[int, int], count: int, others: list[Boxes], rng: Random
) -> tuple[NDArray[np.float64], Boxes] | None:
    """Where a product goes without hiding much of the others: map of its points, and its box."""
    height, width = size
    outline = _outline(thing)
    for _ in range(16):
        share = rng.uniform(0.3, 1.2) if count == 1 else rng.uniform(0.2, 0.8)
        extent = share * (height * width) ** 0.5
        scale = extent / max(thing.shape[:2])
        spread = 0.2 if share > LARGE else 0.42
        place = rng.uniform(0.5 - spread, 0.5 + spread, 2) * (width, height)
        moved = _perspective(thing, scale, place, rng)
        points = cv2.perspectiveTransform(outline[None], moved)[0]
        full = np.concatenate([points.min(axis=0), points.max(axis=0)])
        box = np.clip(full, 0, (width, height, width, height)).astype(np.float32)
        inside = _area(box) / max(_area(full), 1)
        clear = all(
            _shared(box, other) < MOST_HIDDEN * min(_area(box), _area(other)) for other in others
        )
        large = min(box[2] - box[0], box[3] - box[1]) > 0.07 * min(size)
        if clear and large and inside > (0.9 if rng.random() < 0.8 else 0.55):
            return moved, box
    return None


def _outline(thing: Pixels) -> NDArray[np.float32]:
    """Points around a product."""
    contours, _ = cv2.findContours(
        (thing[..., 3] > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    return np.concatenate(contours)[:, 0].astype(np.float32)


def _area(box: NDArray[np.floating]) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def _shared(one: Boxes, other: Boxes) -> float:
    return _area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])]))


def _perspective(
    thing: Pixels, scale: float, place: NDArray[np.float64], rng: Random
) -> NDArray[np.float64]:
    """Map of a product's points: moved, scaled, turned, mirrored, and seen from the side."""
    height, width = thing.shape[:2]
    angle = np.deg2rad(rng.normal(0, 7) if rng.random() < 0.7 else rng.uniform(-180, 180))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    half = np.array([width, height]) / 2
    stretch = rng.uniform(0.82, 1.15, 2) * (rng.choice([-1, 1]), 1)
    seen = (corners - half) * stretch @ turn.T + rng.normal(0, 0.04, (4, 2)) * max(half)
    target = (seen * scale + place).astype(np.float32)
    found: NDArray[np.float64] = cv2.getPerspectiveTransform(corners, target)
    return found


def _paste(
    canvas: NDArray[np.float32], thing: Pixels, moved: NDArray[np.float64], rng: Random
) -> None:
    """Lay a product and its shadow on the canvas."""
    height, width = canvas.shape[:2]
    flat = cv2.warpPerspective(
        thing, moved, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_CONSTANT
    )
    alpha = (
        cv2.GaussianBlur(flat[..., 3], (0, 0), rng.uniform(0.4, 0.9)).astype(np.float32)[..., None]
        / 255
    )
    if rng.random() < 0.8:
        drop = rng.uniform(0.0, 0.05, 2) * height * (rng.choice([-1, 1]), 1)
        shift = np.float32([[1, 0, drop[0]], [0, 1, drop[1]]])
        shadow = cv2.warpAffine(alpha, shift, (width, height))
        shadow = cv2.GaussianBlur(shadow, (0, 0), rng.uniform(0.01, 0.06) * height)[..., None]
        canvas *= 1 - rng.uniform(0.1, 0.7) * shadow
    light = (1 + rng.normal(0, 0.12)) * (1 + rng.normal(0, 0.04, 3))
    canvas += alpha * (flat[..., :3] * light - canvas)


def ground(materials: Materials, size: tuple[int, int], rng: Random) -> Pixels:
    """Somewhere to put products: a wall, a surface, both, or part of a photo."""
    height, width = size
    found = texture(materials, size, rng)
    if rng.random() < 0.5:
        other = texture(materials, size, rng)
        edge = height * rng.uniform(0.2, 0.8) + np.arange(width) * rng.normal(0, 0.06)
        below = np.arange(height)[:, None] > edge[None]
        found = np.where(below[..., None], other, found)
    if rng.random() < 0.4:
        found = cv2.GaussianBlur(found, (0, 0), rng.uniform(0.7, 5))
    return found


def texture(materials: Materials, size: tuple[int, int], rng: Random) -> Pixels:
    """A plain colour, a pattern, or a part of a photo."""
    height, width = size
    chance = rng.random()
    if chance < 0.2:
        return _plain(size, rng)
    if chance < 0.35:
        return _pattern(size, rng)
    if chance < 0.75:
        part = materials.grounds[rng.integers(len(materials.grounds))]
    else:
        photo = decoded(materials.blurred[rng.integers(len(materials.blurred))])
        side = int(min(photo.shape[:2]) * rng.uniform(0.1, 0.3))
        x, y = (int(rng.choice([0.0, 1.0, rng.random()]) * (n - side)) for n in photo.shape[1::-1])
        if rng.random() < 0.25:
            part = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.03, 0.08) * max(photo.shape))
        else:
            part = photo[y : y + side, x : x + side]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


def _plain(size: tuple[int, int], rng: Random) -> Pixels:
    height, width = size
    base = rng.uniform(20, 255, 3) if rng.random() < 0.7 else np.full(3, rng.uniform(200, 255))
    slope = np.linspace(-1, 1, height)[:, None, None] * rng.normal(0, 15, 3)
    across = np.linspace(-1, 1, width)[None, :, None] * rng.normal(0, 15)
    noise = rng.normal(0, 3, (height, width, 1))
    return (base + slope + across + noise).clip(0, 255).astype(np.uint8)


def _pattern(size: tuple[int, int], rng: Random) -> Pixels:
    """Stripes, tiles or dots, seen at an angle."""
    height, width = size
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 60)
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    along = (xs * np.cos(angle) + ys * np.sin(angle)) / period
    across = (ys * np.cos(angle) - xs * np.sin(angle)) / (period * rng.uniform(0.5, 3))
    kind, duty = rng.integers(3), rng.uniform(0.05, 0.5)
    if kind == 0:
        mask = along % 1 < duty
    elif kind == 1:
        mask = ((along + 0.5 * (np.floor(across) % 2)) % 1 < duty / 3) | (across % 1 < duty / 3)
    else:
        mask = (along % 1 - 0.5) ** 2 + (across % 1 - 0.5) ** 2 < duty**2 / 2
    one = rng.uniform(20, 255, 3)
    other = (one + rng.normal(0, 35, 3)).clip(0, 255)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)[..., None]
    noise = rng.normal(0, 4, (height, width, 1))
    return (one + soft * (other - one) + noise).clip(0, 255).astype(np.uint8)


def camera(pixels: Pixels, rng: Random) -> Pixels:
    """Light, blur, noise and compression."""
    found = views._light(pixels, rng, 0.13)  # noqa: SLF001  # of the same program
    chance = rng.random()
    if chance < 0.25:
        found = cv2.GaussianBlur(found, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 7), (*found.shape[:2], 1)).astype(np.float32)
        found = (found + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))]
        found = cv2.imdecode(cv2.imencode(".jpg", found, quality)[1], cv2.IMREAD_COLOR)
    return found


def framed(photo: Photo, size: tuple[int, int], rng: Random) -> Example:
    """A photo with boxes, cut and scaled anew, mirrored at times."""
    height, width = size
    pixels = photo.pixels()
    stored = np.array(pixels.shape[1::-1])
    fit, cover = sorted((width / stored[0], height / stored[1]))
    scale = fit if rng.random() < 0.4 else rng.uniform(0.8 * fit, 1.15 * cover)
    stretch = scale * (1 + rng.normal(0, 0.04, 2))
    slack = np.array([width, height]) - stored * stretch
    shift = slack * (rng.uniform(0, 1, 2) if scale != fit else (0, 0))
    moved = np.float32([[stretch[0], 0, shift[0]], [0, stretch[1], shift[1]]])
    mirrored = rng.random() < 0.5
    fill = (GREY,) * 3
    found = cv2.warpAffine(pixels, moved, (width, height), flags=cv2.INTER_AREA, borderValue=fill)
    full = photo.boxes * np.tile(stored * stretch, 2) + np.tile(shift, 2)
    boxes = np.clip(full, 0, (width, height, width, height)).astype(np.float32)
    found = camera(found, rng)
    if mirrored:
        found = np.ascontiguousarray(found[:, ::-1])
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    left = np.array([_area(b) / max(_area(f), 1e-6) for b, f in zip(boxes, full, strict=True)])
    kept = left > 0.05
    return Example(found, boxes[kept], (photo.wanted & (left > 0.5))[kept])
