"""The ingest loop: read, fetch, decode, encode, write."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from shopsight.catalog.product import Product, RowError
from shopsight.catalog.store import CatalogStore, ProductState
from shopsight.encoders.base import Encoder
from shopsight.encoders.places import encoded_with_places
from shopsight.errors import IngestError
from shopsight.images.source import ImageSource
from shopsight.index.collection import Collection
from shopsight.ingest.fields import FieldTypes
from shopsight.ingest.loading import ImageLoader, LoadedImage
from shopsight.ingest.plan import ImageTask, Planner
from shopsight.ingest.printed import PictureWords, read_pictures
from shopsight.ingest.report import (
    IngestCounters,
    IngestReport,
    ItemStatus,
    ProblemList,
    Progress,
    Silent,
)
from shopsight.ingest.writer import IndexWriter

T = TypeVar("T")

_CHUNK = 256
"""Products looked up in the catalogue at once."""


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Sizes and times of an ingest; the settings of the same names explain them."""

    batch_size: int
    write_every_rows: int
    write_every_s: float
    max_age_s: float
    sync_max_removed: float


@dataclass(slots=True)
class _Run:
    """State of one run."""

    id: str
    started: float
    counters: IngestCounters
    problems: ProblemList
    writer: IndexWriter
    progress: Progress
    cancel: threading.Event
    sync: bool

    def report(self) -> IngestReport:
        return IngestReport(
            run_id=self.id,
            counters=self.counters,
            seconds=time.monotonic() - self.started,
            cancelled=self.cancel.is_set(),
            problems=self.problems.written,
        )


