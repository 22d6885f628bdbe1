from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.errors import FilterError
from shopsight.index.filters import (
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Compare,
    FieldType,
    Filter,
    In,
    IsNull,
    Not,
    Op,
    Or,
    check,
    evaluate,
    parse,
    to_text,
)

FIELDS = {
    "brand": FieldType.STRING,
    "price": FieldType.NUMBER,
    "on_sale": FieldType.BOOLEAN,
    "sizes": FieldType.STRINGS,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('brand = "Kavoa"', Compare("brand", Op.EQ, "Kavoa")),
        ("brand != 'Kavoa'", Compare("brand", Op.NE, "Kavoa")),
        ("price <= -1.5e2", Compare("price", Op.LE, -150.0)),
        ("price>=.5", Compare("price", Op.GE, 0.5)),
        ("price < 3", Compare("price", Op.LT, 3)),
        ("price > +3", Compare("price", Op.GT, 3)),
        ("on_sale = TRUE", Compare("on_sale", Op.EQ, value=True)),
        ("on_sale = false", Compare("on_sale", Op.EQ, value=False)),
        ("color in ('red', \"blue\",)", In("color", ("red", "blue"))),
        ("color Not In (1)", Not(In("color", (1,)))),
        ("brand IS NULL", IsNull("brand")),
        ("brand is not null", Not(IsNull("brand"))),
        ('title contains "cup"', Compare("title", Op.CONTAINS, "cup")),
        ('type starts\n with "A > B"', Compare("type", Op.STARTS_WITH, "A > B")),
        ("NOT a = 1", Not(Compare("a", Op.EQ, 1))),
        ("`in` = 1", Compare("in", Op.EQ, 1)),
        ("android = 1", Compare("android", Op.EQ, 1)),
        ("((a = 1))", Compare("a", Op.EQ, 1)),
        ("a = 'it''s'", Compare("a", Op.EQ, "it's")),
        (r'a = "\"x\" \\ \n\u00e4"', Compare("a", Op.EQ, '"x" \\ \nä')),
        ("a = '日本 🦊'", Compare("a", Op.EQ, "日本 🦊")),
        ("a = ''", Compare("a", Op.EQ, "")),
    ],
)
def test_syntax(text: str, expected: Filter):
    """Each form of the syntax becomes the tree it stands for."""
    assert parse(text) == expected


def test_precedence():
    """NOT binds closer than AND, AND closer than OR; parentheses change that."""
    a, b, c = (Compare(name, Op.EQ, 1) for name in "abc")
    assert parse("a=1 OR NOT b=1 AND c=1") == Or((a, And((Not(b), c))))
    assert parse("(a=1 OR b=1) AND c=1") == And((Or((a, b)), c))
    assert parse("NOT (a=1 AND b=1)") == Not(And((a, b)))
    assert parse("a=1 AND b=1 AND c=1") == And((a, b, c))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("brand", "Column 6.*expected.*comparison.*filter ends"),
        ("brand =", "Column 8.*value in quotes.*filter ends"),
        ("brand = Kavoa", "Column 9.*value in quotes.*found 'Kavoa'"),
        ('brand = "Kavoa', "Column 9.*never closed"),
        ("a = 1 b = 2", "Column 7.*AND, OR or the end.*found 'b'"),
        ("a = 1 AND", "Column 10.*a field name.*filter ends"),
        ("(a = 1", "Column 7.*'\\)'"),
        ("a = 1)", "Column 6.*the end"),
        ("a IN ()", "Column 7.*a number"),
        ("a ~ 1", "Column 3.*'~' cannot be read"),
        ("a = 1\nAND b ? 2", "Line 2, column 7"),
        ("a = 1\nAND b = 007", "Line 2, column 9: 007 starts"),
        ('a = 1\n\n OR b = "\\q"', "Line 3, column 9"),
        ("a = 007", 'Column 5.*in quotes: "007"'),
        ("a = 1e999", "Column 5.*too large"),
        ("a = " + "9" * 60, "Column 5.*too large"),
        (r'a = "\q"', r"Column 5.*\\q has no meaning"),
        (r'a = "\ud800"', "Column 5.*surrogate"),
        ("a = '\ud800'", "Column 5.*surrogate"),
        ("\x00", "cannot be read"),
        ("a = 1; DROP TABLE x", "';' cannot be read"),
    ],
)
def test_bad_syntax(text: str, message: str):
    """What cannot be parsed is answered with the column and what was expected there."""
    with pytest.raises(FilterError, match=f"(?s){message}"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 9_000 + "a = 1" + ")" * 9_000,
        "(" * 15_000,
        "NOT " * 4_000 + "a = 1",
        "NOT (" * 1_000 + "a = 1" + ")" * 1_000,
        'a = "' + "x" * 1_000_000 + '"',
        "a = 1 AND " * 100_000,
        '"' * 19_999,
        "a = '" + "\\" * 19_000,
    ],
)
def test_hostile_input(text: str):
    """Deep and huge texts are refused at once, without exhausting the stack."""
    start = time.perf_counter()
    with pytest.raises(FilterError):
        parse(text)
    assert time.perf_counter() - start < 2


