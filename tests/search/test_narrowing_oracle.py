"""Filters, facets, sorts, groups, boosts and pages against an oracle that knows none of our code.

Scores are minus squared distances of small whole numbers: exact, and often equal, so that ids and
boosts decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.catalog.product import Product
from shopsight.catalog.store import DatedProduct
from shopsight.index.base import FieldType, Metric, Records, StoreSchema
from shopsight.index.collection import Collection
from shopsight.index.exact import ExactStore
from shopsight.index.filters import And, check, parse
from shopsight.index.versions import IndexManifest
from shopsight.search.candidates import Candidate, Facts, facts_of
from shopsight.search.facets import facets
from shopsight.search.pages import Narrowing, RankingCache, ranked
from shopsight.search.query import GroupBy, Sort
from shopsight.search.ranking import nearest_products

FIELDS = {
    "title": FieldType.STRING,
    "currency": FieldType.STRING,
    "brand": FieldType.STRING,
    "item_group_id": FieldType.STRING,
    "availability": FieldType.STRING,
    "price": FieldType.NUMBER,
    "rating": FieldType.NUMBER,
    "on_sale": FieldType.BOOLEAN,
    "sizes": FieldType.STRINGS,
}
BRANDS = ["Kavoa", "kavoa", "Olmberg", "日本", 'Say "hi"']
SIZES = ["S", "M", "L"]
PRICES = ["0", "5", "9.99", "20", "150"]
RATINGS = [1.0, 3.5, 4.5]
GROUPS = ["G1", "G2"]
STATES = ["in_stock", "preorder", "out_of_stock"]

Row = Mapping[str, Any]
Passes = Callable[[Row], bool]


@dataclass(frozen=True)
class Condition:
    """A filter's text, what it means, and the fields it is about."""

    text: str
    passes: Passes
    fields: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """What is asked of a shop."""

    conditions: list[Condition]
    sort: Sort
    group_by: GroupBy
    boosts: Mapping[str, float]
    limit: int
    facet_limit: int
    at: tuple[int, int] = field(default=(0, 0))


def quoted(text: str) -> str:
    """A text as a filter has it."""
    return '"' + text.replace('"', '\\"') + '"'


@st.composite
def texts(draw: st.DrawFn, name: str, values: list[str]) -> Condition:
    """A condition on a text."""
    value = draw(st.sampled_from([*values, "nobody", "", "a"]))
    operators: dict[str, Callable[[str, str], bool]] = {
        "=": lambda found, wanted: found == wanted,
        "!=": lambda found, wanted: found != wanted,
        "<": lambda found, wanted: found < wanted,
        "<=": lambda found, wanted: found <= wanted,
        ">": lambda found, wanted: found > wanted,
        ">=": lambda found, wanted: found >= wanted,
        "CONTAINS": lambda found, wanted: wanted.lower() in found.lower(),
        "STARTS WITH": lambda found, wanted: found[: len(wanted)] == wanted,
    }
    operator = draw(st.sampled_from(sorted(operators)))
    return Condition(
        f"{name} {operator} {quoted(value)}",
        lambda row: name in row and operators[operator](row[name], value),
        frozenset([name]),
    )


@st.composite
def numbers(draw: st.DrawFn, name: str, values: list[float]) -> Condition:
    """A condition on a number."""
    value = draw(st.sampled_from([*values, -1.0, 7.25]))
    operators: dict[str, Callable[[float], bool]] = {
        "=": lambda found: found == value,
        "!=": lambda found: found != value,
        "<": lambda found: found < value,
        "<=": lambda found: not found > value,
        ">": lambda found: found > value,
        ">=": lambda found: not found < value,
    }
    operator = draw(st.sampled_from(sorted(operators)))
    return Condition(
        f"{name} {operator} {value!r}",
        lambda row: name in row and operators[operator](row[name]),
        frozenset([name]),
    )


