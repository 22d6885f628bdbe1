"""Filters: one typed tree, parsed from one text syntax, compiled for each engine.

::

    brand = "Kavoa" AND price < 50 AND color IN ("red", "blue")
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Literal = bool | int | float | str


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
    """``field op value``: false where the field is null."""

    field: str
    op: Op
    value: Literal


@dataclass(frozen=True, slots=True)
class In:
    """``field IN (values)``: false where the field is null."""

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
