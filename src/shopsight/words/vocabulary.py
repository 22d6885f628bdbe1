"""The words and values of a catalogue: what a query's words may refer to."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shopsight.catalog.product import AttributeValue, Product
from shopsight.errors import StorageError
from shopsight.words.fields import FieldValues, Role, role
from shopsight.words.lexicon import Color, lexicon
from shopsight.words.lookup import Lookup
from shopsight.words.palette import color_parts
from shopsight.words.segment import index_terms, stem, tokens

MAX_TERMS = 200_000
"""Terms that are remembered, the most frequent ones; none of the rest is ever corrected to."""

MAX_VALUES = {Role.COLOR: 5000, Role.MATERIAL: 5000, Role.PATTERN: 2000}
"""Distinct values up to which an attribute's values are remembered."""

MAX_OTHER_VALUES = 300
"""As :data:`MAX_VALUES`, for all other attributes: with more it names things, or describes them."""

MAX_BRANDS = 50_000
LONGEST_VALUE = 80
"""Characters of a value at most; longer ones are sentences."""

SHORTEST_CORRECTED = 4
SHORTEST_CORRECTED_TWICE = 8
_VERSION = 1
_CANDIDATES = 8


class Vocabulary:
    """Words and values of a catalogue, with the number of products that have each.

    Args:
        total: Products.
        terms: Search terms; see ``shopsight.words.segment``.
        fields: Text fields with few enough values, by name.
        present: Products that have a ``price``, a ``rating``, a ``stock``, are ``on_sale``, or have
            further titles, such as ``title_zh``.
        names: Pairs of words that titles use as a name, such as ``green tea`` of things that are
            not green.
    """

    def __init__(
        self,
        *,
        total: int = 0,
        terms: Mapping[str, int] | None = None,
        fields: Mapping[str, FieldValues] | None = None,
        present: Mapping[str, int] | None = None,
        names: Collection[str] = (),
    ) -> None:
        self.total = total
        self.terms = terms or {}
        self.fields = fields or {}
        self.present = present or {}
        self.names = frozenset(names)

    @classmethod
    def of(
        cls,
        products: Iterable[Product],
        *,
        attributes: Collection[str] | None = None,
        printed: Mapping[str, str] | None = None,
    ) -> Vocabulary:
        """Read a catalogue.

        Args:
            products: All products that can be found.
            attributes: Names of the attributes that can be filtered by; all, if not given.
            printed: Words on the pictures of products, by product id.
        """
        reading = _Reading(attributes)
        for product in products:
            reading.add(product, (printed or {}).get(product.id, ""))
        return reading.vocabulary()

    @cached_property
    def lookup(self) -> Lookup:
        """The values by the phrases that mean them."""
        return Lookup(self.fields)

    @property
    def titles(self) -> tuple[str, ...]:
        """Fields that hold titles, the main one first."""
        return "title", *sorted(name for name in self.present if role(name) is Role.TITLE)

    def corrected(self, term: str) -> str:
        """The known word that a mistyped one was meant to be, or the term itself.

        One letter may be missing, too many, wrong, or swapped with its neighbour; two from 8
        letters on. Words of fewer than 4 letters, numbers and Chinese are left as they are, and so
        is whatever occurs in the catalogue.
        """
        if len(term) < SHORTEST_CORRECTED or not (term.isascii() and term.isalpha()):
            return term
        if term in self.terms or term in lexicon().words:
            return term
        most = 2 if len(term) >= SHORTEST_CORRECTED_TWICE else 1
        # People hardly ever mistype the first letter.
        choices = [
            word
            for first in dict.fromkeys(term[:2])
            for length in range(len(term) - most, len(term) + most + 1)
            for word in self._spellings.get((first, length), ())
        ]
        near = process.extract(
            term, choices, scorer=OSA.distance, score_cutoff=most, limit=_CANDIDATES
        )
        fitting = [(distance, -self.terms.get(word, 0), word) for word, distance, _ in near]
        return min(fitting)[2] if fitting else term

    @cached_property
    def _spellings(self) -> dict[tuple[str, int], list[str]]:
        """Words that others are corrected to, by first letter and length."""
        found: dict[tuple[str, int], list[str]] = {}
        for word in sorted(self.terms.keys() | lexicon().words):
            if len(word) >= SHORTEST_CORRECTED and word.isascii() and word.isalpha():
                found.setdefault((word[0], len(word)), []).append(word)
        return found

    def to_bytes(self) -> bytes:
        """All of it, to be kept; see :meth:`from_bytes`."""
        data = {
            "version": _VERSION,
            "total": self.total,
            "terms": dict(self.terms),
            "fields": {name: asdict(values) for name, values in self.fields.items()},
            "present": dict(self.present),
            "names": sorted(self.names),
        }
        return zlib.compress(json.dumps(data, ensure_ascii=False).encode(), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Vocabulary:
        """What :meth:`to_bytes` gave.

        Raises:
            StorageError: It is damaged, or of another version of this package.
        """
        try:
            found = json.loads(zlib.decompress(data))
            if found.pop("version") != _VERSION:
                raise StorageError("The vocabulary is of another version: it must be read anew.")
            fields = {name: FieldValues(**values) for name, values in found.pop("fields").items()}
            return cls(fields=fields, **found)
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StorageError("The vocabulary is damaged: it must be read anew.") from error


_CORE = frozenset({"brand", "product_type", "availability", "currency"})


class _Reading:
    """Counts while a catalogue is read."""

    def __init__(self, attributes: Collection[str] | None) -> None:
        self._attributes = attributes
        self._total = 0
        self._terms: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {}
        self._products: Counter[str] = Counter()
        self._dropped: set[str] = set()
        self._names: Counter[str] = Counter()

    def add(self, product: Product, printed: str) -> None:
        self._total += 1
        self._terms.update(set(index_terms(product, printed)))
        price = product.current_price
        self._count("brand", product.brand)
        self._count("product_type", product.product_type)
        self._count("availability", product.availability.value if product.availability else "")
        self._count("currency", price.currency if price else "")
        self._present["price"] += price is not None
        self._present["rating"] += product.rating is not None
        self._present["stock"] += product.stock is not None
        self._present["on_sale"] += product.sale_price is not None
        for name, value in product.attributes.items():
            if self._attributes is not None and name not in self._attributes:
                continue
            if role(name) is Role.TITLE:
                self._present[name] += 1
            elif role(name) is not Role.DESCRIPTION:
                self._count(name, value)
        self._name(product)

    def _count(self, name: str, value: AttributeValue) -> None:
        if name in self._dropped or value in ("", []):
            return
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or any(len(one) > LONGEST_VALUE for one in values):
            if name not in _CORE:
                self._drop(name)  # numbers, or sentences
            return
        known = self._values.setdefault(name, Counter())
        known.update(set(values))
        self._products[name] += 1
        most = MAX_BRANDS if name in _CORE else MAX_VALUES.get(role(name), MAX_OTHER_VALUES)
        if len(known) > most:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._dropped.add(name)
        self._values.pop(name, None)
        self._products.pop(name, None)

    def _name(self, product: Product) -> None:
        """Count for and against each colour word of the title being part of a name."""
        known = lexicon().colors
        words = [stem(token.text) for token in tokens(product.title)]
        if not any(word in known for word in words):
            return
        own = self._colors(product)
        if not own:
            return
        families = {family for color in own for family in color.families}
        names = {color.name for color in own}
        for word, following in pairwise(words):
            color = known.get(word)
            if color is not None:
                fits = color.name in names or not families.isdisjoint(color.families)
                self._names[f"{word} {following}"] += -1 if fits else 1

    @staticmethod
    def _colors(product: Product) -> list[Color]:
        found: list[Color] = []
        for name, value in product.attributes.items():
            if role(name) is Role.COLOR:
                for text in value if isinstance(value, list) else [str(value)]:
                    found += color_parts(text)
        return found

    def vocabulary(self) -> Vocabulary:
        return Vocabulary(
            total=self._total,
            terms=dict(self._terms.most_common(MAX_TERMS)),
            fields={
                name: FieldValues(dict(values), self._products[name])
                for name, values in self._values.items()
                if values
            },
            present={name: count for name, count in self._present.items() if count},
            names=[name for name, count in self._names.items() if count > 0],
        )
