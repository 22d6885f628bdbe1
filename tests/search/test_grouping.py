from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.search.candidates import Candidate, Facts
from shopsight.search.grouping import group_of, grouped
from shopsight.search.query import GroupBy

_brands = st.lists(st.sampled_from(["Kavoa", "Olmberg", "Zuntik", ""]), max_size=15)


@given(_brands)
def test_best_of_each_group(brands: list[str]):
    """The first product of each brand is left, in order, and each one without a brand."""
    candidates = [Candidate(f"p{place}", -place, "") for place in range(len(brands))]
    facts = {
        f"p{place}": Facts({"brand": brand} if brand else {}) for place, brand in enumerate(brands)
    }
    kept = [one.product_id for _, one in grouped(candidates, facts, GroupBy.BRAND)]
    expected = [
        f"p{place}"
        for place, brand in enumerate(brands)
        if not brand or brand not in brands[:place]
    ]
    assert kept == expected
    assert len(list(grouped(candidates, facts, GroupBy.PRODUCT))) == len(brands)


def test_groups_that_were_seen_are_left_out():
    """A later step does not show a group again, even by a better product."""
    facts = {key: Facts({"item_group_id": "G1"}) for key in "ab"}
    first = list(grouped([Candidate("a", 1, "")], facts, GroupBy.DESIGN))
    seen = [group for group, _ in first]
    assert list(grouped([Candidate("b", 2, "")], facts, GroupBy.DESIGN, seen=seen)) == []


@pytest.mark.parametrize("group_by", list(GroupBy))
def test_no_product_falls_into_a_group_of_its_name(group_by: GroupBy):
    """A product without a brand is apart from those of a brand that is called like its id."""
    facts = Facts({"brand": "p1", "item_group_id": "p1"})
    own, named = group_of("p1", Facts(), group_by), group_of("p2", facts, group_by)
    assert own != named
