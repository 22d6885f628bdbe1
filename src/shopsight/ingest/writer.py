"""Buffers rows and writes them: first the index, then the catalogue, which so never lies."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.product import AttributeValue, Product, RowError
from shopsight.catalog.store import CatalogStore, ImageState
from shopsight.encoders.places import Places
from shopsight.index.base import Records
from shopsight.index.collection import Collection
from shopsight.ingest.fields import FieldTypes
from shopsight.ingest.report import IngestCounters, ProblemList
from shopsight.words.segment import index_terms


class IndexWriter:
    """The only code that writes to the index during an ingest.

    A row counts as done (acknowledged) once :meth:`flush` has returned: the index wrote it durably,
    and after that the catalogue noted so. A process killed between the two encodes those few rows
    again.

    Args:
        catalog: The truth.
        collection: The index version written to.
        fields: Types of the filterable fields.
        problems: Where trouble is noted.
        counters: Updated as rows are written.
        every_rows: Buffered rows that start a write.
        every_s: Seconds after which buffered rows are written anyway.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        fields: FieldTypes,
        problems: ProblemList,
        counters: IngestCounters,
        *,
        every_rows: int,
        every_s: float,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._fields = fields
        self._problems = problems
        self._counters = counters
        self._every_rows = every_rows
        self._every_s = every_s
        self._vectors: list[NDArray[np.float32]] = []
        self._places: dict[str, bytes] = {}
        self._attributes: list[dict[str, AttributeValue]] = []
        self._products: list[Product] = []
        self._encoded: list[ImageState] = []
        self._noted: list[ImageState] = []
        self._oldest = time.monotonic()

    def encoded(
        self,
        product: Product,
        state: ImageState,
        vector: NDArray[np.float32],
        places: Places | None = None,
    ) -> None:
        """A picture was encoded: ``vector`` ``(dimension,)`` goes to the index.

        Its places, where the encoder tells them, are kept beside the catalogue.
        """
        self._vectors.append(vector)
        if places is not None and state.content_hash:
            self._places[state.content_hash] = places.to_bytes()
        self._attributes.append(self._values(product))
        self._products.append(product)
        self._encoded.append(
            replace(
                state,
                index_version=self._collection.manifest.name,
                product_hash=product.content_hash(),
                error=None,
            )
        )
        self._counters.images_encoded += 1
        self._flush_when_due()

    def unchanged(self, state: ImageState) -> None:
        """A picture was looked at and is the one in the index."""
        self._note(replace(state, error=None))
        self._counters.images_unchanged += 1

    def failed(self, state: ImageState, reason: str) -> None:
        """A picture cannot be used. If the index still holds an earlier one, that stays."""
        self._problems.image(state.product_id, state.link, reason)
        self._note(replace(state, error=reason))
        self._counters.images_failed += 1

    def refresh(self, items: Sequence[tuple[Product, ImageState]]) -> list[ImageState]:
        """Give pictures in the index the new attributes and words of their products.

        Returns:
            Those the index does not hold after all: they must be encoded again.
        """
        if not items:
            return []
        self._collection.add_fields(self._fields.all)
        values = [self._values(product) for product, _ in items]
        texts = self._words([product for product, _ in items], [state for _, state in items])
        ids = [state.record_id for _, state in items]
        lost = self._collection.update_attributes(ids, values, texts)
        kept = [(product, state) for product, state in items if state.record_id not in lost]
        self._catalog.save_images(
            replace(state, product_hash=product.content_hash()) for product, state in kept
        )
        return [state for _, state in items if state.record_id in lost]

    def read(self, texts: Mapping[str, str]) -> None:
        """Words were read on pictures: products are found by them when this returns.

        Args:
            texts: Words by content hash; empty where there are none.
        """
        shown = self._catalog.showing(
            [key for key, text in texts.items() if text], self._collection.manifest.name
        )
        if shown:
            self._collection.add_fields(self._fields.all)
            self._collection.update_attributes(
                [state.record_id for _, state in shown],
                [self._values(product) for product, _ in shown],
                [_text(product, texts[state.content_hash or ""]) for product, state in shown],
            )
        # Noted last: words that are known are never read again, so the index must have them.
        self._catalog.texts.put(texts)
        self._counters.images_read += len(texts)

    def remove(self, record_ids: Sequence[str]) -> None:
        """Take pictures out of the index and the catalogue."""
        if record_ids:
            self._collection.store.delete(ids=record_ids)
            self._catalog.delete_images(record_ids)

    def flush(self) -> None:
        """Write all that is buffered; when this returns, it is durable."""
        if self._encoded:
            self._collection.add_fields(self._fields.all)
            self._collection.upsert(
                Records(
                    ids=[state.record_id for state in self._encoded],
                    product_ids=[state.product_id for state in self._encoded],
                    vectors=np.stack(self._vectors),
                    attributes=self._attributes,
                    texts=self._words(self._products, self._encoded),
                )
            )
        self._catalog.places.put(self._places, self._collection.manifest.fingerprint)
        if self._encoded or self._noted:
            self._catalog.save_images([*self._encoded, *self._noted])
        self._vectors, self._attributes, self._products = [], [], []
        self._encoded, self._noted, self._places = [], [], {}
        self._oldest = time.monotonic()

    def _note(self, state: ImageState) -> None:
        self._noted.append(state)
        self._flush_when_due()

    def _flush_when_due(self) -> None:
        rows = len(self._encoded) + len(self._noted)
        if rows >= self._every_rows or time.monotonic() - self._oldest >= self._every_s:
            self.flush()

    def _words(self, products: Sequence[Product], states: Sequence[ImageState]) -> list[str]:
        """What pictures are found by: the words of their products, and those printed on them."""
        hashes = [state.content_hash or "" for state in states]
        printed = self._catalog.texts.get(list(dict.fromkeys(hashes)))
        return [
            _text(product, printed.get(key, ""))
            for product, key in zip(products, hashes, strict=True)
        ]

    def _values(self, product: Product) -> dict[str, AttributeValue]:
        values, misfits = self._fields.values(product)
        for misfit in misfits:
            name, _, reason = misfit.partition(": ")
            self._problems.row(
                RowError(
                    source="", product_id=product.id, field=name, reason=reason, severity="warning"
                )
            )
        return values


def _text(product: Product, printed: str) -> str:
    """What a picture of a product is found by; changes of the terms need a re-index."""
    return " ".join(index_terms(product, printed))
