"""The tree that a filter is, whatever text it came from and whatever engine runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

Literal = bool | int | float | str


class FieldType(StrEnum):
    """Type of a filterable field."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    STRINGS = "strings"


class Op(StrEnum):
    """Comparison operators, as written."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    CONTAINS = "CONTAINS"
    STARTS_WITH = "STARTS WITH"


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``: false where the field is null.

    Strings are ordered by code point. ``CONTAINS`` compares lower-cased text. For a field with
    several values, ``=`` and ``CONTAINS`` mean that the value is one of them, and ``!=`` that it is
    none of them.
    """

    field: str
    op: Op
    value: Literal


@dataclass(frozen=True, slots=True)
class In:
    """``field IN (values)``: false where the field is null.

    Where a field has several values, one in common is enough.
    """

    field: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field IS NULL``."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    """All terms hold."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold. Two-valued: rows whose field is null pass ``NOT price < 5``."""

    term: Filter


Filter = Compare | In | IsNull | And | Or | Not


def fields_of(where: Filter) -> Iterator[str]:
    """Fields that a filter is about, as often as it names them."""
    match where:
        case Compare(field) | In(field) | IsNull(field):
            yield field
        case And(terms) | Or(terms):
            for term in terms:
                yield from fields_of(term)
        case Not(term):
            yield from fields_of(term)
