from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsight.search.query import SearchResult, Weights
from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Every shape in every colour, titled so that full text cannot tell them apart."""
    folder = tmp_path_factory.mktemp("speaking")
    feed = ShapesShop(folder / "feed").feed
    lines = feed.read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    feed.write_text("\n".join(["id,title,image_link", *(f"{r[0]},Thing,{r[2]}" for r in rows)]))
    settings = {
        "data": folder / "data",
        "encoder": "speaking",
        "store": "exact",
        "detector": "none",
        "calibrate": False,
    }
    with Shop.open(settings=Settings.model_validate(settings)) as shop:
        shop.index(feed)
        yield shop


def test_words_find_what_they_look_like(shop: Shop) -> None:
    """An encoder that knows words finds a picture that no text describes."""
    for key in ("red-pole", "blue-circle"):
        found = shop.search(text=key.replace("-", " "), limit=3)
        assert found.hits[0].product.id == key


def test_words_and_photo_meet_in_one_space(shop: Shop, tmp_path: Path) -> None:
    """A red circle with the words blue circle lies between both, and weights move it."""
    photo = ShapesShop(tmp_path / "photos").draw("circle", "red", side=48)
    joined = shop.search(photo, "blue circle", limit=2)
    assert {hit.product.id for hit in joined.hits} == {"red-circle", "blue-circle"}
    by_words = shop.search(photo, "blue circle", limit=1, weights=Weights(image=0.1, text=1.0))
    assert by_words.hits[0].product.id == "blue-circle"
    by_photo = shop.search(photo, "blue circle", limit=1, weights=Weights(image=1.0, text=0.1))
    assert by_photo.hits[0].product.id == "red-circle"


def test_unwanted_words_push_away(shop: Shop, tmp_path: Path) -> None:
    """What is named as unwanted moves the query away from it."""
    photo = ShapesShop(tmp_path / "photos").draw("circle", "red", side=48)
    plain = shop.search(photo, "blue circle", limit=9)
    without = shop.search(photo, "blue circle", negative_text="red circle", limit=9)

    def score(key: str, found: SearchResult) -> float:
        return next(hit.score for hit in found.hits if hit.product.id == key)

    assert score("red-circle", without) < score("red-circle", plain)
