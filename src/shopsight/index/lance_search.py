"""How a Lance table is searched: what is kept in memory, and which way is fastest for a query."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from lancedb.query import AsyncVectorQuery, MatchQuery
from numpy.typing import NDArray

from shopsight.index.base import Metric, Neighbors, StoreSchema, Vectors
from shopsight.index.filter_ast import Filter
from shopsight.index.lance_columns import LanceColumns
from shopsight.index.lance_indexes import LanceOptions
from shopsight.index.lance_table import LanceTable
from shopsight.index.nearness import merged
from shopsight.index.resident import Resident, RowIds, places_among
from shopsight.index.rows import TERMS

# Candidates that the index proposes for k places, and cells of the index that are looked at:
# see docs/performance.md.
_CANDIDATES = 6
_MORE_CANDIDATES = 400
_MOST_CANDIDATES = 8
_LEAST_PROBES = 24
_CELLS_PER_PROBE = 200

# Rows that pass a filter are all compared up to this size: from memory, or read from disk.
_COMPARED_AT_ONCE = 16_000_000
_READ_AT_ONCE = 2_000_000
_FILTERS_REMEMBERED = 64
_LEAST_SHARE = 0.001
_MISSES_BEFORE_RELOAD = 500
_ROWS_READ_AT_ONCE = 8192


class LanceSearch:
    """Searches one table. Safe to call from several threads.

    A search takes the first of these ways that is open to it:

    1. Few vectors, all in memory: compare with all of them.
    2. A filter that few rows pass: compare with these.
    3. The ANN index proposes candidates, which are compared exactly, in memory or by Lance. In
       memory, those that do not pass a filter are left out; if too few are left, compare with all
       that pass.
    4. Lance compares with all rows.

    Args:
        table: The table.
        schema: Its shape.
        options: What is kept in memory.
        columns: Tells which rows pass a filter.
        to_sql: A filter as a condition of the table.
    """

    def __init__(
        self,
        table: LanceTable,
        schema: StoreSchema,
        options: LanceOptions,
        columns: LanceColumns,
        to_sql: Callable[[Filter], str],
    ) -> None:
        self._table = table
        self._metric = schema.metric
        self._row_bytes = 4 * schema.dimension
        self._options = options
        self._columns = columns
        self._to_sql = to_sql
        self._loading = threading.Lock()
        self._resident: Resident | None = None
        self._shares: OrderedDict[str, tuple[int, bool, float]] = OrderedDict()
        self._generation = 0  # raised whenever other rows may be seen than before
        self._partitions = 0
        self._misses = 0

    def changed(self, partitions: int | None = None) -> None:
        """Other rows may be seen than before.

        Args:
            partitions: Cells of the ANN index, 0 without one; ``None`` if that is unchanged.
        """
        self._generation += 1
        if partitions is not None:
            self._partitions = partitions

    def renew(self) -> None:
        """Read what is kept in memory again, if that is out of date and worth it."""
        resident = self._resident
        if resident is None or resident.generation == self._generation:
            return
        if not self._partitions or self._misses > _MISSES_BEFORE_RELOAD:
            self.load()

    def load(self) -> Resident:
        """Read what is kept in memory."""
        with self._loading:
            generation = self._generation
            rows = self._table.count(None)
            fits = rows * self._row_bytes <= self._options.resident_bytes
            columns = ["id", "product_id", *(["vector"] if fits else [])]
            query = self._table.query().select(columns).with_row_id()
            parts = self._table.stream(query, _ROWS_READ_AT_ONCE)
            self._resident = Resident.of(parts, self._metric, generation, rows)
            self._misses = 0
            return self._resident

    def forget(self) -> None:
        """Free the memory."""
        self._resident = None
        self._shares.clear()

    @property
    def loaded(self) -> Resident | None:
        """What is kept in memory, once a search has asked for it."""
        return self._resident

    def search(self, query: Vectors, k: int, where: Filter | None, effort: float) -> Neighbors:
        """The ``k`` nearest rows that pass a filter.

        Args:
            query: ``(dimension,)``, checked.
            k: How many.
            where: The filter.
            effort: As in ``VectorStore.search``.
        """
        resident = self._resident or self.load()
        if resident.vectors is None:
            return self._on_disk(resident, query, k, where, effort)
        if where is not None:
            return self._filtered(resident, query, k, where, effort)
        if resident.generation == self._generation and not self._partitions:
            return resident.nearest(query, k, None)
        if not self._partitions:
            return self._scored(resident, self._near(query, None, k).bypass_vector_index(), k)
        return self._compared(resident, self._proposed(query, k, effort), query, k)

    def _filtered(
        self, resident: Resident, query: Vectors, k: int, where: Filter, effort: float
    ) -> Neighbors:
        """The nearest of the rows that pass a filter, compared in memory."""
        rows, passing = self._columns.passing(where)
        count = int(np.count_nonzero(passing))
        if self._partitions and count * self._row_bytes > _COMPARED_AT_ONCE:
            # Where few rows pass, the nearest of them lie farther away, and less far apart.
            proposed = self._proposed(query, k, effort * len(rows) / count)
            places = places_among(rows, proposed)
            left = proposed[passing[places] & (places >= 0)]
            if len(left) * 2 >= _candidates(k, effort):
                return self._compared(resident, left, query, k)
        if np.array_equal(rows, resident.row_ids):
            return resident.nearest(query, k, np.flatnonzero(passing))
        return self._compared(resident, rows[passing], query, k)

    def _on_disk(
        self, resident: Resident, query: Vectors, k: int, where: Filter | None, effort: float
    ) -> Neighbors:
        """The nearest rows, of which Lance compares the vectors."""
        sql = None if where is None else self._to_sql(where)
        few, share = (False, 1.0) if sql is None else self._share(sql)
        if few or not self._partitions:
            return self._scored(resident, self._near(query, sql, k).bypass_vector_index(), k)
        effort = effort / max(share, _LEAST_SHARE)
        near = self._near(query, sql, k).refine_factor(math.ceil(_candidates(k, effort) / k))
        return self._scored(resident, near.nprobes(self._probes(effort)), k)

    def _proposed(self, query: Vectors, k: int, effort: float) -> RowIds:
        """Rows that the ANN index takes for the nearest."""
        near = self._near(query, None, _candidates(k, effort)).nprobes(self._probes(effort))
        rows: RowIds = self._table.read(near).column("_rowid").to_numpy()
        return rows

    def search_text(self, terms: Sequence[str], k: int, where: Filter | None) -> Neighbors:
        """The ``k`` best rows by BM25 that have any of some terms and pass a filter.

        Args:
            terms: Distinct, at least one.
            k: How many.
            where: The filter.
        """
        resident = self._resident or self.load()
        return self._named(resident, *self.saying(terms, k, where), k)

    def saying(
        self, terms: Sequence[str], k: int, where: Filter | None
    ) -> tuple[RowIds, NDArray[np.float32]]:
        """The rows of :meth:`search_text` without their names, and their scores."""
        # Of a bare string, Lance takes quotation marks for its syntax.
        match = MatchQuery(" ".join(terms), TERMS)  # type: ignore[call-arg]  # all others have defaults
        search = self._table.query().nearest_to_text(match)
        search = search.limit(k).select(["_rowid", "_score"])
        found = self._table.read(search if where is None else search.where(self._to_sql(where)))
        return found.column("_rowid").to_numpy(), found.column("_score").to_numpy()

    def probe(self, query: Vectors) -> None:
        """Make Lance read its index and a row, to see whether the files are there."""
        self._table.read(self._near(query, None, 1).select(["id", "_distance"]))

    def _near(self, query: Vectors, sql: str | None, limit: int) -> AsyncVectorQuery:
        search = self._table.query().nearest_to(pa.array(query)).column("vector")
        search = search.distance_type(self._metric.value).limit(limit)
        search = search.select(["_rowid", "_distance"])
        return search if sql is None else search.where(sql)

    def _probes(self, effort: float) -> int:
        # Neighbours spread over more cells the more there are: 28 of 316, 158 of 1000.
        cells = max(_LEAST_PROBES, math.pow(self._partitions, 1.5) / _CELLS_PER_PROBE)
        return max(1, min(self._partitions, math.ceil(cells * effort)))

    def _share(self, sql: str) -> tuple[bool, float]:
        """Whether so few rows meet a condition that Lance compares them all, or their share.

        Shops filter by the same conditions again and again, so the last ones are remembered.
        """
        generation = self._generation
        known = self._shares.get(sql)
        if known is not None and known[0] == generation:
            return known[1:]
        rows = self._table.count(sql)
        few = rows * self._row_bytes <= _READ_AT_ONCE
        found = (few, rows / max(1, self._table.count(None)))
        with self._loading:
            self._shares[sql] = generation, *found
            if len(self._shares) > _FILTERS_REMEMBERED:
                self._shares.popitem(last=False)
        return found

    def _compared(self, resident: Resident, rows: RowIds, query: Vectors, k: int) -> Neighbors:
        """The ``k`` rows that are nearest to a query, compared in memory."""
        places = resident.places(rows)
        known = places >= 0
        parts = [resident.nearest(query, k, places[known])]
        if not known.all():
            late = self._read_rows(rows[~known], "vector")
            parts.append(late.nearest(query, k, None))
        return merged(parts, k)

    def _scored(self, resident: Resident, search: AsyncVectorQuery, k: int) -> Neighbors:
        """The ``k`` nearest rows with the scores that Lance gives them."""
        found = self._table.read(search)
        rows: RowIds = found.column("_rowid").to_numpy()
        distances: NDArray[np.float32] = found.column("_distance").to_numpy()
        values = 1 - distances if self._metric is Metric.COSINE else -distances
        return self._named(resident, rows, values, k)

    def _named(
        self, resident: Resident, rows: RowIds, values: NDArray[np.float32], k: int
    ) -> Neighbors:
        """The ``k`` best of some rows with scores, by their names."""
        places = resident.places(rows)
        known = places >= 0
        parts = [resident.named(places[known], values[known])]
        if not known.all():
            late = self._read_rows(rows[~known])
            places = late.places(rows)
            parts.append(late.named(places[places >= 0], values[places >= 0]))
        return merged(parts, k)

    def _read_rows(self, rows: RowIds, *more: str) -> Resident:
        self._misses += len(rows)
        query = self._table.table.take_row_ids(rows.tolist())
        query = query.select(["id", "product_id", *more]).with_row_id()
        return Resident.of([self._table.read(query)], self._metric, self._generation)


def _candidates(k: int, effort: float) -> int:
    """How many rows the ANN index proposes."""
    return math.ceil((_CANDIDATES * k + _MORE_CANDIDATES) * min(effort, _MOST_CANDIDATES))
