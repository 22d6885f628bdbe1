"""Whole searches against brute force: hits, totals and facets of random queries, page by page.

What the parts between filter and page do is held to an oracle in ``test_narrowing_oracle.py``; this
one knows only the feed, the pictures and the encoder.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsight.images.prepare import ImageLimits, load_pixels
from shopsight.search.query import Facet, GroupBy, Sort
from shopsight.settings import Settings
from shopsight.testing.fakes import ThumbnailEncoder
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

PRODUCTS = 48
QUERIES = 40
PAGE = 7
FACETS = ("color", "brand", "on_sale", "price")

Row = Mapping[str, Any]
Choose = Callable[[Sequence[Any]], Any]

CONDITIONS: Sequence[tuple[str, frozenset[str], Callable[[Row], bool]]] = [
    ('color = "red"', frozenset({"color"}), lambda row: row.get("color") == "red"),
    (
        'color IN ("green", "blue")',
        frozenset({"color"}),
        lambda row: row.get("color") in {"green", "blue"},
    ),
    ('brand = "Kavoa"', frozenset({"brand"}), lambda row: row.get("brand") == "Kavoa"),
    ('NOT brand = "Kavoa"', frozenset({"brand"}), lambda row: row.get("brand") != "Kavoa"),
    ("price < 30", frozenset({"price"}), lambda row: row["price"] < 30),
    ("price >= 20", frozenset({"price"}), lambda row: not row["price"] < 20),
    ("on_sale = true", frozenset({"on_sale"}), lambda row: row["on_sale"]),
    ("rating > 3", frozenset({"rating"}), lambda row: row.get("rating", 0.0) > 3),
    (
        "item_group_id IS NULL",
        frozenset({"item_group_id"}),
        lambda row: "item_group_id" not in row,
    ),
    (
        '(color = "red" OR brand = "Olmberg")',
        frozenset({"color", "brand"}),
        lambda row: row.get("color") == "red" or row.get("brand") == "Olmberg",
    ),
]
"""Filters: their text, the fields they are about, and what they mean."""


@dataclass(frozen=True)
class Item:
    """A product as the oracle knows it: what filters see, its vectors, and when it came."""

    row: Row
    vectors: NDArray[np.float32]
    added: int


def encoded(paths: Sequence[Path]) -> NDArray[np.float32]:
    """Vectors of pictures, straight from the encoder."""
    encoder = ThumbnailEncoder()
    limits = ImageLimits()
    pixels = [load_pixels(path.read_bytes(), encoder.spec.preprocessing, limits) for path in paths]
    return encoder.encode_images(np.stack(pixels))


def cells(number: int, choose: Choose) -> dict[str, str]:
    """A row of the feed."""
    price = choose([10, 15, 20, 40, 80])
    return {
        "id": f"p{(number * 29) % PRODUCTS:02}",
        "title": f"Product {number}",
        "image_link": f"p{number}.png",
        "additional_image_link": choose(["", f"more{number}.png"]),
        "price": f"{price} EUR",
        "sale_price": choose(["", "", f"{price - 5} EUR"]),
        "brand": choose(["", "Kavoa", "Olmberg", "Sella"]),
        "item_group_id": choose(["", "g1", "g2", "g3"]),
        "rating": choose(["", "2", "3.5", "5"]),
        "color": choose(["red", "green", "blue"]),
    }


def item_of(one: Mapping[str, str], folder: Path, added: int) -> Item:
    """What the oracle knows of a row."""
    number = int(one["title"].split()[1])
    price = float((one["sale_price"] or one["price"]).split()[0])
    row: dict[str, Any] = {"price": price, "on_sale": bool(one["sale_price"])}
    row |= {name: one[name] for name in ("id", "brand", "item_group_id", "color") if one[name]}
    if one["rating"]:
        row["rating"] = float(one["rating"])
    names = [f"p{number}.png", *filter(None, [one["additional_image_link"]])]
    return Item(row, encoded([folder / name for name in names]), added)


@pytest.fixture(scope="module", params=["exact", "lance"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Shop, list[Item], SmallShop]]:
    """A shop that was indexed in two runs, and what the oracle knows of it."""
    folder = tmp_path_factory.mktemp("oracle")
    rng = np.random.default_rng(11)
    made = SmallShop(folder / "feed", PRODUCTS)
    for number in range(PRODUCTS):
        made.draw(f"more{number}.png", seed=1000 + number)
    rows = [cells(number, lambda of: of[int(rng.integers(len(of)))]) for number in range(PRODUCTS)]
    settings = {
        "data": folder / "data",
        "encoder": "thumbnail",
        "detector": "none",
        "calibrate": False,
        "store": request.param,
        "threads": 1,
    }
    half = PRODUCTS // 2
    with Shop.open(settings=Settings.model_validate(settings)) as shop:
        for count in (half, PRODUCTS):
            with made.feed.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows[:count])
            shop.index(made.feed)
        items = [item_of(row, made.folder, place // half) for place, row in enumerate(rows)]
        yield shop, items, made


def expected_order(
    items: list[Item], vector: NDArray[np.float32], sort: Sort, group_by: GroupBy
) -> list[str]:
    """Ids of the hits, by trying everything."""
    scores = {one.row["id"]: float((one.vectors @ vector).max()) for one in items}
    seen: set[str] = set()
    kept = []
    for one in sorted(items, key=lambda one: -scores[one.row["id"]]):
        group = one.row.get(group_by.value)
        if group is None or group not in seen:
            kept.append(one)
            seen.update({group} - {None})
    values: Mapping[Sort, Callable[[Item], float]] = {
        Sort.RELEVANCE: lambda _: 0,
        Sort.PRICE: lambda one: one.row["price"],
        Sort.PRICE_DESC: lambda one: -one.row["price"],
        Sort.RATING: lambda one: -one.row.get("rating", -1),
        Sort.NEWEST: lambda one: -one.added,
    }
    return [one.row["id"] for one in sorted(kept, key=values[sort])]


def check_facet(facet: Facet, values: list[Any]) -> None:
    """A facet counts these values: each by itself, or numbers in ranges that join."""
    if facet.field == "price":
        assert sum(one.count for one in facet.values) == len(values)
        assert all(
            one.count == sum(one.low <= value < one.high for value in values)
            for one in facet.values[:-1]
        )
        return
    counts = Counter(str(value).lower() if isinstance(value, bool) else value for value in values)
    assert [(one.value, one.count) for one in facet.values] == sorted(
        counts.items(), key=lambda pair: (-pair[1], pair[0])
    )


def test_searches_are_those_of_the_oracle(filled: tuple[Shop, list[Item], SmallShop]) -> None:
    """Whatever the photo, filter, sort and group: all pages, totals and facets are the oracle's."""
    shop, items, made = filled
    rng = np.random.default_rng(5)
    asked: set[tuple[Sort, GroupBy]] = set()
    for number in range(QUERIES):
        photo = made.draw("photo.png", seed=5000 + number)
        (vector,) = encoded([photo])
        chosen = [CONDITIONS[place] for place in rng.choice(len(CONDITIONS), number % 3)]
        passing = [one for one in items if all(passes(one.row) for _, _, passes in chosen)]
        sort, group_by = list(Sort)[number % 5], list(GroupBy)[int(rng.integers(3))]
        asked.add((sort, group_by))
        expected = expected_order(passing, vector, sort, group_by)
        found: list[str] = []
        while True:
            result = shop.search(
                photo,
                where=" AND ".join(text for text, _, _ in chosen),
                sort=sort,
                group_by=group_by,
                limit=PAGE,
                offset=len(found),
                facets=FACETS,
            )
            assert result.total == len(passing)
            assert [facet.field for facet in result.facets] == list(FACETS)
            for facet in result.facets:
                others = [passes for _, fields, passes in chosen if fields != {facet.field}]
                rows = [one.row for one in items if all(passes(one.row) for passes in others)]
                check_facet(facet, [row[facet.field] for row in rows if facet.field in row])
            if not result.hits:
                break
            assert len(result.hits) == min(PAGE, len(expected) - len(found))
            found += [hit.product.id for hit in result.hits]
        assert found == expected
    assert len(asked) > 10


def test_hits_are_what_the_feed_says(filled: tuple[Shop, list[Item], SmallShop]) -> None:
    """A hit has its product's fields, the score of its best picture, and that picture's place."""
    shop, items, made = filled
    photo = made.draw("photo.png", seed=4999)
    (vector,) = encoded([photo])
    known = {one.row["id"]: one for one in items}
    hits = shop.search(photo, limit=PRODUCTS).hits
    assert {hit.position for hit in hits} == {0, 1}
    for hit in hits:
        one = known[hit.product.id]
        scores = one.vectors @ vector
        assert hit.score == pytest.approx(float(scores.max()), abs=1e-5)
        assert hit.position == int(scores.argmax())
        assert hit.product.attributes["color"] == one.row["color"]
        assert hit.product.brand == one.row.get("brand", "")
        assert Path(hit.image_location).name == Path(hit.image_link).name
