"""Orders other than relevance, of what is relevant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shopsight.search.candidates import NOTHING, Candidate, Facts
from shopsight.search.query import Sort


def sorted_by(
    candidates: Sequence[Candidate], facts: Mapping[str, Facts], sort: Sort
) -> list[Candidate]:
    """The candidates in another order.

    What has no value comes last. Of equal ones, the more relevant comes first.

    Args:
        candidates: By relevance.
        facts: By product id.
        sort: The order.
    """
    if sort is Sort.RELEVANCE:
        return list(candidates)
    keys = [_key(facts.get(one.product_id, NOTHING), sort) for one in candidates]
    # Sorting is stable: equal ones stay in the order of relevance, which product ids settle.
    return [candidates[place] for place in sorted(range(len(keys)), key=keys.__getitem__)]


def _key(facts: Facts, sort: Sort) -> tuple[bool, float]:
    if sort is Sort.NEWEST:
        value, descending = facts.added_at, True
    elif sort is Sort.RATING:
        value, descending = facts.number("rating"), True
    else:
        value, descending = facts.number("price"), sort is Sort.PRICE_DESC
    if value is None:
        return (True, 0.0)
    return (False, -value if descending else value)
