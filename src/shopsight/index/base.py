"""The vector store seam: vectors and attributes in, nearest ones out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shopsight.catalog.product import AttributeValue
from shopsight.index.filter_ast import FieldType, Filter

Vectors = NDArray[np.float32]


class Metric(StrEnum):
    """How near two vectors are."""

    COSINE = "cosine"
    L2 = "l2"


class StoreSchema(BaseModel):
    """Shape of one collection of vectors.

    Attributes:
        dimension: Length of the vectors.
        metric: Nearness that searches use.
        fields: Filterable fields by name. Stores add columns for new ones with
            :meth:`VectorStore.add_fields`.
    """

    model_config = ConfigDict(frozen=True)

    dimension: int = Field(gt=0)
    metric: Metric = Metric.COSINE
    fields: Mapping[str, FieldType] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of a store: one per product image.

    Attributes:
        ids: Key of each row, unique in the store.
        product_ids: Product each row belongs to.
        vectors: ``(n, dimension)`` float32, finite; need not be unit length.
        attributes: Per row, field name -> value; a missing field is null. Values fit the schema's
            types.
        texts: Per row, the terms that :meth:`VectorStore.search_text` finds it by, separated by
            white space; made by :func:`shopsight.words.segment.index_terms`. Stores know nothing of
            languages and compare terms as they are. Empty: no row has any.
    """

    ids: Sequence[str]
    product_ids: Sequence[str]
    vectors: Vectors
    attributes: Sequence[Mapping[str, AttributeValue]]
    texts: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Result of a search, nearest first, ties in no particular order.

    Attributes:
        ids: Keys of the rows.
        product_ids: Product of each row.
        scores: ``(n,)`` float32, larger is nearer: cosine similarity, or minus the squared
            Euclidean distance for L2; of a text, BM25.
    """

    ids: Sequence[str]
    product_ids: Sequence[str]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class FacetRanges:
    """Ranges of a field of numbers, and how many products have a number in each.

    Attributes:
        edges: Ascending, one more than ranges; the first is the least number there is, the last the
            largest. A range reaches from its edge up to, not including, the next one; the last
            range includes its upper edge. Empty where there is no number.
        counts: Products by range.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Capabilities(BaseModel):
    """What an engine can do beyond the protocol's minimum.

    Attributes:
        exact: Searches are exhaustive: recall is always 1.
        shared_reads: Other processes may read while one writes.
        text_search: ``search_text`` works.
    """

    model_config = ConfigDict(frozen=True)

    exact: bool
    shared_reads: bool
    text_search: bool


@dataclass(frozen=True, slots=True)
class Health:
    """State of a store.

    Attributes:
        ok: Searches can be answered.
        detail: What is wrong, or a short summary.
        rows: Rows stored.
        indexed: Rows covered by the ANN index (equals ``rows`` for exact stores).
        extra: Engine-specific figures.
    """

    ok: bool
    detail: str
    rows: int
    indexed: int
    extra: Mapping[str, str] = field(default_factory=dict)