def test_limits_leave_room():
    """Filters just within the limits still work."""
    depth = MAX_DEPTH
    assert parse("(" * depth + "a = 1" + ")" * depth) == Compare("a", Op.EQ, 1)
    many = " OR ".join(f"a = {number}" for number in range(1_500))
    assert len(many) < MAX_LENGTH
    parsed = parse(many)
    assert isinstance(parsed, Or)
    assert len(parsed.terms) == 1_500


_names = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True),
    st.sampled_from(["in", "not", "null", "contains", "starts", "true", "and"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
)
_literals = st.one_of(
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
_leaves = st.one_of(
    st.builds(Compare, _names, st.sampled_from(Op), _literals),
    st.builds(In, _names, st.lists(_literals, min_size=1, max_size=4).map(tuple)),
    st.builds(IsNull, _names),
)
_filters = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_filters)
def test_text_round_trip(filter_: Filter):
    """The canonical text of any filter parses to an equal filter."""
    assert parse(to_text(filter_)) == filter_


_words = st.sampled_from(
    [
        *["brand", "price", "sizes", "`odd``name`", "1", "-2.5e3", "007", "1e999", "true", "null"],
        *['"red"', "'it''s'", '"open', "'", '"\\q"', '"\\ud800"', "日本", "🦊", "\x00", "\ud800"],
        *["=", "!=", "<", ">=", "IN", "in", "NOT", "not", "AND", "OR", "IS", "NULL", "CONTAINS"],
        *["STARTS", "WITH", "(", ")", ",", ";", "--", "`", "\\", "\n", "=="],
    ]
)
_near_filters = st.lists(_words, max_size=25).map(" ".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), _near_filters, st.text("()ao =1'\"\\`,\n", max_size=40)))
def test_any_text_parses_or_is_refused(text: str):
    """No text raises anything but a FilterError with a position; what parses can be written."""
    try:
        parsed = parse(text)
    except FilterError as error:
        message = str(error)
        if not text.strip():
            assert "empty" in message
            return
        found = re.match(r"(?:Line (\d+), c|C)olumn (\d+)\b", message)
        assert found, message
        line, column = int(found[1] or 1), int(found[2])
        assert line >= 1
        assert 1 <= column <= len(text.split("\n")[line - 1]) + 1
    else:
        assert parse(to_text(parsed)) == parsed


@settings(max_examples=200, deadline=None)
@given(_filters, st.dictionaries(_names, st.sampled_from(FieldType), max_size=4))
def test_any_filter_fits_or_is_refused(filter_: Filter, fields: dict[str, FieldType]):
    """A filter either fits the fields and stays as it is from then on, or is a FilterError."""
    refusal = ""
    try:
        checked = check(filter_, fields)
    except FilterError as error:
        refusal = str(error)
    else:
        assert check(checked, fields) == checked
        assert parse(to_text(checked)) == checked
    if refusal.startswith("No field is called"):
        assert all(name in refusal for name in fields)


