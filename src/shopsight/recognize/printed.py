"""What the words printed on a thing say of which product it is.

Every word multiplies the odds (naive Bayes): a name is about half the time legible on what bears
it, and otherwise as rare as in the catalogue. Words that name a kind of thing, and brands, tell
products apart, but things that are not sold here bear them as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shopsight.catalog.product import Product
from shopsight.recognize.gtins import gtin14
from shopsight.recognize.text import TextLine
from shopsight.words.fields import Role, role
from shopsight.words.segment import STOP_WORDS, search_terms

LEGIBLE = 0.5
"""Share of a product's names that can be read on a photo of it."""

RAREST = 0.01
"""Least share of other things that bear a word: none is so rare that it alone decides."""

FOREIGN = 0.7
"""What a word that is not among a product's own multiplies its odds by: packages say much."""

FOREIGN_KIND = 0.4
"""As :data:`FOREIGN`, for words that name a kind of thing."""

SOLD_OF_BRAND = 5.0
"""What a brand of the shop multiplies the odds by that the thing is sold here."""

NUMBER_ODDS = 1000.0
"""What an article number of a product, read letter by letter, multiplies its odds by."""

MOST_LOG_ODDS = 8.0
"""Words alone never count for more, or less: reading errs, and pictures show several things."""

_OTHERS = 100
"""Things that bear none of the names: in a small shop too, names are rare."""

_SHORTEST = 3
_SHORTEST_NUMBER = 4
_LOOKALIKES = str.maketrans("OQDILZSBG", "000112586")
"""Letters that reading takes for digits, and the other way round."""


class KnownTerms(Protocol):
    """The words of a catalogue; a :class:`~shopsight.words.vocabulary.Vocabulary` is one."""

    @property
    def total(self) -> int:
        """Products."""

    @property
    def terms(self) -> Mapping[str, int]:
        """Products that have each term."""

    def corrected(self, term: str) -> str:
        """The known term that a misread one was meant to be, or the term itself."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What was read on a photo.

    Attributes:
        terms: Search terms, corrected by the catalogue's words, and how sure each is, 0 to 1.
        numbers: Texts that may be article numbers, as :func:`comparable` spells them.
        gtins: GTIN-14 read as digits.
    """

    terms: Mapping[str, float] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    gtins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Odds:
    """What words multiply odds by, as natural logarithms.

    Attributes:
        products: For each product.
        absent: For the thing being none of them.
    """

    products: Mapping[str, float]
    absent: float


def printed(lines: Sequence[TextLine], known: KnownTerms) -> Printed:
    """What lines of text say, in the words of the catalogue."""
    terms: dict[str, float] = {}
    numbers: set[str] = set()
    gtins: set[str] = set()
    for line in lines:
        for term in line_terms(line.text, known):
            terms[term] = max(terms.get(term, 0.0), line.confidence)
        for word in line.text.split():
            if _is_number(comparable(word)):
                numbers.add(comparable(word))
        gtins.add(gtin14(re.sub(r"\D", "", line.text)))
    return Printed(terms, frozenset(numbers), frozenset(gtins - {""}))


def line_terms(text: str, known: KnownTerms) -> list[str]:
    """Telling terms of a line, corrected by the catalogue's words."""
    found = (known.corrected(term) for term in search_terms(text))
    return [term for term in found if _telling(term)]


def comparable(number: str) -> str:
    """An article number without punctuation, with letters that look like digits as those."""
    return re.sub(r"[\W_]+", "", number).upper().translate(_LOOKALIKES)


def odds(seen: Printed, products: Mapping[str, Product], known: KnownTerms) -> Odds:
    """What was read multiplies the odds of products by.

    Args:
        seen: What was read.
        products: Those that come into question, by id.
        known: The catalogue's words.
    """
    own = {key: _own_terms(product) for key, product in products.items()}
    kinds = frozenset(term for terms in own.values() for term in terms.kind)
    brands = frozenset(term for terms in own.values() for term in terms.brand)
    absent = 0.0
    for term, sure in seen.terms.items():
        if term in kinds:
            absent += sure * _log_rarity(term, known)
        elif term in brands:
            absent += sure * max(_log_rarity(term, known) - math.log(SOLD_OF_BRAND), 0.0)
    found = {
        key: _bounded(_log_odds(seen, terms, known, kinds) + _numbers(seen, products[key]))
        for key, terms in own.items()
    }
    return Odds(found, _bounded(absent))


def supports(terms: Sequence[str], product: Product) -> bool:
    """Whether a line's terms name a product: its brand, its title, or its number."""
    own = _own_terms(product)
    return any(term in own.name or term in own.brand for term in terms)


@dataclass(frozen=True, slots=True)
class _OwnTerms:
    name: frozenset[str]
    brand: frozenset[str]
    kind: frozenset[str]
    other: frozenset[str]


def _own_terms(product: Product) -> _OwnTerms:
    further = [str(v) for k, v in product.attributes.items() if role(k) is Role.TITLE]
    kind = _terms(product.product_type, product.google_product_category)
    brand = _terms(product.brand)
    values = [str(value) for value in product.attributes.values()]
    return _OwnTerms(
        name=_terms(product.title, product.mpn, *further) - kind - brand,
        brand=brand - kind,
        kind=kind,
        other=_terms(product.description, *values),
    )


def _log_odds(seen: Printed, own: _OwnTerms, known: KnownTerms, kinds: frozenset[str]) -> float:
    total = 0.0
    for term, sure in seen.terms.items():
        if term in own.name or term in own.brand or term in own.kind:
            total += sure * _log_rarity(term, known)
        elif term not in own.other:
            total += sure * math.log(FOREIGN_KIND if term in kinds else FOREIGN)
    return total


def _numbers(seen: Printed, product: Product) -> float:
    own = comparable(product.mpn)
    named = _is_number(own) and own in seen.numbers
    coded = bool(product.gtin) and product.gtin.zfill(14) in seen.gtins
    return math.log(NUMBER_ODDS) * (named + coded)


def _log_rarity(term: str, known: KnownTerms) -> float:
    share = (known.terms.get(term, 0) + 1) / (known.total + _OTHERS)
    return math.log(LEGIBLE / min(max(share, RAREST), LEGIBLE))


def _bounded(log_odds: float) -> float:
    return min(max(log_odds, -MOST_LOG_ODDS), MOST_LOG_ODDS)


def _terms(*texts: str) -> frozenset[str]:
    return frozenset(term for text in texts for term in search_terms(text) if _telling(term))


def _telling(term: str) -> bool:
    long_enough = len(term) >= (_SHORTEST if term.isascii() else 1)
    return long_enough and term not in STOP_WORDS and not term.isdigit()


def _is_number(text: str) -> bool:
    return len(text) >= _SHORTEST_NUMBER and any(char.isdigit() for char in text)