@st.composite
def sets(draw: st.DrawFn) -> Condition:
    """A condition with IN or IS NULL, also negated."""
    name, values = draw(st.sampled_from([("brand", BRANDS), ("sizes", SIZES), ("rating", RATINGS)]))
    chosen: list[Any] = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    listed = ", ".join(quoted(one) if isinstance(one, str) else repr(one) for one in chosen)

    def inside(row: Row) -> bool:
        found = row.get(name)
        having = found if isinstance(found, list) else [found]
        return any(one in chosen for one in having)

    kinds: dict[str, Passes] = {
        f"{name} IN ({listed})": inside,
        f"{name} NOT IN ({listed})": lambda row: not inside(row),
        f"{name} IS NULL": lambda row: name not in row,
        f"{name} IS NOT NULL": lambda row: name in row,
    }
    text = draw(st.sampled_from(sorted(kinds)))
    return Condition(text, kinds[text], frozenset([name]))


@st.composite
def others(draw: st.DrawFn) -> Condition:
    """A condition on a list or a boolean."""
    size, state = draw(st.sampled_from([*SIZES, "s"])), draw(st.booleans())
    kinds: dict[str, tuple[str, Passes]] = {
        f"sizes = {quoted(size)}": ("sizes", lambda row: size in row.get("sizes", [])),
        f"sizes CONTAINS {quoted(size)}": ("sizes", lambda row: size in row.get("sizes", [])),
        f"sizes != {quoted(size)}": (
            "sizes",
            lambda row: "sizes" in row and size not in row["sizes"],
        ),
        f"on_sale = {str(state).lower()}": ("on_sale", lambda row: row["on_sale"] is state),
        f"on_sale != {str(state).lower()}": ("on_sale", lambda row: row["on_sale"] is not state),
    }
    text = draw(st.sampled_from(sorted(kinds)))
    name, passes = kinds[text]
    return Condition(text, passes, frozenset([name]))


_simple = st.one_of(
    texts("brand", BRANDS),
    texts("item_group_id", GROUPS),
    numbers("price", [float(price) for price in PRICES]),
    numbers("rating", RATINGS),
    sets(),
    others(),
)


def _negated(one: Condition) -> Condition:
    return Condition(f"NOT ({one.text})", lambda row: not one.passes(row), one.fields)


def _joined(word: str, both: tuple[Condition, Condition]) -> Condition:
    join = all if word == "AND" else any
    return Condition(
        f"({both[0].text} {word} {both[1].text})",
        lambda row: join(one.passes(row) for one in both),
        both[0].fields | both[1].fields,
    )


# An AND within an AND would be conditions of its own for facets; so only OR and NOT are nested.
_conditions = st.recursive(
    _simple,
    lambda inner: st.one_of(
        inner.map(_negated), st.tuples(inner, inner).map(lambda both: _joined("OR", both))
    ),
    max_leaves=3,
)
_anywhere = st.one_of(
    _conditions, st.tuples(_simple, _simple).map(lambda both: _negated(_joined("AND", both)))
)
_asked = st.builds(
    Asked,
    st.lists(_anywhere, max_size=2),
    st.sampled_from(Sort),
    st.sampled_from(GroupBy),
    st.dictionaries(
        st.sampled_from(["availability", "sale"]), st.sampled_from([0.25, 0.5, -0.5]), max_size=2
    ),
    st.integers(1, 7),
    st.integers(1, 4),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)


@dataclass(frozen=True)
class Item:
    """A product, its pictures, and when it came."""

    product: Product
    pictures: list[tuple[int, int]]
    added: float


@st.composite
def shops(draw: st.DrawFn) -> list[Item]:
    """Up to fourteen products with one or two pictures each."""
    count = draw(st.integers(0, 14))
    point = st.tuples(st.integers(0, 2), st.integers(0, 2))
    items = []
    for number in range(count):
        price = draw(st.sampled_from([None, *PRICES]))
        fields: dict[str, Any] = {
            "id": f"p{(number * 5) % 14:02}",
            "title": "Thing",
            "image_link": "a.jpg",
            "brand": draw(st.sampled_from(["", *BRANDS])),
            "item_group_id": draw(st.sampled_from(["", *GROUPS])),
            "availability": draw(st.sampled_from([None, *STATES])),
            "rating": draw(st.sampled_from([None, *RATINGS])),
        }
        if price is not None:
            fields["price"] = {"amount": "200", "currency": "EUR"}
            if draw(st.booleans()):
                fields["sale_price"] = {"amount": price, "currency": "EUR"}
            else:
                fields["price"]["amount"] = price
        if draw(st.booleans()):
            fields["attributes"] = {"sizes": draw(st.lists(st.sampled_from(SIZES), unique=True))}
        items.append(
            Item(
                Product.model_validate(fields),
                draw(st.lists(point, min_size=1, max_size=2)),
                float(draw(st.integers(0, 3))),
            )
        )
    return items


