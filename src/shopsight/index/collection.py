"""An index version that is open: its store, and the scaling its vectors went through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shopsight import plugins
from shopsight.catalog.product import AttributeValue
from shopsight.index.base import (
    FieldType,
    Metric,
    Neighbors,
    Records,
    StoreSchema,
    Vectors,
    VectorStore,
)
from shopsight.index.filters import Filter
from shopsight.index.nearness import best, scores, unit_rows
from shopsight.index.standardize import Standardizer
from shopsight.index.versions import IndexManifest
from shopsight.index.weighted import rescored, weighted

_FARTHER = 8
"""How much farther weighted searches look: what is near to them is spread over more of the index,
which was made for vectors as they are. See ``docs/performance.md``."""


class Collection:
    """Vectors of one index version, as the encoder made them: standardisation happens in here.

    Args:
        manifest: The version.
        store: Its store, open.
    """

    def __init__(self, manifest: IndexManifest, store: VectorStore) -> None:
        self.manifest = manifest
        self.store = store
        self._standardizer = (
            Standardizer.from_dict(manifest.standardizer) if manifest.standardizer else None
        )

    @property
    def scaling(self) -> Standardizer | None:
        """What vectors go through before they are stored, if anything."""
        return self._standardizer

    def add_fields(self, fields: Mapping[str, FieldType]) -> None:
        """Make new fields filterable."""
        present = self.store.schema.fields
        new = {name: kind for name, kind in fields.items() if name not in present}
        if new:
            self.store.add_fields(new)

    def upsert(self, records: Records) -> None:
        """Write vectors as they come from the encoder."""
        self.store.upsert(replace(records, vectors=self._scaled(records.vectors)))

    def update_attributes(
        self,
        ids: Sequence[str],
        attributes: Sequence[Mapping[str, AttributeValue]],
        texts: Sequence[str] | None = None,
    ) -> set[str]:
        """Give rows new attributes and, unless ``None``, texts, not new vectors.

        Returns:
            The ids that are not there.
        """
        wanted = {key: place for place, key in enumerate(ids)}
        rows = self.store.get(list(wanted))
        if len(rows):
            places = [wanted[key] for key in rows.ids]
            changed = replace(rows, attributes=[attributes[place] for place in places])
            if texts is not None:
                changed = replace(changed, texts=[texts[place] for place in places])
            self.store.upsert(changed)
        return set(wanted) - set(rows.ids)

    def search_text(self, text: str, k: int, *, where: Filter | None = None) -> Neighbors:
        """The best rows for some terms: see ``VectorStore.search_text``."""
        return self.store.search_text(text, k, where=where)

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        *,
        where: Filter | None = None,
        effort: float = 1.0,
        weights: NDArray[np.float32] | None = None,
    ) -> Neighbors:
        """The nearest rows to a vector as it comes from the encoder.

        Args:
            vector: ``(dimension,)``.
            k: How many, at least 1.
            where: Only rows that match.
            effort: As in ``VectorStore.search``.
            weights: ``(dimension,)``, positive: how much each dimension counts; see
                :func:`.weighted.rescored` for the scores. Without it, all count as they are.
        """
        query = self._scaled(vector[None])[0]
        if weights is None:
            return self.store.search(query, k, where=where, effort=effort)
        # After the scaling: it moves the origin, so weights before it would weight the mean.
        searched = weighted(query, weights)
        found = self.store.search(searched, k, where=where, effort=effort * _FARTHER)
        return rescored(found, query, searched, self.store.schema.metric)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Vectors ``(n, dimension)`` of rows as the encoder made them; unknown ids are left out."""
        found = self.store.get(ids, attributes=False).vectors
        return self._standardizer.invert(found) if self._standardizer else found

    def vectors_by_id(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The vector ``(dimension,)`` of each of some rows; unknown ids are left out."""
        rows = self.store.get(ids, attributes=False)
        vectors = self._standardizer.invert(rows.vectors) if self._standardizer else rows.vectors
        return dict(zip(rows.ids, vectors, strict=True))

    def compared(
        self,
        vector: NDArray[np.float32],
        ids: Sequence[str],
        *,
        weights: NDArray[np.float32] | None = None,
    ) -> Neighbors:
        """Scores of rows that are known, nearest first; the arguments are those of search.

        Unknown ids are left out.
        """
        query = self._scaled(vector[None])[0]
        searched = query if weights is None else weighted(query, weights)
        rows = self.store.get(ids, attributes=False)
        metric = self.store.schema.metric
        vectors = unit_rows(rows.vectors) if metric is Metric.COSINE else rows.vectors
        values = scores(metric, vectors, searched)
        order = best(values, max(1, len(values)))
        found = Neighbors(
            ids=[rows.ids[place] for place in order],
            product_ids=[rows.product_ids[place] for place in order],
            scores=values[order],
        )
        return found if weights is None else rescored(found, query, searched, metric)

    def scan(self) -> Iterator[Records]:
        """All rows, with vectors as the encoder made them."""
        for records in self.store.scan():
            vectors = (
                self._standardizer.invert(records.vectors)
                if self._standardizer
                else records.vectors
            )
            yield replace(records, vectors=vectors)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _scaled(self, vectors: Vectors) -> Vectors:
        return self._standardizer.apply(vectors) if self._standardizer else vectors


def open_collection(
    manifest: IndexManifest,
    *,
    store: str,
    uri: str,
    fields: Mapping[str, FieldType],
    create: bool = False,
) -> Collection:
    """Open the collection of an index version.

    Args:
        manifest: The version.
        store: Name of the engine, see :mod:`shopsight.plugins`.
        uri: Place of the engine's data.
        fields: Filterable fields known so far.
        create: Make it if it is missing.

    Raises:
        VectorIndexError: It is missing or of another shape.
        StorageError: It cannot be read or written.
    """
    schema = StoreSchema(
        dimension=manifest.dimension, metric=Metric(manifest.metric), fields=fields
    )
    return Collection(
        manifest, plugins.load("stores", store).open(uri, manifest.name, schema, create=create)
    )
