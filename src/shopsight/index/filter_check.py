"""Whether a filter fits the fields, and what it says about a row: the reference for engines."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from shopsight.errors import FilterError
from shopsight.index.filter_ast import (
    And,
    Compare,
    FieldType,
    Filter,
    In,
    IsNull,
    Literal,
    Not,
    Op,
    Or,
)

Value = bool | int | float | str | Sequence[str]

_ORDER: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}
_ALLOWED: Mapping[FieldType, frozenset[Op]] = {
    FieldType.STRING: frozenset(Op),
    FieldType.NUMBER: frozenset({Op.EQ, Op.NE, *_ORDER}),
    FieldType.BOOLEAN: frozenset({Op.EQ, Op.NE}),
    FieldType.STRINGS: frozenset({Op.EQ, Op.NE, Op.CONTAINS}),
}
_NOUN = {
    FieldType.STRING: "text",
    FieldType.NUMBER: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.STRINGS: "a list of texts",
}


_LISTED = 30
"""Fields that a message lists at most."""


def check(filter_: Filter, fields: Mapping[str, FieldType]) -> Filter:
    """The filter with its values converted to the types of its fields.

    A number compared with text by ``=``, ``!=``, ``IN`` or ``CONTAINS`` becomes its text, so that
    ``gtin = 123`` works; text is never silently made a number.

    Args:
        filter_: As parsed.
        fields: Type of every field there is.

    Raises:
        FilterError: A field is unknown (names the nearest ones), or an operator or value does not
            fit its type.
    """
    match filter_:
        case Compare(field, op, value):
            return Compare(field, op, _fitting(field, op, value, _type(field, fields)))
        case In(field, values):
            kind = _type(field, fields)
            return In(field, tuple(_fitting(field, Op.EQ, value, kind) for value in values))
        case IsNull(field):
            _type(field, fields)
            return filter_
        case And(terms):
            return And(tuple(check(term, fields) for term in terms))
        case Or(terms):
            return Or(tuple(check(term, fields) for term in terms))
        case Not(term):
            return Not(check(term, fields))


def evaluate(filter_: Filter, attributes: Mapping[str, Value]) -> bool:
    """Whether a row passes a checked filter. A field that is missing is null."""
    match filter_:
        case Compare(field, op, value):
            found = attributes.get(field)
            return found is not None and _holds(found, op, value)
        case In(field, values):
            found = attributes.get(field)
            return found is not None and any(_holds(found, Op.EQ, value) for value in values)
        case IsNull(field):
            return attributes.get(field) is None
        case And(terms):
            return all(evaluate(term, attributes) for term in terms)
        case Or(terms):
            return any(evaluate(term, attributes) for term in terms)
        case Not(term):
            return not evaluate(term, attributes)


def unknown_field(field: str, fields: Collection[str]) -> str:
    """What to say of a field that is none of those there are: the nearest ones, and all of them."""
    if not fields:
        return f"No field is called {field!r}: the index has no fields yet; index a feed first."
    near = difflib.get_close_matches(field.lower(), fields, n=3, cutoff=0.5)
    guess = f" did you mean {' or '.join(near)}? There" if near else " there"
    listed = ", ".join(sorted(fields)[:_LISTED])
    more = f", and {len(fields) - _LISTED} more" if len(fields) > _LISTED else ""
    return f"No field is called {field!r}:{guess} are {listed}{more}."


def _type(field: str, fields: Mapping[str, FieldType]) -> FieldType:
    if field in fields:
        return fields[field]
    raise FilterError(unknown_field(field, fields))


def _fitting(field: str, op: Op, value: Literal, kind: FieldType) -> Literal:
    if op not in _ALLOWED[kind]:
        allowed = ", ".join(sorted(_ALLOWED[kind]))
        raise FilterError(
            f"{field} is {_NOUN[kind]}: {op} does not apply to it; "
            f"use one of {allowed}, IN, IS NULL."
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is FieldType.BOOLEAN and isinstance(value, bool):
        return value
    if kind is FieldType.NUMBER and is_number:
        return _finite(field, value)
    if kind in {FieldType.STRING, FieldType.STRINGS}:
        if isinstance(value, str):
            return value
        if is_number and op not in _ORDER and op is not Op.STARTS_WITH:
            return repr(value)
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
    raise FilterError(f"{field} is {_NOUN[kind]} and cannot be compared with {shown}.")


def _finite(field: str, value: Literal) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FilterError(f"{field} is compared with a number that is too large.")
    return (
        number + 0.0
    )  # no negative zero: engines that order it below zero would answer differently


def _holds(found: Value, op: Op, value: Literal) -> bool:
    if isinstance(found, str):
        if op is Op.CONTAINS:
            return str(value).lower() in found.lower()
        if op is Op.STARTS_WITH:
            return found.startswith(str(value))
    elif isinstance(found, Sequence):
        return (value in found) == (op is not Op.NE)
    if op in _ORDER:
        return _ORDER[op](found, value)
    return (found == value) == (op is Op.EQ)
