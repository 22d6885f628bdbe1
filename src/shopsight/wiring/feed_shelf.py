"""Feeds that the shop keeps, each with a folder for its file and its pictures."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shopsight.catalog.database import Database
from shopsight.catalog.feed_preview import FeedPreview, preview_feed
from shopsight.catalog.feeds import FeedSummary, check_feed, read_feed
from shopsight.catalog.product import Product
from shopsight.catalog.saved_feeds import SavedFeed, SavedFeedStore
from shopsight.catalog.store import CatalogStore
from shopsight.errors import FeedError, FetchError, StorageError
from shopsight.images.source import resolve
from shopsight.ingest.feed_pictures import ArchiveLimits, Unpacked, unpack_pictures
from shopsight.ingest.report import IngestReport, Progress
from shopsight.settings import Settings
from shopsight.wiring.indexed import IndexedShop
from shopsight.wiring.limits import fetch_limits

MAX_FILES = 200_000
_LINKS = 5000
"""Links of a feed that decide how an archive's folders fit."""

_MISSING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Pictures that a feed names as files, among the products looked at.

    Attributes:
        named: How many.
        missing: How many of them were not sent yet.
        examples: The first links of those.
    """

    named: int
    missing: int
    examples: tuple[str, ...]


class FeedShelf:
    """Keeps feeds, and brings them in.

    Args:
        settings: Of the shop.
        database: Where the feeds' options are kept.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._root = settings.data / "saved-feeds"
        self._catalog = CatalogStore(database)
        self.store = SavedFeedStore(database)

    def folder(self, feed_id: str) -> Path:
        """Folder of a feed; made when something is put there."""
        return self._root / feed_id

    def put_file(self, feed_id: str, uploaded: Path, name: str) -> SavedFeed:
        """Take an uploaded file as what the feed is from now on; other options stay.

        Raises:
            StorageError: It cannot be kept.
        """
        known = {feed.id: feed for feed in self.store.all()}.get(feed_id)
        target = self._uploaded(feed_id)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(uploaded, target)
        except OSError as error:
            raise StorageError(f"The upload cannot be kept: {error.strerror}") from error
        values = known.model_dump(exclude={"updated_at"}) if known else {"id": feed_id}
        feed = SavedFeed.model_validate(values | {"url": "", "file": name[:200] or "feed"})
        self.store.save(feed)
        return feed

    def put_pictures(self, feed: SavedFeed, archive: Path) -> Unpacked:
        """Take the pictures of a ZIP archive; those of the same names are replaced.

        Raises:
            FeedError: It is no archive, or holds too much.
            StorageError: They cannot be kept.
        """
        limits = ArchiveLimits(
            max_files=MAX_FILES,
            max_bytes=2 * self._settings.max_feed_bytes,
            max_file_bytes=self._settings.image_max_bytes,
        )
        links = self._links(feed) if feed.file else []
        return unpack_pictures(archive, self._pictures(feed.id), links=links, limits=limits)

    def delete(self, feed_id: str) -> None:
        """Forget a feed, its file, and its pictures but for those of products that are still there.

        Raises:
            NotFoundError: There is no such feed.
            StorageError: Its files cannot be deleted.
        """
        self.store.delete(feed_id)
        folder = self.folder(feed_id)
        shown = self._catalog.locations(f"{folder.resolve()}{os.sep}")
        try:
            for place, _, names in os.walk(folder, topdown=False):
                kept = Path(place)
                for path in (kept / name for name in names):
                    if str(path.resolve()) not in shown:
                        path.unlink(missing_ok=True)
                if not any(kept.iterdir()):
                    kept.rmdir()
        except OSError as error:
            raise StorageError(f"{folder} cannot be deleted: {error.strerror}") from error

    def preview(self, feed: SavedFeed) -> tuple[FeedPreview, PictureFiles]:
        """The beginning of a feed, and whether its pictures are there.

        Raises:
            FeedError: It cannot be read.
            FetchError: It cannot be had from the web.
        """
        found = preview_feed(
            self._file(feed),
            label=feed.url or feed.file,
            format=feed.format,
            mapping=feed.mapping,
            default_currency=feed.currency,
        )
        return found, self._picture_files(feed, found.products)

    def check(self, feed: SavedFeed) -> tuple[FeedSummary, PictureFiles]:
        """Read a feed without indexing it, and count.

        Raises:
            FeedError: It cannot be read.
            FetchError: It cannot be had from the web.
        """
        path, label = self._file(feed), feed.url or feed.file
        options = {"format": feed.format, "mapping": feed.mapping, "label": label}
        summary = check_feed(path, default_currency=feed.currency, **options)  # type: ignore[arg-type]  # as they are declared there
        items = () if feed.url or summary.failure else read_feed(path, **options)  # type: ignore[arg-type]  # as above
        products = (item for item in items if isinstance(item, Product))
        return summary, self._picture_files(feed, products)

    def index(
        self,
        shop: IndexedShop,
        feed: SavedFeed,
        *,
        calibrate: bool = True,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> IngestReport:
        """Bring a feed in; see :meth:`.indexed.IndexedShop.index`."""
        return shop.index(
            feed.url or self._uploaded(feed.id),
            format=feed.format,
            mapping=feed.mapping or None,
            default_currency=feed.currency,
            image_root=None if feed.url else self._pictures(feed.id),
            local_images=not feed.url,
            sync=feed.sync,
            calibrate=calibrate,
            progress=progress,
            cancel=cancel,
        )

    def _uploaded(self, feed_id: str) -> Path:
        return self.folder(feed_id) / "feed"

    def _pictures(self, feed_id: str) -> Path:
        return self.folder(feed_id) / "pictures"

    def _file(self, feed: SavedFeed) -> Path:
        if not feed.url:
            path = self._uploaded(feed.id)
            if not feed.file or not path.is_file():
                raise FeedError(f"The feed {feed.id!r} has no file yet: upload one")
            return path
        from shopsight.images.blocking import download_file

        target = self.folder(feed.id) / "fetched"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {target.parent} cannot be made: {error.strerror}"
            ) from error
        limits = fetch_limits(self._settings)
        download_file(feed.url, target, limits, max_bytes=self._settings.max_feed_bytes)
        return target

    def _links(self, feed: SavedFeed) -> list[str]:
        links: list[str] = []
        try:
            for item in read_feed(
                self._file(feed), format=feed.format, mapping=feed.mapping, label=feed.file
            ):
                links += item.image_links if isinstance(item, Product) else ()
                if len(links) >= _LINKS:
                    break
        except FeedError:
            return links  # whoever sends pictures before the columns are told gets them as they are
        return links

    def _picture_files(self, feed: SavedFeed, products: Iterable[Product]) -> PictureFiles:
        root = self._pictures(feed.id)
        named = missing = 0
        examples: list[str] = []
        for product in () if feed.url else products:
            for link in product.image_links:
                there = _is_there(link, self.folder(feed.id), root)
                if there is None:
                    continue
                named += 1
                if not there:
                    missing += 1
                    if len(examples) < _MISSING_SHOWN:
                        examples.append(link)
        return PictureFiles(named, missing, tuple(examples))


def _is_there(link: str, base: Path, root: Path) -> bool | None:
    """Whether a picture's file was sent; ``None`` for pictures on the web."""
    try:
        location = resolve(link, base, root)
    except FetchError:
        return False  # a path that no feed may name
    return None if location.path is None else location.path.is_file()
