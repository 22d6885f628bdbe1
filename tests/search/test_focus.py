from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shopsight.errors import QueryError
from shopsight.ingest import lifecycle
from shopsight.photo_lists import PhotoRow
from shopsight.search.focus import Focus
from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop


def opened(folder: Path, **more: Any) -> Shop:
    """A shop with every shape in every colour, indexed."""
    usual = {"data": folder / "data", "encoder": "two-part", "store": "exact", "threads": 1}
    usual |= {"calibrate": False}
    shop = Shop.open(settings=Settings.model_validate(usual | more))
    shop.index(ShapesShop(folder / "feed").feed)
    return shop


@pytest.fixture(scope="module", params=[("exact", "cosine"), ("exact", "l2"), ("lance", "cosine")])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The shop, with each metric and the default store."""
    store, metric = request.param
    with opened(tmp_path_factory.mktemp("focus"), store=store, metric=metric) as shop:
        yield shop


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A red circle that is a little smaller than those in the catalogue."""
    return ShapesShop(tmp_path / "photos").draw("circle", "red", side=48)


def found(shop: Shop, photo: Path, **options: Any) -> list[str]:
    """Ids of the products, in their order."""
    return [hit.product.id for hit in shop.search(photo, **options).hits]


def test_color_comes_first(shop: Shop, photo: Path) -> None:
    """With the focus on colour all red things precede all others, the red circle first."""
    ids = found(shop, photo, focus="color")
    assert ids[0] == "red-circle"
    assert {key.partition("-")[0] for key in ids[:3]} == {"red"}


def test_shape_comes_first(shop: Shop, photo: Path) -> None:
    """With the focus on shape all circles precede all others, the red one first."""
    ids = found(shop, photo, focus="shape")
    assert ids[0] == "red-circle"
    assert {key.partition("-")[2] for key in ids[:3]} == {"circle"}


def test_balanced_is_what_nobody_asks_for(shop: Shop, photo: Path) -> None:
    """Without a focus the answer is the balanced one, which differs from the others'."""
    usual = [hit.score for hit in shop.search(photo).hits]
    assert usual == [hit.score for hit in shop.search(photo, focus=Focus.BALANCED).hits]
    for focus in (Focus.SHAPE, Focus.COLOR):
        assert usual != [hit.score for hit in shop.search(photo, focus=focus).hits]


@pytest.mark.parametrize("focus", Focus)
def test_a_picture_matches_itself_fully(shop: Shop, focus: Focus) -> None:
    """Whatever the focus, a catalogue picture has the best possible score with itself."""
    picture = shop.image("blue-bar", 0).location
    best = shop.search(picture, focus=focus).hits[0]
    assert best.product.id == "blue-bar"
    perfect = 1 if shop.settings.metric == "cosine" else 0
    assert best.score == pytest.approx(perfect, abs=1e-4)


def test_focus_goes_with_pages_and_filters(shop: Shop, photo: Path) -> None:
    """Pages of a focused search join, and a filter narrows it."""
    whole = found(shop, photo, focus="color")
    pages = (found(shop, photo, focus="color", limit=4, offset=start) for start in (0, 4, 8))
    assert [key for page in pages for key in page] == whole
    blue = found(shop, photo, focus="color", where='color = "blue"')
    assert blue == [key for key in whole if key.startswith("blue")]


def test_standardised_vectors_can_be_weighted(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where dimensions are scaled the focus does what it says, and scores stay cosines."""
    monkeypatch.setattr(lifecycle, "MIN_ROWS_TO_STANDARDIZE", 9)
    with opened(tmp_path, standardize=True) as shop:
        assert shop.index_info().manifest.standardizer is not None
        for focus, thing in (("color", "red"), ("shape", "circle")):
            hits = shop.search(photo, focus=focus).hits
            assert all(thing in hit.product.id for hit in hits[:3])
            assert all(-1 <= hit.score <= 1 for hit in hits)


def test_photos_can_be_matched_with_a_focus(shop: Shop, photo: Path) -> None:
    """Matching many photos takes a focus as a search does."""
    (line,) = shop.match([PhotoRow(photo="a.png", path=photo, columns={})], limit=3, focus="color")
    hits: Any = line["hits"]
    assert [hit["product_id"] for hit in hits] == found(shop, photo, limit=3, focus="color")


def test_an_encoder_without_color_says_so(photo: Path, tmp_path: Path) -> None:
    """Without a colour part, shape and balanced are the same, and colour is an error."""
    with opened(tmp_path, encoder="thumbnail") as shop:
        assert shop.focuses == (Focus.SHAPE, Focus.BALANCED)
        assert found(shop, photo, focus="shape") == found(shop, photo)
        with pytest.raises(QueryError, match="'thumbnail' have no part"):
            shop.search(photo, focus="color")
        with pytest.raises(QueryError, match="no focus 'colour'"):
            shop.search(photo, focus="colour")
