"""The default store: Lance tables, through lancedb, in a folder or an object store.

Other processes may read while one writes. A search asks Lance's index for candidates and compares
those exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from shopsight.errors import StorageError, VectorIndexError
from shopsight.index.base import (
    Capabilities,
    FacetRanges,
    Health,
    Neighbors,
    Records,
    StoreSchema,
    Vectors,
)
from shopsight.index.filter_ast import FieldType, Filter
from shopsight.index.filter_sql import quoted, to_sql
from shopsight.index.lance_columns import LanceColumns
from shopsight.index.lance_indexes import (
    LanceOptions,
    has_text_index,
    optimize,
    partitions,
    prepare_texts,
    vector_index,
)
from shopsight.index.lance_search import LanceSearch
from shopsight.index.lance_table import LanceTable
from shopsight.index.nearness import merged
from shopsight.index.rows import (
    FIELD_PREFIX,
    NO_TEXTS,
    TERMS,
    arrow_schema,
    check_known,
    check_numeric,
    check_same,
    checked_fields,
    checked_query,
    checked_records,
    checked_terms,
    field_columns,
    from_arrow,
    store_schema,
    to_arrow,
)
from shopsight.index.transfer import export_rows, import_rows

_KEYS_PER_QUERY = 2000
_COLUMNS_SHARE = 4
"""Part of the memory for vectors that columns of fields may take besides."""


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
        self._has_texts = False
        self._columns = LanceColumns(table, options.resident_bytes // _COLUMNS_SHARE, self._sql)
        self._searcher = LanceSearch(table, schema, options, self._columns, self._sql)
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
        """Approximate; other processes may read; texts are searched."""
        return Capabilities(exact=False, shared_reads=True, text_search=True)

    @property
    def state(self) -> str:
        """The table's version: every write makes another."""
        return str(self._table.version())

    def add_fields(self, fields: Mapping[str, FieldType]) -> None:
        """Make new fields filterable."""
        with self._writing:
            new = checked_fields(self._schema.fields, fields)
            if new:
                self._table.add_columns(pa.schema(field_columns(new)))
                self._schema = self._schema.model_copy(
                    update={"fields": {**self._schema.fields, **new}}
                )

    def upsert(self, records: Records) -> None:
        """Write rows, replacing those with the same id."""
        checked = checked_records(records, self._schema)
        if len(checked):
            with self._writing:
                if not self._has_texts:
                    prepare_texts(self._table)
                    self._has_texts = True
                self._table.upsert(to_arrow(checked, self._schema))
                self._searcher.changed()

    def delete(self, *, ids: Sequence[str] = (), where: Filter | None = None) -> int:
        """Delete rows by key and rows that match ``where``; return how many there were."""
        conditions = [_is_one_of(chunk) for chunk in _chunks(ids)]
        if where is not None:
            conditions.append(self._sql(where))
        with self._writing:
            deleted = sum(self._table.delete(condition) for condition in conditions)
            self._searcher.changed()
        return deleted

    def get(self, ids: Sequence[str], *, attributes: bool = True) -> Records:
        """Rows by key, in the order of ``ids``; unknown keys are left out."""
        queries = [self._table.query().where(_is_one_of(chunk)) for chunk in _chunks(ids)]
        if not attributes:
            queries = [query.select(["id", "product_id", "vector"]) for query in queries]
        parts = [self._table.read(query) for query in queries]
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
            texts=[found.texts[place] for place in order],
        )

    def search(
        self, vector: Vectors, k: int, *, where: Filter | None = None, effort: float = 1.0
    ) -> Neighbors:
        """The ``k`` nearest rows: of all where that is fast, else of those the index proposes."""
        query = checked_query(vector, k, self._schema)
        return self._searcher.search(query, k, where, effort)

    def search_text(self, text: str, k: int, *, where: Filter | None = None) -> Neighbors:
        """The ``k`` best rows by BM25, with the frequencies of the last :meth:`optimize`."""
        terms = checked_terms(text, k)
        if not terms or not self._has_texts:
            return merged([], k)
        return self._searcher.search_text(terms, k, where)

    def text_products(
        self, text: str, most: int, *, where: Filter | None = None
    ) -> Collection[str]:
        """The distinct products among the best rows for some terms, by number."""
        terms = checked_terms(text, most)
        if not terms or not self._has_texts:
            return frozenset()
        rows, _ = self._searcher.saying(terms, most, where)
        return self._columns.products_of(rows)

    def count(self, where: Filter | None = None) -> int:
        """Number of rows that match."""
        return self._table.count(None if where is None else self._sql(where))

    def count_products(self, where: Filter | None = None) -> int:
        """Number of distinct products among the rows that match."""
        return self._columns.products(where)

    def facets(
        self,
        fields: Sequence[str],
        *,
        where: Filter | None = None,
        within: Collection[str] | None = None,
        limit: int = 20,
    ) -> dict[str, dict[str, int]]:
        """Per field, its most frequent values with their number of products."""
        check_known(fields, self._schema)
        return self._columns.counts(fields, where, within, limit)

    def facet_ranges(
        self,
        field: str,
        *,
        where: Filter | None = None,
        within: Collection[str] | None = None,
        ranges: int = 5,
    ) -> FacetRanges:
        """Ranges of a field of numbers, with their number of products."""
        check_numeric(field, self._schema)
        return self._columns.ranges(field, where, within, ranges)

    def scan(self, batch_size: int = 1024) -> Iterator[Records]:
        """All rows, in no particular order, in constant memory."""
        for part in self._table.stream(self._table.query(), batch_size):
            yield from_arrow(part)

    def optimize(self) -> None:
        """Compact files, build or extend the indexes, drop files nobody should read any more."""
        with self._writing:
            optimize(self._table, self._schema, self._options)
            self._read_state()
        if self._searcher.loaded is not None:
            self._searcher.load()

    def refresh(self) -> None:
        """See what other processes have written."""
        self._table.latest()
        if self._table.version() != self._version:
            with self._writing:
                self._read_state()
        self._searcher.renew()

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
            has_texts = not rows or self._finds_texts()
            if rows:
                self._searcher.probe(probe)
        except (StorageError, VectorIndexError) as error:
            return Health(ok=False, detail=str(error), rows=0, indexed=0)
        indexed = statistics.num_indexed_rows if statistics else 0
        kind = (
            f"{statistics.index_type}, {partitions(index)} cells"
            if index and statistics
            else "none"
        )
        return Health(
            ok=True,
            detail=f"{rows} rows, {indexed} in the vector index{'' if has_texts else NO_TEXTS}",
            rows=rows,
            indexed=indexed,
            extra={"index": kind, "version": str(self._table.version())},
        )

    def drop(self) -> None:
        """Delete the collection for good."""
        with self._writing:
            self._table.drop(self._name)

    def close(self) -> None:
        """Release files, threads and memory."""
        self._table.close()
        self._searcher.forget()
        self._columns.forget()

    def _sql(self, where: Filter) -> str:
        columns = {name: (FIELD_PREFIX + name, kind) for name, kind in self._schema.fields.items()}
        return to_sql(where, columns)

    def _finds_texts(self) -> bool:
        if not self._has_texts:
            return False
        query = self._table.query().where(f"{TERMS} != ''").select(["id"]).limit(1)
        return bool(self._table.read(query).num_rows)

    def _read_state(self) -> None:
        """Look at the table's present version."""
        self._schema = store_schema(self._table.columns())
        self._has_texts = has_text_index(self._table)
        index = vector_index(self._table)
        self._version = self._table.version()
        self._searcher.changed(partitions(index) if index else 0)


def _is_one_of(keys: Sequence[str]) -> str:
    return f"id IN ({', '.join(map(quoted, keys))})"


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        yield keys[start : start + _KEYS_PER_QUERY]
