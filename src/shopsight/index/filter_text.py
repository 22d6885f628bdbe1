"""Filters as text: the parser, and the printer that gives back the canonical spelling."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from shopsight.errors import FilterError
from shopsight.index.filter_ast import And, Compare, Filter, In, IsNull, Literal, Not, Op, Or

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_LENGTH = 20_000
"""Characters of one filter."""

MAX_DEPTH = 50
"""Parentheses and NOTs inside each other."""

_MAX_NUMBER_LENGTH = 40
_KEYWORDS = {"not", "and", "or", "in", "is", "null", "contains", "starts", "true", "false"}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_EXPECTED = {
    "NAME": "a field name",
    "QUOTED_NAME": "a field name",
    "COMPARISON": "a comparison such as = or <",
    "STRING": "a value in quotes",
    "NUMBER": "a number",
    "TRUE": "true",
    "FALSE": "false",
    "NOT": "NOT",
    "CONTAINS": "CONTAINS",
    "_STARTS": "STARTS WITH",
    "_AND": "AND",
    "_OR": "OR",
    "_IN": "IN",
    "_IS": "IS",
    "_NULL": "NULL",
    "_OPEN": "'('",
    "_CLOSE": "')'",
    "_COMMA": "','",
    "$END": "the end",
}


def parse(text: str) -> Filter:
    """The filter that a text stands for. Fields are not looked up: see :func:`.filter_check.check`.

    Raises:
        FilterError: The text is no filter, or is too long or too deeply nested; names the column
            and what was expected.
    """
    from lark.exceptions import UnexpectedInput

    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"The filter has {len(text)} characters; at most {MAX_LENGTH} are allowed."
        )
    if not text.strip():
        raise FilterError('The filter is empty: write for example brand = "Kavoa" AND price < 50.')
    try:
        _check_depth(text)
        parsed: Filter = _parser().parse(text)  # type: ignore[assignment]  # the transformer makes filters
    except UnexpectedInput as error:
        raise FilterError(_explain(text, error)) from error
    return parsed


def to_text(filter_: Filter) -> str:
    """Canonical text of a filter: parsing it gives an equal filter."""
    match filter_:
        case Compare(field, op, value):
            return f"{_name(field)} {op} {_literal(value)}"
        case In(field, values):
            return f"{_name(field)} IN ({', '.join(map(_literal, values))})"
        case IsNull(field):
            return f"{_name(field)} IS NULL"
        case Not(In(field, values)):
            return f"{_name(field)} NOT IN ({', '.join(map(_literal, values))})"
        case Not(IsNull(field)):
            return f"{_name(field)} IS NOT NULL"
        case Not(term):
            return f"NOT {_grouped(term)}"
        case And(terms):
            return " AND ".join(map(_grouped, terms))
        case Or(terms):
            return " OR ".join(map(_grouped, terms))


def _grouped(filter_: Filter) -> str:
    text = to_text(filter_)
    return f"({text})" if isinstance(filter_, And | Or) else text


def _name(field: str) -> str:
    if _PLAIN_NAME.match(field) and field.lower() not in _KEYWORDS:
        return field
    return "`" + field.replace("`", "``") + "`"


def _literal(value: Literal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


class _Builder:
    """What each rule becomes. Called while parsing, so that deep input needs no recursion."""

    def field(self, parts: list[Token]) -> str:
        token = parts[0]
        return str(token)[1:-1].replace("``", "`") if token.type == "QUOTED_NAME" else str(token)

    def comparison(self, parts: list[Token]) -> Op:
        return Op(str(parts[0]))

    def value(self, parts: list[Token]) -> Literal:
        token = parts[0]
        if token.type == "STRING":
            return _unquoted(token)
        if token.type == "NUMBER":
            return _number(token)
        return token.type == "TRUE"

    def values(self, parts: list[Literal]) -> tuple[Literal, ...]:
        return tuple(parts)

    def compare(self, parts: tuple[str, Op, Literal]) -> Filter:
        return Compare(*parts)

    def contains(self, parts: tuple[str, Token, Literal]) -> Filter:
        return Compare(parts[0], Op.CONTAINS, parts[2])

    def starts_with(self, parts: tuple[str, Literal]) -> Filter:
        return Compare(parts[0], Op.STARTS_WITH, parts[1])

    def one_of(self, parts: tuple[str, tuple[Literal, ...]]) -> Filter:
        return In(*parts)

    def none_of(self, parts: tuple[str, Token, tuple[Literal, ...]]) -> Filter:
        return Not(In(parts[0], parts[2]))

    def is_null(self, parts: list[str]) -> Filter:
        return IsNull(parts[0])

    def is_not_null(self, parts: list[str]) -> Filter:
        return Not(IsNull(parts[0]))

    def negation(self, parts: tuple[Token, Filter]) -> Filter:
        return Not(parts[1])

    def all_of(self, parts: list[Filter]) -> Filter:
        return And(tuple(parts))

    def any_of(self, parts: list[Filter]) -> Filter:
        return Or(tuple(parts))


@cache
def _parser() -> Lark:
    from lark import Lark

    grammar = files("shopsight.index").joinpath("filter_grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", transformer=_Builder())


def _check_depth(text: str) -> None:
    """Refuse nesting beyond :data:`MAX_DEPTH`: trees are walked recursively."""
    enclosing: list[int] = []
    depth = negations = 0
    for token in _parser().lex(text):
        if token.type == "NOT":
            negations += 1
        elif token.type == "_OPEN":
            enclosing.append(negations + 1)
            depth += negations + 1
            negations = 0
        else:
            negations = 0
            if token.type == "_CLOSE" and enclosing:
                depth -= enclosing.pop()
        if depth + negations > MAX_DEPTH:
            raise FilterError(
                f"{_place(text, token.start_pos or 0)}: "
                f"more than {MAX_DEPTH} parentheses or NOTs inside each other."
            )


def _unquoted(token: Token) -> str:
    quote, body = token[0], token[1:-1]

    def unescaped(found: re.Match[str]) -> str:
        code, character = found.groups()
        if code:
            return chr(int(code, 16))
        if character not in _ESCAPED:
            raise FilterError(
                f"{_start(token)}: \\{character} "
                "has no meaning in a quoted value; write \\\\ for a backslash."
            )
        return _ESCAPED[character]

    # Doubled quotes and escapes must be read in one go from the left, or \"" would be read wrongly.
    pieces = re.split(r"(\\u[0-9a-fA-F]{4}|\\.)", body, flags=re.DOTALL)
    text = "".join(
        _ESCAPE.sub(unescaped, piece) if index % 2 else piece.replace(quote * 2, quote)
        for index, piece in enumerate(pieces)
    )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FilterError(
            f"{_start(token)}: the quoted value has half a character (a lone surrogate)."
        )
    return text


def _number(token: Token) -> int | float:
    digits = token.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        raise FilterError(
            f'{_start(token)}: {token} starts with a zero; put codes in quotes: "{token}".'
        )
    if len(token) > _MAX_NUMBER_LENGTH or not math.isfinite(float(token)):
        raise FilterError(f"{_start(token)}: the number is too large.")
    return int(token) if digits.isdigit() else float(token)


def _explain(text: str, error: object) -> str:
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    if isinstance(error, UnexpectedCharacters):
        position = cast("int", error.pos_in_stream)  # lark declares it None
        if text[position] in "\"'`":
            return f"{_place(text, position)}: the quote is never closed."
        return f"{_place(text, position)}: {text[position]!r} cannot be read; put values in quotes."
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        found, position = f"found {str(error.token)[:40]!r}", error.token.start_pos or 0
    else:
        found, position = "the filter ends", len(text)
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = error.accepts or error.expected
    elif isinstance(error, UnexpectedEOF):
        expected = set(error.expected)
    words = sorted({_EXPECTED.get(name, name) for name in expected})
    listed = " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"{_place(text, position)}: expected {listed}, but {found}."


def _start(token: Token) -> str:
    """Where a value begins, for messages."""
    column = f"column {token.column}"
    return column.capitalize() if token.line == 1 else f"Line {token.line}, {column}"


def _place(text: str, position: int) -> str:
    before = text[:position]
    line = before.count("\n")
    column = position - (before.rfind("\n") + 1) + 1
    start, end = max(0, position - 20), position + 20
    near = text[start:end].replace("\n", " ")
    where = f"Column {column}" if not line else f"Line {line + 1}, column {column}"
    return f"{where} (near {near!r})"
