"""Answers queries: bytes to pixels to a vector to neighbours to products, each step timed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.store import CatalogStore
from shopsight.encoders.base import EncoderSpec
from shopsight.index.collection import Collection
from shopsight.index.filters import Filter, check, parse
from shopsight.search.query import Hit, Query, SearchResult
from shopsight.search.ranking import nearest_products
from shopsight.search.weights import check_focus, part_weights

Pixels = NDArray[np.uint8]
Vector = NDArray[np.float32]


class SearchEngine:
    """Searches one index version. Safe to call from several threads.

    Args:
        catalog: Where products come from.
        collection: The index version.
        decode: Bytes of a photo to ``(size, size, 3)`` uint8 pixels.
        encode: Those pixels to a unit vector ``(dimension,)``.
        spec: Facts about the encoder that does this; asked for when there is a query.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        *,
        decode: Callable[[bytes], Pixels],
        encode: Callable[[Pixels], Vector],
        spec: Callable[[], EncoderSpec],
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._decode = decode
        self._encode = encode
        self._spec = spec
        self._searchable: int | None = None

    def search(self, query: Query) -> SearchResult:
        """Answer a photo query.

        Raises:
            DecodeError: The photo cannot be used.
            FilterError: The filter cannot be parsed, or names an unknown field.
            QueryError: The encoder has no part for the focus.
            VectorIndexError: The index failed.
        """
        clock = _Clock()
        where = self._filter(query.where)
        spec = self._spec()
        check_focus(spec, query.focus)
        pixels = self._decode(query.images[0])
        clock.lap("decode")
        vector = self._encode(pixels)
        clock.lap("encode")
        weights = part_weights(spec, vector, query.focus)
        ranked = self._ranked(vector, query.offset + query.limit, where, weights)[query.offset :]
        total = self._total(where)
        clock.lap("search")
        hits = self._hydrated(ranked)
        clock.lap("hydrate")
        return SearchResult(uuid.uuid4().hex, hits, total, clock.timings())

    def forget_totals(self) -> None:
        """Count anew: something was written."""
        self._searchable = None

    def _filter(self, text: str) -> Filter | None:
        if not text.strip():
            return None
        return check(parse(text), self._collection.store.schema.fields)

    def _ranked(
        self, vector: Vector, count: int, where: Filter | None, weights: Vector | None
    ) -> list[tuple[str, float, str]]:
        best = nearest_products(
            lambda k: self._collection.search(vector, k, where=where, weights=weights), count
        )
        return [(product, score, key) for product, (score, key) in best.items()][:count]

    def _hydrated(self, ranked: list[tuple[str, float, str]]) -> tuple[Hit, ...]:
        """Products of a ranking. One that was removed since its vector was read is left out."""
        found = self._catalog.pictured([key for _, _, key in ranked])
        return tuple(
            Hit(one.product, score, one.position, one.link, one.location)
            for _, score, key in ranked
            if (one := found.get(key)) is not None
        )

    def _total(self, where: Filter | None) -> int:
        if where is not None:
            return self._collection.store.count_products(where)
        if self._searchable is None:
            self._searchable = self._collection.store.count_products()
        return self._searchable


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 3)
        self._last = now

    def timings(self) -> dict[str, float]:
        return self._laps | {"total": round((self._last - self._start) * 1000, 3)}