class Ingest:
    """Brings products into one index version.

    Memory use does not grow with the feed: every stage is bounded.

    Args:
        catalog: The truth.
        collection: Index version to write to.
        encoder: Called only when there is a picture to encode, so that a run over an unchanged feed
            loads no model.
        source: Resolves and loads pictures.
        loader: Fetches and decodes ahead of the encoder.
        reports: Folder for lists of problems.
        limits: Sizes and times.
        recorded: Find pictures whose link is known where they were last time.
    """

    def __init__(
        self,
        *,
        catalog: CatalogStore,
        collection: Collection,
        encoder: Callable[[], Encoder],
        source: ImageSource,
        loader: ImageLoader,
        reports: Path,
        limits: IngestLimits,
        recorded: bool = False,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._encoder = encoder
        self._loader = loader
        self._reports = reports
        self._limits = limits
        self._planner = Planner(
            source, collection.manifest.name, limits.max_age_s, recorded=recorded
        )
        self._fields = FieldTypes(catalog)

    def run(
        self,
        rows: Iterable[Product | RowError],
        *,
        sync: bool = False,
        words: PictureWords | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> IngestReport:
        """Ingest a feed.

        Args:
            rows: Products, and rows that could not be read.
            words: Reads what is printed on the pictures of the index; ``None``: they are not read.
            sync: Remove products that the feed does not name. A row that could not be read keeps
                its product.
            progress: Told how it goes.
            cancel: Set it to stop early; what was done is kept.

        Raises:
            IngestError: ``sync`` would remove more than ``limits.sync_max_removed`` allows; all
                else was done.
            StorageError: Disk full or the like; what was acknowledged is kept.
        """
        run = self._start(progress=progress, cancel=cancel, sync=sync)
        with run.problems:
            self._drain(run, self._tasks(run, rows))
            if sync and not run.cancel.is_set():
                self._remove_unseen(run)
            if words is not None:
                read_pictures(
                    self._catalog,
                    run.writer,
                    words,
                    version=self._collection.manifest.name,
                    problems=run.problems,
                    counters=run.counters,
                    progress=run.progress,
                    cancel=run.cancel,
                )
        return run.report()

    def put(self, products: Sequence[Product]) -> list[ItemStatus]:
        """Ingest a few products and say what became of each. Durable when it returns."""
        run = self._start(remember=True)
        unique = {product.id: product for product in products}
        known = self._catalog.states(list(unique))
        with run.problems:
            self._drain(run, self._tasks(run, unique.values()))
        return [_status(product, known.get(product.id), run.problems) for product in products]

    def remove(self, ids: Sequence[str]) -> list[ItemStatus]:
        """Remove products from the index, then from the catalogue; say what became of each."""
        known = self._catalog.states(ids)
        records = [image.record_id for state in known.values() for image in state.images.values()]
        if records:
            self._collection.store.delete(ids=records)
        self._catalog.delete(list(known))
        return [ItemStatus(key, "deleted" if key in known else "not_found") for key in ids]

    def _start(
        self,
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
        sync: bool = False,
        remember: bool = False,
    ) -> _Run:
        run_id = uuid.uuid4().hex
        counters = IngestCounters()
        problems = ProblemList(self._reports / f"ingest-{run_id}.csv", remember=remember)
        writer = IndexWriter(
            self._catalog,
            self._collection,
            self._fields,
            problems,
            counters,
            every_rows=self._limits.write_every_rows,
            every_s=self._limits.write_every_s,
        )
        return _Run(
            id=run_id,
            started=time.monotonic(),
            counters=counters,
            problems=problems,
            writer=writer,
            progress=progress or Silent(),
            cancel=cancel or threading.Event(),
            sync=sync,
        )

    def _tasks(self, run: _Run, rows: Iterable[Product | RowError]) -> Iterator[ImageTask]:
        """Pictures to encode; whatever else a chunk of rows needs is done on the way."""
        for chunk in _chunks(rows, _CHUNK):
            products = self._read(run, chunk)
            known = self._catalog.states([product.id for product in products])
            plan = self._planner.plan(products, known)
            changed = plan.created + plan.updated
            if changed:
                self._fields.learn(changed)
                self._catalog.save(changed, known=known, run_id=run.id)
            if run.sync:
                self._catalog.mark_seen([product.id for product in products], run.id)
            run.counters.products_created += len(plan.created)
            run.counters.products_updated += len(plan.updated)
            run.counters.products_unchanged += len(plan.unchanged)
            run.counters.images_unchanged += plan.images_current
            run.writer.remove(plan.removed)
            again = run.writer.refresh(plan.refresh)
            for state, reason in plan.failures:
                run.writer.failed(state, reason)
            run.progress.update(run.counters)
            yield from self._planner.again(products, again)
            yield from plan.tasks
            if run.cancel.is_set():
                return

    def _read(self, run: _Run, chunk: Sequence[Product | RowError]) -> list[Product]:
        """Sort out rows that could not be read."""
        products: list[Product] = []
        kept: list[str] = []
        for row in chunk:
            if isinstance(row, Product):
                products.append(row)
                continue
            run.problems.row(row)
            if row.severity == "warning":
                run.counters.warnings += 1
            else:
                run.counters.rows_skipped += 1
                kept.append(row.product_id)
        run.counters.rows_read += len(products)
        if run.sync and kept:
            self._catalog.mark_seen(kept, run.id)
        return products

    def _drain(self, run: _Run, tasks: Iterable[ImageTask]) -> None:
        """Load, encode and write all pictures; when interrupted, write what is encoded."""
        batch: list[LoadedImage] = []
        try:
            for loaded in self._loader.load(tasks, cancel=run.cancel):
                if loaded.error is not None:
                    run.writer.failed(loaded.state, loaded.error)
                elif loaded.pixels is None:
                    run.writer.unchanged(loaded.state)
                else:
                    batch.append(loaded)
                if len(batch) >= self._limits.batch_size:
                    self._encode(run, batch)
                    batch = []
                if run.cancel.is_set():
                    break
            self._encode(run, batch)
        finally:
            run.writer.flush()
            run.progress.update(run.counters)

    def _encode(self, run: _Run, batch: Sequence[LoadedImage]) -> None:
        if not batch:
            return
        pixels = np.stack([loaded.pixels for loaded in batch if loaded.pixels is not None])
        found = zip(batch, *encoded_with_places(self._encoder(), pixels), strict=True)
        for loaded, vector, places in found:
            run.writer.encoded(loaded.task.product, loaded.state, vector, places)
        run.progress.update(run.counters)

    def _remove_unseen(self, run: _Run) -> None:
        gone = self._catalog.unseen(run.id)
        total = self._catalog.counts().products
        if gone and len(gone) > self._limits.sync_max_removed * total:
            raise IngestError(
                f"--sync would remove {len(gone)} of {total} products, more than the share of "
                f"{self._limits.sync_max_removed:g} that SHOPSIGHT_SYNC_MAX_REMOVED allows. "
                "Nothing was removed: check that the feed is whole, or raise that setting to 1."
            )
        for ids in _chunks(gone, 1000):
            self.remove(ids)
            run.counters.products_removed += len(ids)
            run.progress.update(run.counters)


def _status(product: Product, before: ProductState | None, problems: ProblemList) -> ItemStatus:
    if error := problems.image_errors.get(product.id):
        return ItemStatus(product.id, "failed", error)
    if before is None:
        return ItemStatus(product.id, "created")
    same = before.content_hash == product.content_hash()
    return ItemStatus(product.id, "unchanged" if same else "updated")


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk
