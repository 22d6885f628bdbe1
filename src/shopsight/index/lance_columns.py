"""Columns of a Lance table in memory, read once per version: filters and counts run over them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopsight.index.base import FacetRanges
from shopsight.index.facet_counts import Codes, FacetColumn, Mask
from shopsight.index.filter_ast import Filter, fields_of
from shopsight.index.filter_masks import mask
from shopsight.index.lance_table import LanceTable
from shopsight.index.resident import RowIds, places_among
from shopsight.index.rows import FIELD_PREFIX

_ROW_BYTES = 64
"""Of a row's id, its product and the product's name, about."""

_VALUE_BYTES = 12
"""Of a value in a column, about."""


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
        kept: Columns, and which rows pass a filter; the least recently used first.
        taken: Bytes of these.
        too_large: Columns that exceed what may be kept.
    """

    number: int
    row_ids: RowIds
    products: Codes
    product_ids: pa.Array
    kept: OrderedDict[str, _Sized] = field(default_factory=OrderedDict)
    taken: int = 0
    too_large: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class ProductSet(Collection[str]):
    """Some of the products of a version; named only when their names are asked for.

    Attributes:
        version: The version.
        chosen: ``(products,)``: which of its products.
    """

    version: _Version
    chosen: Mask

    def __len__(self) -> int:
        return int(np.count_nonzero(self.chosen))

    def __iter__(self) -> Iterator[str]:
        return iter(self.version.product_ids.filter(pa.array(self.chosen)).to_pylist())

    def __contains__(self, product_id: object) -> bool:
        return product_id in set(self)