# Ours


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory):
    """An index in the exact store, filled anew for each example."""
    schema = StoreSchema(dimension=2, metric=Metric.L2, fields=FIELDS)
    folder = tmp_path_factory.mktemp("oracle")
    store = ExactStore.open(str(folder), "v0001", schema, create=True)
    manifest = IndexManifest(name="v0001", encoder="any", fingerprint="1", dimension=2, metric="l2")
    yield Collection(manifest, store)
    store.close()


def fill(collection: Collection, items: list[Item]) -> dict[str, Facts]:
    """Put a shop into the index in place of the one before; return the facts of its products."""
    facts = {item.product.id: facts_of(DatedProduct(item.product, item.added)) for item in items}
    rows = [
        (item.product.id, number, at) for item in items for number, at in enumerate(item.pictures)
    ]
    collection.store.delete(where=And(()))
    collection.store.upsert(
        Records(
            ids=[f"{key}#{number}" for key, number, _ in rows],
            product_ids=[key for key, _, _ in rows],
            vectors=np.array([at for _, _, at in rows], np.float32).reshape(-1, 2),
            attributes=[facts[key].values for key, _, _ in rows],
        )
    )
    return facts


def pages(collection: Collection, facts: Mapping[str, Facts], asked: Asked) -> list[list[str]]:
    """All pages of the answer, as ids of records."""
    text = " AND ".join(one.text for one in asked.conditions)
    where = check(parse(text), FIELDS) if text else None
    point = np.array(asked.at, np.float32)

    def fetch(k: int) -> list[Candidate]:
        found = nearest_products(lambda rows: collection.search(point, rows, where=where), k)
        return [Candidate(key, score, record) for key, (score, record) in found.items()]

    how = Narrowing(asked.sort, asked.group_by, asked.boosts)
    cache = RankingCache()
    found: list[list[str]] = []
    while not found or found[-1]:
        offset = asked.limit * len(found)
        ranking = cache.ranking(
            "key",
            offset + asked.limit,
            lambda known, end=offset + asked.limit: ranked(
                fetch, lambda _: facts, how, end, now=0, start=known
            ),
        )
        found.append([one.record for one in ranking.page(offset, asked.limit)])
    return found[:-1]


# The oracle


def row_of(item: Item) -> dict[str, Any]:
    """What filters see of a product."""
    product = item.product
    price = product.sale_price or product.price
    row: dict[str, Any] = {
        "on_sale": product.sale_price is not None,
        "brand": product.brand or None,
        "item_group_id": product.item_group_id or None,
        "availability": product.availability,
        "rating": product.rating,
        "price": None if price is None else float(price.amount),
        "sizes": product.attributes.get("sizes"),
    }
    return {name: value for name, value in row.items() if value is not None}


