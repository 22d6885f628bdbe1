"""What the business wants to come first: terms that are added to the score.

The score of a candidate becomes its relevance plus, for each boost, weight times term. Terms are
numbers from 0 to 1:

- ``availability``: 1 in stock, .5 on pre-order or back-order or where the feed does not say, 0 out
  of stock
- ``rating``: Bayesian average of the reviews, divided by 5: as if 10 reviews of 3.5 came before
- ``freshness``: 1 on the day a product came in, and half of that every 30 days
- ``sale``: 1 with a reduced price, else 0
- any other field of numbers, such as ``margin``: 0 at the 5th percentile of the candidates, 1 at
  the 95th, linear in between; 0 where it is missing
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from shopsight.catalog.product import Availability
from shopsight.errors import QueryError
from shopsight.index.base import FieldType
from shopsight.search.candidates import NOTHING, Candidate, Facts, by_relevance

MOST = 1.0
"""Weights are at most this, and at least its negative, which puts such products last."""

PRIOR_REVIEWS = 10
PRIOR_RATING = 3.5
HALF_LIFE_S = 30 * 86_400.0

_SUPPLY: Mapping[str, float] = {
    Availability.IN_STOCK: 1.0,
    Availability.PREORDER: 0.5,
    Availability.BACKORDER: 0.5,
    Availability.OUT_OF_STOCK: 0.0,
}
_UNKNOWN_SUPPLY = 0.5
_BEST_RATING = 5.0
_USUAL = (5.0, 95.0)
_NAMED = ("availability", "freshness", "rating", "sale")


def check_boosts(boosts: Mapping[str, float], fields: Mapping[str, FieldType]) -> None:
    """Whether these boosts can be computed.

    Args:
        boosts: Weight by name.
        fields: Type of every field there is.

    Raises:
        QueryError: There is no such boost (the known ones are listed), or a weight is out of range.
    """
    numeric = sorted(name for name, kind in fields.items() if kind is FieldType.NUMBER)
    known = list(dict.fromkeys((*_NAMED, *numeric)))
    for name, weight in boosts.items():
        if name not in known:
            raise QueryError(f"There is no boost {name!r}: there are {', '.join(known)}.")
        if not -MOST <= weight <= MOST:
            raise QueryError(
                f"The boost {name!r} has the weight {weight}: give one from {-MOST:g} to {MOST:g}."
            )


def boosted(
    candidates: Sequence[Candidate],
    facts: Mapping[str, Facts],
    boosts: Mapping[str, float],
    *,
    now: float,
) -> list[Candidate]:
    """The candidates with boosts added to their scores, best first.

    Args:
        candidates: By relevance.
        facts: By product id.
        boosts: Weight by name, checked; those of weight 0 are left out.
        now: Seconds since 1970.

    Returns:
        Candidates whose terms have ``boost.<name>`` besides: what was added for it.
    """
    known = [facts.get(one.product_id, NOTHING) for one in candidates]
    added = {
        f"boost.{name}": [weight * term for term in _terms(name, known, now)]
        for name, weight in boosts.items()
        if weight
    }
    if not added:
        return by_relevance(candidates)
    return by_relevance(
        replace(
            one,
            score=one.score + math.fsum(terms[place] for terms in added.values()),
            terms={**one.terms, **{name: terms[place] for name, terms in added.items()}},
        )
        for place, one in enumerate(candidates)
    )


def _terms(name: str, facts: Sequence[Facts], now: float) -> list[float]:
    single: dict[str, Callable[[Facts], float]] = {
        "availability": _availability,
        "rating": _rating,
        "freshness": lambda one: _freshness(one, now),
        "sale": lambda one: float(one.values.get("on_sale") is True),
    }
    if name in single:
        return [single[name](one) for one in facts]
    return scaled([one.number(name) for one in facts])


def _availability(facts: Facts) -> float:
    return _SUPPLY.get(facts.text("availability"), _UNKNOWN_SUPPLY)


def _rating(facts: Facts) -> float:
    rating, count = facts.number("rating"), facts.number("review_count")
    if rating is None:
        return PRIOR_RATING / _BEST_RATING
    # A rating of unknown weight counts as much as what is assumed without one.
    reviews = PRIOR_REVIEWS if count is None else count
    total = PRIOR_REVIEWS * PRIOR_RATING + reviews * rating
    return total / (PRIOR_REVIEWS + reviews) / _BEST_RATING


def _freshness(facts: Facts, now: float) -> float:
    if facts.added_at is None:
        return 0.0
    return math.exp2(-max(0.0, now - facts.added_at) / HALF_LIFE_S)


def scaled(numbers: Sequence[float | None]) -> list[float]:
    """Numbers as 0 to 1: between their 5th and 95th percentile, and cut off there.

    Missing ones are 0. If both percentiles are equal, what lies above is 1 and the rest 0.
    """
    present = [number for number in numbers if number is not None]
    if not present:
        return [0.0] * len(numbers)
    low, high = (float(edge) for edge in np.percentile(present, _USUAL))
    if not low < high:
        return [float(number is not None and number > high) for number in numbers]
    return [
        0.0 if number is None else min(1.0, max(0.0, (number - low) / (high - low)))
        for number in numbers
    ]
