"""What a server remembers of recent queries: in memory only, bounded, and not for long."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.errors import NotFoundError
from shopsight.images.boxes import Box

Vector = NDArray[np.float32]

EMBEDDING_BYTES = 32 * 1024**2
"""Memory for embeddings, unless told otherwise: some 25,000 of 256 dimensions."""

PHOTO_BYTES = 64 * 1024**2
"""Memory for photos, unless told otherwise."""

PHOTO_SECONDS = 15 * 60.0
"""How long a photo is remembered after it was last asked for, unless told otherwise."""

_OVERHEAD = 300
"""Bytes that an entry takes beside its vector or photo, about: key, links, object headers."""

_ID_BYTES = 18


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache has done so far, and holds now.

    Attributes:
        hits: Look-ups that found something.
        misses: Look-ups that did not.
        evictions: Entries dropped to make room, or because their time was over.
        entries: Entries held.
        bytes: Memory they take, about.
    """

    hits: int
    misses: int
    evictions: int
    entries: int
    bytes: int


def embedding_key(data: bytes, box: Box | None, fingerprint: str) -> bytes:
    """Key of a query's embedding: the same for the same bytes, box and encoder only.

    Args:
        data: Bytes of the photo.
        box: The part of it that is encoded; ``None`` for what is encoded without one.
        fingerprint: Of the encoder, from its spec.
    """
    # A photo, however long, comes last: what precedes it ends at the second line break.
    parts = "" if box is None else ",".join(float(edge).hex() for edge in box)
    digest = hashlib.sha256(f"{fingerprint}\n{parts}\n".encode())
    digest.update(data)
    return digest.digest()


class EmbeddingCache:
    """Embeddings of recent queries by :func:`embedding_key`. Safe to use from several threads.

    Vectors are shared between callers and cannot be written to.

    Args:
        max_bytes: Memory for all; the ones not used for longest make room. 0 keeps nothing.
    """

    def __init__(self, max_bytes: int = EMBEDDING_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def get(self, key: bytes) -> Vector | None:
        """The vector of a key, which is then the last to be dropped; ``None``: not known."""
        with self._lock:
            vector = self._vectors.get(key)
            if vector is None:
                self._misses += 1
                return None
            self._hits += 1
            self._vectors.move_to_end(key)
            return vector

    def put(self, key: bytes, vector: Vector) -> Vector:
        """Remember a vector; return the copy that is kept, as :meth:`get` would."""
        kept = np.array(vector, np.float32)
        kept.setflags(write=False)
        with self._lock:
            self._drop(key)
            self._vectors[key] = kept
            self._bytes += _size(kept)
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._vectors)))
                self._evictions += 1
        return kept

    def encoded(self, key: bytes, encode: Callable[[], Vector]) -> Vector:
        """The vector of a key, made if it is not known.

        Args:
            key: From :func:`embedding_key`.
            encode: Makes the vector. Runs without a lock: two threads that ask for the same new
                vector at once both make it.
        """
        found = self.get(key)
        return self.put(key, encode()) if found is None else found

    def clear(self) -> None:
        """Forget everything but the counters."""
        with self._lock:
            self._vectors.clear()
            self._bytes = 0

    def stats(self) -> CacheStats:
        """What was done so far, and what is held."""
        with self._lock:
            return CacheStats(
                self._hits, self._misses, self._evictions, len(self._vectors), self._bytes
            )

    def _drop(self, key: bytes) -> None:
        vector = self._vectors.pop(key, None)
        if vector is not None:
            self._bytes -= _size(vector)


def _size(vector: Vector) -> int:
    return vector.nbytes + _OVERHEAD


@dataclass(slots=True)
class _Photo:
    data: bytes
    used: float


class RecentPhotos:
    """Photos of recent queries, for further ones: another box, other words.

    They are never written to the disk. Their ids cannot be guessed: who knows one has been given
    it. Safe to use from several threads.

    Args:
        max_bytes: Memory for all; the ones not used for longest make room. 0 keeps nothing.
        max_age_s: Seconds after which a photo that nobody asks for is forgotten.
        clock: Tells the time in seconds.
    """

    def __init__(
        self,
        max_bytes: int = PHOTO_BYTES,
        max_age_s: float = PHOTO_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._photos: OrderedDict[str, _Photo] = OrderedDict()
        self._bytes = self._hits = self._misses = self._evictions = 0

    def add(self, data: bytes) -> str:
        """Remember a photo.

        Args:
            data: Its bytes.

        Returns:
            Its id, another one each time, of letters, digits, ``-`` and ``_``; empty if the photo
            is larger than all that may be remembered.
        """
        size = len(data) + _OVERHEAD
        if size > self._max_bytes:
            return ""
        image_id = secrets.token_urlsafe(_ID_BYTES)
        with self._lock:
            self._forget_old()
            self._photos[image_id] = _Photo(data, self._clock())
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop_oldest()
        return image_id

    def get(self, image_id: str) -> bytes:
        """The bytes of a photo, which is remembered for longer then.

        Raises:
            NotFoundError: It is not, or no longer, known.
        """
        with self._lock:
            self._forget_old()
            photo = self._photos.get(image_id)
            if photo is None:
                self._misses += 1
                raise NotFoundError(
                    "The photo is not known, or no longer: photos are remembered for "
                    f"{self._max_age_s / 60:g} minutes after they were last asked for, and for "
                    "less when there are many. Send the photo again."
                )
            self._hits += 1
            photo.used = self._clock()
            self._photos.move_to_end(image_id)
            return photo.data

    def forget_old(self) -> None:
        """Forget photos whose time is over. To be called now and then, when nobody asks."""
        with self._lock:
            self._forget_old()

    def clear(self) -> None:
        """Forget all photos."""
        with self._lock:
            self._photos.clear()
            self._bytes = 0

    def stats(self) -> CacheStats:
        """What was done so far, and what is held."""
        with self._lock:
            return CacheStats(
                self._hits, self._misses, self._evictions, len(self._photos), self._bytes
            )

    def _forget_old(self) -> None:
        oldest = self._clock() - self._max_age_s
        while self._photos and next(iter(self._photos.values())).used <= oldest:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, photo = self._photos.popitem(last=False)
        self._bytes -= len(photo.data) + _OVERHEAD
        self._evictions += 1
