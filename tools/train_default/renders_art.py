"""Invented brands, prints, patterns, labels and covers for the training renders.

``install`` adds them to the sample shop's artwork module in memory: names that start with ``gen:``
are drawn here, all others as before, so that the sample shop itself renders unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

PREFIX = "gen:"
FIRST_GENERATED_STYLE = 10
COVER = (640, 930)
Motif = Callable[[ImageDraw.ImageDraw, np.random.Generator, Sequence[str], int], None]


def _ngon(
    center: float, radius: float, count: int, turn: float, inner: float = 1.0
) -> list[tuple[float, float]]:
    """Corners of a polygon round (center, center), of a star where ``inner`` is below 1."""
    steps = count if inner == 1.0 else 2 * count
    reach = [radius * (inner if k % 2 and inner != 1.0 else 1.0) for k in range(steps)]
    angles = [turn + 2 * math.pi * k / steps for k in range(steps)]
    return [
        (center + r * math.cos(a), center + r * math.sin(a))
        for r, a in zip(reach, angles, strict=True)
    ]


def _rosette(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    count, reach = int(rng.integers(5, 13)), rng.uniform(0.2, 0.3)
    width = rng.uniform(0.05, 0.13)
    for k in range(count):
        a = 2 * math.pi * k / count
        x, y = 0.5 + reach * math.cos(a), 0.5 + reach * math.sin(a)
        d.ellipse(_around(x, y, width, s), fill=inks[k % len(inks)])
    d.ellipse(_around(0.5, 0.5, rng.uniform(0.08, 0.17), s), fill=inks[-1])


def _around(x: float, y: float, radius: float, s: int) -> tuple[float, float, float, float]:
    return ((x - radius) * s, (y - radius) * s, (x + radius) * s, (y + radius) * s)


def _mosaic(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    n = int(rng.integers(3, 6))
    w = 0.9 * s / n
    for i in range(n):
        for j in range(n):
            x, y, ink = 0.05 * s + i * w, 0.05 * s + j * w, inks[int(rng.integers(len(inks)))]
            kind, start = rng.integers(4), 90 * int(rng.integers(4))
            if kind == 0:
                d.ellipse((x, y, x + w * 0.94, y + w * 0.94), fill=ink)
            elif kind == 1:
                d.pieslice((x, y, x + w * 0.94, y + w * 0.94), start, start + 180, fill=ink)
            elif kind == 2:
                corners = [(x, y), (x + w * 0.94, y), (x + w * 0.94, y + w * 0.94)]
                d.polygon(corners, fill=ink)
            elif rng.random() < 0.6:
                d.rectangle((x, y, x + w * 0.94, y + w * 0.94), fill=ink)


def _hills(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    d.ellipse(_around(rng.uniform(0.25, 0.75), 0.3, rng.uniform(0.1, 0.2), s), fill=inks[-1])
    for k in range(3):
        base, height = 0.5 + 0.14 * k, rng.uniform(0.05, 0.2)
        phase, speed = rng.uniform(0, 6.3), rng.uniform(4, 12)
        ridge = [
            (t * s, (base - height * math.sin(speed * t + phase)) * s)
            for t in np.linspace(0.03, 0.97, 40)
        ]
        d.polygon([*ridge, (0.97 * s, 0.97 * s), (0.03 * s, 0.97 * s)], fill=inks[k % len(inks)])


def _blob(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    for k in range(int(rng.integers(2, 5))):
        x, y = rng.uniform(0.35, 0.65, 2)
        size, waves = 0.36 - 0.07 * k, rng.uniform(-0.09, 0.09, 4)
        outline = []
        for a in np.linspace(0, 2 * math.pi, 90):
            r = size + sum(w * math.sin((i + 2) * a + 3 * w) for i, w in enumerate(waves))
            outline.append(((x + r * math.cos(a)) * s, (y + r * math.sin(a)) * s))
        d.polygon(outline, fill=inks[k % len(inks)])


def _nested(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    count, turn = int(rng.integers(3, 9)), rng.uniform(0, 6.3)
    inner = 1.0 if rng.random() < 0.5 else rng.uniform(0.4, 0.75)
    twist = rng.uniform(0, 0.4)
    for k, r in enumerate(np.linspace(0.46, 0.08, int(rng.integers(3, 7)))):
        corners = _ngon(0.5 * s, r * s, count, turn + twist * k, inner)
        d.polygon(corners, fill=inks[k % len(inks)])


def _animal(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    ear, tall, apart = rng.uniform(0.06, 0.14), rng.uniform(0.1, 0.3), rng.uniform(0.12, 0.26)
    for sign in (-1, 1):
        x = 0.5 + sign * apart
        box = ((x - ear) * s, (0.4 - tall) * s, (x + ear) * s, 0.5 * s)
        d.ellipse(box, fill=inks[0])
    wide = rng.uniform(0.28, 0.42)
    d.ellipse(((0.5 - wide) * s, 0.28 * s, (0.5 + wide) * s, 0.92 * s), fill=inks[0])
    look = rng.uniform(0.03, 0.07)
    for sign in (-1, 1):
        d.ellipse(_around(0.5 + sign * 0.13, 0.52, look, s), fill=inks[-1])
    nose = rng.uniform(0.04, 0.1)
    d.ellipse(((0.5 - nose) * s, 0.64 * s, (0.5 + nose) * s, (0.64 + nose) * s), fill=inks[-1])


def _boat(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    mast, keel = rng.uniform(0.4, 0.6), rng.uniform(0.64, 0.76)
    d.polygon([(mast * s, 0.06 * s), (0.9 * s, keel * s), (mast * s, keel * s)], fill=inks[0])
    low = (keel - 0.06) * s
    d.polygon(
        [((mast - 0.04) * s, 0.2 * s), ((mast - 0.04) * s, low), (0.1 * s, low)], fill=inks[-1]
    )
    hull = [(0.06, keel + 0.04), (0.94, keel + 0.04), (0.78, 0.94), (0.2, 0.94)]
    d.polygon([(x * s, y * s) for x, y in hull], fill=inks[len(inks) // 2])


def _stem(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    d.line((0.5 * s, 0.06 * s, 0.5 * s, 0.97 * s), fill=inks[0], width=s // 40)
    length, slope, thick = rng.uniform(0.2, 0.42), rng.uniform(-0.25, 0.1), rng.uniform(0.03, 0.09)
    count = int(rng.integers(3, 8))
    for k in range(count):
        y = 0.14 + 0.76 * k / count
        for sign in (-1, 1):
            tip = (0.5 + sign * length, y + slope)
            mid = (0.5 + sign * length / 2, y + slope / 2)
            blade = [(0.5, y), (mid[0], mid[1] - thick), tip, (mid[0], mid[1] + thick)]
            d.polygon([(u * s, v * s) for u, v in blade], fill=inks[k % len(inks)])


def _bars(d: ImageDraw.ImageDraw, rng: np.random.Generator, inks: Sequence[str], s: int) -> None:
    count, level = int(rng.integers(3, 9)), rng.random() < 0.5
    for k in range(count):
        low, high = sorted(rng.uniform(0.05, 0.95, 2))
        low, high = min(low, 0.4), max(high, 0.6)
        a, b = 0.05 + 0.9 * k / count, 0.05 + 0.9 * (k + 0.7) / count
        box = (low, a, high, b) if level else (a, low, b, high)
        shape = tuple(v * s for v in box)
        d.rounded_rectangle(shape, 0.3 * (b - a) * s, fill=inks[k % len(inks)])


MOTIFS: tuple[Motif, ...] = (
    _rosette,
    _mosaic,
    _hills,
    _blob,
    _nested,
    _animal,
    _boat,
    _stem,
    _bars,
)


def composition(seed: int, inks: Sequence[str], size: int = 384) -> Image.Image:
    """Square RGBA picture that depends on the seed, in the given colours."""
    rng = np.random.default_rng([seed, 11])
    image = Image.new("RGBA", (size * 2, size * 2), (0, 0, 0, 0))
    MOTIFS[int(rng.integers(len(MOTIFS)))](ImageDraw.Draw(image), rng, list(inks), size * 2)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def mark(seed: int, size: int, color: str) -> Image.Image:
    """Pictorial part of an invented logo: one colour and clear gaps."""
    rng = np.random.default_rng([seed, 12])
    s = size * 3
    image = Image.new("RGBA", (s, s), (0, 0, 0, 0))
    d = ImageDraw.Draw(image)
    clear = (0, 0, 0, 0)
    kind = rng.integers(4)
    if kind == 0:
        MOTIFS[int(rng.integers(len(MOTIFS)))](d, rng, [color, color, clear], s)  # type: ignore[list-item]
    elif kind == 1:
        d.ellipse(_around(0.5, 0.5, 0.46, s), fill=color)
        d.polygon(_ngon(s / 2, 0.32 * s, int(rng.integers(3, 8)), -math.pi / 2), fill=clear)
    elif kind == 2:
        d.ellipse(_around(0.5, 0.5, 0.45, s), outline=color, width=int(0.07 * s))
        star = _ngon(s / 2, 0.28 * s, int(rng.integers(3, 9)), -math.pi / 2, 0.45)
        d.polygon(star, fill=color)
    else:
        corners = _ngon(s / 2, 0.46 * s, int(rng.integers(3, 9)), -math.pi / 2)
        d.polygon(corners, fill=color)
        d.ellipse(_around(0.5, 0.5, rng.uniform(0.1, 0.24), s), fill=clear)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def pattern(seed: int, colors: Sequence[str], size: int) -> Image.Image:
    """Repeating pattern of one or two small motifs on a ground."""
    rng = np.random.default_rng([seed, 13])
    image = Image.new("RGB", (size, size), colors[0])
    count = int(rng.integers(3, 9))
    cell, offset = size / count, rng.random() < 0.5
    scale = rng.uniform(0.5, 1.0)
    inks = list(colors[1:])
    tiles = []
    for k in range(int(rng.integers(1, 3))):
        order = inks[k % len(inks) :] + inks[: k % len(inks)]
        tiles.append(composition(seed * 3 + k, order, max(int(cell * scale), 8)))
    for i in range(-1, count + 1):
        for j in range(count):
            x = (i + (0.5 if offset and j % 2 else 0.0) + (1 - scale) / 2) * cell
            tile = tiles[(i + j) % len(tiles)]
            image.paste(tile, (int(x), int((j + (1 - scale) / 2) * cell)), tile)
    return image


def _lines(text: str, face: Any, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and face.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def label(
    artwork: ModuleType,
    texts: tuple[str, str, str],
    colors: Sequence[str],
    size: tuple[int, int],
    seed: int,
) -> Image.Image:
    """Front of a package or a book cover: picture, title and brand in a random layout.

    Args:
        artwork: The sample shop's module, for its fonts and logos.
        texts: Brand (may be empty), title and small print.
        colors: Ground, ink and accent.
        size: Width and height in pixels.
        seed: Of layout and picture.
    """
    rng = np.random.default_rng([seed, 14])
    w, h = size
    ground, ink, accent = colors
    brand, title, note = texts
    image = Image.new("RGBA", size, ground)
    d = ImageDraw.Draw(image)
    places = [0.2, 0.48, 0.76]
    rng.shuffle(places)
    art_at, title_at, brand_at = places
    band = int(rng.integers(4))
    if band == 0:
        d.rectangle((0, h * (art_at - 0.16), w, h * (art_at + 0.16)), fill=accent)
    elif band == 1:
        d.rectangle((w * 0.05, h * 0.04, w * 0.95, h * 0.96), outline=accent, width=w // 60)
    inks = [ink, ground] if band == 0 else [accent, ink]
    if band == 2 and h > w:
        art = composition(seed, inks, w)
        image.paste(art, (0, int(h * art_at - w / 2)), art)
    else:
        artwork.stamp(image, composition(seed, inks), (w * 0.5, h * art_at), min(w, h) * 0.36)
    if brand:
        logo = artwork.logo(brand, ink, "row")
        artwork.stamp(image, logo, (w * 0.5, h * brand_at), min(w * 0.6, h * 0.8))
    face = artwork.font(("bold", "serifbold", "narrow", "italic", "mono")[seed % 5], w * 0.095)
    for k, line in enumerate(_lines(title, face, w * 0.86)):
        d.text(
            (w / 2, h * title_at + (k - 0.5) * w * 0.115), line, fill=ink, font=face, anchor="mm"
        )
    small = artwork.font("sans", w * 0.05)
    d.text((w / 2, h * 0.94), note, fill=ink, font=small, anchor="mm")
    return image


DRAWERS: dict[str, Callable[..., Image.Image]] = {
    "mark": mark,
    "pattern": pattern,
    "print_art": composition,
}


def _or_generated(
    old: Callable[..., Image.Image], new: Callable[..., Image.Image], size: int | None
) -> Callable[..., Image.Image]:
    """Draw kinds that start with ``gen:`` with ``new``, others with ``old``.

    Args:
        old: Called with kind, second argument and size.
        new: Called with seed and the same.
        size: In pixels, smaller than the sample shop's; ``None``: the second argument is the size.
    """

    def draw(kind: str, *details: Any, seed: int | None = None) -> Image.Image:
        sized = details if size is None else (details[0], size)
        if kind.startswith(PREFIX):
            return new(int(kind[len(PREFIX) :]), *sized)
        return old(kind, *sized) if seed is None else old(kind, *sized, seed=seed)

    return draw


def install(artwork: ModuleType, brands: dict[str, tuple[str, str, str]]) -> None:
    """Teach the sample shop's artwork module the invented brands and everything ``gen:``."""
    artwork.BRANDS.update(brands)
    for name, size in (("mark", None), ("pattern", 512), ("print_art", 448)):
        setattr(artwork, name, _or_generated(getattr(artwork, name), DRAWERS[name], size))
    old_label, old_cover = artwork.label_front, artwork.book_cover

    def new_label(brand: str, title: str, note: str, *layout: Any) -> Image.Image:
        colors, size, style = layout
        if style >= FIRST_GENERATED_STYLE:
            return label(artwork, (brand, title, note), colors, size, style)
        drawn: Image.Image = old_label(brand, title, note, colors, size, style)
        return drawn

    def new_cover(title: str, author: str, colors: list[str], motif: str) -> Image.Image:
        if motif.startswith(PREFIX):
            seed = int(motif[len(PREFIX) :])
            return label(artwork, ("", title, author), colors, COVER, seed)
        drawn: Image.Image = old_cover(title, author, colors, motif)
        return drawn

    for name, drawer in (("label_front", new_label), ("book_cover", new_cover)):
        setattr(artwork, name, drawer)
