"""Rows of a collection in memory, searchable exhaustively."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa

from shopsight.catalog.product import AttributeValue
from shopsight.index.base import Metric, Neighbors, Records, Vectors
from shopsight.index.bm25 import TermIndex
from shopsight.index.facet_counts import FacetColumn, product_codes
from shopsight.index.filter_ast import Filter
from shopsight.index.filter_check import evaluate
from shopsight.index.nearness import best, scores, unit_rows


class MemoryRows:
    """Rows by key.

    Vectors sit in an array with room to grow; a deleted row's place is taken by the last one.

    Args:
        dimension: Length of the vectors.
        metric: Nearness that searches use.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self._metric = metric
        self._ids: list[str] = []
        self._product_ids: list[str] = []
        self._attributes: list[Mapping[str, AttributeValue]] = []
        self._texts: list[str] = []
        self._terms: TermIndex | None = None  # made by the first search for a text after a change
        self._row: dict[str, int] = {}
        self._vectors = np.empty((0, dimension), np.float32)
        # For cosine, the vectors scaled to length 1; else the same array.
        self._comparable = self._vectors

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, key: str) -> bool:
        return key in self._row

    def put(
        self,
        key: str,
        product_id: str,
        vector: Vectors,
        attributes: Mapping[str, AttributeValue],
        text: str,
    ) -> None:
        """Add or replace a row."""
        row = self._row.get(key)
        if row is None:
            row = len(self._ids)
            self._grow(row + 1)
            self._row[key] = row
            self._ids.append(key)
            self._product_ids.append(product_id)
            self._attributes.append(attributes)
            self._texts.append("")
            self._terms = None
        self._product_ids[row] = product_id
        self._attributes[row] = attributes
        if self._texts[row] != text:
            self._texts[row] = text
            self._terms = None
        self._vectors[row] = vector
        if self._comparable is not self._vectors:
            self._comparable[row] = unit_rows(vector[None])[0]

    def remove(self, key: str) -> None:
        """Remove a row that is there."""
        row = self._row.pop(key)
        last = len(self._ids) - 1
        if row != last:
            self._ids[row] = self._ids[last]
            self._product_ids[row] = self._product_ids[last]
            self._attributes[row] = self._attributes[last]
            self._texts[row] = self._texts[last]
            self._vectors[row] = self._vectors[last]
            self._comparable[row] = self._comparable[last]
            self._row[self._ids[row]] = row
        del self._ids[last], self._product_ids[last], self._attributes[last], self._texts[last]
        self._terms = None

    def matching(self, where: Filter | None) -> Sequence[int]:
        """Places of the rows that pass a filter."""
        if where is None:
            return range(len(self._ids))
        return [row for row, values in enumerate(self._attributes) if evaluate(where, values)]

    @property
    def has_texts(self) -> bool:
        """Whether any row can be found by a text."""
        return any(self._texts)

    def keys(self, rows: Sequence[int]) -> Iterator[str]:
        """Keys of the rows at some places."""
        return (self._ids[row] for row in rows)

    def products(self, rows: Sequence[int]) -> int:
        """Number of distinct products of the rows at some places."""
        return len({self._product_ids[row] for row in rows})

    def at(self, rows: Sequence[int]) -> Records:
        """Copies of the rows at some places."""
        return Records(
            ids=[self._ids[row] for row in rows],
            product_ids=[self._product_ids[row] for row in rows],
            vectors=self._vectors[list(rows)],
            attributes=[dict(self._attributes[row]) for row in rows],
            texts=[self._texts[row] for row in rows],
        )

    def get(self, keys: Sequence[str]) -> Records:
        """Copies of the rows with some keys, in their order; unknown keys are left out."""
        return self.at([self._row[key] for key in keys if key in self._row])

    def search(self, vector: Vectors, k: int, where: Filter | None) -> Neighbors:
        """The ``k`` nearest of the rows that pass a filter."""
        rows = self.matching(where)
        count = len(self._ids)
        candidates = self._comparable[:count] if where is None else self._comparable[list(rows)]
        found = scores(self._metric, candidates, vector)
        top = best(found, k)
        return Neighbors(
            ids=[self._ids[rows[place]] for place in top],
            product_ids=[self._product_ids[rows[place]] for place in top],
            scores=found[top],
        )

    def search_text(self, terms: Sequence[str], k: int, where: Filter | None) -> Neighbors:
        """The ``k`` best by BM25 of the rows that have any of some terms and pass a filter."""
        if self._terms is None:
            self._terms = TermIndex.of(self._texts)
        rows, found = self._terms.search(terms)
        if where is None:
            top = best(found, k)
        else:
            # From the best one down, so that no more rows are tested than needed.
            passing = (
                place
                for place in best(found, len(found))
                if evaluate(where, self._attributes[rows[place]])
            )
            top = np.fromiter(islice(passing, k), np.intp)
        return Neighbors(
            ids=[self._ids[row] for row in rows[top]],
            product_ids=[self._product_ids[row] for row in rows[top]],
            scores=found[top],
        )

    def facet(self, field: str, kind: pa.DataType, rows: Sequence[int]) -> FacetColumn:
        """The values of a field in the rows at some places."""
        values = [self._attributes[row].get(field) for row in rows]
        return FacetColumn.of(
            product_codes([self._product_ids[row] for row in rows]), pa.array(values, kind)
        )

    def within(self, rows: Sequence[int], products: Collection[str]) -> list[int]:
        """Those of the rows at some places that are of some products."""
        wanted = frozenset(products)
        return [row for row in rows if self._product_ids[row] in wanted]

    def _grow(self, rows: int) -> None:
        if rows <= len(self._vectors):
            return
        count, dimension = len(self._ids), self._vectors.shape[1]
        bigger = np.empty((max(rows, 2 * len(self._vectors), 64), dimension), np.float32)
        bigger[:count] = self._vectors[:count]
        units = np.empty_like(bigger) if self._metric is Metric.COSINE else bigger
        units[:count] = self._comparable[:count]
        self._vectors, self._comparable = bigger, units
