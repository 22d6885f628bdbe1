from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.product import RowError
from shopsight.catalog.text_tables import RECORD_LIMIT, TextTable, parse_record, sniff_header
from shopsight.errors import FeedError

SOURCE = FeedSource(path=Path("feed.csv"), label="feed.csv")


def read(
    text: str, delimiter: str = ","
) -> tuple[list[tuple[int, dict[str, str]]], list[RowError]]:
    """Rows and problems of a text."""
    rows, problems = [], []
    for item in TextTable(io.StringIO(text, newline=""), SOURCE, delimiter):
        (problems if isinstance(item, RowError) else rows).append(item)
    return rows, problems


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_come_with_the_line_an_editor_shows(end):
    """Values with line ends and blank lines do not disturb the count, for all three line ends."""
    text = end.join(["a,b", "1,x", "", '2,"y', 'y"', "3,z", ""])
    rows, problems = read(text)
    assert [(line, row["a"]) for line, row in rows] == [(2, "1"), (4, "2"), (6, "3")]
    assert rows[1][1]["b"] == f"y{end}y"
    assert problems == []


def test_a_quote_that_is_never_closed_costs_one_row():
    """The rest of the file is read as if the quote were not there."""
    rows, problems = read('id,title,image\n1,a,1.jpg\n2,"b,2.jpg\n3,c,3.jpg\n4,"d, e",4.jpg\n')
    assert [row["id"] for _, row in rows] == ["1", "3", "4"]
    assert rows[-1][1]["title"] == "d, e"
    assert [(problem.line, problem.severity) for problem in problems] == [(3, "error")]
    assert "quotation mark is not closed" in problems[0].reason


def test_a_quote_opened_in_the_last_column_keeps_the_row():
    """Where the columns still add up, the row is kept with a warning."""
    rows, problems = read('id,title\n1,"open\n2,b\n')
    assert [row["title"].strip() for _, row in rows] == ["open", "b"]
    assert [problem.severity for problem in problems] == ["warning"]


def test_quotes_inside_values_are_read_as_meant():
    """Inch marks in plain values are fine; undoubled quotes are kept, and reported."""
    rows, problems = read('id,title\n1,24" lamp\n2,"the "best" mug"\n3,"doubled ""right"""\n')
    assert [row["title"] for _, row in rows] == ['24" lamp', 'the best" mug"', 'doubled "right"']
    assert [(problem.line, problem.severity) for problem in problems] == [(3, "warning")]


def test_ragged_rows_are_told_from_each_other():
    """Too few values are taken as empty, extra empty ones ignored, extra full ones an error."""
    rows, problems = read("a,b,c\n1,2\n1,2,3,,\n1,2,3,4\n5,6,7\n")
    assert [row for _, row in rows] == [
        {"a": "1", "b": "2", "c": ""},
        {"a": "1", "b": "2", "c": "3"},
        {"a": "5", "b": "6", "c": "7"},
    ]
    assert [(problem.line, problem.severity) for problem in problems] == [
        (2, "warning"),
        (4, "error"),
    ]
    assert "The row has 4 values, the header 3 columns" in problems[1].reason


@pytest.mark.parametrize("end", ['3,"c', '3,"c, d', "3", '3,"c\nd'])
def test_a_row_that_breaks_off_at_the_end_is_a_feed_error(end):
    """A short or unclosed last row without a line end tells that the copy is broken."""
    with pytest.raises(FeedError, match=r"ends early, in the middle of line [45]"):
        read("id,title\n1,a\n2,b\n" + end)


def test_rows_that_are_all_short_are_no_broken_copy():
    """A table whose rows all lack a last column may end without a line end."""
    rows, _ = read("id,title,note\n1,a\n2,b\n3,c")
    assert len(rows) == 3


def test_a_repeated_title_is_reported_and_its_first_column_used():
    """Two columns of one name do not overwrite each other silently."""
    rows, problems = read("id,title,title\n1,first,second\n")
    assert rows == [(2, {"id": "1", "title": "first"})]
    assert [(problem.field, problem.severity) for problem in problems] == [("title", "warning")]


def test_long_values_need_no_change_of_the_process():
    """Ten megabytes in one value are read, and csv's limit for the process stays as it was."""
    limit = csv.field_size_limit()
    long = "x" * 10_000_000
    rows, problems = read(f'id,text\n1,"{long}, ""quoted""\nsecond line"\n2,{long}\n3,short\n')
    assert [(line, len(row["text"])) for line, row in rows] == [
        (2, len(long) + 22),
        (4, len(long)),
        (5, 5),
    ]
    assert problems == []
    assert csv.field_size_limit() == limit


def test_a_row_beyond_the_limit_is_an_error_and_the_next_is_read():
    """A line of more than 16 million characters is skipped without being held."""
    rows, problems = read("id,text\n1," + "x" * (RECORD_LIMIT + 5) + "\n2,b\n")
    assert [row["id"] for _, row in rows] == ["2"]
    assert [problem.line for problem in problems] == [2]
    assert "16 million" in problems[0].reason


def test_nul_bytes_pass_to_the_cleaning_of_values():
    """A NUL neither ends a row nor stops the table."""
    rows, _ = read("id,title\n1,a\0b\n2,c\n")
    assert [row["title"] for _, row in rows] == ["a\0b", "c"]


def test_without_a_header_there_is_no_table():
    """Blank text is an error that says so."""
    with pytest.raises(FeedError, match="no header row"):
        read("\n\n")


@pytest.mark.parametrize(
    ("text", "delimiter", "titles"),
    [
        ("id,title\n1,a\n", ",", ["id", "title"]),
        ("id\ttitle\n1\ta, b\n", "\t", ["id", "title"]),
        ('id;title;price\n1;"a;b";14,90\n2;c;1,50\n', ";", ["id", "title", "price"]),
        ("id|title\n1|a\n", "|", ["id", "title"]),
        ("sep=;\nid;title\n", ";", ["id", "title"]),
        ("\n\nid,title\n", ",", ["id", "title"]),
    ],
)
def test_delimiters_are_found(text, delimiter, titles):
    """Commas inside values of other tables do not mislead; Excel's sep= line is understood."""
    assert sniff_header(text) == (delimiter, titles)


def test_prose_is_no_table():
    """A single column, or nothing, is not taken for a table."""
    assert sniff_header("just words\nand more\n") is None
    assert sniff_header("") is None


def test_excels_separator_line_is_no_header():
    """The line sep=; is skipped when rows are read."""
    rows, _ = read("sep=;\nid;title\n1;a\n", ";")
    assert rows == [(3, {"id": "1", "title": "a"})]


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=200)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_a_csv_writer_writes_is_read_back(rows, delimiter, end):
    """Any values survive a round trip through CSV of every flavour."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    found, problems = read(text.getvalue(), delimiter)
    assert [[row["a"], row["b"]] for _, row in found] == [
        row for row in rows if any(cell.strip() for cell in row)
    ]
    assert problems == []


@given(st.lists(CELLS, min_size=2, max_size=5), st.sampled_from(",;\t|"))
def test_long_rows_are_split_as_csv_splits_them(cells, delimiter):
    """The splitter for values beyond csv's limit agrees with csv."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerow(cells)
    assert parse_record(text.getvalue(), delimiter) == cells


@given(st.text(st.sampled_from('ab,"\n\r '), max_size=60))
def test_any_text_is_read_without_an_exception(text):
    """However quotes and line ends are mixed, rows or reports come out."""
    rows, problems = read("a,b\n" + text + "\n")
    assert all(set(row) == {"a", "b"} for _, row in rows)
    assert all(problem.reason for problem in problems)
