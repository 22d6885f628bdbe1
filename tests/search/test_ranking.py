from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopsight.index.base import Neighbors
from shopsight.search.ranking import best_per_product, nearest_products

Rows = list[tuple[str, float]]


def neighbors(rows: Rows) -> Neighbors:
    """Pictures of products, with their scores."""
    ids = [f"{product}#{position}" for position, (product, _) in enumerate(rows)]
    scores = np.array([score for _, score in rows], np.float32)
    return Neighbors(ids, [product for product, _ in rows], scores)


def test_best_picture_stands_for_its_product() -> None:
    """Of several pictures the nearest gives a product its score, its rank and its picture."""
    best = best_per_product(neighbors([("a", 0.9), ("b", 0.8), ("a", 0.7)]))
    assert {key: record for key, (_, record) in best.items()} == {"a": "a#0", "b": "b#1"}
    assert list(best) == ["a", "b"]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-1, 1, width=32)), max_size=60),
    st.integers(1, 12),
)
def test_crowding_pictures_hide_no_product(rows: Rows, count: int) -> None:
    """However many pictures a product has, all products are found, up to the count."""
    ordered = sorted(rows, key=lambda row: -row[1])
    found = nearest_products(lambda k: neighbors(ordered[:k]), count)
    whole = list(best_per_product(neighbors(ordered)))
    assert list(found)[:count] == whole[:count]
