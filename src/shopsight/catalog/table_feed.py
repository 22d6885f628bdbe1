"""Tables of any shop: CSV, TSV, semicolons, JSON Lines, JSON arrays, Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.columns import PlanCache, knows
from shopsight.catalog.delimited import checked_plan, read_delimited
from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.json_values import BadJson, iterate_json
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_tables import sniff_header
from shopsight.errors import FeedError

_PARQUET = b"PAR1"
_BATCH_ROWS = 512
_LISTS = ("products", "items", "data", "results")


class TableFeed:
    """One product per row; columns are guessed by their names, or told by the mapping.

    Values of JSON and Parquet keep their types; those of text are text.
    """

    name: ClassVar[str] = "table"

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether this is Parquet, JSON records, or text with columns that are known."""
        if head.data.startswith(_PARQUET):
            return True
        text = head.text.lstrip()
        if text.startswith(("{", "[")):
            return head.name.endswith((".json", ".jsonl", ".ndjson")) or '"' in text
        found = sniff_header(head.text)
        return found is not None and knows(found[1], head.mapping)

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products and problems in the order of the rows.

        Raises:
            FeedError: The file is damaged, or has no column for a required field.
        """
        head = source.head
        if head.data.startswith(_PARQUET):
            yield from _read_parquet(source)
        elif head.text.lstrip().startswith(("{", "[")):
            yield from _read_json(source)
        else:
            yield from read_delimited(source)


def _read_json(source: FeedSource) -> Iterator[Product | RowError]:
    assembler = Assembler(source)
    plans = PlanCache(source.mapping, source.label)
    with source.text() as stream:
        for line, value in iterate_json(stream, source.label):
            records = _records(value)
            for record in records if records is not None else [value]:
                source.count.rows += 1
                if isinstance(record, BadJson):
                    yield source.problem(record.reason, line=line)
                elif not isinstance(record, dict):
                    yield source.problem(
                        "The value is no JSON object with the fields of a product", line=line
                    )
                else:
                    yield from assembler.assemble(line, *plans.split(record))


def _records(value: object) -> list[object] | None:
    """The list inside a wrapper such as ``{"products": [...]}``."""
    if isinstance(value, dict):
        for name in _LISTS:
            inner = value.get(name)
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                return inner
    return None


def _read_parquet(source: FeedSource) -> Iterator[Product | RowError]:
    import pyarrow as pa  # slow to import, and only Parquet needs it
    import pyarrow.parquet as pq

    if source.path.name.lower().endswith(".gz"):
        raise FeedError(f"{source.label} is gzipped Parquet; unpack it first")
    assembler = Assembler(source)
    try:
        with pq.ParquetFile(source.path) as file:
            schema = file.schema_arrow
            columns = [field.name for field in schema if not _is_binary(field.type, pa)]
            plan = checked_plan(columns, source)
            line = 0
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                for record in batch.to_pylist():
                    line += 1
                    source.count.rows += 1
                    yield from assembler.assemble(line, *plan.split(record))
    except (pa.ArrowException, OSError) as error:
        raise FeedError(
            f"{source.label} is a damaged Parquet file ({error}); export it again"
        ) from error


def _is_binary(kind: object, pa: object) -> bool:
    types = pa.types  # type: ignore[attr-defined]  # the module, imported late
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )
