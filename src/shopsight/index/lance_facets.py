"""Facets of a Lance table, counted in memory: columns and filters are read once per version."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shopsight.index.base import FacetRanges
from shopsight.index.facet_counts import Codes, FacetColumn, Mask
from shopsight.index.lance_table import LanceTable
from shopsight.index.rows import FIELD_PREFIX


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=_Sized)


@dataclass(slots=True)
class _Version:
    """What was read of one version of the table.

    Attributes:
        number: The version.
        row_ids: ``(n,)``, ascending.
        products: ``(n,)``: product of each row, as a place in ``product_ids``.
        product_ids: The distinct products.
        kept: Columns and rows that pass a filter, the least recently used first.
        taken: Bytes of these.
    """

    number: int
    row_ids: NDArray[np.uint64]
    products: Codes
    product_ids: pa.Array
    kept: OrderedDict[str, _Sized] = field(default_factory=OrderedDict)
    taken: int = 0


class LanceFacets:
    """Counts values of fields. Safe to call from several threads.

    Args:
        table: The table.
        most_bytes: What is kept in memory between calls at most.
    """

    def __init__(self, table: LanceTable, most_bytes: int) -> None:
        self._table = table
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._version: _Version | None = None

    def counts(
        self, fields: Sequence[str], sql: str | None, within: Collection[str] | None, limit: int
    ) -> dict[str, dict[str, int]]:
        """Per field, as ``VectorStore.facets``; ``sql`` is the filter's condition."""
        version = self._present()
        chosen = self._chosen(version, sql, within)
        return {name: self._column(version, name).counts(chosen, limit) for name in fields}

    def ranges(
        self, name: str, sql: str | None, within: Collection[str] | None, wanted: int
    ) -> FacetRanges:
        """As ``VectorStore.facet_ranges``; ``sql`` is the filter's condition."""
        version = self._present()
        return self._column(version, name).ranges(self._chosen(version, sql, within), wanted)

    def forget(self) -> None:
        """Free the memory."""
        self._version = None

    def _present(self) -> _Version:
        number = self._table.version()
        with self._lock:
            if self._version is None or self._version.number != number:
                query = self._table.query().select(["product_id"]).with_row_id()
                found = self._table.read(query)
                row_ids: NDArray[np.uint64] = found.column("_rowid").to_numpy()
                order = np.argsort(row_ids, kind="stable")
                coded = pc.dictionary_encode(found.column("product_id")).combine_chunks()
                products = np.asarray(coded.indices, np.int64)[order]
                self._version = _Version(number, row_ids[order], products, coded.dictionary)
            return self._version

    def _column(self, version: _Version, name: str) -> FacetColumn:
        def read() -> FacetColumn:
            query = self._table.query().select([FIELD_PREFIX + name]).with_row_id()
            found = self._table.read(query)
            places = _places(version.row_ids, found.column("_rowid").to_numpy())
            known = places >= 0
            column = found.column(FIELD_PREFIX + name)
            if not known.all():  # another process or thread has written meanwhile
                column = column.filter(pa.array(known))
            counted = FacetColumn.of(version.products[places[known]], column)
            return counted.at(places[known])

        return self._kept(version, f"column {name}", read)

    def _chosen(
        self, version: _Version, sql: str | None, within: Collection[str] | None
    ) -> Mask | None:
        chosen: Mask | None = None
        if sql is not None:
            chosen = self._kept(version, f"rows {sql}", lambda: self._passing(version, sql))
        if within is not None:
            wanted = pc.is_in(version.product_ids, value_set=pa.array(list(within), pa.string()))
            ours = np.asarray(wanted, bool)[version.products]
            chosen = ours if chosen is None else chosen & ours
        return chosen

    def _passing(self, version: _Version, sql: str) -> Mask:
        query = self._table.query().where(sql).select(["_rowid"])
        places = _places(version.row_ids, self._table.read(query).column("_rowid").to_numpy())
        passing = np.zeros(len(version.row_ids), bool)
        passing[places[places >= 0]] = True
        return passing

    def _kept(self, version: _Version, key: str, read: Callable[[], T]) -> T:
        with self._lock:
            known = version.kept.get(key)
            if known is not None:
                version.kept.move_to_end(key)
                return known  # type: ignore[return-value]  # the key says which kind it is
        made = read()
        with self._lock:
            if key not in version.kept and made.nbytes <= self._most_bytes:
                version.kept[key] = made
                version.taken += made.nbytes
            while version.taken > self._most_bytes:
                version.taken -= version.kept.popitem(last=False)[1].nbytes
        return made


def _places(row_ids: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> Codes:
    """Where row ids are among ascending ones; -1 for those that are not."""
    if not len(row_ids):
        return np.full(len(wanted), -1, np.int64)
    places = np.searchsorted(row_ids, wanted)
    places[places == len(row_ids)] = 0
    return np.where(row_ids[places] == wanted, places, -1).astype(np.int64)
