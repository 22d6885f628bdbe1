"""Says which product a photo shows: by a code, by printed words, by its look, or by all of them.

The stages are a cascade. A code that names one product of the shop settles it. Otherwise the look
gives each product a probability, and the rest to its being none of them: by a second look at the
best hits (:mod:`shopsight.recognize.verification`), or where none is possible by their scores
(:mod:`shopsight.search.confidence`). If that leaves a doubt, text is read, and its words multiply
the odds (:mod:`shopsight.recognize.printed`). A code that the shop does not know speaks against
every product that has another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from shopsight.catalog.product import Product
from shopsight.encoders.places import Places
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.prepare import ImageLimits, decode
from shopsight.recognize.answers import Alternative, Evidence, Recognition
from shopsight.recognize.barcodes import Code, CodeKind, read_codes
from shopsight.recognize.gtins import gtin14, spellings
from shopsight.recognize.printed import Odds, Printed, line_terms, odds, printed, supports
from shopsight.recognize.text import TextLine, TextReader
from shopsight.recognize.verification import Verdict
from shopsight.search.calibrate import Calibration
from shopsight.search.candidates import Candidate
from shopsight.search.clock import Clock
from shopsight.search.confidence import shares
from shopsight.search.engine import JUDGED, SearchEngine
from shopsight.search.photos import PhotoReader
from shopsight.words.segment import search_terms
from shopsight.words.vocabulary import Vocabulary

CODED = 0.999
"""Probability that a thing is the product whose code it bears: codes are printed on wrong things,
and catalogues err."""

OTHER_CODE = 1 - CODED
"""What a code that names none of the shop's products multiplies the odds of products with another
code by: it may be on something else in the picture."""

UNSEEN = 0.2
"""Share of photos that show a side which is on no picture of the catalogue: so likely, divided by
the number of products, is each of them whatever its look."""

UNCALIBRATED_PRESENCE = 0.7
UNCALIBRATED_TEMPERATURE = 0.02
"""Used for shops with too few products to fit confidence."""

ALTERNATIVES = 5
_LEAST_ALTERNATIVE = 0.005
_CODE_SIDE = 1000
_TEXT_SIDE = 1600
_BY_WORDS = 50
_LEAST_LETTERS = 2
"""Of a line; single ones are mostly marks and patterns."""


@dataclass(frozen=True, slots=True)
class Stages:
    """Which stages run, and how long.

    Attributes:
        barcodes: Whether codes are read.
        barcode_budget_s: Seconds for codes that are hard to read.
        text_budget_s: Seconds for reading text; 0: none is read.
        certain: Probability from which no text is read.
        threshold: Probability from which there is an answer.
    """

    barcodes: bool = True
    barcode_budget_s: float = 0.06
    text_budget_s: float = 0.8
    certain: float = 0.95
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a recogniser looks things up.

    Attributes:
        engine: Searches the index.
        reader: Reads photos, as searches do.
        calibration: How scores become confidence; ``None`` where that is not known.
        verifies: Whether ``verify`` knows anything.
        verify: From the places of a photo and its hits, best first, to what a second look says of
            them; ``None`` where it cannot.
        vocabulary: The catalogue's words.
        text_reader: Reads text; ``None`` where nothing can.
        by_gtin: Spellings of a GTIN to the ids of products that have it.
        by_link: A web address to the ids of products that have it as their page.
        by_words: Terms, and how many products are wanted, to ids, best first.
        products: Ids to products; unknown ones are left out.
    """

    engine: SearchEngine
    reader: PhotoReader
    calibration: Callable[[], Calibration | None]
    verifies: Callable[[], bool]
    verify: Callable[[Places, Sequence[Candidate]], Verdict | None]
    vocabulary: Callable[[], Vocabulary]
    text_reader: Callable[[], TextReader | None]
    by_gtin: Callable[[Sequence[str]], Sequence[str]]
    by_link: Callable[[str], Sequence[str]]
    by_words: Callable[[Sequence[str], int], Sequence[str]]
    products: Callable[[Sequence[str]], Mapping[str, Product]]


@dataclass(frozen=True, slots=True)
class _Look:
    """Probabilities by the look alone.

    Attributes:
        products: Of products, the likeliest first.
        absent: That it is none of them.
        box: The main subject.
        verified: Whether a second look was taken.
    """

    products: Mapping[str, float]
    absent: float
    box: Box
    verified: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """Text that was read, and what follows from it."""

    lines: Sequence[TextLine] = ()
    seen: Printed = field(default_factory=Printed)
    complete: bool = True


