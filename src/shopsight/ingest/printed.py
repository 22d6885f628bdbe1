"""Reads the words printed on pictures that are in the index, so that searches find them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from shopsight.catalog.store import CatalogStore, ImageState
from shopsight.errors import EncoderError, ImageError
from shopsight.ingest.report import IngestCounters, ProblemList, Progress
from shopsight.ingest.writer import IndexWriter

PictureWords = Callable[[str], str]
"""Where a picture is, a path or a URL, to the words on it; raises ImageError or EncoderError."""

_SAVED_AT_ONCE = 16
"""Pictures read between two writes: as many are read again after a crash."""


def read_pictures(
    catalog: CatalogStore,
    writer: IndexWriter,
    words: PictureWords,
    *,
    version: str,
    problems: ProblemList,
    counters: IngestCounters,
    progress: Progress,
    cancel: threading.Event,
) -> None:
    """Read each picture of an index version that was never read, and let products be found by it.

    A picture that cannot be had or read is noted among the problems, and tried again by the next
    run. Interrupted, the next run goes on from there.

    Args:
        catalog: Knows the pictures, and what was read.
        writer: Of the version; nothing may be left to flush.
        words: Reads a picture.
        version: Name of the index version.
        problems: Where trouble is noted.
        counters: Updated as pictures are read.
        progress: Told how it goes.
        cancel: Set it to stop early.
    """
    found: dict[str, str] = {}
    try:
        for state in _unread(catalog, version):
            if cancel.is_set():
                break
            try:
                found[state.content_hash or ""] = words(state.location)
            except (ImageError, EncoderError) as error:
                problems.image(state.product_id, state.link, f"its words cannot be read: {error}")
            if len(found) >= _SAVED_AT_ONCE:
                writer.read(found)
                found = {}
                progress.update(counters)
    finally:
        writer.read(found)
        progress.update(counters)


def _unread(catalog: CatalogStore, version: str) -> Iterator[ImageState]:
    """One picture of each content that was never read."""
    after = ""
    while page := catalog.texts.unread(version, after=after):
        states = {state.content_hash: state for _, state in catalog.showing(page, version)}
        yield from (states[key] for key in page if key in states)
        after = page[-1]
