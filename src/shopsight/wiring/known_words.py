"""Keeps the vocabulary of a catalogue at hand."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from shopsight.catalog.store import CatalogStore
from shopsight.errors import ShopsightError, StorageError
from shopsight.index.collection import Collection
from shopsight.words.vocabulary import Vocabulary

log = logging.getLogger(__name__)

LEAST_PAUSE_S = 20.0
"""Seconds between two readings of a catalogue that keeps changing."""

_PAUSE_PER_READING = 10.0


class KnownWords:
    """The vocabulary of the catalogue. Safe to use from several threads.

    It is read when it is first needed, which takes about ten seconds for 100,000 products, and kept
    in a file for the next process. After a change it is read anew beside the searches, which go on
    with the old one until then.

    Args:
        catalog: Whose words they are.
        collection: Whose fields can be filtered by.
        path: File that keeps it.
        clock: Seconds since any time: when it was read last.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Vocabulary | None = None
        self._signature = ""
        self._next_reading = 0.0
        self._reader: threading.Thread | None = None

    def vocabulary(self) -> Vocabulary:
        """The words; those of some seconds ago where the catalogue keeps changing."""
        with self._lock:
            if self._kept is None:
                self._read()
            found = self._kept
        assert found is not None  # noqa: S101  # _read sets it, or raises
        return found

    def refresh(self) -> None:
        """Begin to read them anew if a product changed, and it is not being done."""
        with self._lock:
            if self._kept is None or self._clock() < self._next_reading:
                return
            if self._reader is not None and self._reader.is_alive():
                return
            if self.signature() == self._signature:
                return
            self._reader = threading.Thread(target=self._read_aside, name="words", daemon=True)
            self._reader.start()

    def _read_aside(self) -> None:
        try:
            self._read()
        except ShopsightError:
            log.warning("The catalogue's words cannot be read now; the old ones serve.")

    def _read(self) -> None:
        started = self._clock()
        signature = self.signature()
        found = self._from_file(signature)
        if found is None:
            fields = self._collection.store.schema.fields
            found = Vocabulary.of(self._catalog.every(), attributes=fields)
            self._to_file(found, signature)
        taken = self._clock() - started
        self._kept, self._signature = found, signature
        self._next_reading = self._clock() + max(LEAST_PAUSE_S, _PAUSE_PER_READING * taken)

    def signature(self) -> str:
        """Changes with the products and with the fields that can be filtered by."""
        fields = sorted(self._collection.store.schema.fields)
        return json.dumps([*self._catalog.signature(), fields])

    def _from_file(self, signature: str) -> Vocabulary | None:
        try:
            head, _, body = self._path.read_bytes().partition(b"\n")
            return Vocabulary.from_bytes(body) if head == signature.encode() else None
        except (OSError, StorageError):
            return None  # not there, or damaged: read from the catalogue

    def _to_file(self, found: Vocabulary, signature: str) -> None:
        temporary = self._path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # a server may have no right to write here
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(signature.encode() + b"\n" + found.to_bytes())
                temporary.replace(self._path)
            finally:
                temporary.unlink(missing_ok=True)
