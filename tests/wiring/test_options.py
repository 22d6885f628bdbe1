from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from shopsight.errors import QueryError
from shopsight.images.boxes import Box
from shopsight.search.focus import Focus
from shopsight.search.query import Cutoff, GroupBy, Query, Sort, Weights
from shopsight.wiring.options import SearchOptions, query_of


def test_every_part_of_a_query_is_an_option() -> None:
    """Whatever a query can hold can be asked for: photos and words by place, all else by name."""
    assert set(SearchOptions.__annotations__) == {one.name for one in fields(Query)} - {
        "images",
        "text",
    }


def test_without_options_the_query_is_the_usual_one() -> None:
    """What is not given is as a query has it by itself."""
    assert query_of((), "mug") == Query(text="mug")
    assert query_of((b"photo",), "", where=None, box=None) == Query(images=(b"photo",))


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("negative_text", "stripes", "stripes"),
        ("weights", Weights(image=0.5), Weights(image=0.5)),
        ("product_id", "p1", "p1"),
        ("box", (0, 0.25, 1, 0.5), Box(0.0, 0.25, 1.0, 0.5)),
        ("box", Box(0.0, 0.25, 1.0, 0.5), Box(0.0, 0.25, 1.0, 0.5)),
        ("regions", False, False),
        ("where", "price < 5", "price < 5"),
        ("ignore", ["color:red"], frozenset({"color:red"})),
        ("limit", 3, 3),
        ("offset", 4, 4),
        ("focus", "shape", Focus.SHAPE),
        ("sort", "-price", Sort.PRICE_DESC),
        ("group_by", "brand", GroupBy.BRAND),
        ("facets", ["color", "brand"], ("color", "brand")),
        ("boosts", {"sale": 0.1}, {"sale": 0.1}),
        ("cutoff", "gap", Cutoff.GAP),
        ("object_hits", 5, 5),
    ],
)
def test_options_reach_the_query(name: str, given: Any, taken: Any) -> None:
    """Each option ends in its part of the query, names as choices, lists as what cannot change."""
    found = getattr(query_of((), "mug", **{name: given}), name)
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": "cheapest"}, r"no sort 'cheapest'.*relevance, price, -price, -rating, newest"),
        ({"group_by": "shop"}, r"no group_by 'shop'.*product, item_group_id, brand"),
        ({"cutoff": "soon"}, r"no cutoff 'soon'.*none, gap, relative"),
        ({"focus": "size"}, "size"),
        ({"box": (0, 0, 1)}, "four numbers.* not 3"),
        ({"box": (0, 0, 1, 2)}, "not inside"),
        ({"box": (0.5, 0, 0.5, 1)}, "reversed or empty"),
        ({"box": (float("nan"), 0, 1, 1)}, "not finite"),
        ({"limit": 0}, "out of range"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    """Unknown names are answered with those there are, and bad numbers with what is wrong."""
    with pytest.raises(QueryError, match=message):
        query_of((), "mug", **options)
