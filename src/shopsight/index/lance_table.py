"""One Lance table, called from synchronous code, with its errors translated."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import pyarrow as pa
from lancedb.query import AsyncQuery, AsyncQueryBase
from lancedb.table import AsyncTable

from shopsight.errors import StorageError, VectorIndexError
from shopsight.index.rows import REBUILD

T = TypeVar("T")

_FULL = ("no space left", "os error 28", "file too large", "os error 27", "quota")
_FORBIDDEN = ("permission denied", "read-only", "os error 13", "os error 30")
_DAMAGED = (
    "lanceerror(io)",
    "not found",
    "corrupt",
    "not a directory",
    "os error",
    "decode",
    "protobuf",
)

_ATTEMPTS = 5


class LanceTable:
    """A table and the thread whose event loop its calls run on.

    lancedb's own synchronous calls cross between threads several times per query; here a query
    crosses once.

    Args:
        place: Folder or URL, for messages.
        runner: Where coroutines run.
        connection: Database of the table.
        table: The table, open.
    """

    def __init__(
        self, place: str, runner: Runner, connection: lancedb.AsyncConnection, table: AsyncTable
    ) -> None:
        self.place = place
        self.table = table
        self._runner = runner
        self._connection = connection

    @classmethod
    def open(cls, uri: str, name: str, columns: pa.Schema | None) -> LanceTable | None:
        """Open a table, or make it with some columns.

        Args:
            uri: Folder or URL of the database.
            name: The table.
            columns: Of a table that is made when it is missing; ``None``: return ``None`` when it
                is missing.
        """
        runner = Runner(uri)
        try:
            found = runner.run(_open(uri, name, columns))
        except BaseException:
            runner.close()
            raise
        if found is None:
            runner.close()
            return None
        return cls(uri, runner, *found)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine.

        Raises:
            StorageError: Files cannot be read or written.
            VectorIndexError: Anything else that Lance refuses.
        """
        return self._runner.run(call)

    def add_columns(self, columns: pa.Schema) -> None:
        """Add columns that are not there yet.

        Whoever opens a table, in whatever thread or process, may be adding the same ones: Lance
        refuses the second, which then finds them there.

        Raises:
            StorageError: Files cannot be written.
            VectorIndexError: Lance refuses for another reason.
        """
        for attempts_left in reversed(range(_ATTEMPTS)):
            present = set(self.columns().names)
            lacking = [column for column in columns if column.name not in present]
            if not lacking:
                return
            try:
                self.run(self.table.add_columns(pa.schema(lacking)))
            except VectorIndexError:
                if not attempts_left:
                    raise
                self.latest()

    def query(self) -> AsyncQuery:
        """A new query."""
        # A query that knows its table asks for all columns each time, to look for blobs: with
        # many fields that takes longer than the query.
        return AsyncQuery(self.table._inner.query())  # noqa: SLF001  # lancedb offers no other way

    def read(self, query: AsyncQueryBase) -> pa.Table:
        """All results of a query."""
        found: pa.Table = self.run(query.to_arrow())
        return found

    def stream(self, query: AsyncQueryBase, batch_size: int) -> Iterator[pa.Table]:
        """Results of a query in constant memory."""
        reader = self.run(query.to_batches(max_batch_length=batch_size))
        while (batch := self.run(_next(reader))) is not None:
            yield pa.Table.from_batches([batch])

    def columns(self) -> pa.Schema:
        """Present columns."""
        return self.run(self.table.schema())

    def version(self) -> int:
        """Version that is read."""
        return self.run(self.table.version())

    def count(self, sql: str | None) -> int:
        """Number of rows for which a condition holds."""
        return self.run(self.table.count_rows(sql))

    def upsert(self, rows: pa.Table) -> None:
        """Add rows, replacing those with the same id."""
        merge = (
            self.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
        )
        self.run(_execute(merge, rows))

    def delete(self, sql: str) -> int:
        """Delete the rows for which a condition holds; return how many there were."""
        return self.run(_delete(self.table, sql))

    def latest(self) -> None:
        """Go to the newest version, whoever wrote it."""
        self.run(_latest(self.table))

    def drop(self, name: str) -> None:
        """Delete the table's files."""
        self.run(self._connection.drop_table(name))

    def close(self) -> None:
        """Release the table and the thread."""
        self._runner.close()


class Runner:
    """An event loop in a thread of its own.

    Args:
        place: What the coroutines work on, for messages.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lance", daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; its errors translated."""
        if self._loop.is_closed():
            call.close()
            raise VectorIndexError("The index is closed.")
        try:
            return asyncio.run_coroutine_threadsafe(call, self._loop).result()
        except (OSError, RuntimeError, ValueError) as error:
            raise _translated(error, self._place) from error

    def close(self) -> None:
        """Stop the thread. May be called twice."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


async def _open(
    uri: str, name: str, columns: pa.Schema | None
) -> tuple[lancedb.AsyncConnection, AsyncTable] | None:
    folder = None if "://" in uri else Path(uri)
    if folder is not None and columns is None and not (folder / f"{name}.lance").exists():
        return None  # connecting would make the folder
    connection = await lancedb.connect_async(uri)
    try:
        return connection, await connection.open_table(name)
    except ValueError as error:
        if "was not found" not in str(error):
            raise
    if folder is not None and any((folder / f"{name}.lance").glob("*")):
        raise OSError(f"files of {name} are missing (not found)")
    if columns is None:
        return None
    return connection, await connection.create_table(name, schema=columns)


async def _latest(table: Any) -> None:
    await table.checkout_latest()


async def _delete(table: Any, sql: str) -> int:
    return int((await table.delete(sql)).num_deleted_rows)


async def _execute(merge: Any, rows: pa.Table) -> None:
    await merge.execute(rows)


async def _next(reader: AsyncIterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    return await anext(reader, None)


def _translated(error: Exception, place: str) -> StorageError | VectorIndexError:
    cause = str(error).lower()
    if any(sign in cause for sign in _FULL):
        return StorageError(
            f"Index in {place}: the disk is full. Free some space and try again; "
            "nothing written before is lost."
        )
    if any(sign in cause for sign in _FORBIDDEN):
        return StorageError(
            f"Index in {place}: no permission. Check the folder's owner and permissions."
        )
    if any(sign in cause for sign in _DAMAGED):
        return StorageError(
            f"Index in {place}: files are missing or damaged ({error}). Now {REBUILD}."
        )
    return VectorIndexError(f"Index in {place}: {error}")
