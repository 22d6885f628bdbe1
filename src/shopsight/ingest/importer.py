"""Everything that writes: feeds, single products, re-indexing. One writer at a time."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shopsight.catalog.feeds import read_feed
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore
from shopsight.encoders.base import Encoder
from shopsight.errors import BusyError, IngestError, StorageError, VectorIndexError
from shopsight.images.blocking import download_file
from shopsight.images.fetch import FetchLimits
from shopsight.images.prepare import ImageLimits, Prepared, prepare
from shopsight.images.source import ImageSource
from shopsight.index.collection import Collection
from shopsight.ingest.lifecycle import IndexLifecycle
from shopsight.ingest.loading import ImageLoader
from shopsight.ingest.lock import writer_lock
from shopsight.ingest.pipeline import Ingest, IngestLimits
from shopsight.ingest.printed import PictureWords
from shopsight.ingest.report import IngestReport, ItemStatus, Progress

log = logging.getLogger(__name__)

_PUT_WAIT_S = 10.0
"""How long a write of single products waits for another writer."""

_MIN_REINDEXED = 0.9
"""Share of the products that a re-indexed version must hold before it may replace the old one."""


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """A feed to bring in.

    Attributes:
        feed: A file, or an http(s) URL.
        format: Name of a feed reader; found out from the content when not given.
        mapping: Our field -> the feed's column.
        default_currency: For prices that name none.
        image_root: Folder that local pictures must be in; the feed's own when not given.
        local_images: Whether the feed may name local pictures at all; never those of a URL.
    """

    feed: str | Path
    format: str | None = None
    mapping: Mapping[str, str] | None = None
    default_currency: str | None = None
    image_root: Path | None = None
    local_images: bool = True


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Places and limits of all writes.

    Attributes:
        data: Data folder.
        fetch: What fetching may cost.
        image: What a picture may cost.
        max_feed_bytes: Bytes of a feed from the web.
        look_ahead: Pictures loaded ahead of the encoder.
        ingest: Sizes and times of an ingest.
    """

    data: Path
    fetch: FetchLimits
    image: ImageLimits
    max_feed_bytes: int
    look_ahead: int
    ingest: IngestLimits