class VectorStore(Protocol):
    """One collection of vectors with attributes.

    A class of this kind has a class method ``open(uri, name, schema, *, create)``: see
    :class:`StoreFactory`. Methods may be called from several threads; at most one process writes. A
    returned write is durable: it survives kill -9. Implementations pass
    ``shopsight.testing.store.StoreConformance``, where all semantics are spelled out.

    All methods raise :class:`~shopsight.errors.VectorIndexError` (or ``StorageError`` when the disk
    is the cause).
    """

    @property
    def schema(self) -> StoreSchema:
        """Present shape, with all fields added so far."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do."""
        ...

    @property
    def state(self) -> str:
        """Something that differs after every write that this store has made, or seen by refresh."""
        ...

    def add_fields(self, fields: Mapping[str, FieldType]) -> None:
        """Make new fields filterable; existing rows have null there. Known ones are ignored."""
        ...

    def upsert(self, records: Records) -> None:
        """Write rows, replacing those with the same id. Of equal ids in one batch the last wins."""
        ...

    def delete(self, *, ids: Sequence[str] = (), where: Filter | None = None) -> int:
        """Delete rows by key and rows that match ``where``; return how many there were."""
        ...

    def get(self, ids: Sequence[str], *, attributes: bool = True) -> Records:
        """Rows by key, in the order of ``ids``; unknown keys are left out.

        Args:
            ids: Keys.
            attributes: Whether attributes and texts are wanted; otherwise they may be empty.
        """
        ...

    def search(
        self, vector: Vectors, k: int, *, where: Filter | None = None, effort: float = 1.0
    ) -> Neighbors:
        """The ``k`` nearest rows.

        Args:
            vector: ``(dimension,)`` float32.
            k: How many, at least 1.
            where: Only rows that match.
            effort: Of an approximate search, relative to the default: 2 looks about twice as far.
        """
        ...

    def search_text(self, text: str, k: int, *, where: Filter | None = None) -> Neighbors:
        """The ``k`` best rows by BM25; needs that capability.

        Scores are those of :class:`.bm25.TermIndex`, over all rows, whatever the filter. Engines
        may take the frequencies of terms from the last :meth:`optimize`. Frequencies count rows: a
        product with three pictures counts three times, as it is found three times.

        Args:
            text: Terms, separated by white space. Rows with any of them are found; one that is
                repeated counts once. No character means anything but itself.
            k: How many, at least 1; fewer are found where fewer rows have a term.
            where: Only rows that match.
        """
        ...

    def text_products(
        self, text: str, most: int, *, where: Filter | None = None
    ) -> Collection[str]:
        """The distinct products among the ``most`` best rows of :meth:`search_text`.

        To be counted, and handed to :meth:`facets`: what is returned need not hold any names until
        they are asked for.
        """
        ...

    def count(self, where: Filter | None = None) -> int:
        """Number of rows that match."""
        ...

    def count_products(self, where: Filter | None = None) -> int:
        """Number of distinct products among the rows that match."""
        ...

    def facets(
        self,
        fields: Sequence[str],
        *,
        where: Filter | None = None,
        within: Collection[str] | None = None,
        limit: int = 20,
    ) -> dict[str, dict[str, int]]:
        """Per field, its most frequent values (as texts) with their number of distinct products.

        Args:
            fields: Of any type; each value of a list counts.
            where: Only rows that match.
            within: Only rows of these products.
            limit: Values per field at most; of equally frequent ones the first by code points.
        """
        ...

    def facet_ranges(
        self,
        field: str,
        *,
        where: Filter | None = None,
        within: Collection[str] | None = None,
        ranges: int = 5,
    ) -> FacetRanges:
        """About so many ranges of a field of numbers, with their number of distinct products.

        :func:`.facet_counts.nice_edges` says how ranges are laid.
        """
        ...

    def scan(self, batch_size: int = 1024) -> Iterator[Records]:
        """All rows, in any order, in constant memory. The store must not be written meanwhile."""
        ...

    def optimize(self) -> None:
        """Bring ANN and attribute indexes up to date where worth it, and compact files."""
        ...

    def refresh(self) -> None:
        """See what other processes have written."""
        ...

    def export(self, path: Path) -> int:
        """Write all rows to a Parquet file; return how many."""
        ...

    def import_(self, path: Path) -> int:
        """Upsert all rows of a file written by :meth:`export` of any store; return how many."""
        ...

    def health(self) -> Health:
        """Look whether searches can be answered."""
        ...

    def drop(self) -> None:
        """Delete the collection for good. Only :meth:`close` may follow."""
        ...

    def close(self) -> None:
        """Release resources. May be called twice."""
        ...


class StoreFactory(Protocol):
    """How stores are opened."""

    def open(self, uri: str, name: str, schema: StoreSchema, *, create: bool) -> VectorStore:
        """Open the collection ``name`` at ``uri``.

        Args:
            uri: Place understood by the engine: a folder, ``s3://...``, a server's URL.
            name: Collection, ``[a-z0-9_]+``.
            schema: Expected shape; stored fields beyond it are kept.
            create: Make the collection if there is none.

        Raises:
            VectorIndexError: There is none and ``create`` is false, or its dimension or metric
                differ.
            StorageError: It exists but cannot be read; the message says how to rebuild it.
        """
        ...


__all__ = [
    "Capabilities",
    "FacetRanges",
    "FieldType",
    "Health",
    "Metric",
    "Neighbors",
    "Records",
    "StoreFactory",
    "StoreSchema",
    "VectorStore",
    "Vectors",
]
