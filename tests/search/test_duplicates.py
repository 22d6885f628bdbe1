from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.catalog.product import Product
from shopsight.encoders.base import Part
from shopsight.errors import QueryError
from shopsight.search import duplicates as module
from shopsight.search.duplicates import DuplicateGroup, duplicates
from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop

COLUMNS = ["id", "title", "image_link", "additional_image_link", "item_group_id"]

Find = Callable[..., list[DuplicateGroup]]


def picture(seed: int) -> Image.Image:
    """A picture of smooth colours that no other seed gives."""
    squares = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(squares).resize((120, 120), Image.Resampling.BICUBIC)


class Feed:
    """A feed with pictures, indexed with the small encoder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, str]] = []
        folder.mkdir(parents=True)

    def add(self, key: str, *links: str, group: str = "") -> None:
        """List a product with pictures, the first its main one."""
        more = ",".join(links[1:])
        cells = (key, f"Product {key}", links[0], more, group)
        self.rows.append(dict(zip(COLUMNS, cells, strict=True)))

    def draw(self, name: str, seed: int, *, side: int = 120, **options: Any) -> str:
        """Draw a picture and return its name."""
        picture(seed).resize((side, side)).save(self.folder / name, **options)
        return name

    def open(self, **settings: Any) -> Shop:
        """The shop with all that was listed."""
        path = self.folder / "feed.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        usual = {"data": self.folder / "data", "encoder": "thumbnail", "threads": 1}
        usual |= {"store": "exact", "detector": "none", "calibrate": False}
        shop = Shop.open(settings=Settings.model_validate(usual | settings))
        shop.index(path, image_root=self.folder.parent)
        return shop


def groups(shop: Shop, **options: Any) -> list[DuplicateGroup]:
    """The duplicates of a shop."""
    return list(shop.duplicates(**options))


@pytest.fixture(scope="module", params=["exact", "lance"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A picture listed twice, one saved again, a picture of many, and variants of one design."""
    feed = Feed(tmp_path_factory.mktemp("shop") / "feed")
    chart = feed.draw("chart.png", 90)
    for number in range(6):
        feed.add(f"odd{number}", feed.draw(f"odd{number}.png", number), chart)
    feed.add("twice1", feed.draw("twice.png", 20))
    feed.add("twice2", feed.draw("front.png", 21), "twice.png", chart)
    feed.add("saved1", feed.draw("saved.png", 30))
    feed.add("saved2", feed.draw("saved.jpg", 30, side=70, quality=60))
    for size in ("s", "m", "l"):
        feed.add(f"shirt-{size}", feed.draw("shirt.png", 40), group="shirt")
    feed.add("mug-red", feed.draw("mug.png", 50), group="mug")
    feed.add("mug-blue", feed.draw("mug.jpg", 50, side=100, quality=80), group="mug")
    feed.add("alone", feed.draw("own.png", 60), feed.draw("own.jpg", 60, quality=85))
    with feed.open(store=request.param) as shop:
        yield shop


def test_listings_with_the_same_or_nearly_the_same_picture(shop: Shop) -> None:
    """A file listed twice and one saved again are found; size charts and variants are not."""
    same, near = groups(shop)
    assert same == DuplicateGroup(("twice1", "twice2"), 1.0, "same_picture")
    assert near.product_ids == ("saved1", "saved2")
    assert near.why == "near_identical"
    assert 0.95 <= near.score < 1
    assert not near.variants


def test_variants_are_told_on_request(shop: Shop) -> None:
    """With the flag, variants that share a picture or nearly are listed, and marked as such."""
    found = {group.product_ids: group for group in groups(shop, include_variants=True)}
    assert set(found) == {
        ("twice1", "twice2"),
        ("saved1", "saved2"),
        ("shirt-l", "shirt-m", "shirt-s"),
        ("mug-blue", "mug-red"),
    }
    assert {keys for keys, group in found.items() if group.variants} == {
        ("shirt-l", "shirt-m", "shirt-s"),
        ("mug-blue", "mug-red"),
    }
    assert found["shirt-l", "shirt-m", "shirt-s"].why == "same_picture"
    assert found["mug-blue", "mug-red"].why == "near_identical"


def test_threshold(shop: Shop) -> None:
    """A threshold of one leaves equal files; a low one joins everything; others are refused."""
    assert [group.product_ids for group in groups(shop, threshold=1)] == [("twice1", "twice2")]
    loose = groups(shop, threshold=0.0001)
    assert max(len(group.product_ids) for group in loose) > 3
    for threshold in (0, -1, 1.01, float("nan")):
        with pytest.raises(QueryError, match="threshold"):
            groups(shop, threshold=threshold)


def test_two_designs_listed_twice(tmp_path: Path) -> None:
    """When a design with sizes is listed twice, all sizes of both are one group."""
    feed = Feed(tmp_path / "feed")
    for group, name in (("old", "old.png"), ("new", "new.jpg")):
        feed.draw(name, 1, **({} if group == "old" else {"quality": 90}))
        for size in ("s", "m"):
            feed.add(f"{group}-{size}", name, group=group)
    feed.add("other", feed.draw("other.png", 2))
    with feed.open() as shop:
        (found,) = groups(shop)
    assert found.product_ids == ("new-m", "new-s", "old-m", "old-s")
    assert found.why == "near_identical"
    assert not found.variants


