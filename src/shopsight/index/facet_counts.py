"""Counts of products by the values of a field, and by ranges of its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shopsight.index.base import FacetRanges
from shopsight.index.rows import facet_names, top_counts

Codes = NDArray[np.integer[Any]]
"""Rows, products or values, as numbers from 0; of whatever width suffices."""

Mask = NDArray[np.bool_]

_STEPS = (1, 2, 5, 10)
_LEAST_STEP = 1e-300
_COARSER = 1.25
"""Steps are rather too long than too short: three ranges say more than eight."""

_USUAL = (5.0, 95.0)
"""Percentiles between which ranges are laid; the first and the last one reach over the rest."""


@dataclass(frozen=True, slots=True)
class FacetColumn:
    """The values of one field, in the order of product and value.

    That order makes counting distinct products a matter of comparing neighbours, whatever rows are
    chosen.

    Attributes:
        rows: Row of each value; a row with several values is there several times.
        values: Each value, as a place in ``names``.
        names: The distinct values, ascending; texts, booleans, or numbers.
        products: ``(n,)``: product of each row of the table, as a number; shared by its columns.
        present: ``(n,)``: rows with a value, be it an empty list.
        lists: Rows may have several values.
        single: No product has more than one value.
        dense: Each row has its one value, and rows are in the order of products: ``values`` is by
            row.
    """

    rows: Codes
    values: Codes
    names: pa.Array
    products: Codes
    present: Mask
    lists: bool
    single: bool
    dense: bool

    @classmethod
    def of(cls, products: Codes, column: pa.Array | pa.ChunkedArray) -> FacetColumn:
        """Take over a column.

        Args:
            products: ``(n,)``: product of each row, as a number from 0.
            column: ``(n,)``: texts, numbers, booleans, or lists of texts; null where there is none.
        """
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        present = np.asarray(pc.is_valid(whole), bool)
        lists = pa.types.is_list(whole.type)
        if lists:
            rows = np.asarray(pc.list_parent_indices(whole), np.int32)
            flat = pc.list_flatten(whole)
        else:
            rows = np.flatnonzero(present).astype(np.int32)
            flat = pc.drop_null(whole)
        coded = pc.dictionary_encode(flat)
        ascending = np.asarray(pc.array_sort_indices(coded.dictionary))
        names = coded.dictionary.take(pa.array(ascending))
        ranks = np.empty(len(names), np.min_scalar_type(max(len(names) - 1, 0)))
        ranks[ascending] = np.arange(len(names))
        values = ranks[np.asarray(coded.indices)]
        pairs = products[rows].astype(np.int64) * max(len(names), 1) + values
        if np.any(pairs[1:] < pairs[:-1]):
            order = np.argsort(pairs, kind="stable")
            rows, values = rows[order], values[order]
        ordered = products[rows]
        single = bool(np.all(ordered[1:] != ordered[:-1]))
        dense = len(rows) == len(products) and bool(np.all(rows[1:] == rows[:-1] + 1))
        return cls(rows, values, names, products, present, lists, single, dense)

    @property
    def nbytes(self) -> int:
        """Memory taken, without the products, which columns share."""
        arrays = self.rows.nbytes + self.values.nbytes + self.present.nbytes
        return int(arrays + self.names.nbytes)

    def having(self, wanted: Mask) -> Mask:
        """Rows ``(n,)`` that have any of the values at the chosen places of ``names``."""
        if self.dense:
            return wanted[self.values]
        found = np.zeros(len(self.present), bool)
        found[self.rows[wanted[self.values]]] = True
        return found

    def counts(self, chosen: Mask | None, limit: int) -> dict[str, int]:
        """The most frequent values with their number of distinct products.

        Args:
            chosen: ``(rows,)``: whether a row counts; ``None``: all do.
            limit: Values at most.
        """
        found = np.bincount(self._counted(chosen, self.values), minlength=len(self.names))
        present = np.flatnonzero(found)
        if 0 < limit < len(present):
            least = np.partition(found[present], -limit)[-limit]
            present = np.flatnonzero(found >= least)
        names = self.names.take(pa.array(present)).to_pylist()
        return top_counts(
            {facet_names(name)[0]: int(found[at]) for name, at in zip(names, present, strict=True)},
            limit,
        )

    def ranges(self, chosen: Mask | None, wanted: int) -> FacetRanges:
        """Ranges of a field of numbers, with their number of distinct products.

        Args:
            chosen: As for :meth:`counts`.
            wanted: About how many ranges.
        """
        numbers = np.asarray(self.names, np.float64)
        found = np.bincount(self._counted(chosen, self.values), minlength=len(numbers))
        if not found.any():
            return FacetRanges((), ())
        edges = nice_edges(numbers, wanted, found)
        places = np.searchsorted(np.asarray(edges[1:-1]), numbers, side="right")
        if self.single:
            counts = np.bincount(places, weights=found, minlength=len(edges) - 1)
        else:
            counts = np.bincount(
                self._counted(chosen, places[self.values]), minlength=len(edges) - 1
            )
        return FacetRanges(edges, tuple(int(count) for count in counts))

    def _counted(self, chosen: Mask | None, values: Codes) -> Codes:
        """The values, or what they stand for, of rows that count: each once for a product."""
        kept = chosen if chosen is None or self.dense else chosen[self.rows]
        if kept is not None:
            values = values[kept]
        if self.single:
            return values
        products = self.products[self.rows if kept is None else self.rows[kept]]
        return values[_firsts(products, values)]


def product_codes(product_ids: Sequence[str]) -> Codes:
    """Products as numbers from 0."""
    return np.asarray(pc.dictionary_encode(pa.array(product_ids, pa.string())).indices, np.int32)


def nice_edges(
    numbers: NDArray[np.float64], wanted: int, counts: NDArray[np.intp] | None = None
) -> tuple[float, ...]:
    """Edges of about so many ranges that people would choose: in steps such as 10, 20 or 50.

    Steps follow the middle nine tenths of the numbers, so that one odd price does not put all
    others into one range. The first edge is the least number, the last one the largest.

    Args:
        numbers: ``(n,)``, at least one, finite.
        wanted: At least 1.
        counts: ``(n,)``: how often each number is there, some at least once; the numbers are then
            distinct and ascending. Without it, each is there once, in whatever order.

    Returns:
        Ascending edges, one more than ranges; twice the same if all numbers are equal.
    """
    if counts is None:
        numbers, counts = np.unique(numbers, return_counts=True)
    numbers, counts = numbers[counts > 0], counts[counts > 0]
    least, largest = float(numbers[0]), float(numbers[-1])
    low, high = (_percentile(numbers, counts, percent) for percent in _USUAL)
    if not low < high:
        low, high = least, largest
    rough = (high - low) / max(wanted, 1)
    if not _LEAST_STEP < rough < math.inf:
        return (least, largest)
    power = math.floor(math.log10(rough))
    step = min(_STEPS, key=lambda one: abs(math.log(one * 10.0**power / rough / _COARSER)))
    number = math.floor(low / (step * 10.0**power))
    inner: list[float] = []
    while (edge := _decimal(number * step, power)) < high:
        if edge > (inner[-1] if inner else low):
            inner.append(edge)
        number += 1
    return (least, *inner, largest)


def _percentile(numbers: NDArray[np.float64], counts: NDArray[np.intp], percent: float) -> float:
    """Percentile of ascending numbers, each there so many times, as :func:`numpy.percentile`."""
    ends = np.cumsum(counts)
    place = float(ends[-1] - 1) * (percent / 100)
    below, above = (
        float(numbers[np.searchsorted(ends, step, side="right")])
        for step in (math.floor(place), min(math.floor(place) + 1, int(ends[-1]) - 1))
    )
    share = place - math.floor(place)
    # From the nearer of both, so that the farther one is met exactly, too.
    if share < 0.5:  # noqa: PLR2004 - half way
        return below + (above - below) * share
    return above - (above - below) * (1 - share)


def _decimal(digits: int, power: int) -> float:
    """``digits * 10 ** power`` as a person would write it: .3, not .30000000000000004."""
    return float(f"{digits}e{power}")


def _firsts(products: Codes, values: Codes) -> Mask:
    """Where a pair of product and value differs from the one before."""
    firsts = np.ones(len(values), bool)
    firsts[1:] = (products[1:] != products[:-1]) | (values[1:] != values[:-1])
    return firsts
