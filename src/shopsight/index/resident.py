"""A copy in memory of what search results need: names of rows, and vectors where these fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shopsight.index.base import Metric, Neighbors, Vectors
from shopsight.index.nearness import best, merged, scores, scores_at, unit_rows
from shopsight.index.rows import vector_rows

_NOTHING = pa.table(
    {
        "_rowid": pa.array([], pa.uint64()),
        "id": pa.array([], pa.string()),
        "product_id": pa.array([], pa.string()),
    }
)

RowIds = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Resident:
    """Rows of a Lance table by row id.

    A row id is the row's address. Files are never changed and their numbers never used again, so
    what an id stands for never changes: rows that were deleted since do no harm, and rows that came
    since are just unknown.

    Attributes:
        metric: Nearness that searches use.
        row_ids: ``(n,)``, ascending.
        ids: Key of each row.
        product_ids: Product of each row.
        vectors: ``(n, dimension)``, for cosine of unit length; ``None`` where they would take too
            much memory.
        generation: State of the table that was read.
    """

    metric: Metric
    row_ids: RowIds
    ids: pa.Array
    product_ids: pa.Array
    vectors: Vectors | None
    generation: int

    @classmethod
    def of(
        cls, parts: Iterable[pa.Table], metric: Metric, generation: int, rows: int = 0
    ) -> Resident:
        """Take over columns ``_rowid``, ``id``, ``product_id``, and ``vector`` if it is there.

        Args:
            parts: Tables with these columns.
            metric: Nearness that searches use.
            generation: State of the table that is read.
            rows: How many there will be, about: saves copying.
        """
        names: list[pa.Table] = []
        vectors: Vectors | None = None
        filled = 0
        for part in parts:
            names.append(part.select(["_rowid", "id", "product_id"]))
            if "vector" in part.column_names:
                piece = vector_rows(part.column("vector"))
                vectors = _with_room(vectors, filled, max(rows, filled + len(piece)), piece)
                end = filled + len(piece)
                vectors[filled:end] = unit_rows(piece) if metric is Metric.COSINE else piece
                filled = end
        table = pa.concat_tables(names) if names else _NOTHING
        row_ids: RowIds = table.column("_rowid").to_numpy()
        ids, products = (_one_chunk(table.column(name)) for name in ("id", "product_id"))
        vectors = vectors[:filled] if vectors is not None else None
        if np.any(row_ids[1:] < row_ids[:-1]):
            order = np.argsort(row_ids)
            row_ids, ids, products = row_ids[order], ids.take(order), products.take(order)
            vectors = vectors[order] if vectors is not None else None
        return cls(metric, row_ids, ids, products, vectors, generation)

    def __len__(self) -> int:
        return len(self.row_ids)

    def places(self, row_ids: RowIds) -> NDArray[np.intp]:
        """Where the rows are in here; -1 for those that are not."""
        return places_among(self.row_ids, row_ids)

    def named(self, places: NDArray[np.intp], found: NDArray[np.float32]) -> Neighbors:
        """Rows at some places, with scores."""
        chosen = pa.array(places)
        return Neighbors(
            ids=self.ids.take(chosen).to_pylist(),
            product_ids=self.product_ids.take(chosen).to_pylist(),
            scores=found,
        )

    def nearest(self, query: Vectors, k: int, places: NDArray[np.intp] | None) -> Neighbors:
        """The ``k`` nearest of the rows at some places, or of all.

        Args:
            query: ``(dimension,)``, finite.
            k: How many.
            places: Candidates; ``None`` for all rows.
        """
        if not len(self):
            return merged([], k)
        if self.vectors is None:
            raise ValueError("no vectors are kept")
        if places is None:
            found = scores(self.metric, self.vectors, query)
            top = best(found, k)
            return self.named(top, found[top])
        found = scores_at(self.metric, self.vectors, places, query)
        top = best(found, k)
        return self.named(places[top], found[top])


def places_among(row_ids: RowIds, wanted: RowIds) -> NDArray[np.intp]:
    """Where row ids are among ascending ones; -1 for those that are not."""
    if not len(row_ids):
        return np.full(len(wanted), -1)
    places = np.searchsorted(row_ids, wanted)
    places[places == len(row_ids)] = 0
    return np.where(row_ids[places] == wanted, places, -1)


def _with_room(vectors: Vectors | None, filled: int, rows: int, like: Vectors) -> Vectors:
    """An array for at least so many rows that begins with those filled already."""
    if vectors is not None and len(vectors) >= rows:
        return vectors
    bigger = np.empty((rows, like.shape[1]), np.float32)
    if vectors is not None:
        bigger[:filled] = vectors[:filled]
    return bigger


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