class ProductRecognizer:
    """Recognises products on photos. Safe to use from several threads.

    Args:
        sources: Where it looks things up.
        limits: What a photo may cost.
        stages: Which stages run, and how long.
    """

    def __init__(self, sources: Sources, limits: ImageLimits, stages: Stages) -> None:
        self._sources = sources
        self._limits = limits
        self._stages = stages

    def recognize(self, data: bytes, *, box: Box | None, regions: bool) -> Recognition:
        """Say which product a photo shows.

        Args:
            data: Its bytes.
            box: The part of it that is meant.
            regions: Whether the main subject is looked for where no part is named.

        Raises:
            DecodeError: The photo cannot be used.
            EncoderError: A model failed.
        """
        clock = Clock()
        image = self._decoded(data, box)
        clock.lap("decode")
        part = box or WHOLE
        codes = read_codes(image, self._stages.barcode_budget_s) if self._stages.barcodes else ()
        coded = [(code, tuple(self._named(code))) for code in codes]
        clock.lap("barcodes")
        named = tuple(dict.fromkeys(key for _, keys in coded for key in keys))
        seen = [_code_evidence(code, keys, part) for code, keys in coded]
        if len(named) == 1:
            return Recognition(named[0], CODED, evidence=tuple(seen), timings_ms=clock.timings())
        look = self._looked(data, box, regions=regions, clock=clock)
        likely = self._combined(look, named, codes, _Read())
        read = _Read()
        reader = self._sources.text_reader() if self._stages.text_budget_s > 0 else None
        if reader is not None and max(likely.values(), default=0.0) < self._stages.certain:
            read = self._read(reader, image, part)
            clock.lap("text")
            likely = self._combined(look, named, codes, read) if read.lines else likely
        best = max(likely, key=lambda key: likely[key], default=None)
        seen += self._text_evidence(read, best)
        seen += _look_evidence(look, self._sources.products(list(look.products)[:1]))
        clock.lap("combine")
        return _answer(likely, self._stages.threshold, seen, clock)

    def _decoded(self, data: bytes, box: Box | None) -> Image.Image:
        if box is None:
            return decode(data, self._limits, target_side=_CODE_SIDE)
        image = decode(data, self._limits)
        width, height = image.size
        left, top = math.floor(box.x1 * width), math.floor(box.y1 * height)
        right, bottom = math.ceil(box.x2 * width), math.ceil(box.y2 * height)
        return image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))

    def _named(self, code: Code) -> Sequence[str]:
        """Ids of the products that a code names."""
        if code.kind is CodeKind.GTIN:
            found = self._sources.by_gtin(spellings(code.gtin))
            if found:
                return found
        return self._sources.by_link(code.text) if code.text.lower().startswith("http") else ()

    def _looked(self, data: bytes, box: Box | None, *, regions: bool, clock: Clock) -> _Look:
        sources = self._sources
        photo = sources.reader.read(
            data, box=box, regions=regions, clock=clock, placed=sources.verifies()
        )
        found = sources.engine.nearest(photo.vector, JUDGED)
        clock.lap("search")
        if not found:
            return _Look({}, 1.0, photo.box)
        ids = [one.product_id for one in found]
        verdict = None if photo.places is None else sources.verify(photo.places, found)
        clock.lap("verify")
        if verdict is not None:
            likely = dict(zip(ids, verdict.confidences.tolist(), strict=True))
            order = sorted(likely, key=lambda key: -likely[key])
            ordered = {key: likely[key] for key in order}
            return _Look(ordered, 1.0 - verdict.presence, photo.box, verified=True)
        scores = np.array([one.score for one in found], np.float32)
        calibration = sources.calibration()
        if calibration is None:
            presence = UNCALIBRATED_PRESENCE
            confidences = presence * shares(scores.astype(np.float64), UNCALIBRATED_TEMPERATURE)
        else:
            judged = calibration.judge(scores, sources.engine.groups(ids))
            presence, confidences = judged.presence, judged.confidences.astype(np.float64)
        return _Look(dict(zip(ids, confidences.tolist(), strict=True)), 1.0 - presence, photo.box)

    def _read(self, reader: TextReader, image: Image.Image, part: Box) -> _Read:
        if max(image.size) > _TEXT_SIDE:
            image = image.copy()
            image.thumbnail((_TEXT_SIDE, _TEXT_SIDE), reducing_gap=2.0)
        found = reader.read(np.asarray(image), self._stages.text_budget_s)
        placed = [TextLine(one.text, one.confidence, _placed(one.box, part)) for one in found.lines]
        said = printed(placed, self._sources.vocabulary()) if placed else Printed()
        return _Read(placed, said, found.complete)

    def _combined(
        self, look: _Look, named: Sequence[str], codes: Sequence[Code], read: _Read
    ) -> dict[str, float]:
        """Probability of each product, likeliest first."""
        sources = self._sources
        likely = {**dict.fromkeys((*named, *self._read_of(read)), 0.0), **look.products}
        products = sources.products(list(likely))
        said = odds(read.seen, products, sources.vocabulary()) if read.lines else Odds({}, 0.0)
        foreign = {code.gtin for code in codes if code.kind is CodeKind.GTIN}
        unseen = UNSEEN / max(sources.engine.products, 1)
        if look.verified and not (read.lines or named):
            unseen = 0.0  # nothing was seen that could single out one of them
        weights: dict[str, float] = {}
        for key, product in products.items():
            if named and key not in named:
                continue
            weight = max(likely[key], unseen) * math.exp(said.products.get(key, 0.0))
            if foreign and not named and gtin14(product.gtin) not in {"", *foreign}:
                weight *= OTHER_CODE
            weights[key] = weight
        everything = sum(weights.values())
        absent = look.absent * math.exp(said.absent)
        if named:
            absent = (1 - CODED) * everything
        order = sorted(weights, key=lambda key: (-weights[key], key))
        total = everything + absent
        return {key: weights[key] / total for key in order} if total > 0 else {}

    def _read_of(self, read: _Read) -> Iterator[str]:
        """Ids of products that text may be of."""
        terms = list(read.seen.terms)
        if read.seen.numbers:
            terms += [term for line in read.lines for term in search_terms(line.text)]
        if terms:
            yield from self._sources.by_words(terms, _BY_WORDS)
        for gtin in read.seen.gtins:
            yield from self._sources.by_gtin(spellings(gtin))

    def _text_evidence(self, read: _Read, best: str | None) -> Iterator[Evidence]:
        if not read.complete:
            budget = round(self._stages.text_budget_s * 1000)
            yield Evidence("text", f"reading was cut short after its budget of {budget} ms", 0.0)
        if not read.lines:
            return
        product = self._sources.products([best] if best else []).get(best or "")
        known = self._sources.vocabulary()
        for line in read.lines:
            fits = product is not None and supports(line_terms(line.text, known), product)
            yield Evidence("text", line.text, line.confidence, line.box, best if fits else None)


