"""Rows of any store as Parquet files, which move between stores."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopsight.errors import StorageError, VectorIndexError
from shopsight.index.base import VectorStore
from shopsight.index.rows import arrow_schema, from_arrow, store_schema, to_arrow

_BATCH = 1024


def export_rows(store: VectorStore, path: Path) -> int:
    """Write all rows of a store to a Parquet file, which appears only when it is complete.

    Raises:
        StorageError: The file cannot be written.
    """
    schema = store.schema
    unfinished = path.with_name(path.name + ".part")
    count = 0
    try:
        with pq.ParquetWriter(unfinished, arrow_schema(schema), compression="zstd") as writer:
            for records in store.scan(_BATCH):
                writer.write_table(to_arrow(records, schema))
                count += len(records)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
    return count


def import_rows(store: VectorStore, path: Path) -> int:
    """Upsert all rows of a file that :func:`export_rows` wrote, adding fields where needed.

    Raises:
        StorageError: The file cannot be read.
        VectorIndexError: Its vectors have another dimension or metric, or it is no such file.
    """
    count = 0
    try:
        with pq.ParquetFile(path) as file:
            found = store_schema(file.schema_arrow)
            if (found.dimension, found.metric) != (store.schema.dimension, store.schema.metric):
                raise VectorIndexError(
                    f"{path} holds {found.dimension}-dimensional vectors for {found.metric}, the "
                    f"index {store.schema.dimension}-dimensional ones for {store.schema.metric}: "
                    "import it into a new index."
                )
            store.add_fields(found.fields)
            for batch in file.iter_batches(_BATCH):
                records = from_arrow(pa.Table.from_batches([batch]))
                store.upsert(records)
                count += len(records)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as an export of an index: {error}") from error
    return count