class Importer:
    """Writes to the catalogue and the index.

    Args:
        catalog: The truth.
        lifecycle: Opens and makes index versions.
        encoder: Loads the encoder when it is first needed.
        options: Places and limits.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        lifecycle: IndexLifecycle,
        encoder: Callable[[], Encoder],
        options: ImportOptions,
    ) -> None:
        self._catalog = catalog
        self._lifecycle = lifecycle
        self._encoder = encoder
        self._options = options

    def index(
        self,
        request: FeedRequest,
        *,
        sync: bool,
        words: PictureWords | None = None,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> IngestReport:
        """Bring in a feed; see :meth:`shopsight.wiring.Shop.index`."""
        with writer_lock(self._options.data):
            path, base = self._local_feed(request.feed)
            root = request.image_root or (base if isinstance(base, Path) else None)
            source = self._source(base, root if request.local_images else None)
            rows = read_feed(
                path,
                format=request.format,
                mapping=request.mapping,
                default_currency=request.default_currency,
                label=str(request.feed),
            )
            self._lifecycle.drop_retired()
            with self._open_for_writing() as collection:
                with self._ingest(collection, source) as ingest:
                    report = ingest.run(
                        rows, sync=sync, words=words, progress=progress, cancel=cancel
                    )
                if not report.cancelled:
                    self._finish(collection, report)
        return report

    def reindex(
        self,
        *,
        words: PictureWords | None = None,
        progress: Progress | None,
        cancel: threading.Event | None,
    ) -> IngestReport:
        """Encode the catalogue anew; see :meth:`shopsight.wiring.Shop.reindex`."""
        with writer_lock(self._options.data):
            if self._lifecycle.active() is None:
                raise VectorIndexError("Nothing is indexed yet: run `shopsight index FEED` first.")
            self._lifecycle.drop_retired()
            before = self._searchable()
            collection = self._lifecycle.begin_rebuild(self._encoder().spec)
            try:
                chunks = self._catalog.all_states()
                products = (product for chunk in chunks for product, _ in chunk)
                source = self._source("", None)
                with self._ingest(collection, source, recorded=True) as ingest:
                    report = ingest.run(products, words=words, progress=progress, cancel=cancel)
                if not report.cancelled:
                    self._replace_active(collection, before)
            finally:
                collection.close()
        return report

    def put(self, products: Sequence[Product]) -> list[ItemStatus]:
        """Add or replace products; see :meth:`shopsight.wiring.Shop.put_products`."""
        with self._write_some() as ingest:
            return ingest.put(products)

    def remove(self, ids: Sequence[str]) -> list[ItemStatus]:
        """Remove products; see :meth:`shopsight.wiring.Shop.delete_products`."""
        with self._write_some() as ingest:
            return ingest.remove(ids)

    def optimize(self) -> None:
        """Bring the index into its fastest shape, unless another process writes."""
        try:
            with writer_lock(self._options.data), self._open_for_writing() as collection:
                collection.store.optimize()
        except BusyError:
            log.info("Another process is indexing: it will optimise the index itself.")

    @contextmanager
    def _write_some(self) -> Iterator[Ingest]:
        """For single products: known pictures may be local, new ones must be on the web."""
        with (
            writer_lock(self._options.data, wait_s=_PUT_WAIT_S),
            self._open_for_writing() as collection,
            self._ingest(collection, self._source("", None), recorded=True) as ingest,
        ):
            yield ingest

    @contextmanager
    def _open_for_writing(self) -> Iterator[Collection]:
        manifest = self._lifecycle.active()
        if manifest is None:
            collection = self._lifecycle.first(self._encoder().spec)
        else:
            collection = self._lifecycle.open(manifest)
        try:
            yield collection
        finally:
            collection.close()

    @contextmanager
    def _ingest(
        self, collection: Collection, source: ImageSource, *, recorded: bool = False
    ) -> Iterator[Ingest]:
        checked = threading.Event()

        def encoder() -> Encoder:
            loaded = self._encoder()
            if not checked.is_set():
                self._lifecycle.check(collection.manifest, loaded.spec)
                checked.set()
            return loaded

        def decode(data: bytes) -> Prepared:
            return prepare(data, encoder().spec.preprocessing, self._options.image)

        loader = ImageLoader(source, decode, look_ahead=self._options.look_ahead)
        try:
            yield Ingest(
                catalog=self._catalog,
                collection=collection,
                encoder=encoder,
                source=source,
                loader=loader,
                reports=self._options.data / "reports",
                limits=self._options.ingest,
                recorded=recorded,
            )
        finally:
            loader.close()

    def _source(self, base: Path | str, root: Path | None) -> ImageSource:
        options = self._options
        return ImageSource(base, root=root, limits=options.image, fetch_limits=options.fetch)

    def _local_feed(self, feed: str | Path) -> tuple[Path, Path | str]:
        """A feed as a file, and what its relative links start from."""
        text = str(feed)
        if not text.startswith(("http://", "https://")):
            path = Path(feed)
            return path, path.resolve().parent
        folder = self._options.data / "feeds"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The folder {folder} cannot be made: {error.strerror}") from error
        target = folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        limit = self._options.max_feed_bytes
        download_file(text, target, self._options.fetch, max_bytes=limit)
        return target, text

    def _searchable(self) -> int:
        """Products in the active index version, also when another encoder made it."""
        try:
            collection = self._lifecycle.open_active()
        except VectorIndexError:
            log.warning("The vectors of the active index version are gone; all are made anew.")
            return 0
        try:
            return collection.store.count_products()
        finally:
            collection.close()

    def _finish(self, collection: Collection, report: IngestReport) -> None:
        counters = report.counters
        written = counters.images_encoded or counters.images_read
        if written or counters.products_updated or counters.products_removed:
            collection.store.optimize()
        self._lifecycle.standardized(collection)

    def _replace_active(self, collection: Collection, products: int) -> None:
        """Let a re-indexed version answer searches, if it holds nearly all products."""
        held = collection.store.count_products()
        if held < _MIN_REINDEXED * products:
            raise IngestError(
                f"Only {held} of {products} products could be encoded again; the old index goes on "
                "serving. See the report for the pictures that could not be had, mend that, and "
                "run `shopsight reindex` again."
            )
        collection.store.optimize()
        self._lifecycle.activate(collection)
        self._lifecycle.standardized(collection)