def _placed(box: Box, part: Box) -> Box:
    """A box of a part of a picture as one of the picture."""
    width, height = part.x2 - part.x1, part.y2 - part.y1
    return Box(
        part.x1 + box.x1 * width,
        part.y1 + box.y1 * height,
        min(part.x1 + box.x2 * width, 1.0),
        min(part.y1 + box.y2 * height, 1.0),
    )


def _code_evidence(code: Code, named: Sequence[str], part: Box) -> Evidence:
    if code.kind is CodeKind.DAMAGED:
        said, sure = "its check digit is wrong, so it names nothing", 0.0
    elif len(named) > 1:
        said, sure = f"it is that of {len(named)} products: {', '.join(named[:5])}", 0.5
    elif named:
        said, sure = f"it is that of {named[0]}", CODED
    else:
        said, sure = "it is of no product of this shop", 0.0
    detail = f"{code.symbology} {code.text}: {said}"
    only = named[0] if len(named) == 1 else None
    return Evidence("barcode", detail, sure, _placed(code.box, part), only)


def _look_evidence(look: _Look, products: Mapping[str, Product]) -> Iterator[Evidence]:
    for key, product in products.items():
        sure = look.products[key]
        yield Evidence("visual", f"looks most like {product.title}", sure, look.box, key)


def _answer(
    likely: Mapping[str, float], threshold: float, seen: Sequence[Evidence], clock: Clock
) -> Recognition:
    ranked = [Alternative(key, share) for key, share in likely.items()]
    first = ranked[0].confidence if ranked else 0.0
    sure = first >= threshold
    others = ranked[1:] if sure else ranked
    return Recognition(
        answer=ranked[0].answer if sure else None,
        confidence=first,
        alternatives=tuple(
            one for one in others[:ALTERNATIVES] if one.confidence >= _LEAST_ALTERNATIVE
        ),
        evidence=tuple(sorted(seen, key=lambda one: (one.answer is None, -one.confidence))),
        timings_ms=clock.timings(),
    )
