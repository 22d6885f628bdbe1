"""One hit per group: of the products of a design or a brand, only the best one is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shopsight.search.candidates import NOTHING, Candidate, Facts
from shopsight.search.query import GroupBy


def group_of(product_id: str, facts: Facts, group_by: GroupBy) -> tuple[str, str]:
    """Key of the group that a product belongs to.

    A product whose field is empty is a group of its own.
    """
    value = "" if group_by is GroupBy.PRODUCT else facts.text(group_by.value)
    return ("group", value) if value else ("product", product_id)


def grouped(
    candidates: Iterable[Candidate],
    facts: Mapping[str, Facts],
    group_by: GroupBy,
    *,
    seen: Iterable[tuple[str, str]] = (),
) -> Iterator[tuple[tuple[str, str], Candidate]]:
    """The first candidate of each group, in their order, with the group's key.

    Args:
        candidates: Best first.
        facts: By product id.
        group_by: What makes a group.
        seen: Groups that are left out.
    """
    known = set(seen)
    for one in candidates:
        group = group_of(one.product_id, facts.get(one.product_id, NOTHING), group_by)
        if group not in known:
            known.add(group)
            yield group, one
