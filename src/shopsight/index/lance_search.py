"""How a Lance table is searched: what is kept in memory, and which way is fastest for a query."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from lancedb.query import AsyncVectorQuery, MatchQuery
from numpy.typing import NDArray

from shopsight.index.base import Metric, Neighbors, StoreSchema, Vectors
from shopsight.index.lance_indexes import LanceOptions
from shopsight.index.lance_table import LanceTable
from shopsight.index.nearness import merged
from shopsight.index.resident import Resident, RowIds
from shopsight.index.rows import TERMS

# Candidates that the index proposes for k places, and cells of the index that are looked at:
# see docs/performance.md.
_CANDIDATES = 6
_MORE_CANDIDATES = 400
_MOST_CANDIDATES = 8
_LEAST_PROBES = 24
_CELLS_PER_PROBE = 200

# Rows that pass a filter are all compared up to this size: from memory, or read from disk.
_MATCHES_IN_MEMORY = 64_000_000
_MATCHES_ON_DISK = 2_000_000
_FILTERS_REMEMBERED = 64
_LEAST_SHARE = 0.001
_MISSES_BEFORE_RELOAD = 500
_ROWS_READ_AT_ONCE = 8192


class LanceSearch:
    """Searches one table. Safe to call from several threads.

    A search takes the first of these ways that is open to it:

    1. Few vectors, all in memory: compare with all of them.
    2. A filter that few rows pass: compare with these.
    3. The ANN index proposes candidates, which are compared exactly, in memory or by Lance.
    4. Lance compares with all rows.

    Args:
        table: The table.
        schema: Its shape.
        options: What is kept in memory.
    """

    def __init__(self, table: LanceTable, schema: StoreSchema, options: LanceOptions) -> None:
        self._table = table
        self._metric = schema.metric
        self._row_bytes = 4 * schema.dimension
        self._options = options
        self._loading = threading.Lock()
        self._resident: Resident | None = None
        self._passed: OrderedDict[str, tuple[int, RowIds | None, float]] = OrderedDict()
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
        self._passed.clear()

    @property
    def loaded(self) -> Resident | None:
        """What is kept in memory, once a search has asked for it."""
        return self._resident

    def search(self, query: Vectors, k: int, sql: str | None, effort: float) -> Neighbors:
        """The ``k`` nearest rows for which a condition holds.

        Args:
            query: ``(dimension,)``, checked.
            k: How many.
            sql: The condition.
            effort: As in ``VectorStore.search``.
        """
        resident = self._resident or self.load()
        matches = None
        share = 1.0
        if sql is not None:
            on_disk = resident.vectors is None
            matches, share = self._passing(sql, _MATCHES_ON_DISK if on_disk else _MATCHES_IN_MEMORY)
        if resident.vectors is not None:
            if matches is not None:
                return self._compared(resident, matches, query, k)
            fresh = resident.generation == self._generation
            if sql is None and fresh and not self._partitions:
                return resident.nearest(query, k, None)
        if matches is not None or not self._partitions:
            return self._scored(resident, self._near(query, sql, k).bypass_vector_index(), k)
        # Where few rows pass, the nearest of them lie farther away, and less far apart.
        effort = effort / max(share, _LEAST_SHARE)
        wanted = math.ceil((_CANDIDATES * k + _MORE_CANDIDATES) * min(effort, _MOST_CANDIDATES))
        probes = self._probes(effort)
        if resident.vectors is None:
            near = self._near(query, sql, k).refine_factor(math.ceil(wanted / k))
            return self._scored(resident, near.nprobes(probes), k)
        proposed = self._table.read(self._near(query, sql, wanted).nprobes(probes))
        return self._compared(resident, proposed.column("_rowid").to_numpy(), query, k)

    def search_text(self, terms: Sequence[str], k: int, sql: str | None) -> Neighbors:
        """The ``k`` best rows by BM25 that have any of some terms and for which a condition holds.

        Args:
            terms: Distinct, at least one.
            k: How many.
            sql: The condition.
        """
        resident = self._resident or self.load()
        # Of a bare string, Lance takes quotation marks for its syntax.
        match = MatchQuery(" ".join(terms), TERMS)  # type: ignore[call-arg]  # all others have defaults
        search = self._table.query().nearest_to_text(match)
        search = search.limit(k).select(["_rowid", "_score"])
        found = self._table.read(search if sql is None else search.where(sql))
        rows: RowIds = found.column("_rowid").to_numpy()
        return self._named(resident, rows, found.column("_score").to_numpy(), k)

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

    def _passing(self, sql: str, most_bytes: int) -> tuple[RowIds | None, float]:
        """Ids of the rows for which a condition holds, and their share of all rows.

        No ids if their vectors take more than some bytes. Shops filter by the same conditions
        again and again, so the last ones are remembered.
        """
        generation = self._generation
        known = self._passed.get(sql)
        if known is not None and known[0] == generation:
            return known[1:]
        most = most_bytes // self._row_bytes
        query = self._table.query().where(sql).select(["_rowid"]).limit(most + 1)
        rows: RowIds = self._table.read(query).column("_rowid").to_numpy()
        share = 0.0
        if len(rows) > most:
            share = self._table.count(sql) / max(1, self._table.count(None))
        passed = (rows if len(rows) <= most else None, share)
        with self._loading:
            self._passed[sql] = generation, *passed
            if len(self._passed) > _FILTERS_REMEMBERED:
                self._passed.popitem(last=False)
        return passed

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
