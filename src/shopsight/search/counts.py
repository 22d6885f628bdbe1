"""Counts products under filters and words, and remembers the counts until something is written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from shopsight.index.collection import Collection
from shopsight.index.filters import Filter
from shopsight.search.facets import facets
from shopsight.search.query import Facet

MOST_COUNTED = 20_000
"""Pictures up to which products that have the words are counted; what fits worse is not."""

NUMBERS_KEPT = 4096
SETS_KEPT = 16

Terms = tuple[str, ...]
ValueT = TypeVar("ValueT")


class Counts:
    """Counts in one index version. Safe to call from several threads.

    Counts depend on filters and words, not on photos, and shoppers' filters are much alike.

    Args:
        collection: The index version.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._lock = threading.Lock()
        self._written = 0
        self._numbers: OrderedDict[Hashable, object] = OrderedDict()
        self._sets: OrderedDict[Hashable, object] = OrderedDict()

    def forget(self) -> None:
        """Count anew: something was written."""
        with self._lock:
            self._written += 1
            self._numbers.clear()
            self._sets.clear()

    def products(self, where: Filter | None, terms: Terms = ()) -> int:
        """Products that pass a filter, and have any of the words if there are some."""
        if terms:
            return self._known(
                self._numbers, NUMBERS_KEPT, (terms, where), lambda: len(self._having(terms, where))
            )
        count = self._collection.store.count_products
        return self._known(self._numbers, NUMBERS_KEPT, where, lambda: count(where))

    def facets(
        self, names: tuple[str, ...], where: Filter | None, terms: Terms = ()
    ) -> tuple[Facet, ...]:
        """Values of fields, among the products that have any of the words if there are some.

        Raises:
            QueryError: A field is unknown.
        """

        def counted() -> tuple[Facet, ...]:
            within = None
            if terms:
                within = self._known(
                    self._sets, SETS_KEPT, terms, lambda: self._having(terms, None)
                )
            return facets(self._collection, names, where, within=within)

        return self._known(self._numbers, NUMBERS_KEPT, (names, where, terms), counted)

    def _having(self, terms: Terms, where: Filter | None) -> frozenset[str]:
        rows = self._collection.search_text(" ".join(terms), MOST_COUNTED, where=where)
        return frozenset(rows.product_ids)

    def _known(
        self,
        kept: OrderedDict[Hashable, object],
        most: int,
        key: Hashable,
        count: Callable[[], ValueT],
    ) -> ValueT:
        with self._lock:
            written = self._written
            if key in kept:
                kept.move_to_end(key)
                return kept[key]  # type: ignore[return-value]  # what was put in under this key
        found = count()
        with self._lock:
            if written == self._written:  # otherwise it may have been counted before the write
                kept[key] = found
                while len(kept) > most:
                    kept.popitem(last=False)
        return found
