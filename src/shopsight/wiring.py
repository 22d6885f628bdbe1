"""Puts the parts together: the only place that knows which implementation plays which role."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.database import Database
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogCounts, CatalogStore, ImageState
from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.encoders.batching import MicroBatcher
from shopsight.encoders.engines import batch_size
from shopsight.errors import DecodeError, ImageError, ShopsightError
from shopsight.images.prepare import ImageLimits, load_pixels, read_local
from shopsight.index.base import FieldType, Health, Metric
from shopsight.index.collection import Collection
from shopsight.index.versions import IndexManifest, VersionStore
from shopsight.ingest.lifecycle import IndexLifecycle, IndexOptions
from shopsight.ingest.report import IngestReport, ItemStatus, Progress
from shopsight.photo_lists import PhotoRow
from shopsight.search.engine import SearchEngine
from shopsight.search.focus import Focus
from shopsight.search.query import Query, SearchResult
from shopsight.search.weights import focuses
from shopsight.settings import Settings, load_settings

if TYPE_CHECKING:
    from shopsight.images.fetch import FetchLimits
    from shopsight.ingest.importer import Importer


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


class Shop:
    """One shop's catalogue, index and search.

    Safe to use from several threads. Close it, or use it as a context manager.

    Args:
        settings: How it is set up.

    Raises:
        StorageError: The data folder or the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.resolved_database_url)
        self.catalog = CatalogStore(self.database)
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
        self._loading = threading.Lock()
        self._batcher: MicroBatcher | None = None
        self._loaded: Encoder | None = None
        self._serving: tuple[Collection, SearchEngine] | None = None

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
                self._serving[0].close()
            if self._batcher is not None:
                self._batcher.close()
            if self._loaded is not None:
                self._loaded.close()
            self._serving = self._batcher = self._loaded = None
        self.database.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded at the first use."""
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load_encoder(measure=False)
            return self._loaded

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
        return self._serve()[1]

    def choose_engine(self) -> None:
        """Load the encoder; find out first what runs it fastest here, if that is not known.

        Takes seconds where several engines are installed. Does nothing once the encoder is loaded.
        """
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load_encoder(measure=True)

    def _measured_encoder(self) -> Encoder:
        """The encoder for indexing, which takes long enough to find the fastest engine first."""
        self.choose_engine()
        return self.encoder

    def _load_encoder(self, *, measure: bool) -> Encoder:
        from shopsight.encoders.backends import EngineChoice

        settings = self.settings
        choice = EngineChoice(
            backend=settings.encoder_backend,
            precision=settings.encoder_precision,
            cache=settings.data / "engines",
            measure=measure,
        )
        return load_encoder(
            settings.encoder,
            threads=settings.threads,
            engine=choice,
            cache=settings.resolved_encoder_cache,
        )

    def warm(self) -> None:
        """Load the encoder and the index and run both once, so that the first query is fast."""
        with ThreadPoolExecutor(1, thread_name_prefix="warm") as pool:
            loading = pool.submit(lambda: self.encoder)
            indexed = self._lifecycle.active() is not None
            if indexed:
                self._serve(check=False)  # opens the store while the model loads
            encoder = loading.result()
        size = encoder.spec.preprocessing.size
        vector = encoder.encode_images(np.zeros((1, size, size, 3), np.uint8))[0]
        if indexed:
            self._serve()[0].search(vector, 1)

    def search(
        self,
        photo: str | Path | bytes,
        *,
        where: str | None = None,
        limit: int = 10,
        offset: int = 0,
        focus: Focus | str = Focus.BALANCED,
    ) -> SearchResult:
        """Find the products on a photo.

        Args:
            photo: A file, or a picture's bytes.
            where: Filter, such as ``brand = "Kavoa" AND price < 50``.
            limit: Products wanted.
            offset: Products to skip.
            focus: What makes products alike: ``shape``, ``balanced`` or ``color``.

        Raises:
            ImageError: The photo cannot be used.
            QueryError: The filter or a number makes no sense, or the encoder does not know the
                focus; see :attr:`focuses`.
            VectorIndexError: Nothing is indexed yet, or the index failed.
        """
        wanted = Focus.named(focus)

        def query(data: bytes) -> Query:
            return Query((data,), where=where or "", limit=limit, offset=offset, focus=wanted)

        if isinstance(photo, bytes):
            return self.engine.search(query(photo))
        data = read_local(Path(photo), self._image_limits)
        try:
            return self.engine.search(query(data))
        except DecodeError as error:
            raise DecodeError(f"{photo}: {error}", reason=error.reason) from error

    def match(
        self,
        photos: Sequence[PhotoRow],
        *,
        where: str | None = None,
        limit: int = 10,
        focus: Focus | str = Focus.BALANCED,
    ) -> Iterator[dict[str, object]]:
        """Find the products on many photos; the options are those of :meth:`search`.

        Yields:
            For each photo, in order: its other columns, ``photo`` as given, ``hits`` with
            ``product_id`` and ``score``, and ``error`` if it could not be used.
        """

        def one(row: PhotoRow) -> dict[str, object]:
            line: dict[str, object] = {**row.columns, "photo": row.photo}
            try:
                found = self.search(row.path, where=where, limit=limit, focus=focus).hits
            except ImageError as error:
                return {**line, "hits": [], "error": str(error)}
            hits = [{"product_id": hit.product.id, "score": round(hit.score, 6)} for hit in found]
            return {**line, "hits": hits}

        with ThreadPoolExecutor(4, thread_name_prefix="match") as pool:
            yield from pool.map(one, photos)

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
        report = self._importer().index(request, sync=sync, progress=progress, cancel=cancel)
        self.refresh()
        return report

    def reindex(
        self, *, progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> IngestReport:
        """Encode the catalogue anew into another index version, then let that answer searches.

        The encoder, the metric and the standardisation are those set now. The old version serves
        until the new one is complete; an interrupted run goes on where it was.

        Raises:
            BusyError: Another process is indexing.
            VectorIndexError: Nothing is indexed yet.
            IngestError: Too many pictures could not be had again; the old version goes on serving.
        """
        report = self._importer().reindex(progress=progress, cancel=cancel)
        self.refresh()
        return report

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

        return fetch_picture(url, self._fetch_limits())

    def image(self, product_id: str, position: int) -> ImageState:
        """Where a product's picture is.

        Raises:
            NotFoundError: There is no such product or picture.
        """
        return self.catalog.image(product_id, position)

    def index_info(self) -> IndexInfo:
        """State of the index.

        Raises:
            VectorIndexError: Nothing is indexed yet.
        """
        collection = self._serve(check=False)[0]
        return IndexInfo(
            manifest=collection.manifest,
            counts=self.catalog.counts(collection.manifest.name),
            health=collection.store.health(),
            fields=dict(collection.store.schema.fields),
        )

    def refresh(self) -> None:
        """See what was written since, here or by another process, and a new index version."""
        with self._lock:
            if self._serving is None:
                return
            collection, engine = self._serving
            active = self._lifecycle.active()
            if active is None or active.name != collection.manifest.name:
                self._serving = (
                    None  # opened anew by the next query; queries under way finish on the old one
                )
                return
        collection.store.refresh()
        engine.forget_totals()

    def optimize(self) -> None:
        """Bring the index into its fastest shape. Does nothing while another process writes."""
        self._importer().optimize()
        self.refresh()

    @property
    def _image_limits(self) -> ImageLimits:
        settings = self.settings
        return ImageLimits(
            max_bytes=settings.image_max_bytes,
            max_pixels=settings.image_max_pixels,
            min_side=settings.image_min_side,
        )

    def _fetch_limits(self) -> FetchLimits:
        from shopsight.images.fetch import FetchLimits

        settings = self.settings
        return FetchLimits(
            concurrency=settings.fetch_concurrency,
            per_host=settings.fetch_per_host,
            connect_timeout_s=settings.fetch_connect_timeout_s,
            read_timeout_s=settings.fetch_read_timeout_s,
            total_timeout_s=settings.fetch_total_timeout_s,
            retries=settings.fetch_retries,
            max_redirects=settings.fetch_max_redirects,
            max_bytes=settings.image_max_bytes,
            allow_hosts=tuple(settings.allow_hosts),
        )

    def _importer(self) -> Importer:
        # What writes is loaded when something is written: a server is ready sooner without it.
        from shopsight.ingest.importer import Importer, ImportOptions
        from shopsight.ingest.pipeline import IngestLimits

        settings = self.settings
        batch = settings.batch_size or batch_size(settings.encoder_backend, settings.threads)
        limits = IngestLimits(
            batch_size=batch,
            write_every_rows=settings.write_every_rows,
            write_every_s=settings.write_every_s,
            max_age_s=settings.fetch_max_age_s,
            sync_max_removed=settings.sync_max_removed,
        )
        options = ImportOptions(
            data=settings.data,
            fetch=self._fetch_limits(),
            image=self._image_limits,
            max_feed_bytes=settings.max_feed_bytes,
            look_ahead=max(2 * batch, settings.fetch_concurrency),
            ingest=limits,
        )
        return Importer(self.catalog, self._lifecycle, self._measured_encoder, options)

    def _decode(self, data: bytes) -> NDArray[np.uint8]:
        return load_pixels(data, self.encoder.spec.preprocessing, self._image_limits)

    def _serve(self, *, check: bool = True) -> tuple[Collection, SearchEngine]:
        with self._lock:
            if self._serving is None:
                collection = self._lifecycle.open_active()
                self._serving = (
                    collection,
                    SearchEngine(
                        self.catalog,
                        collection,
                        decode=self._decode,
                        encode=self._encode_one,
                        spec=lambda: self.encoder.spec,
                    ),
                )
            if check and self._batcher is None:
                self._lifecycle.check(self._serving[0].manifest, self.encoder.spec)
                self._batcher = MicroBatcher(self.encoder)
            return self._serving

    def _encode_one(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._batcher is None:
            raise ShopsightError("The shop is closed.")
        return self._batcher.encode(pixels)
