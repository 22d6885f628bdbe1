"""Filters as SQL of DataFusion, the query engine inside Lance."""

from __future__ import annotations

from collections.abc import Mapping

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


def quoted(text: str) -> str:
    """A string literal. Only the quote itself is special in it."""
    return "'" + text.replace("'", "''") + "'"


def to_sql(filter_: Filter, columns: Mapping[str, tuple[str, FieldType]]) -> str:
    """The condition of a WHERE clause that is true for exactly the rows that pass.

    SQL knows a third truth value, unknown, and rows where a condition is unknown drop out. That is
    what a filter means by false, except below NOT, where unknown must turn into true: so the
    negation is carried down to the comparisons, and each negated one lets nulls pass explicitly. No
    condition is wrapped in a function, so indexes stay usable.

    Args:
        filter_: Checked against the fields.
        columns: Field -> its column's name and type.
    """
    return _sql(filter_, columns, negated=False)


def _sql(filter_: Filter, columns: Mapping[str, tuple[str, FieldType]], *, negated: bool) -> str:
    match filter_:
        case Not(term):
            return _sql(term, columns, negated=not negated)
        case And(terms) | Or(terms):
            joined = " AND " if isinstance(filter_, And) != negated else " OR "
            empty = isinstance(filter_, And) != negated
            parts = [f"({_sql(term, columns, negated=negated)})" for term in terms]
            return joined.join(parts) if parts else str(empty).lower()
        case IsNull(field):
            return f"{columns[field][0]} IS {'NOT ' if negated else ''}NULL"
        case Compare(field, op, value):
            column, kind = columns[field]
            if op is Op.NE:
                return _equal(column, kind, (value,), negated=not negated, nulls=negated)
            if op is Op.EQ or kind is FieldType.STRINGS:
                return _equal(column, kind, (value,), negated=negated, nulls=negated)
            return _negatable(column, _comparison(column, op, value), negated=negated)
        case In(field, values):
            column, kind = columns[field]
            return _equal(column, kind, values, negated=negated, nulls=negated)


def _equal(
    column: str, kind: FieldType, values: tuple[Literal, ...], *, negated: bool, nulls: bool
) -> str:
    """Whether the column is (``negated``: is not) one of some values; ``nulls``: nulls pass."""
    if not values:
        condition = "false"
    elif kind is FieldType.STRINGS:
        listed = ", ".join(_literal(value) for value in values)
        condition = f"array_has_any({column}, [{listed}])"
    elif kind is FieldType.BOOLEAN:
        wanted = sorted({bool(value) for value in values})
        condition = " OR ".join(column if value else f"NOT {column}" for value in wanted)
    elif len(values) == 1:
        condition = f"{column} = {_literal(values[0])}"
    else:
        condition = f"{column} IN ({', '.join(_literal(value) for value in values)})"
    if negated:
        condition = f"NOT ({condition})"
    if nulls:
        return f"{column} IS NULL OR {condition}"
    return f"{column} IS NOT NULL AND {condition}" if negated else condition


def _comparison(column: str, op: Op, value: Literal) -> str:
    if op is Op.CONTAINS:
        return f"strpos(lower({column}), {quoted(str(value).lower())}) > 0"
    if op is Op.STARTS_WITH:
        return f"starts_with({column}, {quoted(str(value))})"
    return f"{column} {op} {_literal(value)}"


def _negatable(column: str, condition: str, *, negated: bool) -> str:
    return f"{column} IS NULL OR NOT ({condition})" if negated else condition


def _literal(value: Literal) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(float(value))
