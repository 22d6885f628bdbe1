from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shopsight.catalog.product import Product
from shopsight.errors import DecodeError, FeedError, NotFoundError
from shopsight.testing.shops import COLORS, ShapesShop
from shopsight.wiring import Shop
from shopsight.wiring.classifying import LabelledPicture, classifier_of
from shopsight.wiring.known_categories import KnownCategories, shop_categories

CATEGORIES = {"red": "Warm > Red", "green": "Cold > Green", "blue": "Cold > Blue"}


def product(key: str, **fields: str) -> Product:
    """A product with a category."""
    return Product(id=key, title=key, image_link=f"{key}.png", **fields)


class ColorsShop:
    """Plain pictures whose category is their colour, several shades of each."""

    def __init__(self, folder: Path, *, each: int = 6) -> None:
        self.folder = folder
        folder.mkdir()
        self.rows: list[dict[str, str]] = []
        for color, category in CATEGORIES.items():
            for number in range(each):
                key = f"{color}{number}"
                self.draw(f"{key}.png", color, seed=len(self.rows))
                self.rows.append(
                    {"id": key, "title": key, "image_link": f"{key}.png", "product_type": category}
                )

    def draw(self, name: str, color: str, *, seed: int) -> Path:
        """A picture of a colour with some noise."""
        noise = np.random.default_rng(seed).normal(0, 30, (8, 8, 3))
        pixels = np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)
        path = self.folder / name
        Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST).save(path)
        return path

    def write(self, name: str = "feed.csv", rows: list[dict[str, str]] | None = None) -> Path:
        """A feed."""
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows if rows is None else rows)
        return path


@pytest.fixture
def colors(tmp_path: Path) -> ColorsShop:
    """A folder of eighteen pictures."""
    return ColorsShop(tmp_path / "colors")


def test_field_of_most_products() -> None:
    """The category is in the field that more products have, the shop's own if both are equal."""
    both = [product("a", product_type="X", google_product_category="Y")]
    assert shop_categories(both).field == "product_type"
    more = [*both, product("b", google_product_category="Z > W")]
    found = shop_categories(more)
    assert found.field == "google_product_category"
    assert found.of_products(["a", "b", "c"]) == {"a": "Y", "b": "Z > W"}
    assert shop_categories(more, "product_type").of_products(["a", "b"]) == {"a": "X"}


def test_categories_in_an_attribute() -> None:
    """Any field or attribute may say the category."""
    item = Product(id="a", title="a", image_link="a.png", attributes={"section": "S > T"})
    assert shop_categories([item], "section").of_products(["a"]) == {"a": "S > T"}


def test_classify(open_shop: Callable[..., Shop], colors: ColorsShop) -> None:
    """A photo gets the path of its kind, levels that add up, and products of that category."""
    shop = open_shop()
    shop.index(colors.write())
    found = shop.classify(colors.draw("photo.png", "blue", seed=99), related=3)
    assert found.answer == "Cold > Blue"
    assert [level.answer for level in found.levels] == ["Cold", "Cold > Blue"]
    assert found.levels[0].confidence >= found.levels[1].confidence == found.confidence
    assert len(found.related) == 3
    assert {hit.product.product_type for hit in found.related} == {"Cold > Blue"}
    assert found.timings_ms["total"] > 0
    again = open_shop().classify(colors.folder / "photo.png")
    assert again.answer == found.answer
    assert again.confidence == pytest.approx(found.confidence, abs=1e-5)


def test_products_without_category(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """A shop without categories says what to do; so does a photo that is none."""
    shop = open_shop()
    shapes = ShapesShop(tmp_path / "shapes")
    shop.index(shapes.feed)
    with pytest.raises(NotFoundError, match="product_type"):
        shop.classify(shapes.folder / "red-bar-56.png")


def test_damaged_photo_is_named(open_shop: Callable[..., Shop], colors: ColorsShop) -> None:
    """A file that is no picture is an error that names it."""
    shop = open_shop()
    shop.index(colors.write())
    bad = colors.folder / "bad.jpg"
    bad.write_text("no picture")
    with pytest.raises(DecodeError, match=r"bad\.jpg"):
        shop.classify(bad)


def test_categories_follow_the_catalogue(
    open_shop: Callable[..., Shop], colors: ColorsShop, tmp_path: Path
) -> None:
    """After a change of the catalogue they are read anew, beside requests, and not too often."""
    shop = open_shop()
    shop.index(colors.write())
    now = [0.0]
    known = KnownCategories(
        shop.catalog,
        shop._serve().collection,
        tmp_path / "categories.json",
        field="auto",
        threshold=0.5,
        head=lambda: None,
        clock=lambda: now[0],
    )
    assert known.categories().of_products(["red0"]) == {"red0": "Warm > Red"}
    for row in colors.rows:
        row["product_type"] = row["product_type"].replace("Warm", "Hot")
    shop.index(colors.write())
    assert known.refresh() is None
    now[0] = 1000.0
    reading = known.refresh()
    assert reading is not None
    reading.join()
    assert known.categories().of_products(["red0"]) == {"red0": "Hot > Red"}


def test_proposals(open_shop: Callable[..., Shop], colors: ColorsShop) -> None:
    """Products without a category get one; broken pictures and rows are named; the feed stays."""
    shop = open_shop()
    shop.index(colors.write())
    colors.draw("new.png", "green", seed=70)
    (colors.folder / "broken.png").write_bytes(b"no picture")
    rows = [
        colors.rows[0],
        {"id": "new", "title": "new", "image_link": "new.png", "product_type": ""},
        {"id": "broken", "title": "b", "image_link": "broken.png", "product_type": ""},
        {"id": "gone", "title": "g", "image_link": "gone.png", "product_type": " "},
        {"id": "outside", "title": "o", "image_link": "../../etc/passwd", "product_type": ""},
        {"id": "untitled", "title": "", "image_link": "new.png", "product_type": ""},
    ]
    feed = colors.write("more.csv", rows)
    before = feed.read_bytes()
    found = {one.product_id: one for one in shop.propose_categories(feed)}
    assert list(found) == ["new", "broken", "gone", "outside", "untitled"]
    assert found["new"].category == "Cold > Green"
    assert found["new"].probability > 0.6
    assert all(found[key].error and not found[key].category for key in list(found)[1:])
    assert feed.read_bytes() == before


def test_labelled_photos_without_groups_stand_for_themselves(tmp_path: Path) -> None:
    """Photos that name no group vouch for each other; one that cannot be used is left out."""
    random = np.random.default_rng(0)
    middles = dict(zip(CATEGORIES.values(), np.eye(3, 8), strict=True))
    photos = [
        LabelledPicture(tmp_path / f"{number}.jpg", category, "")
        for number, category in enumerate(list(CATEGORIES.values()) * 20)
    ]

    def vector_of(path: Path) -> NDArray[np.float32]:
        if path.stem == "0":
            raise DecodeError("is no picture", reason="damaged")
        drawn = middles[photos[int(path.stem)].category] + random.normal(0, 0.1, 8)
        return (drawn / np.linalg.norm(drawn)).astype(np.float32)

    done: list[int] = []
    classifier, _ = classifier_of(photos, vector_of, threshold=0.5, progress=done.append)
    assert done[-1] == 60
    assert classifier.classify(np.eye(1, 8, 1, dtype=np.float32)[0]).answer == "Cold > Green"
    assert classifier._tables.fit.presence is not None
    with pytest.raises(FeedError, match="no labelled photo"):
        classifier_of(photos[:1], vector_of, threshold=0.5)
