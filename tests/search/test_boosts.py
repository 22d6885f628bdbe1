from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.errors import QueryError
from shopsight.index.base import FieldType
from shopsight.search.boosts import boosted, check_boosts, scaled
from shopsight.search.candidates import Candidate, Facts

DAY = 86_400
FIELDS = {"margin": FieldType.NUMBER, "brand": FieldType.STRING, "rating": FieldType.NUMBER}


def term(name: str, facts: Facts, *, now: float = 0.0) -> float:
    """A term of one product."""
    (found,) = boosted([Candidate("a", 0.0, "")], {"a": facts}, {name: 1.0}, now=now)
    return found.terms[f"boost.{name}"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("in_stock", 1), ("preorder", 0.5), ("backorder", 0.5), ("out_of_stock", 0), (None, 0.5)],
)
def test_availability(state: str | None, expected: float):
    """What can be had at once comes before what has to be waited for, and that before the rest."""
    facts = Facts({"availability": state} if state else {})
    assert term("availability", facts) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 3.5 / 5),
        ({"rating": 5.0, "review_count": 2}, (35 + 10) / 12 / 5),
        ({"rating": 5.0, "review_count": 10_000}, 1.0),
        ({"rating": 1.0, "review_count": 0}, 3.5 / 5),
        ({"rating": 4.5}, 4.0 / 5),
    ],
)
def test_rating(values: dict[str, float], expected: float):
    """Many reviews count as they are, few are drawn to the average."""
    assert term("rating", Facts(values)) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("added", "expected"), [(100 * DAY, 1), (70 * DAY, 0.5), (40 * DAY, 0.25), (None, 0), (1e12, 1)]
)
def test_freshness(added: float | None, expected: float):
    """Freshness halves every 30 days; what is from the future is just new."""
    assert term("freshness", Facts({}, added), now=100 * DAY) == pytest.approx(expected)


def test_sale():
    """Reduced products have the term, others have not."""
    assert term("sale", Facts({"on_sale": True})) == 1
    assert term("sale", Facts({"on_sale": False})) == term("sale", Facts()) == 0


def test_numbers_are_scaled_between_percentiles():
    """Numbers become 0 to 1 whatever their size, and one odd one does not press down the rest."""
    found = scaled([None, *(float(number) for number in range(101)), 1e9])
    assert (found[0], found[1], found[-1]) == (0, 0, 1)
    assert found[51] == pytest.approx(0.5, abs=0.02)
    assert scaled([None, None]) == [0, 0]
    assert scaled([3.0] * 40) == [0] * 40
    assert scaled([0.0] * 99 + [7.0]) == [0] * 99 + [1]


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-100, 100)), min_size=1, max_size=20),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_scores_are_the_sum_of_their_terms(
    rows: list[tuple[float, float]], first: float, second: float
):
    """Scores are relevance plus all that is added, best first, and each is told."""
    candidates = [
        Candidate(f"p{place}", score, "", {"image": score}) for place, (score, _) in enumerate(rows)
    ]
    facts = {f"p{place}": Facts({"margin": value}) for place, (_, value) in enumerate(rows)}
    found = boosted(candidates, facts, {"margin": first, "availability": second}, now=0)
    assert sorted(one.product_id for one in found) == sorted(facts)
    for one in found:
        assert one.score == pytest.approx(sum(one.terms.values()), abs=1e-9)
    scores = [one.score for one in found]
    assert all(low <= high + 1e-5 for high, low in pairwise(scores))


def test_off_by_default():
    """Without boosts, or with weights of zero, scores and terms stay as they are."""
    candidates = [Candidate("a", 0.5, "", {"image": 0.5}), Candidate("b", 0.4, "")]
    assert boosted(candidates, {}, {}, now=0) == candidates
    assert boosted(candidates, {}, {"rating": 0.0}, now=0) == candidates


def test_known_boosts():
    """Named terms and any field of numbers can be boosted; the message lists all there are."""
    check_boosts({"margin": 1.0, "availability": -1.0, "sale": 0.0, "rating": 0.5}, FIELDS)
    known = "availability, freshness, rating, sale, margin"
    for name in ("brand", "nothing"):
        with pytest.raises(QueryError, match=f"{name}.*there are {known}"):
            check_boosts({name: 0.5}, FIELDS)


@pytest.mark.parametrize("weight", [1.001, -2, float("nan"), float("inf")])
def test_weights_are_bounded(weight: float):
    """A weight outside -1 to 1 is refused by name."""
    with pytest.raises(QueryError, match="'margin' has the weight"):
        check_boosts({"margin": weight}, FIELDS)
