"""Brand recognition: logos, words and the brands of like products become one answer, or none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import Encoder
from shopsight.images.boxes import MARGIN, WHOLE, Box
from shopsight.recognize.answers import Alternative, Evidence, Recognition
from shopsight.recognize.brand_gallery import Gallery
from shopsight.recognize.brand_names import BrandNames, NameSeen
from shopsight.recognize.brand_windows import Windows, look
from shopsight.recognize.text import TextLine
from shopsight.regions.base import Region
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
        brands: All that are sure enough, surest first, but the answer before all others; empty:
            none. The answer is the brand of what the photo is of: where that has none, brands of
            what is beside it may still be on the photo.
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
        keys: Folded name or alias of a brand that was taught -> its key.
    """

    brands: Mapping[str, KnownBrand]
    names: BrandNames
    gallery: Gallery | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrandSenses:
    """What a recogniser looks with.

    Attributes:
        encoder: Of the shop.
        like_products: From the vector of a photo to the brands of like products; ``None``: there
            are no products.
        things: From a photo to the things on it, the main subject first; ``None``: they are not
            looked for.
        read: From pixels ``(height, width, 3)`` uint8 RGB to the lines of text on them; ``None``:
            text is not read.
    """

    encoder: Encoder
    like_products: Callable[[Vector], LikeProducts] | None = None
    things: Callable[[Image.Image], Sequence[Region]] | None = None
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
    things: Sequence[Region] = ()
    if box is None and senses.things is not None:
        things = senses.things(image)
        clock.lap("regions")
    seen = look(senses.encoder, shown, things, thorough=thorough)
    clock.lap("encode")
    like = [senses.like_products(one) for one in seen.things] if senses.like_products else []
    clock.lap("search")
    named: Sequence[NameSeen] = ()
    if senses.read is not None:
        named = known.names.found(senses.read(np.asarray(shown)))
        clock.lap("text")
    said = [
        _Said(_placed(one.evidence, part), one.meant)
        for one in _all_said(seen, named, like, things, known)
    ]
    answer = _answered(said, known, threshold)
    clock.lap("rank")
    return replace(answer, look=seen.things[0], timings_ms=clock.timings())


def logo_probability(score: float) -> float:
    """Probability that a logo is there, from the best score of its brand."""
    return 1 / (1 + math.exp(-LOGO_STEEPNESS * (score - LOGO_MIDDLE)))


class _Said(NamedTuple):
    """Evidence, and its confidence as far as it is about what the photo is of."""

    evidence: Evidence
    meant: float


def _all_said(
    seen: Windows,
    named: Sequence[NameSeen],
    like: Sequence[LikeProducts],
    things: Sequence[Region],
    known: BrandKnowledge,
) -> Iterator[_Said]:
    """All evidence.

    What is beside the main subject says as much less of it as that is known to be a product of
    another brand, or of none.
    """
    main = like[0] if like else LikeProducts()
    yield from _logos(seen, main, known)
    subject = things[0].box.grown(MARGIN) if things else WHOLE
    for one in named:
        name, box = known.brands[one.brand].name, one.line.box
        beside = 0.0 if _is_within(box, subject) else _others(main, one.brand)
        sure = one.confidence
        yield _Said(Evidence("name", one.line.text, sure, box, name), sure * (1 - beside))
    for number, products in enumerate(like):
        for key, alike in _products(products, known):
            placed = replace(alike, box=things[number].box) if things else alike
            beside = _others(main, key) if number else 0.0
            yield _Said(placed, alike.confidence * (1 - beside))


def _logos(seen: Windows, main: LikeProducts, known: BrandKnowledge) -> Iterator[_Said]:
    if known.gallery is None:
        return
    scores = known.gallery.scores(seen.vectors)
    windows = scores.argmax(axis=0)
    for number, key in enumerate(known.gallery.brands):
        window = int(windows[number])
        sure = logo_probability(float(scores[window, number]))
        sure *= 1 - CONTRADICTED * _others(main, key)
        name = known.brands[key].name
        place = Box(*seen.boxes[window].tolist())
        yield _Said(Evidence("logo", f"like the logo of {name}", sure, place, name), sure)


def _products(like: LikeProducts, known: BrandKnowledge) -> Iterator[tuple[str, Evidence]]:
    for key, share in like.shares.items():
        detail = like.names.get(key, "")
        if key in known.brands:
            name = known.brands[key].name
            yield key, Evidence("products", detail, PRODUCTS_TRUST * share, answer=name)
        elif not key:
            yield key, Evidence("products", f"no brand: {detail}", share)


def _others(like: LikeProducts, key: str) -> float:
    """Probability that a thing is a product of another brand, or of none."""
    others = sum(like.shares.values()) - like.shares.get(key, 0.0)
    return min(max(others, 0.0), 1.0)


def _weighed(told: Iterable[tuple[Evidence, float]], known: BrandKnowledge) -> list[BrandSeen]:
    """All brands that something speaks for, surest first: one sort of evidence is enough.

    Args:
        told: Evidence, and how much it counts.
        known: What the shop knows of brands.
    """
    doubts: dict[str, float] = {}
    places: dict[str, Evidence] = {}
    for one, sure in told:
        if one.answer is None:
            continue
        doubts[one.answer] = doubts.get(one.answer, 1.0) * (1 - sure)
        if one.kind == "products" or one.confidence < WORTH_SAYING:
            continue
        best = places.get(one.answer)
        if best is None or one.confidence > best.confidence:
            places[one.answer] = one
    websites = {brand.name: brand.website for brand in known.brands.values()}
    found = []
    for name, doubt in doubts.items():
        box = places[name].box if name in places else None
        found.append(BrandSeen(name, websites.get(name, ""), 1 - doubt, box))
    return sorted(found, key=lambda one: (-one.confidence, one.name))


def _answered(said: Sequence[_Said], known: BrandKnowledge, threshold: float) -> BrandRecognition:
    meant = _weighed(said, known)
    sure = bool(meant) and meant[0].confidence >= threshold
    answer = meant[0].name if sure else None
    shown = _weighed(((one.evidence, one.evidence.confidence) for one in said), known)
    brands = [one for one in shown if one.confidence >= threshold]
    told = sorted((one.evidence for one in said), key=lambda one: -one.confidence)
    alternatives = [
        Alternative(one.name, one.confidence)
        for one in (meant[1:] if sure else meant)
        if one.confidence >= WORTH_SAYING
    ]
    return BrandRecognition(
        answer=answer,
        confidence=meant[0].confidence if meant else 0.0,
        alternatives=tuple(alternatives[:MOST_ALTERNATIVES]),
        evidence=tuple(one for one in told if one.confidence >= WORTH_SAYING),
        brands=tuple(sorted(brands, key=lambda one: one.name != answer)),
    )


def _is_within(box: Box, part: Box) -> bool:
    """Whether the middle of a box is inside another."""
    across, down = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return part.x1 <= across <= part.x2 and part.y1 <= down <= part.y2


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