def test_unknown_fields_list_the_known_ones():
    """An unknown field is answered with all there are, or the first 30 of them."""
    with pytest.raises(FilterError, match=r"did you mean brand.*are brand, on_sale, price, sizes"):
        check(parse("brnd = 1"), FIELDS)
    many = {f"field{number:02}": FieldType.STRING for number in range(45)}
    with pytest.raises(FilterError, match="field29, and 15 more"):
        check(parse("q = 1"), many)
    with pytest.raises(FilterError, match="index a feed first"):
        check(parse("q = 1"), {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brand = 12", Compare("brand", Op.EQ, "12")),
        ("brand IN (1.5, 'x')", In("brand", ("1.5", "x"))),
        ("sizes = 38", Compare("sizes", Op.EQ, "38")),
        ("price = 5", Compare("price", Op.EQ, 5.0)),
        ("NOT (price IN (1, 2) OR brand IS NULL)", None),
    ],
)
def test_values_are_converted(text: str, expected: Filter | None):
    """Numbers compared with text become text; numbers for number fields become floats."""
    checked = check(parse(text), FIELDS)
    assert check(checked, FIELDS) == checked
    if expected is not None:
        assert checked == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brnd = 'x'", "'brnd': did you mean brand?"),
        ("Price < 3", "did you mean price"),
        ("zzz = 1", "there are brand, on_sale, price, sizes"),
        ("price = '5'", 'price is a number and cannot be compared with "5"'),
        ("price = true", "price is a number and cannot be compared with true"),
        ("price CONTAINS 5", "price is a number: CONTAINS does not apply"),
        ("on_sale > false", "on_sale is true or false: > does not apply"),
        ("on_sale = 1", "on_sale is true or false and cannot be compared with 1"),
        ("sizes < 'M'", "sizes is a list of texts: < does not apply"),
        ("sizes STARTS WITH 'M'", "does not apply"),
        ("brand < 5", "brand is text and cannot be compared with 5"),
        ("brand = true", "cannot be compared with true"),
        ("price IN (1, 'x')", "cannot be compared"),
        ("brand = 'x' AND nope IS NULL", "'nope'"),
    ],
)
def test_what_does_not_fit(text: str, message: str):
    """Unknown fields, operators and values that do not fit are named, with what would fit."""
    with pytest.raises(FilterError) as caught:
        check(parse(text), FIELDS)
    assert message in str(caught.value)


def test_huge_integers_are_refused_for_numbers():
    """An integer beyond all floats is an error, not a crash."""
    with pytest.raises(FilterError, match="too large"):
        check(Compare("price", Op.EQ, 10**400), FIELDS)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("brand = 'Kavoa'", True),
        ("brand CONTAINS 'AVO'", True),
        ("brand STARTS WITH 'Kav'", True),
        ("brand STARTS WITH 'kav'", False),
        ("price < 50 AND price >= 10", True),
        ("missing = 1", False),
        ("missing != 1", False),
        ("NOT missing = 1", True),
        ("NOT missing != 1", True),
        ("missing NOT IN (1)", True),
        ("missing IS NULL", True),
        ("sizes = 'M'", True),
        ("sizes != 'M'", False),
        ("sizes CONTAINS 'm'", False),
        ("sizes IN ('XL', 'S')", True),
        ("on_sale = true OR price > 1000", True),
    ],
)
def test_meaning(text: str, passes: bool):
    """Comparisons with null are false, NOT turns them round, lists mean membership."""
    row = {"brand": "Kavoa", "price": 10.0, "on_sale": True, "sizes": ["S", "M"]}
    assert evaluate(parse(text), row) is passes
