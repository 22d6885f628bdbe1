from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shopsight.errors import FilterError, NotFoundError, QueryError
from shopsight.search.query import MAX_TEXT
from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop


@pytest.fixture(scope="module", params=["exact", "lance"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """Every shape in every colour: a circle, a bar and a pole in red, green and blue."""
    folder = tmp_path_factory.mktemp("engine")
    settings = {
        "data": folder / "data",
        "encoder": "two-part",
        "store": request.param,
        "threads": 1,
        "detector": "none",
        "calibrate": False,
    }
    with Shop.open(settings=Settings.model_validate(settings)) as shop:
        shop.index(ShapesShop(folder / "feed").feed)
        yield shop


@pytest.fixture
def red_circle(tmp_path: Path) -> Path:
    """A photo of a red circle."""
    return ShapesShop(tmp_path / "photos").draw("circle", "red", side=48)


def ids(shop: Shop, *arguments: Any, **options: Any) -> list[str]:
    """Ids of the products that are found."""
    return [hit.product.id for hit in shop.search(*arguments, **options).hits]


def test_words_alone_find_what_has_them(shop: Shop) -> None:
    """Words find products by their titles, and only those that have them."""
    found = shop.search(text="circle")
    assert {hit.product.id for hit in found.hits} == {"red-circle", "green-circle", "blue-circle"}
    assert all(hit.confidence is None for hit in found.hits)


def test_a_colour_becomes_a_condition_that_can_be_taken_away(shop: Shop) -> None:
    """The word red is a chip and filters; with the chip ignored, green things are found again."""
    found = shop.search(text="red circle", limit=9)
    assert found.hits[0].product.id == "red-circle"
    assert all(hit.product.attributes["color"] == "red" for hit in found.hits)
    chip = next(chip for chip in found.chips if chip.field == "color")
    again = shop.search(text="red circle", limit=9, ignore=[chip.id])
    assert {hit.product.attributes["color"] for hit in again.hits} > {"red"}
    assert chip.id not in {one.id for one in again.chips}


def test_photo_and_words_find_the_other_colour(shop: Shop, red_circle: Path) -> None:
    """A photo of a red circle with "in blue" finds the blue circle first."""
    found = shop.search(red_circle, "this but in blue")
    assert found.hits[0].product.id == "blue-circle"
    assert "image" in found.hits[0].terms


def test_unwanted_words_exclude(shop: Shop, red_circle: Path) -> None:
    """What is named as unwanted is not found first, beside a photo and alone."""
    assert "red-circle" not in ids(shop, red_circle, negative_text="red")
    assert all("circle" not in key for key in ids(shop, text="red", negative_text="circle")[:2])


def test_several_photos_are_one_thing(shop: Shop, red_circle: Path, tmp_path: Path) -> None:
    """Photos of a red circle and a blue one together are nearer to circles than to anything."""
    blue = ShapesShop(tmp_path / "more").draw("circle", "blue", side=52)
    found = ids(shop, [red_circle, blue], limit=3, focus="shape")
    assert all(key.endswith("circle") for key in found)


def test_a_product_is_not_similar_to_itself(shop: Shop) -> None:
    """Similar products leave the product itself out, on every page."""
    first = ids(shop, product_id="red-circle", limit=4)
    second = ids(shop, product_id="red-circle", limit=4, offset=4)
    assert "red-circle" not in first + second
    assert len(set(first + second)) == 8
    with pytest.raises(NotFoundError, match="nowhere"):
        shop.search(product_id="nowhere")


def test_conditions_without_words_list_what_fits(shop: Shop) -> None:
    """Words that are all conditions list the products that fit, and count them."""
    found = shop.search(text="in red", limit=9)
    assert {hit.product.id for hit in found.hits} == {"red-circle", "red-bar", "red-pole"}
    assert found.total == 3


def test_facets_count_under_the_words(shop: Shop, red_circle: Path) -> None:
    """With words, only what has them is counted; with a photo, everything that passes."""
    (colors,) = shop.search(text="circle", facets=["color"]).facets
    assert {one.value: one.count for one in colors.values} == {"red": 1, "green": 1, "blue": 1}
    (colors,) = shop.search(red_circle, facets=["color"]).facets
    assert {one.value: one.count for one in colors.values} == {"red": 3, "green": 3, "blue": 3}


def test_cut_off_rankings_end(shop: Shop, red_circle: Path) -> None:
    """A cut-off leaves fewer hits than there are products, and the best ones."""
    whole, cut = ids(shop, red_circle, limit=9), ids(shop, red_circle, limit=9, cutoff="gap")
    assert 0 < len(cut) < len(whole)
    assert cut == whole[: len(cut)]


def test_questions_that_make_no_sense_are_refused(shop: Shop, red_circle: Path) -> None:
    """Nothing asked, too much asked, unknown names: each says what is wrong."""
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("Nothing is asked", {}),
        ("Nothing is asked", {"text": "   "}),
        ("characters", {"text": "a" * (MAX_TEXT + 1)}),
        ("not with both", {"photo": red_circle, "product_id": "red-bar"}),
        ("no sort", {"text": "a", "sort": "cheapest"}),
        ("no group_by", {"text": "a", "group_by": "shop"}),
        ("no boost", {"text": "a", "boosts": {"luck": 1}}),
        ("four numbers", {"photo": red_circle, "box": (0, 1)}),
        ("reversed", {"photo": red_circle, "box": (0.5, 0, 0.1, 1)}),
        ("8 are taken", {"photo": [red_circle] * 9}),
        ("object_hits", {"photo": red_circle, "object_hits": 1000}),
    ]
    for words, options in wrong:
        with pytest.raises(QueryError, match=words):
            shop.search(**options)
    with pytest.raises(FilterError, match="colour"):
        shop.search(red_circle, where='colour = "red"')
    with pytest.raises(QueryError, match="colour"):
        shop.search(red_circle, facets=["colour"])


@pytest.mark.parametrize("text", ["😀", "的", "!!!", "a AND (b OR", "\x00\u202e", "x" * 1000])
def test_odd_words_are_only_words(shop: Shop, text: str) -> None:
    """Emoji, brackets, control characters and the like raise nothing and break nothing."""
    assert len(shop.search(text=text).hits) <= 10


def test_new_products_are_found_by_their_words(tmp_path: Path) -> None:
    """A product whose title changes is found by the new words at once, and no longer by the old."""
    feed = ShapesShop(tmp_path / "feed")
    usual = {"encoder": "two-part", "detector": "none", "calibrate": False}
    settings = {"data": tmp_path / "data", **usual}
    with Shop.open(settings=Settings.model_validate(settings)) as shop:
        shop.index(feed.feed)
        assert ids(shop, text="gizmo") == []
        feed.feed.write_text(feed.feed.read_text().replace("A red bar", "A red gizmo"))
        shop.index(feed.feed)
        assert ids(shop, text="gizmo") == ["red-bar"]


def test_of_several_photos_the_one_most_like_a_hit_explains_it(shop: Shop, tmp_path: Path) -> None:
    """Each hit is explained by the photo that it is most like, with that photo's own score."""
    drawn = ShapesShop(tmp_path / "photos")
    photos = [drawn.draw("circle", "red", side=48), drawn.draw("bar", "blue", side=48)]
    result = shop.search(photos, limit=9, explain=True)
    why = shop.explain(photos, result)
    assert (why["red-circle"].photo_number, why["blue-bar"].photo_number) == (0, 1)
    for number, photo in enumerate(photos):
        alone = {hit.product.id: hit.score for hit in shop.search(photo, limit=9).hits}
        for product_id, found in why.items():
            if found.photo_number == number:
                assert found.explanation.score == pytest.approx(alone[product_id], abs=1e-2)


def test_a_single_hit_leads_over_what_else_there_is(shop: Shop, red_circle: Path) -> None:
    """Where one hit is asked for, its lead is over the products that are most like the photo."""
    everything = shop.search(red_circle, limit=11)
    assert 2 < len(everything.hits) <= 11
    first = everything.hits[0].product.id
    together = shop.explain(red_circle, everything)[first].explanation
    alone = shop.explain(red_circle, shop.search(red_circle, limit=1))[first].explanation
    assert alone.query.base == pytest.approx(together.query.base, abs=1e-5)
    assert alone.query.cells == pytest.approx(together.query.cells, abs=1e-5)


def test_explanations_add_up(shop: Shop, red_circle: Path) -> None:
    """What the cells of the photo add, with the base, is the score that the search gave."""
    result = shop.search(red_circle, limit=3)
    why = shop.explain(red_circle, result)
    for hit in result.hits:
        found = why[hit.product.id].explanation
        assert found.query.base + float(np.sum(found.query.cells)) == pytest.approx(
            found.score, abs=1e-3
        )
        assert found.score == pytest.approx(hit.score, abs=1e-2)
        assert why[hit.product.id].photo_overlay.startswith(b"\x89PNG")
