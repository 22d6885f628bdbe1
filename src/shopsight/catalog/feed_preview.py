"""The beginning of a feed, for people who decide how it is to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from shopsight.catalog.columns import plan_columns
from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.feeds import detect_format, read_feed
from shopsight.catalog.json_values import iterate_json
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_tables import TextTable, sniff_header
from shopsight.errors import FeedError

ROWS = 8
"""Rows shown."""

SAMPLE = 400
"""Rows that are read."""

_CELL = 300
_TABLE = "table"
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class FeedPreview:
    """The beginning of a feed.

    Attributes:
        format: Name of its format.
        columns: Titles of its columns; empty for formats whose fields are fixed.
        mapping: Our field -> the column it is read from: as told, or guessed.
        missing: Required fields that no column was found for.
        rows: First rows as they stand: column -> text; empty for formats without columns.
        products: First products as they are understood.
        problems: What is wrong with the rows that were read.
        failure: Why the feed cannot be read like this; empty: it can.
    """

    format: str
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    missing: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    products: tuple[Product, ...]
    problems: tuple[RowError, ...]
    failure: str


def preview_feed(
    path: Path,
    *,
    label: str,
    format: str | None = None,  # noqa: A002 - as in read_feed
    mapping: Mapping[str, str] | None = None,
    default_currency: str | None = None,
) -> FeedPreview:
    """Look at the beginning of a feed.

    A table whose columns are unknown is shown all the same, so that they can be told.

    Args:
        path: The file; gzip is unpacked on the way.
        label: Name of the feed in messages.
        format: Name of its format; ``None``: find out.
        mapping: Our field -> the feed's column.
        default_currency: ISO 4217 code for prices that name none.

    Raises:
        FeedError: The file is missing, empty, or nothing that can be read.
    """
    told = mapping or {}
    source = FeedSource(path, label, told)
    name = format or _format(path, source)
    columns = _columns(source, name)
    used, missing = _plan(columns, told, label)
    products: list[Product] = []
    problems: list[RowError] = []
    failure = ""
    try:
        options = {"format": name, "mapping": told, "default_currency": default_currency}
        items = read_feed(path, label=label, **options)  # type: ignore[arg-type]  # as they are declared there
        for item in islice(items, SAMPLE):
            if isinstance(item, Product):
                products.append(item)
            else:
                problems.append(item)
    except FeedError as error:
        failure = str(error)
    rows = tuple(islice(_rows(source), ROWS)) if columns else ()
    return FeedPreview(
        format=name,
        columns=columns,
        mapping=used,
        missing=missing,
        rows=rows,
        products=tuple(products),
        problems=tuple(problems),
        failure=failure,
    )


def _format(path: Path, source: FeedSource) -> str:
    try:
        return detect_format(path, mapping=source.mapping, label=source.label)
    except FeedError:
        if sniff_header(source.head.text) is None:
            raise
        return _TABLE


def _plan(
    columns: Sequence[str], told: Mapping[str, str], label: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    if not columns:
        return {}, ()
    try:
        plan = plan_columns(columns, told, label)
    except FeedError:
        plan = plan_columns(columns, {}, label)  # the failure of reading says what is wrong
    return {field: found[0] for field, found in plan.fields.items()}, tuple(plan.missing())


def _columns(source: FeedSource, name: str) -> tuple[str, ...]:
    """Titles of the columns that a mapping may name."""
    if name not in {_TABLE, "google"}:
        return ()
    head = source.head
    if head.data.startswith(_PARQUET):
        return _parquet_columns(source)
    text = head.text.lstrip()
    if text.startswith("<"):
        return ()
    if text.startswith(("{", "[")):
        first = next(_rows(source), {})
        return tuple(first) if len(first) > 1 else ()  # one key alone wraps the records
    found = sniff_header(head.text)
    return tuple(title for title in dict.fromkeys(found[1]) if title) if found else ()


def _parquet_columns(source: FeedSource) -> tuple[str, ...]:
    import pyarrow as pa  # slow to import, and only Parquet needs it
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(source.path).names)
    except (pa.ArrowException, OSError) as error:
        raise FeedError(f"{source.label} is a damaged Parquet file: {error}") from error


def _rows(source: FeedSource) -> Iterator[Mapping[str, str]]:
    """Rows as they stand, those that can be read."""
    head = source.head
    if head.data.startswith(_PARQUET):
        return
    with source.text() as stream:
        if head.text.lstrip().startswith(("{", "[")):
            for _, value in iterate_json(stream, source.label):
                if isinstance(value, dict):
                    yield {str(name): _shown(cell) for name, cell in value.items()}
        elif (found := sniff_header(head.text)) is not None:
            for row in TextTable(stream, source, found[0]):
                if not isinstance(row, RowError):
                    yield {name: _shown(cell) for name, cell in row[1].items()}


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _CELL else text[:_CELL] + "…"
