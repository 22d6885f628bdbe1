"""The exact store: every search looks at every row.

For small catalogues, and the reference for other stores.

Rows live in one SQLite file, which survives kill -9 and power loss; searches run on copies in
memory.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from shopsight.catalog.product import AttributeValue
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
from shopsight.index.facet_counts import FacetColumn
from shopsight.index.filter_ast import FieldType, Filter
from shopsight.index.memory_rows import MemoryRows
from shopsight.index.rows import (
    NO_TEXTS,
    REBUILD,
    check_known,
    check_numeric,
    check_same,
    checked_fields,
    checked_query,
    checked_records,
    checked_terms,
    field_columns,
)
from shopsight.index.transfer import export_rows, import_rows

_TABLES = """
CREATE TABLE IF NOT EXISTS collection (shape TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (
    id TEXT PRIMARY KEY, product_id TEXT NOT NULL, vector BLOB NOT NULL, attributes TEXT NOT NULL,
    terms TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
"""
_READ = "SELECT id, product_id, vector, attributes, terms FROM rows"
_WRITE = """
INSERT OR REPLACE INTO rows (id, product_id, vector, attributes, terms) VALUES (?, ?, ?, ?, ?)
"""
_ADVICE = {
    "readonly": "it cannot be written; check the folder's owner and permissions",
    "unable to open": "it cannot be opened; check that the folder exists and may be written",
    "full": "the disk is full; free some space and try again, nothing written before is lost",
    "i/o error": "the disk is full or failing; free some space and try again",
    "locked": "another process is writing; try again when it has finished",
}


class ExactStore:
    """Rows in a SQLite file and in memory; searches compare with all of them.

    Use :meth:`open`. Memory: four bytes per dimension and row (eight for cosine), the attributes,
    and, once a text was searched, about eight bytes per term of a row.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._lock = threading.RLock()
        self._seen = -1
        self._schema: StoreSchema
        self._rows: MemoryRows
        self._load()

    @classmethod
    def open(cls, uri: str, name: str, schema: StoreSchema, *, create: bool) -> ExactStore:
        """Open the collection ``name`` in the folder ``uri``: see :class:`.base.StoreFactory`."""
        path = Path(uri) / f"{name}.sqlite"
        checked_fields({}, schema.fields)
        with _translated(path):
            if not create and not path.exists():
                raise VectorIndexError(
                    f"There is no index {name!r} in {uri}: run `shopsight reindex`."
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                path, timeout=30, check_same_thread=False, isolation_level=None
            )
            try:
                _prepare(connection, schema)
                store = cls(path, connection)
                check_same(schema, store.schema, f"{name!r} in {uri}")
                store.add_fields(schema.fields)
            except BaseException:
                connection.close()
                raise
        return store

    @property
    def schema(self) -> StoreSchema:
        """Present shape, with all fields added so far."""
        return self._schema

    @property
    def capabilities(self) -> Capabilities:
        """Exhaustive; other processes may read; texts are searched."""
        return Capabilities(exact=True, shared_reads=True, text_search=True)

    @property
    def state(self) -> str:
        """What others have written, as of the last refresh, and how much was written here."""
        with self._lock:
            return f"{self._seen} {self._connection.total_changes}"

    def add_fields(self, fields: Mapping[str, FieldType]) -> None:
        """Make new fields filterable."""
        with self._lock:
            new = checked_fields(self._schema.fields, fields)
            if not new:
                return
            schema = self._schema.model_copy(update={"fields": {**self._schema.fields, **new}})
            with self._transaction() as cursor:
                cursor.execute("UPDATE collection SET shape = ?", (schema.model_dump_json(),))
            self._schema = schema

    def upsert(self, records: Records) -> None:
        """Write rows, replacing those with the same id."""
        with self._lock:
            checked = checked_records(records, self._schema)
            with self._transaction() as cursor:
                cursor.executemany(
                    _WRITE,
                    (
                        (key, product, vector.tobytes(), json.dumps(attributes), text)
                        for key, product, vector, attributes, text in _each(checked)
                    ),
                )
            for row in _each(checked):
                self._rows.put(*row)

    def delete(self, *, ids: Sequence[str] = (), where: Filter | None = None) -> int:
        """Delete rows by key and rows that match ``where``; return how many there were."""
        with self._lock:
            doomed = {key for key in ids if key in self._rows}
            if where is not None:
                doomed.update(self._rows.keys(self._rows.matching(where)))
            with self._transaction() as cursor:
                cursor.executemany("DELETE FROM rows WHERE id = ?", ((key,) for key in doomed))
            for key in doomed:
                self._rows.remove(key)
            return len(doomed)

    def get(self, ids: Sequence[str], *, attributes: bool = True) -> Records:  # noqa: ARG002 - all is in memory
        """Rows by key, in the order of ``ids``; unknown keys are left out."""
        with self._lock:
            return self._rows.get(ids)

    def search(
        self, vector: Vectors, k: int, *, where: Filter | None = None, effort: float = 1.0
    ) -> Neighbors:
        """The ``k`` nearest rows; ``effort`` makes no difference."""
        del effort
        query = checked_query(vector, k, self._schema)
        with self._lock:
            return self._rows.search(query, k, where)

    def search_text(self, text: str, k: int, *, where: Filter | None = None) -> Neighbors:
        """The ``k`` best rows by BM25."""
        terms = checked_terms(text, k)
        with self._lock:
            return self._rows.search_text(terms, k, where)

    def count(self, where: Filter | None = None) -> int:
        """Number of rows that match."""
        with self._lock:
            return len(self._rows.matching(where))

    def text_products(
        self, text: str, most: int, *, where: Filter | None = None
    ) -> Collection[str]:
        """The distinct products among the best rows for some terms."""
        return frozenset(self.search_text(text, most, where=where).product_ids)

    def count_products(self, where: Filter | None = None) -> int:
        """Number of distinct products among the rows that match."""
        with self._lock:
            return self._rows.products(self._rows.matching(where))

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
        with self._lock:
            rows = self._counted(where, within)
            return {field: self._facet(field, rows).counts(None, limit) for field in fields}

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
        with self._lock:
            return self._facet(field, self._counted(where, within)).ranges(None, ranges)

    def scan(self, batch_size: int = 1024) -> Iterator[Records]:
        """All rows, in no particular order."""
        for start in range(0, len(self._rows), batch_size):
            with self._lock:
                yield self._rows.at(range(start, min(start + batch_size, len(self._rows))))

    def optimize(self) -> None:
        """Merge the write-ahead log into the file; there are no indexes to build."""
        with self._lock, _translated(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def refresh(self) -> None:
        """See what other processes have written."""
        with self._lock, _translated(self._path):
            self._load()

    def export(self, path: Path) -> int:
        """Write all rows to a Parquet file; return how many."""
        return export_rows(self, path)

    def import_(self, path: Path) -> int:
        """Upsert all rows of an exported file; return how many."""
        return import_rows(self, path)

    def health(self) -> Health:
        """Check the file."""
        with self._lock:
            rows, has_texts = len(self._rows), self._rows.has_texts
            try:
                # A connection of its own sees the file, not what this one has in memory.
                with _translated(self._path), closing(sqlite3.connect(self._path)) as fresh:
                    verdict = fresh.execute("PRAGMA quick_check(1)").fetchone()[0]
            except StorageError as error:
                return Health(ok=False, detail=str(error), rows=rows, indexed=rows)
        if verdict != "ok":
            detail = f"{self._path} is damaged: {REBUILD}."
            return Health(ok=False, detail=detail, rows=rows, indexed=rows)
        detail = f"{rows} rows in memory" + (NO_TEXTS if rows and not has_texts else "")
        return Health(ok=True, detail=detail, rows=rows, indexed=rows)

    def drop(self) -> None:
        """Delete the collection for good."""
        with self._lock, _translated(self._path):
            self.close()
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Release the file and the memory."""
        with self._lock:
            self._connection.close()
            self._rows = MemoryRows(self._schema.dimension, self._schema.metric)

    def _counted(self, where: Filter | None, within: Collection[str] | None) -> Sequence[int]:
        rows = self._rows.matching(where)
        return rows if within is None else self._rows.within(rows, within)

    def _facet(self, field: str, rows: Sequence[int]) -> FacetColumn:
        (column,) = field_columns({field: self._schema.fields[field]})
        return self._rows.facet(field, column.type, rows)

    def _load(self) -> None:
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        if version == self._seen:
            return
        (shape,) = self._connection.execute("SELECT shape FROM collection").fetchone()
        schema = StoreSchema.model_validate_json(shape)
        rows = MemoryRows(schema.dimension, schema.metric)
        for key, product, vector, attributes, text in self._connection.execute(_READ):
            rows.put(key, product, np.frombuffer(vector, np.float32), json.loads(attributes), text)
        self._schema, self._rows, self._seen = schema, rows, version

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with _translated(self._path):
            cursor = self._connection.cursor()
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise


def _prepare(connection: sqlite3.Connection, schema: StoreSchema) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_TABLES)
    _add_terms(connection)
    connection.execute(
        "INSERT INTO collection SELECT ? WHERE NOT EXISTS (SELECT 1 FROM collection)",
        (schema.model_dump_json(),),
    )


def _add_terms(connection: sqlite3.Connection) -> None:
    """Give a file that is older than the column of texts that column."""
    missing = "SELECT NOT EXISTS (SELECT 1 FROM pragma_table_info('rows') WHERE name = 'terms')"
    if connection.execute(missing).fetchone()[0]:
        connection.execute("BEGIN IMMEDIATE")
        # Another process may have done it while this one waited.
        if connection.execute(missing).fetchone()[0]:
            connection.execute("ALTER TABLE rows ADD COLUMN terms TEXT NOT NULL DEFAULT ''")
        connection.execute("COMMIT")


def _each(
    records: Records,
) -> Iterator[tuple[str, str, Vectors, Mapping[str, AttributeValue], str]]:
    columns = (records.ids, records.product_ids, records.vectors, records.attributes, records.texts)
    return zip(*columns, strict=True)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        cause = str(error).lower()
        advice = next((text for sign, text in _ADVICE.items() if sign in cause), "")
        if not advice:
            advice = f"it is damaged or of another kind ({error}); {REBUILD}"
        raise StorageError(f"Index file {path}: {advice}.") from error
    except ValueError as error:  # of JSON, of text, of the length of a vector
        raise StorageError(f"Index file {path}: it is damaged ({error}); {REBUILD}.") from error
    except PermissionError as error:
        raise StorageError(f"Index file {path}: {_ADVICE['readonly']}.") from error
    except OSError as error:
        raise StorageError(f"Index file {path}: {error.strerror or error}.") from error
