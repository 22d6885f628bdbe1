"""Products that people have looked at and found to be different things, however alike they look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from sqlalchemy import select

from shopsight.catalog.database import Database, distinct_products

Pair = tuple[str, str]
"""Two ids, the lesser one first."""


class DistinctStore:
    """Pairs of products that are no duplicates.

    Every method raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, product_ids: Sequence[str]) -> None:
        """Remember that each of these products is another thing than each other one."""
        pairs = pairs_of(product_ids) - self.all()
        if pairs:
            rows = [{"first": first, "second": second} for first, second in sorted(pairs)]
            with self._database.begin() as connection:
                connection.execute(distinct_products.insert(), rows)

    def remove(self, product_ids: Sequence[str]) -> None:
        """Forget it again."""
        with self._database.begin() as connection:
            for first, second in pairs_of(product_ids):
                connection.execute(
                    distinct_products.delete().where(
                        distinct_products.c.first == first, distinct_products.c.second == second
                    )
                )

    def all(self) -> set[Pair]:
        """All pairs."""
        query = select(distinct_products.c.first, distinct_products.c.second)
        with self._database.begin() as connection:
            return {(first, second) for first, second in connection.execute(query)}


def pairs_of(product_ids: Iterable[str]) -> set[Pair]:
    """Every pair of some products."""
    return set(combinations(sorted(set(product_ids)), 2))
