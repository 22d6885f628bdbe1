from __future__ import annotations

from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.index.base import FieldType
from shopsight.index.facet_counts import FacetColumn, product_codes
from shopsight.index.filter_masks import mask
from shopsight.index.filters import Compare, Op, evaluate
from shopsight.index.rows import field_columns
from shopsight.testing import store_cases as cases

_letters = st.text(st.sampled_from("aAkK\u212a\u0130\u0131\u03a3\u03c3\u03c2ßé日"), max_size=4)


def test_every_filter_says_what_the_reference_says():
    """Every operator, type and null, alone and in trees, passes exactly the rows it should."""
    rows = cases.records(300)
    products = product_codes(rows.product_ids)

    @cache
    def column(name: str) -> FacetColumn:
        (kind,) = (found.type for found in field_columns({name: cases.FIELDS[name]}))
        return FacetColumn.of(products, pa.array([row.get(name) for row in rows.attributes], kind))

    filters = [*cases.simple_filters(), *cases.random_filters(300, seed=3)]
    for where in filters:
        wanted = [evaluate(where, values) for values in rows.attributes]
        assert mask(where, column, len(rows)).tolist() == wanted, where


@given(
    st.lists(st.none() | _letters, max_size=12),
    st.sampled_from([Op.EQ, Op.NE, Op.LT, Op.GE, Op.CONTAINS, Op.STARTS_WITH]),
    _letters,
)
def test_letters_compare_as_in_the_reference(found: list[str | None], op: Op, value: str):
    """Case and order of letters are Python's, also where other libraries' differ."""
    (kind,) = (column.type for column in field_columns({"name": FieldType.STRING}))
    column = FacetColumn.of(
        product_codes([str(n) for n in range(len(found))]), pa.array(found, kind)
    )
    where = Compare("name", op, value)
    wanted = [evaluate(where, {} if text is None else {"name": text}) for text in found]
    assert mask(where, lambda _: column, len(found)).tolist() == wanted


@pytest.mark.parametrize("op", [Op.EQ, Op.CONTAINS, Op.STARTS_WITH, Op.LT])
def test_half_a_character_may_be_asked_for(op: Op):
    """A text that no row can hold is no error."""
    column = FacetColumn.of(product_codes(["a", "b"]), pa.array(["mug", "\U0001f98a"]))
    passing = mask(Compare("name", op, "\ud83e"), lambda _: column, 2)
    assert passing.tolist() == [op is Op.LT, False]
