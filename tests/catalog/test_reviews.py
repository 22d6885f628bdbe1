from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from shopsight.catalog.database import Database
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.reviews import Review, ReviewStore, read_reviews
from shopsight.errors import FeedError


@pytest.fixture
def store(tmp_path: Path) -> ReviewStore:
    """A store without reviews."""
    return ReviewStore(Database(f"sqlite:///{tmp_path / 'shop.db'}"))


def product(product_id: str, group: str = "") -> Product:
    """A product, perhaps of a group."""
    return Product(id=product_id, title="A bag", image_link="bag.jpg", item_group_id=group)


def test_reviews_of_a_group_belong_to_each_variant(store: ReviewStore) -> None:
    """A group's reviews count for all its variants, a variant's own for it alone."""
    store.add(
        [
            Review(item_group_id="BAG", rating=2, title="Small"),
            Review(item_group_id="BAG", product_id="BAG-red", rating=5, title="Red"),
            Review(product_id="CUP", rating=1),
        ]
    )
    assert {one.title for one in store.of(product("BAG-red", "BAG"))} == {"Small", "Red"}
    assert [one.title for one in store.of(product("BAG-blue", "BAG"))] == ["Small"]
    summary = store.summary(product("BAG-red", "BAG"))
    assert (summary.count, summary.rating) == (2, 3.5)
    assert summary.stars == {1: 0, 2: 1, 3: 0, 4: 0, 5: 1}
    assert store.summary(product("POT")).rating is None


def test_a_file_read_twice_is_there_once(store: ReviewStore) -> None:
    """Reviews that are known already are not added again, nor are doubles within one call."""
    reviews = [
        Review(product_id="CUP", rating=4, review="Fine"),
        Review(product_id="CUP", rating=3),
    ]
    assert store.add([*reviews, reviews[0]]) == 2
    assert store.add(reviews) == 0


def test_the_newest_come_first_and_pages_do_not_repeat(store: ReviewStore) -> None:
    """Dated reviews come newest first, undated ones last; pages neither repeat nor miss one."""
    dated = [
        Review(product_id="CUP", rating=3, created_at=datetime(2026, month, 1, tzinfo=UTC))
        for month in (2, 9, 5)
    ]
    store.add([Review(product_id="CUP", rating=5), *dated])
    pages = [store.of(product("CUP"), limit=2, offset=offset) for offset in (0, 2)]
    months = [one.created_at.month if one.created_at else None for part in pages for one in part]
    assert months == [9, 5, 2, None]


def test_bad_rows_are_named_and_stop_nothing(tmp_path: Path) -> None:
    """Each bad row is reported with its line and field; the others are read."""
    file = tmp_path / "reviews.csv"
    file.write_text(
        "Item Group ID,Rating,Title,Review,Reviewer,Date\n"
        'BAG,4,Good,"Two\nlines",Ana,2026-03-01\n'
        "BAG,9,Too good,,,\n"
        ",3,Of what?,,,\n"
        "BAG,,No stars,,,\n"
        "BAG,2,When?,,,yesterday\n"
        "BAG,1\n",
        encoding="utf-8",
    )
    rows = list(read_reviews(file))
    good = [row for row in rows if isinstance(row, Review)]
    bad = [(row.line, row.field) for row in rows if isinstance(row, RowError)]
    assert [(one.rating, one.review) for one in good] == [(4, "Two\nlines"), (1, "")]
    assert bad == [(4, "rating"), (5, ""), (6, "rating"), (7, "created_at")]


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    """What is no table of reviews is an error that says which columns it needs."""
    file = tmp_path / "reviews.csv"
    file.write_text("name,price\nBag,3\n", encoding="utf-8")
    with pytest.raises(FeedError, match="'rating'"):
        list(read_reviews(file))
    with pytest.raises(FeedError, match="cannot be read"):
        list(read_reviews(tmp_path / "none.csv"))


@pytest.mark.parametrize("rating", [0, 5.1, float("nan"), "many"])
def test_a_rating_has_one_to_five_stars(rating: object) -> None:
    """Other numbers, and what is none, are refused."""
    with pytest.raises(ValidationError):
        Review.model_validate({"product_id": "CUP", "rating": rating})
