"""Filters over columns in memory: which rows pass, found for all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopsight.index.facet_counts import FacetColumn, Mask
from shopsight.index.filter_ast import And, Compare, Filter, In, IsNull, Literal, Not, Op, Or

_ORDER = {Op.LT: pc.less, Op.LE: pc.less_equal, Op.GT: pc.greater, Op.GE: pc.greater_equal}


def mask(where: Filter, column: Callable[[str], FacetColumn], rows: int) -> Mask:
    """Whether rows pass a filter: ``(rows,)``, as :func:`.filter_check.evaluate` says of each.

    A comparison is made once for each distinct value of its field, and looked up by row.

    Args:
        where: Checked against the fields.
        column: Gives the column of a field.
        rows: How many there are.
    """
    match where:
        case Compare(field, op, value):
            return _compared(column(field), op, value)
        case In(field, values):
            found = column(field)
            return found.having(_among(found.names, values))
        case IsNull(field):
            return ~column(field).present
        case And(terms):
            passing = np.ones(rows, bool)
            for term in terms:
                passing &= mask(term, column, rows)
            return passing
        case Or(terms):
            passing = np.zeros(rows, bool)
            for term in terms:
                passing |= mask(term, column, rows)
            return passing
        case Not(term):
            return ~mask(term, column, rows)


def _compared(column: FacetColumn, op: Op, value: Literal) -> Mask:
    if op is Op.NE:
        return column.present & ~column.having(_among(column.names, (value,)))
    if op is Op.EQ or column.lists:
        return column.having(_among(column.names, (value,)))
    if op is Op.CONTAINS:
        return column.having(_containing(column.names, str(value).lower()))
    if op is Op.STARTS_WITH:
        starting = pc.starts_with(column.names.cast(pa.binary()), _bytes(str(value)))
        return column.having(np.asarray(starting, bool))
    if isinstance(value, str):  # UTF-8 is ordered as its code points are
        ordered = _ORDER[op](column.names.cast(pa.binary()), _bytes(value))
    else:
        ordered = _ORDER[op](column.names, float(value))
    return column.having(np.asarray(ordered, bool))


def _among(names: pa.Array, values: Collection[Literal]) -> Mask:
    """Which of some distinct values of a field are among others."""
    if pa.types.is_string(names.type):
        wanted = pa.array([_bytes(str(value)) for value in values], pa.binary())
        return np.asarray(pc.is_in(names.cast(pa.binary()), value_set=wanted), bool)
    return np.asarray(pc.is_in(names, value_set=pa.array(values, names.type)), bool)


def _containing(names: pa.Array, part: str) -> Mask:
    """Which texts contain a lower-cased one, once they are lower-cased themselves."""
    plain = np.asarray(pc.string_is_ascii(names), bool)
    lowered = pc.ascii_lower(names).cast(pa.binary())
    found = np.array(pc.match_substring(lowered, _bytes(part)), bool)
    # Beyond ASCII, libraries differ in what a lower-case letter is: Python's word counts.
    for place in np.flatnonzero(~plain).tolist():
        found[place] = part in names[place].as_py().lower()
    return found


def _bytes(text: str) -> bytes:
    """The text as it is compared; half a character is in no row, but may be asked for."""
    return text.encode(errors="surrogatepass")
