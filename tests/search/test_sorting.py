from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.product import Product
from shopsight.catalog.store import DatedProduct
from shopsight.search.candidates import Candidate, Facts, by_relevance, facts_of
from shopsight.search.query import Sort
from shopsight.search.sorting import sorted_by

_values = st.one_of(st.none(), st.sampled_from([0, 1, 2.5, 3]), st.floats(0, 5))
_rows = st.lists(st.tuples(_values, _values, st.one_of(st.none(), st.floats(0, 1e9))), max_size=12)


def candidate(key: str, score: float = 0.5) -> Candidate:
    """A candidate."""
    return Candidate(key, score, f"{key}#0")


@given(_rows, st.sampled_from(Sort))
def test_order(rows: list[tuple[float | None, float | None, float | None]], sort: Sort):
    """Values are in their order, what has none is last, and equal ones stay by relevance."""
    ranked = [candidate(f"p{place}") for place in range(len(rows))]
    facts = {
        f"p{place}": Facts(
            {
                name: value
                for name, value in (("price", price), ("rating", rating))
                if value is not None
            },
            added,
        )
        for place, (price, rating, added) in enumerate(rows)
    }
    found = sorted_by(ranked, facts, sort)
    assert sorted(found, key=lambda one: one.product_id) == sorted(
        ranked, key=lambda one: one.product_id
    )
    if sort is Sort.RELEVANCE:
        assert found == ranked
        return
    column = {Sort.PRICE: 0, Sort.PRICE_DESC: 0, Sort.RATING: 1, Sort.NEWEST: 2}[sort]
    sign = 1 if sort is Sort.PRICE else -1
    places = [int(one.product_id[1:]) for one in found]
    for before, after in pairwise(places):
        first, second = rows[before][column], rows[after][column]
        if first is None:
            assert second is None
        if second is not None and first is not None:
            assert sign * first <= sign * second
        if first == second:
            assert before < after


def test_unknown_products_are_last():
    """A product of which nothing is known any more comes last instead of breaking the search."""
    ranked = [candidate("gone"), candidate("here")]
    found = sorted_by(ranked, {"here": Facts({"price": 3.0})}, Sort.PRICE)
    assert [one.product_id for one in found] == ["here", "gone"]


def test_equal_scores_are_in_the_order_of_ids():
    """Scores that differ by rounding only are equal, and the id decides; others decide alone."""
    near = [candidate("b", 0.9), candidate("a", 0.9 - 1e-9), candidate("c", 0.91)]
    assert [one.product_id for one in by_relevance(near)] == ["c", "a", "b"]
    small = [candidate("b", 1e-12), candidate("a", 2e-12), candidate("c", -1e9)]
    assert [one.product_id for one in by_relevance(small)] == ["a", "b", "c"]


def test_facts_are_what_a_filter_sees():
    """Attributes are facts too, unless they are called like a field of every product."""
    product = Product.model_validate(
        {
            "id": "a",
            "title": "A",
            "image_link": "a.jpg",
            "price": {"amount": "20", "currency": "EUR"},
            "sale_price": {"amount": "15.50", "currency": "EUR"},
            "attributes": {"margin": 0.4, "availability": "soon", "new": True},
        }
    )
    facts = facts_of(DatedProduct(product, 5.0))
    assert (facts.number("price"), facts.number("margin"), facts.added_at) == (15.5, 0.4, 5.0)
    assert facts.text("availability") == ""
    assert facts.values["on_sale"] is True
    assert facts.number("new") is None


@pytest.mark.parametrize("name", ["brand", "nothing"])
def test_missing_texts_are_empty(name: str):
    """A missing text is an empty one, and a number is no text."""
    assert Facts({"stock": 3}).text(name) == ""
    assert Facts({"stock": 3}).text("stock") == ""
