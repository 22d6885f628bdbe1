"""Brand recognition: logos, words and the brands of like products become one answer, or none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import Encoder
from shopsight.images.boxes import WHOLE, Box
from shopsight.recognize.answers import Alternative, Evidence, Recognition
from shopsight.recognize.brand_gallery import Gallery
from shopsight.recognize.brand_names import BrandNames, NameSeen
from shopsight.recognize.brand_windows import Windows, look
from shopsight.recognize.text import TextLine
from shopsight.search.clock import Clock

Vector = NDArray[np.float32]

LOGO_STEEPNESS, LOGO_MIDDLE = 12.0, 0.58
"""Logistic curve from a logo's score to its probability, so strict that strange things get none."""

PRODUCTS_TRUST = 0.95
"""Of the probability that the photo shows a product: like products may be of other brands."""

CONTRADICTED = 0.5
"""How much a product of another brand, or of none, takes from the probability of a logo."""

WORTH_SAYING = 0.05
"""Evidence and alternatives that are less probable are left out."""

MOST_ALTERNATIVES = 5


@dataclass(frozen=True, slots=True)
class KnownBrand:
    """A brand as answers show it.

    Attributes:
        name: As the registry spells it, or else the catalogue.
        website: Its address; may be empty.
    """

    name: str
    website: str = ""


