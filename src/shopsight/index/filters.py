"""Filters: one typed tree, parsed from one text syntax, compiled for each engine.

::

    brand = "Kavoa" AND price < 50 AND color IN ("red", "blue")

This module is the way in; ``docs/filters.md`` describes the syntax and what it means.
"""

from __future__ import annotations

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
    fields_of,
)
from shopsight.index.filter_check import check, evaluate
from shopsight.index.filter_text import MAX_DEPTH, MAX_LENGTH, parse, to_text

__all__ = [
    "MAX_DEPTH",
    "MAX_LENGTH",
    "And",
    "Compare",
    "FieldType",
    "Filter",
    "In",
    "IsNull",
    "Literal",
    "Not",
    "Op",
    "Or",
    "check",
    "evaluate",
    "fields_of",
    "parse",
    "to_text",
]
