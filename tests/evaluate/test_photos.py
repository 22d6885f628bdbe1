from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.product import Product
from shopsight.errors import DecodeError, FeedError
from shopsight.evaluate import average_precision, evaluate, ndcg_at, recall_at
from shopsight.photo_lists import LabelledPhoto, PhotoList
from shopsight.search.query import Hit, SearchResult


def answer(*ids: str, ms: float = 5.0) -> SearchResult:
    """An answer with these products, in this order."""
    hits = tuple(
        Hit(Product(id=key, title=key, image_link="x.jpg"), 1.0, 0, "x.jpg", "/x.jpg")
        for key in ids
    )
    return SearchResult("q", hits, len(hits), {"total": ms})


def photos(**labels: str) -> PhotoList:
    """Photos with their right products, separated by spaces."""
    return PhotoList(
        [LabelledPhoto(Path(key), frozenset(ids.split())) for key, ids in labels.items()]
    )


def test_figures_of_a_small_example() -> None:
    """Figures of three photos with known ranks equal those worked out by hand."""
    answers = {"a": answer("x", "y"), "b": answer("y", "z", "x"), "c": answer("y")}
    result = evaluate(
        photos(a="x", b="x", c="x"),
        lambda photo: answers[photo.name],
        known_products=lambda ids: ids,
    )
    assert result.recall == {
        1: pytest.approx(1 / 3),
        5: pytest.approx(2 / 3),
        10: pytest.approx(2 / 3),
    }
    assert result.mrr == pytest.approx((1 + 1 / 3) / 3)
    assert result.ndcg_at_10 == pytest.approx((1 + 1 / math.log2(4)) / 3)
    assert result.mean_average_precision == pytest.approx((1 + 1 / 3) / 3)
    assert result.latency_ms == {"p50": 5.0, "p95": 5.0}


def test_several_right_products() -> None:
    """With two right products at ranks 1 and 3, average precision is the mean of 1/1 and 2/3."""
    assert average_precision([1, 3], 2) == pytest.approx((1 + 2 / 3) / 2)
    assert recall_at(1, [1, 3], 2) == 1
    assert recall_at(5, [1], 2) == 0.5


def test_photo_that_fails_counts_as_not_found() -> None:
    """A photo that cannot be used lowers the figures and is listed with its reason."""

    def search(photo: Path) -> SearchResult:
        if photo.name == "bad":
            raise DecodeError("it is truncated", reason="truncated")
        return answer("x")

    result = evaluate(photos(good="x", bad="x"), search, known_products=lambda ids: ids)
    assert result.recall[1] == 0.5
    assert result.failed == {"bad": "it is truncated"}


def test_unknown_products_are_counted() -> None:
    """Labels that the catalogue does not hold are counted, so that a low figure explains itself."""
    result = evaluate(
        photos(a="x", b="gone"), lambda _: answer("x"), known_products=lambda _: ["x"]
    )
    assert result.unknown_products == 1


def test_empty_list_is_an_error() -> None:
    """There is nothing to measure without a labelled photo, and that is said."""
    with pytest.raises(FeedError, match="no photo with a product"):
        evaluate(PhotoList(), lambda _: answer(), known_products=lambda ids: ids)


def test_plain_values_name_the_figures() -> None:
    """The JSON form names figures as the field does."""
    result = evaluate(photos(a="x"), lambda _: answer("x"), known_products=lambda ids: ids)
    assert {"recall@1", "recall@5", "recall@10", "mrr", "ndcg@10", "map"} <= result.as_dict().keys()


@given(st.sets(st.integers(1, 100), max_size=10), st.integers(0, 5))
def test_figures_stay_within_bounds(found: set[int], missed: int) -> None:
    """All figures lie between 0 and 1, and are 1 just if every right product comes first."""
    ranks, relevant = sorted(found), len(found) + missed
    if not relevant:
        return
    figures = [
        recall_at(10, ranks, relevant),
        ndcg_at(10, ranks, relevant),
        average_precision(ranks, relevant),
    ]
    assert all(0 <= figure <= 1 + 1e-12 for figure in figures)
    perfect = ranks == list(range(1, relevant + 1))
    assert math.isclose(average_precision(ranks, relevant), 1) == perfect
