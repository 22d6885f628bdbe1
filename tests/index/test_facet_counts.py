from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.index.facet_counts import FacetColumn, nice_edges

_numbers = st.lists(
    st.one_of(
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(0, 2000, places=2).map(float),
        st.integers(-20, 20).map(float),
    ),
    min_size=1,
    max_size=60,
)


@given(_numbers, st.integers(1, 12))
def test_edges_span_all_numbers(numbers: list[float], wanted: int):
    """Edges ascend from the least number to the largest, and are not many more than asked for."""
    edges = nice_edges(np.array(numbers), wanted)
    assert (edges[0], edges[-1]) == (min(numbers), max(numbers))
    assert all(math.isfinite(edge) for edge in edges)
    inner = edges if edges[0] < edges[-1] else edges[1:]
    assert all(low < high for low, high in pairwise(inner))
    assert len(edges) - 1 <= 1.6 * wanted + 3


@pytest.mark.parametrize(
    ("numbers", "edges"),
    [
        ([3.0], (3, 3)),
        ([0.0, 1.0], (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (range(101), (0, 20, 40, 60, 80, 100)),
        ([*range(5, 95), 5000], (5, 20, 40, 60, 80, 5000)),
        ([0.011, 0.049], (0.011, 0.02, 0.03, 0.04, 0.049)),
        ([7.0] * 99 + [9.5], (7, 7.5, 8, 8.5, 9, 9.5)),
    ],
)
def test_edges_are_round(numbers: list[float], edges: tuple[float, ...]):
    """Steps are 1, 2 or 5 times a power of ten, and odd prices do not stretch them."""
    assert nice_edges(np.array(numbers, float), 5) == edges


@given(_numbers, st.integers(1, 12))
def test_counted_numbers_have_the_same_edges(numbers: list[float], wanted: int):
    """Numbers with how often each is there give the edges of the numbers written out."""
    present = numbers[: (len(numbers) + 1) // 2]
    distinct = np.unique(numbers)
    counts = np.array([present.count(number) for number in distinct])
    assert nice_edges(distinct, wanted, counts) == nice_edges(np.array(present), wanted)


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=30),
    st.data(),
)
def test_counting_does_not_depend_on_the_order_of_rows(values: list[str], data: st.DataObject):
    """Products in the order of their rows, whose values lie by row, count as in any other order."""
    products = sorted(
        data.draw(st.lists(st.integers(0, 9), min_size=len(values), max_size=len(values)))
    )
    chosen = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    )
    order = np.array(data.draw(st.permutations(range(len(values)))))
    straight = FacetColumn.of(np.array(products), pa.array(values))
    shuffled = FacetColumn.of(np.array(products)[order], pa.array(np.array(values)[order]))
    expected = Counter(
        value
        for _, value in {
            (product, value)
            for product, value, one in zip(products, values, chosen, strict=True)
            if one
        }
    )
    for column, mask in ((straight, chosen), (shuffled, chosen[order])):
        assert column.counts(mask, len(values)) == expected
        wanted = np.asarray(column.names.to_pylist()) == "a"
        having = np.array(values) == "a"
        assert (column.having(wanted) == (having if column is straight else having[order])).all()


def test_products_count_once_for_each_value():
    """Rows of one product with the same value count once, with two values once for each."""
    products = np.array([0, 0, 1, 1, 2])
    column = FacetColumn.of(products, pa.array(["red", "red", "red", "blue", None]))
    assert column.counts(None, 5) == {"red": 2, "blue": 1}
    chosen = np.array([False, True, False, True, True])
    assert column.counts(chosen, 5) == {"blue": 1, "red": 1}
    assert column.counts(chosen, 1) == {"blue": 1}
    assert column.counts(np.zeros(5, bool), 5) == {}


def test_products_count_once_for_each_range():
    """A product with two numbers in one range counts once there."""
    products = np.array([0, 0, 1, 2])
    found = FacetColumn.of(products, pa.array([1.0, 2.0, 40.0, 100.0])).ranges(None, 5)
    assert found.edges == (1, 20, 40, 60, 80, 100)
    assert found.counts == (1, 0, 1, 0, 1)
