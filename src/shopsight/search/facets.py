"""Facets: how many products there are by brand, colour, price ... under the present query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from shopsight.errors import QueryError
from shopsight.index.base import FacetRanges, FieldType
from shopsight.index.collection import Collection as IndexCollection
from shopsight.index.filter_check import unknown_field
from shopsight.index.filters import And, Filter, fields_of
from shopsight.search.query import Facet, FacetValue

MOST_VALUES = 1000
"""Values per field at most."""


def check_facets(names: Sequence[str], known: Mapping[str, FieldType]) -> None:
    """Whether these fields can be counted.

    Raises:
        QueryError: There is no such field; the message lists those there are.
    """
    for name in names:
        if name not in known:
            raise QueryError(unknown_field(name, known))


def facets(
    collection: IndexCollection,
    names: Sequence[str],
    where: Filter | None = None,
    limit: int = 20,
    *,
    within: Collection[str] | None = None,
) -> tuple[Facet, ...]:
    """Values of fields with their number of products, in the order asked for.

    Fields of numbers give about five ranges in their order, of which the first begins with the
    least number and the last ends with the largest; other fields give their values, most frequent
    first. A field's own conditions are left aside when it is counted, so that a shopper who has
    chosen red still sees how many there are in blue: see :func:`without`.

    Args:
        collection: What is counted.
        names: Fields; a repeated one is counted once.
        where: Only products that match, checked.
        limit: Values per field at most, 1 to 1000.
        within: Only these products: those that match words, for example.

    Raises:
        QueryError: A field is unknown, or the limit is out of range.
    """
    store = collection.store
    known = store.schema.fields
    check_facets(names, known)
    if not 1 <= limit <= MOST_VALUES:
        raise QueryError(f"A facet has {limit} values: ask for 1 to {MOST_VALUES}.")
    alike: dict[Filter | None, list[str]] = {}
    found: dict[str, Facet] = {}
    for name in dict.fromkeys(names):
        others = without(where, name)
        if known[name] is FieldType.NUMBER:
            found[name] = _ranges(name, store.facet_ranges(name, where=others, within=within))
        else:
            alike.setdefault(others, []).append(name)
    for others, fields in alike.items():
        counted = store.facets(fields, where=others, within=within, limit=limit)
        for name in fields:
            values = (FacetValue(value, count) for value, count in counted[name].items())
            found[name] = Facet(name, tuple(values))
    return tuple(found[name] for name in dict.fromkeys(names))


def without(where: Filter | None, name: str) -> Filter | None:
    """The filter without its own conditions on a field.

    Those are the terms of its outermost ``AND`` that are about this field and no other. A term that
    is about several fields stays: ``brand = "Kavoa" OR color = "red"`` says something of both.
    """
    if where is None:
        return None
    kept = tuple(term for term in _conjuncts(where) if set(fields_of(term)) != {name})
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else And(kept)


def _ranges(name: str, found: FacetRanges) -> Facet:
    edges = pairwise(found.edges)
    values = (
        FacetValue("", count, low, high)
        for (low, high), count in zip(edges, found.counts, strict=True)
    )
    return Facet(name, tuple(values))


def _conjuncts(where: Filter) -> Iterator[Filter]:
    if isinstance(where, And):
        for term in where.terms:
            yield from _conjuncts(term)
    else:
        yield where
