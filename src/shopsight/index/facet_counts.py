"""Counts of products by the values of a field, and by ranges of its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shopsight.index.base import FacetRanges
from shopsight.index.rows import facet_names, top_counts

Codes = NDArray[np.int64]
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
        products: Product of each value, as a number.
        values: Each value, as a place in ``names``.
        names: The distinct values, ascending; texts, booleans, or numbers.
    """

    rows: Codes
    products: Codes
    values: Codes
    names: pa.Array

    @classmethod
    def of(cls, products: Codes, column: pa.Array | pa.ChunkedArray) -> FacetColumn:
        """Take over a column.

        Args:
            products: ``(n,)``: product of each row, as a number from 0.
            column: ``(n,)``: texts, numbers, booleans, or lists of texts; null where there is none.
        """
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if pa.types.is_list(whole.type):
            rows = pc.list_parent_indices(whole)
            flat = pc.list_flatten(whole)
        else:
            rows = pc.indices_nonzero(pc.is_valid(whole))
            flat = pc.drop_null(whole)
        names = pc.unique(flat)
        names = names.take(pc.array_sort_indices(names))
        values = np.asarray(pc.index_in(flat, value_set=names), np.int64)
        places = np.asarray(rows, np.int64)
        order = np.argsort(products[places] * max(len(names), 1) + values, kind="stable")
        places = places[order]
        return cls(places, products[places], values[order], names)

    def at(self, places: Codes) -> FacetColumn:
        """The same column of rows that are at other places: row ``i`` is at ``places[i]``."""
        return replace(self, rows=places[self.rows])

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        arrays = self.rows.nbytes + self.products.nbytes + self.values.nbytes
        return int(arrays + self.names.nbytes)

    def counts(self, chosen: Mask | None, limit: int) -> dict[str, int]:
        """The most frequent values with their number of distinct products.

        Args:
            chosen: ``(rows,)``: whether a row counts; ``None``: all do.
            limit: Values at most.
        """
        products, values = self._chosen(chosen)
        found = np.bincount(values[_firsts(products, values)], minlength=len(self.names))
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
        products, values = self._chosen(chosen)
        if not len(values):
            return FacetRanges((), ())
        numbers = np.asarray(self.names, np.float64)
        edges = nice_edges(numbers[values[_firsts(products, values)]], wanted)
        places = np.searchsorted(np.asarray(edges[1:-1]), numbers, side="right")[values]
        found = np.bincount(places[_firsts(products, places)], minlength=len(edges) - 1)
        return FacetRanges(edges, tuple(found.tolist()))

    def _chosen(self, chosen: Mask | None) -> tuple[Codes, Codes]:
        if chosen is None:
            return self.products, self.values
        kept = chosen[self.rows]
        return self.products[kept], self.values[kept]


def product_codes(product_ids: Sequence[str]) -> Codes:
    """Products as numbers from 0."""
    return np.asarray(pc.dictionary_encode(pa.array(product_ids, pa.string())).indices, np.int64)


def nice_edges(numbers: NDArray[np.float64], wanted: int) -> tuple[float, ...]:
    """Edges of about so many ranges that people would choose: in steps such as 10, 20 or 50.

    Steps follow the middle nine tenths of the numbers, so that one odd price does not put all
    others into one range. The first edge is the least number, the last one the largest.

    Args:
        numbers: ``(n,)``, at least one, finite.
        wanted: At least 1.

    Returns:
        Ascending edges, one more than ranges; twice the same if all numbers are equal.
    """
    least, largest = float(numbers.min()), float(numbers.max())
    with np.errstate(all="ignore"):  # of numbers near the largest float
        low, high = (float(edge) for edge in np.percentile(numbers, _USUAL))
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


def _decimal(digits: int, power: int) -> float:
    """``digits * 10 ** power`` as a person would write it: .3, not .30000000000000004."""
    return float(f"{digits}e{power}")


def _firsts(products: Codes, values: Codes) -> Mask:
    """Where a pair of product and value differs from the one before."""
    firsts = np.ones(len(values), bool)
    firsts[1:] = (products[1:] != products[:-1]) | (values[1:] != values[:-1])
    return firsts
