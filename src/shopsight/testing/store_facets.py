"""The part of the stores' conformance suite that is about counting products by value and by range.

:class:`shopsight.testing.store.StoreConformance` contains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from shopsight.errors import VectorIndexError
from shopsight.index.base import FacetRanges, FieldType, Records, VectorStore
from shopsight.index.filters import Compare, Filter, IsNull, Op, Or, evaluate
from shopsight.testing import store_cases as cases


class FacetConformance:
    """What every store must count. The fixture ``filled`` is the whole suite's."""

    def test_facets(self, filled: tuple[VectorStore, Records]) -> None:
        """Facets count the products of matching rows, once for each value, lists item by item."""
        store, rows = filled
        where = Or((Compare("price", Op.GE, 10), IsNull("price")))
        some = set(rows.product_ids[: len(rows) // 2])
        fields = ["brand", "on_sale", "stock", "price", "sizes", "empty"]
        for filter_, within in [(None, None), (where, None), (None, some), (where, some)]:
            counted = store.facets(fields, where=filter_, within=within, limit=len(rows))
            for name in fields:
                assert counted[name] == _counts(rows, name, filter_, within), name
                assert list(counted[name].items()) == sorted(
                    counted[name].items(), key=lambda pair: (-pair[1], pair[0])
                )
        cut = store.facets(["brand"], limit=3)["brand"]
        assert list(cut.items()) == list(store.facets(["brand"])["brand"].items())[:3]
        assert store.facets(["brand"], within=[]) == {"brand": {}}
        assert store.facets([]) == {}
        with pytest.raises(VectorIndexError, match=r"nowhere.*brand, category"):
            store.facets(["nowhere"])

    def test_facets_follow_writes(self, filled: tuple[VectorStore, Records]) -> None:
        """What is written after a first count is in the next one, new fields included."""
        store, rows = filled
        where = Compare("price", Op.LT, 1e6)
        store.facets(["brand"], where=where)
        late = cases.records(30, prefix="late", seed=8)
        store.upsert(late)
        store.delete(ids=rows.ids[:10])
        now = _joined(rows, late, leave=10)
        for _ in range(2):
            for filter_ in (None, where):
                counted = store.facets(["brand"], where=filter_, limit=len(rows))
                assert counted["brand"] == _counts(now, "brand", filter_, None)
            store.optimize()
        store.add_fields({"fresh": FieldType.STRING})
        assert store.facets(["fresh"]) == {"fresh": {}}

    def test_facet_ranges(self, filled: tuple[VectorStore, Records]) -> None:
        """Ranges span all numbers of matching rows and count products, once for each range."""
        store, rows = filled
        where = Compare("on_sale", Op.EQ, value=True)
        some = set(rows.product_ids[: len(rows) // 2])
        for field in ("price", "stock"):
            for filter_, within in [(None, None), (where, None), (where, some)]:
                found = store.facet_ranges(field, where=filter_, within=within)
                _check_ranges(found, _numbers(rows, field, filter_, within))
        assert store.facet_ranges("empty") == FacetRanges((), ())
        assert store.facet_ranges("price", within=[]) == FacetRanges((), ())
        with pytest.raises(VectorIndexError, match="only numbers"):
            store.facet_ranges("brand")
        with pytest.raises(VectorIndexError, match=r"nowhere.*there are"):
            store.facet_ranges("nowhere")


def _counted(
    rows: Records, field: str, where: Filter | None, within: set[str] | None
) -> Iterator[tuple[str, Any]]:
    """Products and values of the rows that count."""
    for product, attributes in zip(rows.product_ids, rows.attributes, strict=True):
        if where is not None and not evaluate(where, attributes):
            continue
        if field in attributes and (within is None or product in within):
            yield product, attributes[field]


def _counts(
    rows: Records, field: str, where: Filter | None, within: set[str] | None
) -> dict[str, int]:
    having: dict[str, set[str]] = {}
    for product, value in _counted(rows, field, where, within):
        for each in value if isinstance(value, list) else [value]:
            text = str(each).lower() if isinstance(each, bool) else str(each)
            name = text if isinstance(each, str) else text.removesuffix(".0")
            having.setdefault(name, set()).add(product)
    return {name: len(products) for name, products in having.items()}


def _numbers(
    rows: Records, field: str, where: Filter | None, within: set[str] | None
) -> set[tuple[str, float]]:
    return {(product, float(value)) for product, value in _counted(rows, field, where, within)}


def _check_ranges(found: FacetRanges, numbers: set[tuple[str, float]]) -> None:
    values = [value for _, value in numbers]
    assert (found.edges[0], found.edges[-1]) == (min(values), max(values))
    assert len(found.edges) == len(found.counts) + 1
    for place, count in enumerate(found.counts):
        low, high = found.edges[place : place + 2]
        last = place == len(found.counts) - 1
        inside = {product for product, value in numbers if low <= value and (last or value < high)}
        assert count == len(inside)


def _joined(first: Records, second: Records, leave: int) -> Records:
    """All rows of both but the first few."""
    return Records(
        [*first.ids[leave:], *second.ids],
        [*first.product_ids[leave:], *second.product_ids],
        np.concatenate([first.vectors[leave:], second.vectors]),
        [*first.attributes[leave:], *second.attributes],
    )
