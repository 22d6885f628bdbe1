from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import QueryError
from shopsight.index.base import FieldType, Records, StoreSchema
from shopsight.index.collection import Collection
from shopsight.index.exact import ExactStore
from shopsight.index.filters import And, check, parse, to_text
from shopsight.index.versions import IndexManifest
from shopsight.search.facets import facets, without
from shopsight.search.query import Facet, FacetValue

FIELDS = {
    "brand": FieldType.STRING,
    "color": FieldType.STRING,
    "sizes": FieldType.STRINGS,
    "on_sale": FieldType.BOOLEAN,
    "price": FieldType.NUMBER,
}
PRODUCTS = {
    "a": {"brand": "Kavoa", "color": "red", "sizes": ["S", "M"], "on_sale": True, "price": 5.0},
    "b": {"brand": "Kavoa", "color": "blue", "sizes": ["M"], "on_sale": False, "price": 15.0},
    "c": {"brand": "Olmberg", "color": "red", "sizes": [], "on_sale": False, "price": 95.0},
    "d": {"color": "green", "price": 105.0},
}


@pytest.fixture
def collection(tmp_path: Path):
    """Four products, each with two pictures."""
    schema = StoreSchema(dimension=4, fields=FIELDS)
    store = ExactStore.open(str(tmp_path), "v0001", schema, create=True)
    rows = [(key, number) for key in PRODUCTS for number in range(2)]
    store.upsert(
        Records(
            ids=[f"{key}#{number}" for key, number in rows],
            product_ids=[key for key, _ in rows],
            vectors=np.ones((len(rows), 4), np.float32),
            attributes=[PRODUCTS[key] for key, _ in rows],
        )
    )
    manifest = IndexManifest(name="v0001", encoder="any", fingerprint="1", dimension=4)
    yield Collection(manifest, store)
    store.close()


def values(facet: Facet) -> dict[str, int]:
    """Counts by value."""
    return {value.value: value.count for value in facet.values}


def test_products_are_counted(collection: Collection):
    """Products count once, not once per picture; lists item by item; missing values not at all."""
    found = facets(collection, ["color", "sizes", "on_sale", "brand"])
    assert [each.field for each in found] == ["color", "sizes", "on_sale", "brand"]
    assert values(found[0]) == {"red": 2, "blue": 1, "green": 1}
    assert values(found[1]) == {"M": 2, "S": 1}
    assert values(found[2]) == {"false": 2, "true": 1}
    assert list(values(found[3])) == ["Kavoa", "Olmberg"]


def test_numbers_give_ranges(collection: Collection):
    """Prices come as ranges in order, from the least price to the largest."""
    (found,) = facets(collection, ["price"])
    assert (found.values[0].low, found.values[-1].high) == (5, 105)
    assert sum(value.count for value in found.values) == 4
    assert found.values[0] == FacetValue("", 2, 5, 20)
    assert 3 <= len(found.values) <= 7


def test_own_conditions_are_left_aside(collection: Collection):
    """Who chose red still sees how many are blue, but other fields count red ones only."""
    where = check(parse('color = "red" AND price < 100'), FIELDS)
    color, brand, price = facets(collection, ["color", "brand", "price"], where)
    assert values(color) == {"red": 2, "blue": 1}
    assert values(brand) == {"Kavoa": 1, "Olmberg": 1}
    assert (price.values[0].low, price.values[-1].high) == (5, 95)


def test_candidates_limit_what_is_counted(collection: Collection):
    """Only the products handed in count, and none when there are none."""
    color, price = facets(collection, ["color", "price"], within={"a", "d", "unknown"})
    assert values(color) == {"green": 1, "red": 1}
    assert (price.values[0].low, price.values[-1].high) == (5, 105)
    assert facets(collection, ["color", "price"], within=()) == (
        Facet("color", ()),
        Facet("price", ()),
    )


def test_limits(collection: Collection):
    """The most frequent values are given, as many as asked for; a field is given once."""
    (found,) = facets(collection, ["color", "color"], limit=1)
    assert values(found) == {"red": 2}
    for limit in (0, 1001):
        with pytest.raises(QueryError, match="1 to 1000"):
            facets(collection, ["color"], limit=limit)


def test_unknown_fields_are_named(collection: Collection):
    """An unknown field is an error that lists the known ones."""
    known = "brand, color, on_sale, price, sizes"
    with pytest.raises(QueryError, match=rf"'colour': did you mean color\? There are {known}"):
        facets(collection, ["brand", "colour"])


@pytest.mark.parametrize(
    ("where", "field", "left"),
    [
        ("a = 1", "a", None),
        ("a = 1", "b", "a = 1"),
        ("a = 1 AND a < 3", "a", None),
        ("a = 1 AND b = 2 AND NOT a = 3", "a", "b = 2"),
        ("(a = 1 OR a = 2) AND b IS NULL", "a", "b IS NULL"),
        ("(a = 1 OR b = 2) AND a IN (1)", "a", "a = 1 OR b = 2"),
        ("(a = 1 AND b = 2) AND c = 3", "b", "a = 1 AND c = 3"),
        ("NOT (a = 1 AND b = 2)", "a", "NOT (a = 1 AND b = 2)"),
    ],
)
def test_own_conditions(where: str, field: str, left: str | None):
    """Only conditions that must hold, and are about this field alone, are its own."""
    found = without(parse(where), field)
    assert (None if found is None else to_text(found)) == left


def test_no_filter_has_no_conditions():
    """Nothing is left of nothing, and an AND of nothing holds for all."""
    assert without(None, "a") is None
    assert without(And(()), "a") is None
