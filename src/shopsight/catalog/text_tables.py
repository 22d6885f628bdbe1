"""Delimited text (CSV, TSV, semicolons, bars) as rows with the line numbers an editor shows.

Python's ``csv`` reads the rows; around it, a quote that is never closed costs one row instead of
the rest of the file, and long values need no change of the process-wide ``csv.field_size_limit``.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.product import RowError
from shopsight.errors import FeedError

RECORD_LIMIT = 1 << 24
"""Characters of one row: more is taken for a quote that is never closed."""

DELIMITERS = ",\t;|"
_SNIFFED_ROWS = 20
_SHOWN = 60


def sniff_header(text: str) -> tuple[str, list[str]] | None:
    """Delimiter and column titles of a delimited text.

    Args:
        text: The beginning of the file.

    Returns:
        ``None`` when the text does not look like a table with at least two columns.
    """
    lines = [line for line in text.splitlines(keepends=True) if line.strip()]
    if lines and lines[0][:4].lower() == "sep=":
        return _header(lines[1:], lines[0][4:5])
    if not lines or "\0" in lines[0]:
        return None
    scored = [(_agreement(lines, delimiter), delimiter) for delimiter in DELIMITERS]
    (agreeing, columns), delimiter = max(scored, key=lambda pair: pair[0])
    return _header(lines, delimiter) if agreeing and columns > 1 else None


def _header(lines: list[str], delimiter: str) -> tuple[str, list[str]] | None:
    rows = _lenient_rows(lines, delimiter, 1) if delimiter in DELIMITERS and delimiter else []
    return (delimiter, [title.strip() for title in rows[0]]) if rows else None


def _agreement(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Share of rows that have as many columns as the header, and that number."""
    rows = _lenient_rows(lines, delimiter, _SNIFFED_ROWS)
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - a table has two columns at least
        return 0.0, 0
    body = rows[1:] or rows
    return sum(len(row) == len(rows[0]) for row in body) / len(body) + 0.01, len(rows[0])


def _lenient_rows(lines: list[str], delimiter: str, count: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows.append(row)
            if len(rows) == count:
                break
    except csv.Error:
        pass  # a value beyond the limit; the rows so far tell enough
    return rows


class TextTable:
    """Rows of a delimited text.

    Args:
        stream: Decoded text with its line ends as they are (``newline=""``).
        source: Where it comes from, for reports.
        delimiter: One of :data:`DELIMITERS`.

    Attributes:
        columns: Titles in order; a title that appeared before is empty, its column is left out.

    Raises:
        FeedError: There is no header row.
    """

    def __init__(self, stream: TextIO, source: FeedSource, delimiter: str) -> None:
        self._source = source
        self._delimiter = delimiter
        self._lines = _Lines(stream)
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        self._problems: list[RowError] = []
        self.columns: list[str] = []
        self.columns = self._titles()

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]] | RowError]:
        """Line and cells by title of every row; rows that cannot be used come as errors.

        Missing cells are empty.
        """
        yield from self._take_problems()
        wanted = [(place, title) for place, title in enumerate(self.columns) if title]
        width = len(self.columns)
        whole = seen = 0
        while (record := self._next()) is not None:
            self._source.count.rows += 1
            seen += 1
            if isinstance(record, RowError):
                yield record
                continue
            line, cells = record
            if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                yield self._source.problem(
                    f"The row has {len(cells)} values, the header {width} columns; "
                    f"put values that contain {self._shown_delimiter} in double quotes",
                    line=line,
                )
                continue
            if len(cells) < width:
                if self._lines.cut_off and whole * 2 >= seen - 1:
                    raise self._cut_off_error()
                yield self._source.problem(
                    f"The row has {len(cells)} values, the header {width} columns; "
                    "the missing ones were taken as empty",
                    line=line,
                    severity="warning",
                )
                cells += [""] * (width - len(cells))
            else:
                whole += 1
            yield line, {title: cells[place] for place, title in wanted}
            yield from self._take_problems()

    def _cut_off_error(self) -> FeedError:
        """The copy is broken: the products that are missing must not be taken for gone."""
        return FeedError(
            f"{self._source.label} ends early, in the middle of line {self._lines.start}; "
            "export the feed again"
        )

    @property
    def _shown_delimiter(self) -> str:
        return "a tab" if self._delimiter == "\t" else f"{self._delimiter!r}"

    def _take_problems(self) -> list[RowError]:
        problems, self._problems = self._problems, []
        return problems

    def _titles(self) -> list[str]:
        record = self._next()
        if (
            record is not None
            and not isinstance(record, RowError)
            and record[1][0].startswith("sep=")
        ):
            record = self._next()
        if record is None:
            raise FeedError(f"{self._source.label} has no header row; export the feed again")
        if isinstance(record, RowError):
            raise FeedError(str(record))
        line, cells = record
        titles: list[str] = []
        for cell in cells:
            title = " ".join(cell.strip().lstrip("\ufeff").split())
            if title in titles:
                self._problems.append(
                    self._source.problem(
                        f"Column {title!r} appears more than once; only the first is used",
                        line=line,
                        field=title,
                        severity="warning",
                    )
                )
                title = ""
            titles.append(title)
        return titles

    def _next(self) -> tuple[int, list[str]] | RowError | None:
        """The next row that is not blank; ``None`` at the end."""
        while True:
            self._lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return None
            except csv.Error as error:
                return self._recover(error)
            except _TooLongError:
                return self._one_line("The row is longer than 16 million characters")
            if any(map(str.strip, cells)):
                return self._lines.start, cells

    def _recover(self, error: csv.Error) -> tuple[int, list[str]] | RowError:
        """What can be had of a row that ``csv`` refuses."""
        if "field larger" in str(error):
            try:
                return self._lines.start, self._long_record()
            except (csv.Error, _TooLongError, StopIteration):
                pass
        if "unexpected end" in str(error) and self._lines.cut_off and len(self._lines.taken) == 1:
            raise self._cut_off_error()
        return self._one_line(
            "A quotation mark is not closed, or not doubled inside a quoted value"
        )

    def _long_record(self) -> list[str]:
        quotes = sum(line.count('"') for _, line in self._lines.taken)
        while quotes % 2:
            quotes += next(self._lines).count('"')
        return parse_record("".join(line for _, line in self._lines.taken), self._delimiter)

    def _one_line(self, reason: str) -> tuple[int, list[str]] | RowError:
        """Take only the first line of the row, and go on with the line after it."""
        start = self._lines.start
        first = self._lines.hand_back()
        shown = first[:_SHOWN].strip()
        rows = _lenient_rows([first], self._delimiter, 1)
        if self.columns and rows and len(rows[0]) == len(self.columns):
            self._problems.append(
                self._source.problem(
                    f"{reason}; read as it stands: {shown}", line=start, severity="warning"
                )
            )
            return start, rows[0]
        return self._source.problem(f"{reason}: {shown}", line=start)


