"""Takes note of searches and events, a little later and many at once: shoppers wait for nothing."""

from __future__ import annotations

import logging
import threading
import time

from shopsight.catalog.events import Event, EventStore, SearchKind, SearchRecord, normalized
from shopsight.errors import ShopsightError
from shopsight.search.query import SearchResult
from shopsight.settings import Settings

log = logging.getLogger(__name__)

ROOM = 10_000
"""Events and searches that wait at most; more are not recorded."""

_WRITE_EVERY_S = 1.0
_PURGE_EVERY_S = 3600.0


class UsageLog:
    """Records searches and events in batches, and deletes old ones.

    Safe to use from several threads. What a crash loses is the last second.

    Args:
        store: Where they are kept.
        settings: Whether, how much and how long.
    """

    def __init__(self, store: EventStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._searches: list[SearchRecord] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="usage", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._settings.usage:
            self._thread.start()

    def close(self, timeout_s: float = 10) -> None:
        """Write what waits, and stop."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def event(self, event: Event) -> bool:
        """Take note of an event; false when too many wait.

        Where the settings say that nothing is recorded, it is dropped.
        """
        if not self._settings.usage:
            return True
        with self._lock:
            if len(self._events) >= ROOM:
                return False
            self._events.append(event)
        return True

    def search(self, kind: SearchKind, text: str, result: SearchResult) -> None:
        """Take note of a search."""
        if not self._settings.usage:
            return
        record = SearchRecord(
            query_id=result.query_id,
            at=time.time(),
            kind=kind,
            text=normalized(text) if text and self._settings.usage_texts else None,
            hits=len(result.hits),
            no_match=result.no_match or not result.hits,
            latency_ms=result.timings_ms.get("total", 0.0),
        )
        with self._lock:
            if len(self._searches) < ROOM:
                self._searches.append(record)

    def flush(self) -> None:
        """Write what waits; it is kept for later when the database fails."""
        with self._lock:
            events, self._events = self._events, []
            searches, self._searches = self._searches, []
        if not events and not searches:
            return
        try:
            self._store.add(events, searches)
        except ShopsightError as error:
            log.warning("Usage cannot be recorded now, trying again: %s", error)
            with self._lock:
                self._events = (events + self._events)[:ROOM]
                self._searches = (searches + self._searches)[:ROOM]

    def _work(self) -> None:
        purged = 0.0
        while not self._closing.wait(_WRITE_EVERY_S):
            try:
                self.flush()
                if time.monotonic() - purged >= _PURGE_EVERY_S or not purged:
                    purged = time.monotonic()
                    most = self._settings.usage_max_rows
                    self._store.purge(days=self._settings.usage_days, most=most)
            except Exception:
                log.exception("Usage cannot be recorded for a moment")
        self.flush()