def test_a_chain_is_one_group(tmp_path: Path) -> None:
    """Products that are joined by way of others are one group, whose score is the weakest one's."""
    feed = Feed(tmp_path / "feed")
    for number, quality in enumerate((95, 60, 30)):
        feed.add(f"p{number}", feed.draw(f"p{number}.jpg", 1, quality=quality))
    with feed.open() as shop:
        (found,) = groups(shop)
    assert found.product_ids == ("p0", "p1", "p2")


def test_what_is_gone_is_no_duplicate(tmp_path: Path) -> None:
    """A product that was removed is not listed any more; an index of nothing has no duplicates."""
    feed = Feed(tmp_path / "feed")
    for key in ("a", "b"):
        feed.add(key, feed.draw("same.png", 1))
    with feed.open() as shop:
        assert [group.product_ids for group in groups(shop)] == [("a", "b")]
        shop.delete_products(["b"])
        assert groups(shop) == []
        shop.delete_products(["a"])
        assert groups(shop) == []


def test_every_part_must_be_alike(tmp_path: Path) -> None:
    """The same form in another colour is no duplicate where the encoder tells form from colour."""
    feed = Feed(tmp_path / "feed")
    shapes = ShapesShop(tmp_path / "shapes")
    for color in ("red", "blue"):
        feed.add(color, str(shapes.draw("circle", color)))
    with feed.open(encoder="two-part") as shop:
        assert groups(shop, threshold=0.6) == []
        collection = shop._serve().collection
        (whole,) = duplicates(collection, shop.catalog, threshold=0.6)
        assert whole.product_ids == ("blue", "red")


def brute_force(
    vectors: np.ndarray, owner: Sequence[int], main: Sequence[bool], threshold: float
) -> set[tuple[int, ...]]:
    """Groups by looking at all pairs, one by one."""
    groups_of = {one: {one} for one in set(owner)}
    for one in range(len(vectors)):
        for other in range(len(vectors)):
            alike = float(vectors[one] @ vectors[other])
            if alike >= threshold and (main[one] or main[other]):
                both = groups_of[owner[one]] | groups_of[owner[other]]
                for each in both:
                    groups_of[each] = both
    return {tuple(sorted(each)) for each in groups_of.values() if len(each) > 1}


class FakeManifest:
    """What is needed of an index version."""

    name, dimension = "v1", 3


class MadeUp:
    """Stands in for catalogue and collection at once: products with vectors."""

    def __init__(self, vectors: np.ndarray, owner: Sequence[int], main: Sequence[bool]) -> None:
        self.manifest = FakeManifest()
        self._rows = list(zip(vectors, owner, main, strict=True))

    def all_states(self) -> Iterator[list[tuple[Product, Any]]]:
        """Products in chunks of two."""
        from shopsight.catalog.store import ImageState, ProductState

        found = []
        for number in sorted({owner for _, owner, _ in self._rows}):
            product = Product(id=f"{number:03}", title="x", image_link="x")
            state = ProductState("hash")
            mine = [
                (row, main) for row, (_, owner, main) in enumerate(self._rows) if owner == number
            ]
            for place, (row, main) in enumerate(mine, 1):
                position = 0 if main else place
                state.images[position * 100 + place if position else 0] = ImageState(
                    str(row), product.id, position, "x", "x", f"file {row}", index_version="v1"
                )
            found.append((product, state))
        for start in range(0, len(found), 2):
            yield found[start : start + 2]

    def scan(self) -> Iterator[Any]:
        """Rows in chunks of three, last first."""
        from shopsight.index.base import Records

        order = list(range(len(self._rows)))[::-1]
        for start in range(0, len(order), 3):
            part = order[start : start + 3]
            yield Records(
                [str(row) for row in part],
                [str(self._rows[row][1]) for row in part],
                np.stack([self._rows[row][0] for row in part]),
                [{}] * len(part),
            )


@given(
    angles=st.lists(st.integers(0, 359), min_size=1, max_size=24),
    owners=st.lists(st.integers(0, 9), min_size=24, max_size=24),
    tile=st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_tiles_agree_with_looking_at_all_pairs(
    angles: list[int], owners: list[int], tile: tuple[int, int]
) -> None:
    """However the pictures are divided into tiles, groups are those that brute force finds."""
    turns = np.radians(np.array(angles, np.float64))
    vectors = np.stack([np.cos(turns), np.sin(turns), np.zeros(len(turns))], 1).astype(np.float32)
    owner = owners[: len(angles)]
    main = [owner.index(one) == row for row, one in enumerate(owner)]
    made_up: Any = MadeUp(vectors, owner, main)
    threshold = float(np.cos(np.radians(10.5)))  # between whole degrees: no pair is on the edge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TILE", tile)
        parts = [Part(name="shape", start=0, stop=3)]
        found = list(duplicates(made_up, made_up, parts=parts, threshold=threshold))
    expected = brute_force(vectors, owner, main, threshold)
    assert {group.product_ids for group in found} == {
        tuple(f"{one:03}" for one in each) for each in expected
    }
    assert all(threshold <= group.score <= 1 for group in found)