def parse_record(text: str, delimiter: str) -> list[str]:
    """Split one complete row into its values (RFC 4180), however long they are.

    Raises:
        csv.Error: A quoted value is not closed, or goes on after its closing quote.
    """
    text = text.rstrip("\r\n")
    cells: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            end = _closing_quote(text, at + 1)
            cells.append(text[at + 1 : end].replace('""', '"'))
            end += 1
            if end < len(text) and text[end] != delimiter:
                raise csv.Error("text after a closing quotation mark")
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            cells.append(text[at:end])
        if end >= len(text):
            return cells
        at = end + 1


def _closing_quote(text: str, at: int) -> int:
    while True:
        at = text.find('"', at)
        if at < 0:
            raise csv.Error("a quotation mark is not closed")
        if not text.startswith('""', at):
            return at
        at += 2


class _TooLongError(Exception):
    """A row is longer than the limit."""


class _Lines:
    """Numbered lines of a stream; those of the present row can be handed back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._again: deque[tuple[int, str]] = deque()
        self._number = 0
        self._size = 0
        self.taken: list[tuple[int, str]] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._again:
            number, line = self._again.popleft()
        else:
            line = self._stream.readline(RECORD_LIMIT)
            if not line:
                raise StopIteration
            self._number = number = self._number + 1
            if len(line) == RECORD_LIMIT:
                self._skip_line(line)
        self.taken.append((number, line))
        self._size += len(line)
        if self._size >= RECORD_LIMIT:
            raise _TooLongError
        return line

    def _skip_line(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._stream.readline(RECORD_LIMIT)

    @property
    def start(self) -> int:
        """Number of the row's first line."""
        return self.taken[0][0] if self.taken else self._number

    @property
    def cut_off(self) -> bool:
        """Whether the row's last line has no line end."""
        return bool(self.taken) and not self.taken[-1][1].endswith(("\n", "\r"))

    def begin(self) -> None:
        """A new row begins with the next line."""
        self.taken = []
        self._size = 0

    def hand_back(self) -> str:
        """Give up all lines of this row but the first, which is returned."""
        self._again.extendleft(reversed(self.taken[1:]))
        return self.taken[0][1] if self.taken else ""
