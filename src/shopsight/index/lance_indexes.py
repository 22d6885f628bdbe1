"""Which indexes a Lance table gets, and when they are built anew."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
from lancedb.index import FTS, Bitmap, BTree, IndexConfig, IvfRq, LabelList

from shopsight.index.base import FieldType, Metric, StoreSchema
from shopsight.index.lance_table import LanceTable
from shopsight.index.rows import FIELD_PREFIX, TERMS, terms_column

log = logging.getLogger(__name__)

ScalarIndex = BTree | Bitmap | LabelList

_VECTOR_INDEX = "vector_of_"
_BITMAP_VALUES = 1000
_SAMPLE = 10_000
_GROWTH = 3


@dataclass(frozen=True, slots=True)
class LanceOptions:
    """When a table is worth an index, and what is kept in memory.

    Attributes:
        flat_bytes: Up to this size all vectors together are searched exhaustively.
        resident_bytes: Up to this size all vectors together are kept in memory; beyond, only names
            of rows are.
        index_rows: From this number of rows on, fields get indexes.
        keep_s: Seconds for which superseded files are kept for readers in other processes.
    """

    flat_bytes: int = 32_000_000
    resident_bytes: int = 512_000_000
    index_rows: int = 2_000
    keep_s: float = 900


def vector_index(table: LanceTable) -> IndexConfig | None:
    """The ANN index that is there."""
    found = [
        index for index in table.run(table.table.list_indices()) if index.columns == ["vector"]
    ]
    return max(found, key=lambda index: _rows_of(index.name), default=None)


def has_text_index(table: LanceTable) -> bool:
    """Whether texts can be searched."""
    return any(index.columns == [TERMS] for index in table.run(table.table.list_indices()))


def prepare_texts(table: LanceTable) -> None:
    """Give a table that is new, or older than texts, their column and its index.

    The index comes before the rows: rows that it does not cover yet are found, too, and it knows
    how they are to be split. :func:`optimize` makes it cover them.
    """
    table.add_columns(pa.schema([terms_column()]))
    if not has_text_index(table):
        # Terms are compared as they are: how words are cut up and folded was decided before.
        config = FTS(
            base_tokenizer="whitespace",
            max_token_length=None,
            lower_case=False,
            stem=False,
            remove_stop_words=False,
            ascii_folding=False,
        )
        table.run(table.table.create_index(TERMS, config=config))


def partitions(index: IndexConfig) -> int:
    """Number of cells that the index divides the space into."""
    return _partitions_for(_rows_of(index.name))


def optimize(table: LanceTable, schema: StoreSchema, options: LanceOptions) -> None:
    """Compact files, extend indexes to new rows, build missing ones, and drop superseded files."""
    rows = table.count(None)
    table.run(table.table.optimize(cleanup_older_than=timedelta(seconds=options.keep_s)))
    if rows >= options.index_rows:
        _index_fields(table, schema)
    if rows * schema.dimension * 4 > options.flat_bytes:
        _index_vectors(table, schema.metric, rows)


def _index_vectors(table: LanceTable, metric: Metric, rows: int) -> None:
    """Build the ANN index when there is none, or when its cells no longer suit the rows.

    RaBitQ keeps one bit per dimension, so that scanning codes is cheap; the few best are compared
    exactly afterwards.
    """
    present = vector_index(table)
    if present is not None and rows / _GROWTH < _rows_of(present.name) < rows * _GROWTH:
        return
    config = IvfRq(distance_type=metric.value, num_partitions=_partitions_for(rows))
    log.info("building the vector index for %d rows", rows)
    table.run(table.table.create_index("vector", config=config, name=f"{_VECTOR_INDEX}{rows}"))
    if present is not None:
        table.run(table.table.drop_index(present.name))


def _index_fields(table: LanceTable, schema: StoreSchema) -> None:
    present = {index.columns[0] for index in table.run(table.table.list_indices())}
    for column, config in _wanted(table, schema.fields):
        if column not in present:
            table.run(table.table.create_index(column, config=config))


def _wanted(
    table: LanceTable, fields: Mapping[str, FieldType]
) -> Iterator[tuple[str, ScalarIndex]]:
    yield "id", BTree()
    yield "product_id", BTree()
    for name, kind in fields.items():
        column = FIELD_PREFIX + name
        if kind is FieldType.STRINGS:
            yield column, LabelList()
        elif kind is FieldType.BOOLEAN or (
            kind is FieldType.STRING and _has_few_values(table, column)
        ):
            yield column, Bitmap()
        else:
            yield column, BTree()


def _has_few_values(table: LanceTable, column: str) -> bool:
    sample = table.read(table.query().select([column]).limit(_SAMPLE)).column(column)
    return int(pc.count_distinct(sample).as_py()) <= _BITMAP_VALUES


def _rows_of(name: str) -> int:
    digits = name.removeprefix(_VECTOR_INDEX)
    return int(digits) if digits.isdigit() else 0


def _partitions_for(rows: int) -> int:
    return max(1, math.isqrt(rows))