class LanceColumns:
    """Filters rows and counts values of fields. Safe to call from several threads.

    What a filter says of rows is found over columns in memory where these fit, and by Lance where
    they do not.

    Args:
        table: The table.
        most_bytes: What is kept in memory between calls at most, besides ids of rows and products.
        to_sql: A filter as a condition of the table.
    """

    def __init__(self, table: LanceTable, most_bytes: int, to_sql: Callable[[Filter], str]) -> None:
        self._table = table
        self._most_bytes = most_bytes
        self._to_sql = to_sql
        self._reading = threading.Lock()
        self._lock = threading.Lock()
        self._version: _Version | None = None

    def counts(
        self,
        fields: Sequence[str],
        where: Filter | None,
        within: Collection[str] | None,
        limit: int,
    ) -> dict[str, dict[str, int]]:
        """Per field, as ``VectorStore.facets``."""
        version = self._present()
        chosen = self._chosen(version, where, within)
        return {name: self._column(version, name).counts(chosen, limit) for name in fields}

    def ranges(
        self, name: str, where: Filter | None, within: Collection[str] | None, wanted: int
    ) -> FacetRanges:
        """As ``VectorStore.facet_ranges``."""
        version = self._present()
        chosen = self._chosen(version, where, within)
        return self._column(version, name).ranges(chosen, wanted)

    def products(self, where: Filter | None) -> int:
        """As ``VectorStore.count_products``."""
        if self._too_many():
            query = self._table.query().select(["product_id"])
            query = query if where is None else query.where(self._to_sql(where))
            return int(pc.count_distinct(self._table.read(query).column("product_id")).as_py())
        version = self._present()
        if where is None:
            return len(version.product_ids)
        passing = self._passing(version, where)
        if len(version.product_ids) == len(version.row_ids):
            return int(np.count_nonzero(passing))
        found = np.zeros(len(version.product_ids), bool)
        found[version.products[passing]] = True
        return int(np.count_nonzero(found))

    def products_of(self, rows: RowIds) -> Collection[str]:
        """The distinct products of some rows; rows that are not there any more have none."""
        if self._too_many():
            found = self._table.read(
                self._table.table.take_row_ids(rows.tolist()).select(["product_id"])
            )
            return frozenset(found.column("product_id").to_pylist())
        version = self._present()
        places = places_among(version.row_ids, rows)
        chosen = np.zeros(len(version.product_ids), bool)
        chosen[version.products[places[places >= 0]]] = True
        return ProductSet(version, chosen)

    def passing(self, where: Filter) -> tuple[RowIds, Mask]:
        """All rows ``(n,)``, ascending, and whether each passes a filter."""
        version = self._present()
        return version.row_ids, self._passing(version, where)

    @property
    def nbytes(self) -> int:
        """Memory of the columns, and of what filters say."""
        return self._version.taken if self._version else 0

    def forget(self) -> None:
        """Free the memory."""
        self._version = None

    def _too_many(self) -> bool:
        """Whether not even the products of all rows may be kept in memory."""
        known = self._version  # saves asking Lance: tables grow little at a time
        rows = len(known.row_ids) if known else self._table.count(None)
        return rows * _ROW_BYTES > self._most_bytes

    def _present(self) -> _Version:
        number = self._table.version()
        with self._reading:
            if self._version is None or self._version.number != number:
                query = self._table.query().select(["product_id"]).with_row_id()
                found = self._table.read(query)
                row_ids: RowIds = found.column("_rowid").to_numpy()
                coded = pc.dictionary_encode(found.column("product_id")).combine_chunks()
                products = np.asarray(coded.indices, np.int32)
                if np.any(row_ids[1:] < row_ids[:-1]):
                    order = np.argsort(row_ids, kind="stable")
                    row_ids, products = row_ids[order], products[order]
                self._version = _Version(number, row_ids, products, coded.dictionary)
            return self._version

    def _column(self, version: _Version, name: str) -> FacetColumn:
        def read() -> FacetColumn:
            query = self._table.query().select([FIELD_PREFIX + name]).with_row_id()
            found = self._table.read(query)
            column = found.column(FIELD_PREFIX + name)
            row_ids = found.column("_rowid").to_numpy()
            if not np.array_equal(row_ids, version.row_ids):
                # In another order, or another process or thread has written meanwhile.
                order = np.argsort(row_ids)
                places = places_among(row_ids[order], version.row_ids)
                known = places >= 0
                chosen = pa.array(order[places], pa.int64(), mask=~known)
                column = column.combine_chunks().take(chosen)
            return FacetColumn.of(version.products, column)

        return self._kept(version, f"column {name}", read)

    def _chosen(
        self, version: _Version, where: Filter | None, within: Collection[str] | None
    ) -> Mask | None:
        chosen = None if where is None else self._passing(version, where)
        if within is not None:
            if isinstance(within, ProductSet) and within.version is version:
                wanted = within.chosen
            else:
                named = pa.array(list(within), pa.string())
                wanted = np.asarray(pc.is_in(version.product_ids, value_set=named), bool)
            ours = wanted[version.products]
            chosen = ours if chosen is None else chosen & ours
        return chosen

    def _passing(self, version: _Version, where: Filter) -> Mask:
        sql = self._to_sql(where)

        def find() -> Mask:
            names = set(fields_of(where))
            keys = {f"column {name}" for name in names}
            room = len(names) * len(version.row_ids) * _VALUE_BYTES <= self._most_bytes
            if room and not keys & version.too_large:
                rows = len(version.row_ids)
                return mask(where, lambda name: self._column(version, name), rows)
            query = self._table.query().where(sql).select(["_rowid"])
            found = self._table.read(query).column("_rowid").to_numpy()
            places = places_among(version.row_ids, found)
            passing = np.zeros(len(version.row_ids), bool)
            passing[places[places >= 0]] = True
            return passing

        return self._kept(version, f"rows {sql}", find)

    def _kept(self, version: _Version, key: str, read: Callable[[], T]) -> T:
        with self._lock:
            known = version.kept.get(key)
            if known is not None:
                version.kept.move_to_end(key)
                return known  # type: ignore[return-value]  # the key says which kind it is
        made = read()
        with self._lock:
            if made.nbytes > self._most_bytes:
                version.too_large.add(key)
            elif key not in version.kept:
                version.kept[key] = made
                version.taken += made.nbytes
            while version.taken > self._most_bytes:
                version.taken -= version.kept.popitem(last=False)[1].nbytes
        return made
