"""Pure functions over candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shopsight.index.base import Neighbors


def best_per_product(neighbors: Neighbors) -> dict[str, tuple[float, str]]:
    """Keep each product's best picture.

    Args:
        neighbors: Pictures, nearest first.

    Returns:
        Product id -> (score, record id of its best picture), best product first.
    """
    best: dict[str, tuple[float, str]] = {}
    for key, product_id, score in zip(
        neighbors.ids, neighbors.product_ids, neighbors.scores.tolist(), strict=True
    ):
        best.setdefault(product_id, (score, key))
    return best


def nearest_products(
    search: Callable[[int], Neighbors], count: int
) -> Mapping[str, tuple[float, str]]:
    """The nearest products when a product may have several pictures.

    Asks for a few more pictures than products are wanted, and for more again while pictures of the
    same products crowd the others out.

    Args:
        search: Finds the ``k`` nearest pictures.
        count: Products wanted.

    Returns:
        As :func:`best_per_product`; fewer than ``count`` only if there are no more.
    """
    k = count + max(count // 2, 4)
    while True:
        neighbors = search(k)
        best = best_per_product(neighbors)
        if len(best) >= count or len(neighbors) < k:
            return best
        k *= 2