def expected_pages(items: list[Item], asked: Asked) -> list[list[str]]:
    """All pages, by trying everything."""
    hits = []
    for item in items:
        row = row_of(item)
        if not all(one.passes(row) for one in asked.conditions):
            continue
        distances = [(x - asked.at[0]) ** 2 + (y - asked.at[1]) ** 2 for x, y in item.pictures]
        supply = {"in_stock": 1.0, "out_of_stock": 0.0}.get(row.get("availability", ""), 0.5)
        score = -min(distances) + asked.boosts.get("availability", 0) * supply
        score += asked.boosts.get("sale", 0) * row["on_sale"]
        hits.append((-score, item.product.id, item, row))
    hits.sort(key=lambda hit: hit[:2])
    kept, seen = [], set()
    for hit in hits:
        group = hit[3].get(asked.group_by.value)
        if group is None or group not in seen:
            seen.add(group)
            kept.append(hit)
    values = {
        Sort.RELEVANCE: lambda _: 0,
        Sort.PRICE: lambda hit: hit[3].get("price"),
        Sort.PRICE_DESC: lambda hit: negative(hit[3].get("price")),
        Sort.RATING: lambda hit: negative(hit[3].get("rating")),
        Sort.NEWEST: lambda hit: -hit[2].added,
    }
    value = values[asked.sort]
    present = [hit for hit in kept if value(hit) is not None]
    missing = [hit for hit in kept if value(hit) is None]
    ordered = sorted(present, key=lambda hit: (value(hit), kept.index(hit))) + missing
    keys = [hit[1] for hit in ordered]
    return [keys[start : start + asked.limit] for start in range(0, len(keys), asked.limit)]


def negative(value: float | None) -> float | None:
    """The number with the other sign, if there is one."""
    return None if value is None else -value


def rows_for(items: list[Item], asked: Asked, name: str) -> list[dict[str, Any]]:
    """The products that a facet counts: its own conditions left aside."""
    foreign = [one for one in asked.conditions if one.fields != {name}]
    rows = map(row_of, items)
    return [row for row in rows if all(one.passes(row) for one in foreign)]


@settings(max_examples=100)
@given(shops(), _asked)
def test_hits_are_those_of_the_oracle(collection: Collection, items: list[Item], asked: Asked):
    """Every filter, sort, group and boost gives the oracle's hits in its order, page by page."""
    found = pages(collection, fill(collection, items), asked)
    assert [[record.split("#")[0] for record in page] for page in found] == expected_pages(
        items, asked
    )
    nearest = {item.product.id: item.pictures for item in items}
    for record in (record for page in found for record in page):
        key, number = record.split("#")
        distances = [(x - asked.at[0]) ** 2 + (y - asked.at[1]) ** 2 for x, y in nearest[key]]
        assert distances[int(number)] == min(distances)


@settings(max_examples=70)
@given(shops(), _asked, st.one_of(st.none(), st.sets(st.integers(0, 13))))
def test_facets_are_those_of_the_oracle(
    collection: Collection, items: list[Item], asked: Asked, within: set[int] | None
):
    """Every facet counts the oracle's products, under any filter and among any candidates."""
    text = " AND ".join(one.text for one in asked.conditions)
    where = check(parse(text), FIELDS) if text else None
    keys = None if within is None else {f"p{number:02}" for number in within}
    names = ["brand", "on_sale", "sizes", "price", "rating", "availability"]
    fill(collection, items)
    found = facets(collection, names, where, asked.facet_limit, within=keys)
    total = collection.store.count_products(where)
    assert total == sum(all(one.passes(row_of(item)) for one in asked.conditions) for item in items)
    assert [facet.field for facet in found] == names
    counted = [item for item in items if keys is None or item.product.id in keys]
    for facet in found:
        values = [
            row[facet.field] for row in rows_for(counted, asked, facet.field) if facet.field in row
        ]
        if facet.field in {"price", "rating"}:
            check_ranges([(one.low, one.high, one.count) for one in facet.values], values)
            continue
        each = [one for value in values for one in (value if isinstance(value, list) else [value])]
        shown = [str(one).lower() if isinstance(one, bool) else str(one) for one in each]
        ordered = sorted((-shown.count(one), one) for one in set(shown))[: asked.facet_limit]
        assert [(-one.count, one.value) for one in facet.values] == ordered


def check_ranges(found: list[tuple[float | None, float | None, int]], values: list[float]) -> None:
    """Ranges join, span all values, and count those inside."""
    if not values:
        assert found == []
        return
    assert (found[0][0], found[-1][1]) == (min(values), max(values))
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert sum(count for _, _, count in found) == len(values)
    for low, high, count in found[:-1]:
        assert count == sum(low <= value < high for value in values)
