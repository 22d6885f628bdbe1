"""Delimited text with one product per row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.columns import ColumnPlan, plan_columns
from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_tables import TextTable, sniff_header
from shopsight.errors import FeedError


def read_delimited(source: FeedSource, *, decimal_point: str = "") -> Iterator[Product | RowError]:
    """Products of a table with one row each.

    Args:
        source: The feed.
        decimal_point: As in :func:`~shopsight.catalog.prices.parse_price`.

    Raises:
        FeedError: There is no header, or no column for the id, the title or the picture.
    """
    assembler = Assembler(source, decimal_point=decimal_point)
    with source.text() as stream:
        table = TextTable(stream, source, delimiter_of(source))
        plan = checked_plan(table.columns, source)
        for row in table:
            if isinstance(row, RowError):
                yield row
            else:
                line, cells = row
                yield from assembler.assemble(line, *plan.split(cells))


def delimiter_of(source: FeedSource) -> str:
    """The delimiter of the feed's text.

    Raises:
        FeedError: There is no header with at least two columns.
    """
    found = sniff_header(source.head.text)
    if found is None:
        raise FeedError(
            f"{source.label} is no table: its first line should name the columns, separated by "
            "commas, tabs or semicolons"
        )
    return found[0]


def checked_plan(columns: Sequence[str], source: FeedSource) -> ColumnPlan:
    """What becomes of the columns, certain that each required field has one.

    Raises:
        FeedError: A required field has no column, or the mapping is wrong.
    """
    plan = plan_columns(columns, source.mapping, source.label)
    if missing := plan.missing():
        shown = ", ".join(column for column in columns if column)
        raise FeedError(
            f"{source.label} has no column that is known as {' or '.join(missing)}; name it with "
            f"--map {missing[0]}=COLUMN. Its columns: {shown}"
        )
    return plan
