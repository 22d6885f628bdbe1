"""What kinds of jobs there are, and how each is done.

Confidence is fitted by the server's upkeep, after the job: searches need not wait for it.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from shopsight.catalog.jobs import Job, JobState, JobStore
from shopsight.errors import FeedError
from shopsight.ingest.report import IngestCounters, IngestReport
from shopsight.wiring import Shop
from shopsight.wiring.feed_shelf import MAX_FILES, FeedShelf

INDEX_FEED = "index"
REINDEX = "reindex"
CALIBRATE = "calibrate"
EVALUATE = "evaluate"

_NOTE_EVERY_S = 1.0
_SHOWN_MISSES = 50


class StoppedError(Exception):
    """The job was told to stop."""


class Notes:
    """A job's progress: keeps its counters up to date and learns that it is to stop.

    Args:
        jobs: The queue.
        job_id: The job.
        cancel: Set when it is to stop.
    """

    def __init__(self, jobs: JobStore, job_id: str, cancel: threading.Event) -> None:
        self._jobs = jobs
        self._job_id = job_id
        self.cancel = cancel
        self._noted = 0.0

    def update(self, counters: IngestCounters) -> None:
        """Take note of an ingest."""
        self._note(asdict(counters))

    def count(self, done: int, total: int) -> None:
        """Take note of how many things of how many are done.

        Raises:
            StoppedError: The job is to stop.
        """
        self._note({"done": done, "total": total})
        if self.cancel.is_set():
            raise StoppedError

    def _note(self, values: Mapping[str, JsonValue]) -> None:
        now = time.monotonic()
        if now - self._noted < _NOTE_EVERY_S:
            return
        self._noted = now
        if self._jobs.progress(self._job_id, values) is JobState.CANCELLING:
            self.cancel.set()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        result: What is kept of it.
        cancelled: It stopped before its end, because it was told to.
    """

    result: Mapping[str, JsonValue]
    cancelled: bool = False


def index_feed(shop: Shop, job: Job, notes: Notes) -> Outcome:
    """Index a feed: an upload or an address, or one that the shop keeps."""
    request = job.request
    if "feed" in request:
        shelf = FeedShelf(shop.settings, shop.database)
        feed = shelf.store.get(str(request["feed"]))
        return _reported(
            shelf.index(shop, feed, calibrate=False, progress=notes, cancel=notes.cancel)
        )
    report = shop.index(
        str(request.get("path") or request["url"]),
        format=cast("str | None", request.get("format")),
        mapping=cast("dict[str, str] | None", request.get("mapping")) or None,
        local_images=False,
        sync=bool(request.get("sync")),
        default_currency=cast("str | None", request.get("currency")),
        calibrate=False,
        progress=notes,
        cancel=notes.cancel,
    )
    return _reported(report)


def reindex(shop: Shop, _job: Job, notes: Notes) -> Outcome:
    """Encode the catalogue anew."""
    return _reported(shop.reindex(calibrate=False, progress=notes, cancel=notes.cancel))


def calibrate(shop: Shop, _job: Job, notes: Notes) -> Outcome:
    """Fit confidence anew."""
    found = shop.calibrate(progress=notes.count)
    return Outcome({"fitted": found is not None})


def evaluate(shop: Shop, job: Job, notes: Notes) -> Outcome:
    """Measure the search on labelled photos, which are deleted afterwards."""
    from shopsight.evaluate import DEPTH
    from shopsight.evaluate import evaluate as measure
    from shopsight.ingest.feed_pictures import ArchiveLimits, unpack_files
    from shopsight.photo_lists import PhotoList, read_photo_list

    archive = Path(str(job.request["path"]))
    folder = archive.with_suffix(".photos")
    limits = ArchiveLimits(
        MAX_FILES, 2 * shop.settings.max_feed_bytes, shop.settings.image_max_bytes
    )
    try:
        unpack_files(archive, folder, limits=limits)
        listed = read_photo_list(_photo_table(folder))
        inside = [photo for photo in listed.photos if _lies_in(photo.photo, folder)]
        photos = PhotoList(inside, listed.unlabelled, listed.absent)
        shop.warm()
        total = len(photos.photos)
        found = measure(
            photos,
            lambda photo: shop.search(photo, limit=DEPTH),
            known_products=shop.catalog.get,
            progress=lambda done: notes.count(done, total),
        )
        base = _photo_table(folder).parent
        named = {_relative(Path(key), base): why for key, why in found.failed.items()}
        shown = dict(list(named.items())[:_SHOWN_MISSES])
        result = replace(found, failed=shown).as_dict() | {"failed_count": len(named)}
        return Outcome(cast("dict[str, JsonValue]", result))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


KINDS: Mapping[str, Callable[[Shop, Job, Notes], Outcome]] = {
    INDEX_FEED: index_feed,
    REINDEX: reindex,
    CALIBRATE: calibrate,
    EVALUATE: evaluate,
}
"""Kind of job -> what does it."""


def _reported(report: IngestReport) -> Outcome:
    return Outcome(cast("dict[str, JsonValue]", report.as_dict()), cancelled=report.cancelled)


def _photo_table(folder: Path) -> Path:
    """The list of photos in an archive: ``photos.csv``, or the only table there is."""
    tables = sorted(folder.rglob("*.csv"), key=lambda path: (len(path.parts), str(path)))
    named = [path for path in tables if path.name.lower() == "photos.csv"]
    if named:
        return named[0]
    if len(tables) != 1:
        raise FeedError(
            "The archive needs the file photos.csv, with the columns 'photo' and 'product_id'."
        )
    return tables[0]


def _lies_in(photo: Path, folder: Path) -> bool:
    return photo.resolve().is_relative_to(folder.resolve())


def _relative(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) else path.name
