"""The default store: Lance tables, through lancedb, in a folder or an object store.

Other processes may read while one writes. A search asks Lance's index for candidates and compares
those exactly.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lancedb.query import AsyncQuery, AsyncVectorQuery
from numpy.typing import NDArray

from shopsight.errors import StorageError, VectorIndexError
from shopsight.index.base import (
    Capabilities,
    Health,
    Metric,
    Neighbors,
    Records,
    StoreSchema,
    Vectors,
)
from shopsight.index.filter_ast import FieldType, Filter
from shopsight.index.filter_sql import quoted, to_sql
from shopsight.index.lance_indexes import LanceOptions, optimize, partitions, vector_index
from shopsight.index.lance_table import LanceTable
from shopsight.index.nearness import merged
from shopsight.index.resident import Resident, RowIds
from shopsight.index.rows import (
    FIELD_PREFIX,
    arrow_schema,
    check_known,
    check_same,
    checked_fields,
    checked_query,
    checked_records,
    facet_names,
    field_columns,
    from_arrow,
    store_schema,
    to_arrow,
    top_counts,
)
from shopsight.index.transfer import export_rows, import_rows

_KEYS_PER_QUERY = 2000
_MISSES_BEFORE_RELOAD = 500
# Candidates compared exactly, and cells of the index looked at: see docs/performance.md.
_CANDIDATES = 3
_MORE_CANDIDATES = 30
_LEAST_PROBES = 16
_SHARE_OF_CELLS = 16


class LanceStore:
    """Rows in a Lance table. Use :meth:`open`."""

    def __init__(
        self, name: str, table: LanceTable, schema: StoreSchema, options: LanceOptions
    ) -> None:
        self._name = name
        self._table = table
        self._schema = schema
        self._options = options
        self._writing = threading.Lock()
        self._loading = threading.Lock()
        self._generation = 0  # raised whenever other rows may be seen than before
        self._resident: Resident | None = None
        self._misses = 0
        self._read_state()

    @classmethod
    def open(
        cls,
        uri: str,
        name: str,
        schema: StoreSchema,
        *,
        create: bool,
        options: LanceOptions | None = None,
    ) -> LanceStore:
        """Open the collection ``name`` in a folder or object store, as ``StoreFactory`` says.

        ``options`` say when indexes are built and how much is kept in memory.
        """
        checked_fields({}, schema.fields)
        table = LanceTable.open(uri, name, arrow_schema(schema) if create else None)
        if table is None:
            raise VectorIndexError(f"There is no index {name!r} in {uri}: run `shopsight reindex`.")
        try:
            found = store_schema(table.columns())
            check_same(schema, found, f"{name!r} in {uri}")
            store = cls(name, table, found, options or LanceOptions())
            store.add_fields(schema.fields)
        except BaseException:
            table.close()
            raise
        return store

    @property
    def schema(self) -> StoreSchema:
        """Present shape, with all fields added so far."""
        return self._schema

    @property
    def capabilities(self) -> Capabilities:
        """Approximate; other processes may read."""
        return Capabilities(exact=False, shared_reads=True, text_search=False)

    def add_fields(self, fields: Mapping[str, FieldType]) -> None:
        """Make new fields filterable."""
        with self._writing:
            new = checked_fields(self._schema.fields, fields)
            if new:
                columns = pa.schema(field_columns(new))
                self._table.run(self._table.table.add_columns(columns))
                self._schema = self._schema.model_copy(
                    update={"fields": {**self._schema.fields, **new}}
                )

    def upsert(self, records: Records) -> None:
        """Write rows, replacing those with the same id."""
        checked = checked_records(records, self._schema)
        if len(checked):
            with self._writing:
                self._table.upsert(to_arrow(checked, self._schema))
                self._generation += 1

    def delete(self, *, ids: Sequence[str] = (), where: Filter | None = None) -> int:
        """Delete rows by key and rows that match ``where``; return how many there were."""
        conditions = [_is_one_of(chunk) for chunk in _chunks(ids)]
        if where is not None:
            conditions.append(self._sql(where))
        with self._writing:
            deleted = sum(self._table.delete(condition) for condition in conditions)
            self._generation += 1
        return deleted

    def get(self, ids: Sequence[str]) -> Records:
        """Rows by key, in the order of ``ids``; unknown keys are left out."""
        query = self._table.table.query
        parts = [self._table.read(query().where(_is_one_of(chunk))) for chunk in _chunks(ids)]
        found = from_arrow(
            pa.concat_tables(parts) if parts else arrow_schema(self._schema).empty_table()
        )
        row = {key: place for place, key in enumerate(found.ids)}
        order = [row[key] for key in ids if key in row]
        return Records(
            ids=[found.ids[place] for place in order],
            product_ids=[found.product_ids[place] for place in order],
            vectors=found.vectors[order],
            attributes=[found.attributes[place] for place in order],
        )

    def search(
        self, vector: Vectors, k: int, *, where: Filter | None = None, effort: float = 1.0
    ) -> Neighbors:
        """The ``k`` nearest rows: of all where that is fast, else of those the index proposes."""
        query = checked_query(vector, k, self._schema)
        sql = None if where is None else self._sql(where)
        resident = self._loaded()
        few = self._options.flat_bytes // (4 * self._schema.dimension)
        row_ids = None if sql is None else self._matching(sql, few)
        if row_ids is not None and not len(row_ids):
            return merged([], k)
        if resident.vectors is not None:
            if row_ids is not None:
                return self._resolve(resident, row_ids, k, query=query)
            if sql is None and not self._partitions and resident.generation == self._generation:
                return resident.nearest(query, k, None)
        exhaustive = row_ids is not None or not self._partitions
        wanted = k if exhaustive else math.ceil((_CANDIDATES * k + _MORE_CANDIDATES) * effort)
        search = self._nearest(query, sql, wanted)
        if exhaustive:
            found = self._table.read(search.bypass_vector_index())
        else:
            search = search.nprobes(self._probes(effort * (1 if sql is None else 2)))
            if resident.vectors is not None:
                row_ids = self._table.read(search).column("_rowid").to_numpy()
                return self._resolve(resident, row_ids, k, query=query)
            found = self._table.read(search.limit(k).refine_factor(math.ceil(wanted / k)))
        distances = found.column("_distance").to_numpy()
        cosine = self._schema.metric is Metric.COSINE
        return self._resolve(
            resident,
            found.column("_rowid").to_numpy(),
            k,
            values=1 - distances if cosine else -distances,
        )

    def search_text(self, text: str, k: int, *, where: Filter | None = None) -> Neighbors:
        """Not a thing this store can do."""
        del text, k, where
        raise VectorIndexError("The store 'lance' cannot search words yet.")

    def count(self, where: Filter | None = None) -> int:
        """Number of rows that match."""
        return self._table.count(None if where is None else self._sql(where))

    def count_products(self, where: Filter | None = None) -> int:
        """Number of distinct products among the rows that match."""
        found = self._table.read(self._rows(where).select(["product_id"]))
        return int(pc.count_distinct(found.column("product_id")).as_py())

    def facets(
        self, fields: Sequence[str], *, where: Filter | None = None, limit: int = 20
    ) -> dict[str, dict[str, int]]:
        """Per field, its most frequent values among matching rows."""
        check_known(fields, self._schema)
        if not fields:
            return {}
        columns = [FIELD_PREFIX + field for field in fields]
        found = self._table.read(self._rows(where).select(columns))
        return {
            field: _facet(found.column(column), limit)
            for field, column in zip(fields, columns, strict=True)
        }

    def scan(self, batch_size: int = 1024) -> Iterator[Records]:
        """All rows, in no particular order, in constant memory."""
        for part in self._table.stream(self._rows(None), batch_size):
            yield from_arrow(part)

    def optimize(self) -> None:
        """Compact files, build or extend the indexes, drop files nobody should read any more."""
        with self._writing:
            optimize(self._table, self._schema, self._options)
            self._read_state()
        if self._resident is not None:
            self._load()

    def refresh(self) -> None:
        """See what other processes have written."""
        self._table.latest()
        if self._table.version() != self._version:
            with self._writing:
                self._read_state()
        resident = self._resident
        if resident is None or resident.generation == self._generation:
            return
        if not self._partitions or self._misses > _MISSES_BEFORE_RELOAD:
            self._load()

    def export(self, path: Path) -> int:
        """Write all rows to a Parquet file; return how many."""
        return export_rows(self, path)

    def import_(self, path: Path) -> int:
        """Upsert all rows of an exported file; return how many."""
        return import_rows(self, path)

    def health(self) -> Health:
        """Read a row and ask the index, to see whether the files are there."""
        try:
            rows = self._table.count(None)
            index = vector_index(self._table)
            statistics = index and self._table.run(self._table.table.index_stats(index.name))
            probe = np.ones(self._schema.dimension, np.float32)
            if rows:
                self._table.read(self._nearest(probe, None, 1).select(["id", "_distance"]))
        except (StorageError, VectorIndexError) as error:
            return Health(ok=False, detail=str(error), rows=0, indexed=0)
        indexed = statistics.num_indexed_rows if statistics else 0
        kind = f"{statistics.index_type}, {self._partitions} cells" if statistics else "none"
        return Health(
            ok=True,
            detail=f"{rows} rows, {indexed} in the vector index",
            rows=rows,
            indexed=indexed,
            extra={"index": kind, "version": str(self._table.version())},
        )

    def drop(self) -> None:
        """Delete the collection for good."""
        with self._writing:
            self._table.drop(self._name)
            self._resident = None

    def close(self) -> None:
        """Release files, threads and memory."""
        self._table.close()
        self._resident = None

    def _sql(self, where: Filter) -> str:
        columns = {name: (FIELD_PREFIX + name, kind) for name, kind in self._schema.fields.items()}
        return to_sql(where, columns)

    def _rows(self, where: Filter | None) -> AsyncQuery:
        query = self._table.table.query()
        return query if where is None else query.where(self._sql(where))

    def _nearest(self, vector: Vectors, sql: str | None, limit: int) -> AsyncVectorQuery:
        search = self._table.table.query().nearest_to(pa.array(vector)).column("vector")
        search = search.distance_type(self._schema.metric.value).limit(limit)
        search = search.select(["_rowid", "_distance"])
        return search if sql is None else search.where(sql)

    def _matching(self, sql: str, at_most: int) -> RowIds | None:
        """Ids of the rows for which a condition holds, or ``None`` if there are too many."""
        query = self._table.table.query().where(sql).select(["_rowid"]).limit(at_most + 1)
        found: RowIds = self._table.read(query).column("_rowid").to_numpy()
        return found if len(found) <= at_most else None

    def _probes(self, effort: float) -> int:
        cells = max(_LEAST_PROBES, self._partitions / _SHARE_OF_CELLS)
        return max(1, min(self._partitions, math.ceil(cells * effort)))

    def _resolve(
        self,
        resident: Resident,
        row_ids: RowIds,
        k: int,
        *,
        query: Vectors | None = None,
        values: NDArray[np.float32] | None = None,
    ) -> Neighbors:
        """The ``k`` best of some rows, by name.

        Args:
            resident: Most of the rows; those missing in it are read.
            row_ids: The rows.
            k: How many.
            query: Compare with it, unless
            values: are the scores of the rows.
        """
        places = resident.places(row_ids)
        known = places >= 0
        parts = [(resident, places[known], known)]
        if not known.all():
            missing = row_ids[~known]
            self._misses += len(missing)
            read = self._read_rows(missing, vectors=values is None)
            where = read.places(row_ids)
            parts.append((read, where[where >= 0], where >= 0))
        if values is not None:
            named = [part.named(rows, values[mask]) for part, rows, mask in parts]
        elif query is not None:
            named = [part.nearest(query, k, rows) for part, rows, _ in parts]
        return merged(named, k)

    def _read_rows(self, row_ids: RowIds, *, vectors: bool) -> Resident:
        columns = ["id", "product_id", *(["vector"] if vectors else [])]
        query = self._table.table.take_row_ids(row_ids.tolist()).select(columns).with_row_id()
        return Resident.of(self._table.read(query), self._schema.metric, self._generation)

    def _loaded(self) -> Resident:
        """What is kept in memory, read at the first search."""
        return self._resident or self._load()

    def _load(self) -> Resident:
        with self._loading:
            generation = self._generation
            rows = self._table.count(None)
            fits = rows * self._schema.dimension * 4 <= self._options.resident_bytes
            columns = ["id", "product_id", *(["vector"] if fits else [])]
            query = self._table.table.query().select(columns).with_row_id()
            self._resident = Resident.of(self._table.read(query), self._schema.metric, generation)
            self._misses = 0
            return self._resident

    def _read_state(self) -> None:
        """Look at the table's present version."""
        self._schema = store_schema(self._table.columns())
        index = vector_index(self._table)
        self._partitions = partitions(index) if index else 0
        self._version = self._table.version()
        self._generation += 1


def _is_one_of(keys: Sequence[str]) -> str:
    return f"id IN ({', '.join(map(quoted, keys))})"


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        yield keys[start : start + _KEYS_PER_QUERY]


def _facet(column: pa.ChunkedArray, limit: int) -> dict[str, int]:
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    counts: Counter[str] = Counter()
    for entry in pc.value_counts(column.drop_null()).to_pylist():
        (name,) = facet_names(entry["values"])
        counts[name] += entry["counts"]
    return top_counts(counts, limit)