@dataclass(frozen=True, slots=True)
class BrandSeen:
    """A brand on a photo.

    Attributes:
        name: As the registry spells it, or else the catalogue.
        website: Its address; may be empty.
        confidence: Probability that the photo shows it, 0 to 1.
        box: Where its logo or name is; ``None``: only a product of it was recognised.
    """

    name: str
    website: str
    confidence: float
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class BrandRecognition(Recognition):
    """Which brands a photo shows.

    Attributes:
        brands: All that are sure enough, surest first; empty: none. The first is the answer.
        look: ``(dimension,)`` unit vector of what was looked at, which like products are found by;
            ``None``: nothing was.
    """

    brands: tuple[BrandSeen, ...] = ()
    look: Vector | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LikeProducts:
    """The brands of the products that a photo may show.

    Attributes:
        shares: Key of a brand -> probability that the photo shows a product of it; an empty key
            stands for products without a brand.
        names: Key of a brand -> title of its likeliest product.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrandKnowledge:
    """What a shop knows of brands.

    Attributes:
        brands: By key.
        names: Finds them in words.
        gallery: Tells them by their logos; ``None``: no logo is known.
    """

    brands: Mapping[str, KnownBrand]
    names: BrandNames
    gallery: Gallery | None = None


@dataclass(frozen=True, slots=True)
class BrandSenses:
    """What a recogniser looks with.

    Attributes:
        encoder: Of the shop.
        like_products: From the vector of a photo to the brands of like products; ``None``: there
            are no products.
        parts: From a photo to what is meant of it, and how much each part counts, as
            :func:`.search.photos.looks` says; ``None``: all of it.
        read: From pixels ``(height, width, 3)`` uint8 RGB to the lines of text on them; ``None``:
            text is not read.
    """

    encoder: Encoder
    like_products: Callable[[Vector], LikeProducts] | None = None
    parts: Callable[[Image.Image], Sequence[tuple[Box, float]]] | None = None
    read: Callable[[NDArray[np.uint8]], Sequence[TextLine]] | None = None


def recognize_brands(
    image: Image.Image,
    known: BrandKnowledge,
    senses: BrandSenses,
    *,
    threshold: float,
    box: Box | None = None,
    thorough: bool = False,
    clock: Clock | None = None,
) -> BrandRecognition:
    """Say which brands a photo shows.

    Args:
        image: The photo, upright, mode RGB.
        known: What the shop knows of brands.
        senses: What is looked with.
        threshold: Probability from which a brand is an answer, 0 to 1.
        box: The part of the photo that is meant; ``None``: all of it.
        thorough: Look at overlapping tiles of the photo too; see :func:`.brand_windows.look`.
        clock: Told what took how long.

    Raises:
        EncoderError: A model failed.
    """
    clock = clock or Clock()
    part = box or WHOLE
    shown = image if box is None else _cut(image, box)
    parts: Sequence[tuple[Box, float]] = ((WHOLE, 1.0),)
    if box is None and senses.parts is not None:
        parts = senses.parts(image)
        clock.lap("regions")
    seen = look(senses.encoder, shown, parts, thorough=thorough)
    clock.lap("encode")
    like = senses.like_products(seen.whole) if senses.like_products else LikeProducts()
    clock.lap("search")
    named: Sequence[NameSeen] = ()
    if senses.read is not None:
        named = known.names.found(senses.read(np.asarray(shown)))
        clock.lap("text")
    evidence = [
        *_logos(seen, known, like),
        *(_name(one, known) for one in named),
        *_products(like, known),
    ]
    evidence = [_placed(one, part) for one in evidence]
    answer = _answered(_weighed(evidence, known), evidence, threshold)
    clock.lap("rank")
    return replace(answer, look=seen.whole, timings_ms=clock.timings())


def logo_probability(score: float) -> float:
    """Probability that a logo is there, from the best score of its brand."""
    return 1 / (1 + math.exp(-LOGO_STEEPNESS * (score - LOGO_MIDDLE)))


def _logos(seen: Windows, known: BrandKnowledge, like: LikeProducts) -> list[Evidence]:
    if known.gallery is None:
        return []
    scores = known.gallery.scores(seen.vectors)
    windows = scores.argmax(axis=0)
    found = []
    for number, key in enumerate(known.gallery.brands):
        window = int(windows[number])
        others = sum(like.shares.values()) - like.shares.get(key, 0.0)
        sure = logo_probability(float(scores[window, number]))
        sure *= 1 - CONTRADICTED * min(max(others, 0.0), 1.0)
        name = known.brands[key].name
        place = Box(*seen.boxes[window].tolist())
        found.append(Evidence("logo", f"like the logo of {name}", sure, place, name))
    return found


def _name(one: NameSeen, known: BrandKnowledge) -> Evidence:
    name = known.brands[one.brand].name
    return Evidence("name", one.line.text, one.confidence, one.line.box, name)


def _products(like: LikeProducts, known: BrandKnowledge) -> list[Evidence]:
    found = []
    for key, share in like.shares.items():
        detail = like.names.get(key, "")
        if key in known.brands:
            name = known.brands[key].name
            found.append(Evidence("products", detail, PRODUCTS_TRUST * share, answer=name))
        elif not key:
            found.append(Evidence("products", f"no brand: {detail}", share))
    return found


def _weighed(evidence: Sequence[Evidence], known: BrandKnowledge) -> list[BrandSeen]:
    """All brands that something speaks for, surest first: one sort of evidence is enough."""
    doubts: dict[str, float] = {}
    places: dict[str, Evidence] = {}
    for one in evidence:
        if one.answer is None:
            continue
        doubts[one.answer] = doubts.get(one.answer, 1.0) * (1 - one.confidence)
        best = places.get(one.answer)
        if one.box is not None and (best is None or one.confidence > best.confidence):
            places[one.answer] = one
    websites = {brand.name: brand.website for brand in known.brands.values()}
    found = []
    for name, doubt in doubts.items():
        place = places.get(name)
        box = place.box if place is not None and place.confidence >= WORTH_SAYING else None
        found.append(BrandSeen(name, websites.get(name, ""), 1 - doubt, box))
    return sorted(found, key=lambda one: (-one.confidence, one.name))


def _answered(
    found: Sequence[BrandSeen], evidence: Sequence[Evidence], threshold: float
) -> BrandRecognition:
    sure = tuple(one for one in found if one.confidence >= threshold)
    others = found[1:] if sure else found
    alternatives = tuple(
        Alternative(one.name, one.confidence) for one in others if one.confidence >= WORTH_SAYING
    )
    told = sorted(evidence, key=lambda one: -one.confidence)
    return BrandRecognition(
        answer=sure[0].name if sure else None,
        confidence=found[0].confidence if found else 0.0,
        alternatives=alternatives[:MOST_ALTERNATIVES],
        evidence=tuple(one for one in told if one.confidence >= WORTH_SAYING),
        brands=sure,
    )


def _placed(one: Evidence, part: Box) -> Evidence:
    """Evidence seen on a part of the photo, its box on all of it."""
    if one.box is None or part == WHOLE:
        return one
    wide, high = part.x2 - part.x1, part.y2 - part.y1
    x1, y1, x2, y2 = one.box
    box = Box(part.x1 + x1 * wide, part.y1 + y1 * high, part.x1 + x2 * wide, part.y1 + y2 * high)
    return replace(one, box=box)


def _cut(image: Image.Image, box: Box) -> Image.Image:
    width, height = image.size
    left, top = int(box.x1 * width), int(box.y1 * height)
    right, bottom = max(round(box.x2 * width), left + 1), max(round(box.y2 * height), top + 1)
    return image.crop((left, top, right, bottom))
