"""Keeps at hand what takes long to read from a catalogue."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from shopsight.errors import ShopsightError

log = logging.getLogger(__name__)

LEAST_PAUSE_S = 20.0
"""Seconds between two readings of a catalogue that keeps changing."""

_PAUSE_PER_READING = 10.0

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value that is read when it is first needed. Safe to use from several threads.

    After a change it is read anew beside the requests, which go on with the old one until then.

    Args:
        name: What it is, for the log.
        read: Reads it.
        signature: Changes when it has to be read anew.
        clock: Seconds since any time.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], Value],
        signature: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._read_value = read
        self._signature_now = signature
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[Value, object] | None = None
        self._next_reading = 0.0
        self._reader: threading.Thread | None = None

    def get(self) -> Value:
        """The value; that of some seconds ago where the catalogue keeps changing."""
        with self._lock:
            found = self._kept or self._read()
        return found[0]

    def put(self, value: Value, signature: object) -> None:
        """Take a value that was come by otherwise.

        Args:
            value: It.
            signature: As it was before the value was made.
        """
        with self._lock:
            self._kept = value, signature

    def refresh(self) -> threading.Thread | None:
        """Begin to read it anew if something changed, and it is not being done.

        Returns:
            What reads it, if something does.
        """
        with self._lock:
            if self._kept is None or self._clock() < self._next_reading:
                return None
            if self._reader is not None and self._reader.is_alive():
                return self._reader
            if self._signature_now() == self._kept[1]:
                return None
            self._reader = threading.Thread(target=self._read_aside, name=self._name, daemon=True)
            self._reader.start()
            return self._reader

    def _read_aside(self) -> None:
        try:
            self._read()
        except ShopsightError:
            log.warning("The catalogue's %s cannot be read now; the old ones serve.", self._name)

    def _read(self) -> tuple[Value, object]:
        started = self._clock()
        signature = self._signature_now()  # before reading: what changes meanwhile is read again
        found = self._read_value(), signature
        self._kept = found
        taken = self._clock() - started
        self._next_reading = self._clock() + max(LEAST_PAUSE_S, _PAUSE_PER_READING * taken)
        return found


def from_file(path: Path, head: str) -> bytes | None:
    """What a file keeps, if it was written under the same head; ``None`` if it cannot be used."""
    try:
        found, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if found == head.encode() else None


def to_file(path: Path, head: str, body: bytes) -> None:
    """Keep something in a file, whole or not at all; where nobody may write, nothing is kept.

    Args:
        path: The file.
        head: Says what it was made from; one line.
        body: What is kept.
    """
    temporary = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):  # a server may have no right to write here
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(head.encode() + b"\n" + body)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
