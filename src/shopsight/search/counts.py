"""Counts products under filters and words, and remembers the counts until something is written."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from typing import Any, TypeVar

from shopsight.index.collection import Collection as IndexCollection
from shopsight.index.filters import Filter
from shopsight.search.facets import facets, without
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

    def __init__(self, collection: IndexCollection) -> None:
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

        Each is remembered by the conditions that it depends on, so a shopper who moves one limit
        has only the others' fields counted anew.

        Raises:
            QueryError: A field is unknown.
        """
        keys = {name: (name, without(where, name), terms) for name in names}
        with self._lock:
            written = self._written
            found = {
                name: self._recalled(self._numbers, key)
                for name, key in keys.items()
                if key in self._numbers
            }
        missing = [name for name in keys if name not in found]
        if missing:
            within = (
                self._known(self._sets, SETS_KEPT, terms, lambda: self._having(terms, None))
                if terms
                else None
            )
            counted = facets(self._collection, missing, where, within=within)
            for name, facet in zip(missing, counted, strict=True):
                found[name] = facet
                self._keep(self._numbers, NUMBERS_KEPT, keys[name], facet, written)
        return tuple(found[name] for name in keys)

    def _having(self, terms: Terms, where: Filter | None) -> Collection[str]:
        store = self._collection.store
        return store.text_products(" ".join(terms), MOST_COUNTED, where=where)

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
                known: ValueT = self._recalled(kept, key)
                return known
        found = count()
        self._keep(kept, most, key, found, written)
        return found

    def _recalled(self, kept: OrderedDict[Hashable, object], key: Hashable) -> Any:
        kept.move_to_end(key)
        return kept[key]

    def _keep(
        self,
        kept: OrderedDict[Hashable, object],
        most: int,
        key: Hashable,
        found: object,
        written: int,
    ) -> None:
        with self._lock:
            if written == self._written:  # otherwise it may have been counted before the write
                kept[key] = found
                while len(kept) > most:
                    kept.popitem(last=False)
