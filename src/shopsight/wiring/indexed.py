"""A shop's parts, and how its index is made and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from PIL import Image

from shopsight.catalog.brands import BrandStore
from shopsight.catalog.calibrations import CalibrationStore
from shopsight.catalog.database import Database
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogCounts, CatalogStore, ImageState
from shopsight.encoders.base import Encoder
from shopsight.images.prepare import read_local
from shopsight.index.base import FieldType, Health, Metric
from shopsight.index.versions import IndexManifest, VersionStore
from shopsight.ingest.lifecycle import IndexLifecycle, IndexOptions
from shopsight.ingest.report import IngestReport, ItemStatus, Progress
from shopsight.photo_lists import PhotoRow
from shopsight.search.cache import CacheStats
from shopsight.search.calibrate import Calibration, outdated
from shopsight.search.engine import SearchEngine
from shopsight.search.focus import Focus
from shopsight.search.weights import focuses
from shopsight.settings import Settings, load_settings
from shopsight.wiring.brands import Brands
from shopsight.wiring.calibrating import QUICK_VIEWS
from shopsight.wiring.limits import fetch_limits, image_limits, import_options
from shopsight.wiring.models import Models
from shopsight.wiring.serving import Serving, serving
from shopsight.wiring.thumbnails import Thumbnails

if TYPE_CHECKING:
    from shopsight.ingest.importer import Importer
    from shopsight.ingest.printed import PictureWords

Photo = str | Path | bytes
"""A file, or a picture's bytes."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """State of the index.

    Attributes:
        manifest: The active version.
        counts: Sizes of the catalogue.
        health: State of the vector store.
        fields: Filterable fields.
    """

    manifest: IndexManifest
    counts: CatalogCounts
    health: Health
    fields: Mapping[str, FieldType]


class IndexedShop:
    """One shop's catalogue and index, and the parts that searches need.

    Args:
        settings: How it is set up.

    Raises:
        StorageError: The data folder or the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.resolved_database_url)
        self.catalog = CatalogStore(self.database)
        self.models = Models(settings)
        self.thumbnails = Thumbnails(settings)
        self._lifecycle = IndexLifecycle(
            VersionStore(self.database),
            self.catalog,
            IndexOptions(
                settings.store,
                settings.resolved_store_uri,
                Metric(settings.metric),
                settings.standardize,
            ),
        )
        self._lock = threading.RLock()
        self._calibrating = threading.Lock()
        self._checked = False
        self._serving: Serving | None = None
        self.brands = Brands(
            BrandStore(self.database),
            self.catalog,
            self.models,
            settings,
            limits=image_limits(settings),
            serving=lambda: self._serve() if self._lifecycle.active() is not None else None,
        )

    @classmethod
    def open(cls, data: str | Path | None = None, *, settings: Settings | None = None) -> Self:
        """Open a shop.

        Args:
            data: Data folder; made with the first write. Without it, the setting's.
            settings: All settings; without them, those of the environment.
        """
        if settings is None:
            settings = load_settings(data=Path(data) if data is not None else None)
        elif data is not None:
            settings = settings.model_copy(update={"data": Path(data)})
        return cls(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release everything. May be called twice."""
        with self._lock:
            if self._serving is not None:
                self._serving.collection.close()
            self._serving = None
        self.models.close()
        self.database.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded at the first use."""
        return self.models.encoder

    @property
    def focuses(self) -> tuple[Focus, ...]:
        """What searches can focus on: depends on the parts of the encoder's vectors."""
        return focuses(self.encoder.spec)

    @property
    def engine(self) -> SearchEngine:
        """The search over the active index version, opened at the first use.

        Raises:
            VectorIndexError: Nothing is indexed yet.
            EncoderMismatchError: Another encoder made the index.
        """
        return self._serve().engine

    def choose_engine(self) -> None:
        """Load the encoder; find out first what runs it fastest here, if that is not known.

        Takes seconds where several engines are installed. Does nothing once the encoder is loaded.
        """
        self.models.choose_engine()

    def warm(self) -> None:
        """Load the models and the index and run them once, so that the first query is fast."""
        with ThreadPoolExecutor(2, thread_name_prefix="warm") as pool:
            loading = pool.submit(lambda: self.encoder)
            finding = pool.submit(self.models.finder)
            indexed = self._lifecycle.active() is not None
            if indexed:
                self._serve(check=False)  # opens the store while the models load
            encoder = loading.result()
            finder = finding.result()
        size = encoder.spec.preprocessing.size
        (vector,) = self.models.encode(np.zeros((1, size, size, 3), np.uint8))
        if finder is not None:
            finder.find(Image.new("RGB", (size, size)))
        if self.settings.ocr == "on" and (reader := self.models.text_reader()) is not None:
            reader.read(np.zeros((32, 32, 3), np.uint8), 1.0)
        if indexed:
            serving = self._serve()
            serving.engine.nearest(vector, 1)
            serving.words.vocabulary()

    def calibrate(
        self, labels: Sequence[PhotoRow] = (), *, progress: Callable[[int, int], None] | None = None
    ) -> Calibration | None:
        """Fit what confidence is computed with; :meth:`index` does so by itself when it is due.

        Args:
            labels: Shoppers' photos with the column ``product_id``, empty for what is not sold.
            progress: Told how many photos of how many are done.

        Returns:
            ``None``: the shop has too few products to tell.

        Raises:
            FeedError: A labelled photo has no such column.
            VectorIndexError: Nothing is indexed yet.
        """
        serving = self._serve()
        return serving.calibrate(labels, progress)

    def calibrate_if_due(self) -> None:
        """Fit confidence anew if the number of products has changed by more than a tenth since.

        Nothing happens where the settings say so, nothing is indexed, another encoder is in use
        than made the index, or another thread is at it.
        """
        if not self.settings.calibrate or self._lifecycle.active() is None:
            return
        if not self._calibrating.acquire(blocking=False):
            return
        try:
            self._calibrate_if_due()
        finally:
            self._calibrating.release()

    def _calibrate_if_due(self) -> None:
        serving = self._serve(check=False)  # the encoder is loaded only if there is work for it
        manifest = serving.collection.manifest
        due = outdated(
            serving.calibration.get(),
            manifest.name,
            manifest.fingerprint,
            serving.collection.store.count_products(),
        )
        if due and self.encoder.spec.fingerprint == manifest.fingerprint:
            serving.calibrate(views=QUICK_VIEWS)

    def index(
        self,
        feed: str | Path,
        *,
        format: str | None = None,  # noqa: A002 - the word that users know
        mapping: Mapping[str, str] | None = None,
        default_currency: str | None = None,
        image_root: Path | None = None,
        local_images: bool = True,
        sync: bool = False,
        calibrate: bool = True,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> IngestReport:
        """Bring the products of a feed into the catalogue and the index.

        Args:
            feed: A file, or an http(s) URL.
            format: Name of a feed reader; found out from the content when not given.
            mapping: Our field -> the feed's column.
            default_currency: For prices that name none.
            image_root: Folder that local pictures must be in; the feed's own when not given.
            local_images: Whether the feed may name local pictures at all; never those of a URL.
            sync: Remove products that the feed does not name.
            calibrate: Whether confidence is fitted at the end if that is due; a server does so by
                itself a little later.
            progress: Told how it goes.
            cancel: Set it to stop early.

        Raises:
            BusyError: Another process is indexing.
            FeedError: The feed cannot be read at all.
            EncoderMismatchError: Another encoder made the index.
            StorageError: Disk full or the like; what was acknowledged is kept.
        """
        from shopsight.ingest.importer import FeedRequest

        request = FeedRequest(
            feed, format, mapping, default_currency, image_root, local_images=local_images
        )
        report = self._importer().index(
            request, sync=sync, words=self._picture_words(), progress=progress, cancel=cancel
        )
        return self._finished(report, calibrate=calibrate)

    def reindex(
        self,
        *,
        calibrate: bool = True,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> IngestReport:
        """Encode the catalogue anew into another index version, then let that answer searches.

        The encoder, the metric and the standardisation are those set now. The old version serves
        until the new one is complete; an interrupted run goes on where it was. The arguments are
        those of :meth:`index`.

        Raises:
            BusyError: Another process is indexing.
            VectorIndexError: Nothing is indexed yet.
            IngestError: Too many pictures could not be had again; the old version goes on serving.
        """
        report = self._importer().reindex(
            words=self._picture_words(), progress=progress, cancel=cancel
        )
        return self._finished(report, calibrate=calibrate)

    def put_products(self, products: Sequence[Product]) -> list[ItemStatus]:
        """Add or replace products; durable when it returns.

        New pictures must be on the web; one whose link the product already had stays what it is.

        Raises:
            BusyError: Another process is indexing.
        """
        statuses = self._importer().put(products)
        self.refresh()
        return statuses

    def delete_products(self, ids: Sequence[str]) -> list[ItemStatus]:
        """Remove products; durable when it returns.

        Raises:
            BusyError: Another process is indexing.
        """
        statuses = self._importer().remove(ids)
        self.refresh()
        return statuses

    def fetch_image(self, url: str) -> bytes:
        """Bytes of a picture on the web.

        Raises:
            FetchError: It cannot be had, or its address is not a public one.
        """
        from shopsight.images.blocking import fetch_picture

        return fetch_picture(url, fetch_limits(self.settings))

    def picture(self, location: str) -> bytes:
        """Bytes of a picture of the catalogue.

        Args:
            location: Where it is: an absolute path or a URL.

        Raises:
            ImageError: It cannot be had.
        """
        if location.lower().startswith(("http://", "https://")):
            return self.fetch_image(location)
        return read_local(Path(location), image_limits(self.settings))

    def image(self, product_id: str, position: int) -> ImageState:
        """Where a product's picture is.

        Raises:
            NotFoundError: There is no such product or picture.
        """
        return self.catalog.image(product_id, position)

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """Filterable fields and their types; none before anything is indexed."""
        if self._lifecycle.active() is None:
            return {}
        return dict(self._serve(check=False).collection.store.schema.fields)

    @property
    def reads_video(self) -> bool:
        """Whether videos can be searched with: the extra ``video`` is installed."""
        return find_spec("av") is not None

    def embedding_stats(self) -> CacheStats | None:
        """What the memory of repeated photos has done; ``None`` before the first search."""
        with self._lock:
            return None if self._serving is None else self._serving.embeddings.stats()

    def index_info(self) -> IndexInfo:
        """State of the index.

        Raises:
            VectorIndexError: Nothing is indexed yet.
        """
        collection = self._serve(check=False).collection
        return IndexInfo(
            manifest=collection.manifest,
            counts=self.catalog.counts(collection.manifest.name),
            health=collection.store.health(),
            fields=dict(collection.store.schema.fields),
        )

    def refresh(self) -> None:
        """See what was written since, here or by another process, and a new index version."""
        self._refresh_index()
        self.brands.refresh()

    def _refresh_index(self) -> None:
        with self._lock:
            serving = self._serving
            if serving is None:
                return
            active = self._lifecycle.active()
            if active is None or active.name != serving.collection.manifest.name:
                # Opened anew by the next query; queries under way finish on the old one.
                self._serving = None
                return
        serving.refresh()

    def optimize(self) -> None:
        """Bring the index into its fastest shape. Does nothing while another process writes."""
        self._importer().optimize()
        self.refresh()

    def _finished(self, report: IngestReport, *, calibrate: bool) -> IngestReport:
        self.refresh()
        if calibrate and not report.cancelled:
            self.calibrate_if_due()
        return report

    def _picture_words(self) -> PictureWords | None:
        if not self.settings.index_ocr:
            return None
        from shopsight.wiring.picture_words import picture_words

        return picture_words(self.models, self.settings, self.picture)

    def _importer(self) -> Importer:
        # What writes is loaded when something is written: a server is ready sooner without it.
        from shopsight.ingest.importer import Importer

        return Importer(
            self.catalog,
            self._lifecycle,
            self.models.choose_engine,  # indexing takes long enough to find the fastest one first
            import_options(self.settings),
        )

    def _serve(self, *, check: bool = True) -> Serving:
        with self._lock:
            if self._serving is None:
                self._serving = serving(
                    self._lifecycle.open_active(),
                    self.catalog,
                    self.models,
                    self.settings,
                    calibrations=CalibrationStore(self.database),
                    load=self.picture,
                )
                self._checked = False
            if check and not self._checked:
                self._lifecycle.check(self._serving.collection.manifest, self.encoder.spec)
                self._checked = True
            return self._serving
