"""Concurrent queries encoded together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Condition, Event
from typing import cast

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Encoder, Vectors
from shopsight.encoders.checks import check_pixels
from shopsight.errors import EncoderError


@dataclass(eq=False, slots=True)
class _Query:
    """One caller's picture, and what has become of it."""

    pixels: NDArray[np.uint8]
    vector: Vectors | None = None
    error: Exception | None = None
    leads: bool = False
    woken: Event = field(default_factory=Event)

    @property
    def done(self) -> bool:
        return self.vector is not None or self.error is not None


class MicroBatcher:
    """Encodes single pictures of many threads in batches, one batch at a time.

    Nobody waits for a batch to fill up: a caller that finds the encoder idle encodes at once, in
    its own thread. Those who come meanwhile queue; when the batch is done, the first of them takes
    all that queue, up to ``max_batch``, as the next batch. There is no thread of its own to start,
    wake or stop.

    Args:
        encoder: Does the work; not closed by this.
        max_batch: Pictures per batch, at most.
    """

    def __init__(self, encoder: Encoder, max_batch: int = 8) -> None:
        if max_batch < 1:
            raise ValueError(f"max_batch is {max_batch}: at least 1 is needed")
        self._encoder = encoder
        self._max_batch = max_batch
        self._changed = Condition()
        self._queue: deque[_Query] = deque()
        self._busy = False
        self._closed = False

    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Embed one prepared picture, together with those of other callers.

        Args:
            pixels: ``(size, size, 3)`` uint8 RGB; must not be changed before the call returns.

        Returns:
            ``(dimension,)`` float32 of unit length.

        Raises:
            EncoderError: Wrong shape or dtype, the model failed on this picture, or this is closed.
        """
        vector: Vectors = self.encode_all(pixels[None])[0]
        return vector

    def encode_all(self, pixels: NDArray[np.uint8]) -> Vectors:
        """Embed prepared pictures of one caller, in one batch if they fit into one.

        Args:
            pixels: ``(n, size, size, 3)`` uint8 RGB, n at least 1; must not be changed before the
                call returns.

        Returns:
            ``(n, dimension)`` float32, rows of unit length.

        Raises:
            EncoderError: As :meth:`encode`.
        """
        check_pixels(pixels, self._encoder.spec)
        queries = [_Query(picture) for picture in pixels]
        with self._changed:
            if self._closed:
                raise EncoderError("Pictures are no longer taken: the service is shutting down")
            self._queue.extend(queries)
            queries[0].leads = not self._busy
            self._busy = True
        try:
            for query in queries:
                if not (query.leads or query.done):
                    query.woken.wait()
                if query.leads:
                    self._lead()
        except BaseException:  # Ctrl-C: nobody may wait for a leader who has left
            self._withdraw(queries)
            raise
        for query in queries:
            if query.error is not None:
                raise query.error
        # Without an error there is a vector.
        return np.stack([cast("Vectors", query.vector) for query in queries])

    def close(self) -> None:
        """Take no more pictures, and wait until those taken are encoded."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._busy)

    def _withdraw(self, queries: list[_Query]) -> None:
        """Take pictures out of the queue; if one of them was to lead, let another do so."""
        with self._changed:
            waiting = [query for query in queries if query in self._queue]
            for query in waiting:
                self._queue.remove(query)
            if any(query.leads for query in waiting):
                self._promote()

    def _lead(self) -> None:
        """Encode the next batch, which the caller's own picture heads; then hand over."""
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(self._max_batch, len(self._queue)))]
        try:
            self._encode(batch)
        finally:
            self._hand_over(batch)

    def _encode(self, batch: list[_Query]) -> None:
        try:
            if len(batch) == 1:
                vectors = self._encoder.encode_images(batch[0].pixels[None])
            else:
                vectors = self._encoder.encode_images(np.stack([query.pixels for query in batch]))
        except Exception as error:  # noqa: BLE001  # it is raised again in the thread it belongs to
            if len(batch) == 1:
                batch[0].error = error
            else:  # one picture may be to blame: the others shall not suffer for it
                for query in batch:
                    self._encode([query])
        else:
            for query, vector in zip(batch, vectors, strict=True):
                query.vector = vector

    def _hand_over(self, batch: list[_Query]) -> None:
        """Wake who is done, and make the first that queues the next leader.

        When the leader was interrupted, the others of its batch go back to the head of the queue.
        """
        with self._changed:
            left = [query for query in batch[1:] if not query.done]
            self._queue.extendleft(reversed(left))
            self._promote()
        for query in batch[1:]:
            if query.done:
                query.woken.set()

    def _promote(self) -> None:
        """Make the first that queues the leader, or note that nobody is left. Needs the lock."""
        if self._queue:
            self._queue[0].leads = True
            self._queue[0].woken.set()
        else:
            self._busy = False
            self._changed.notify_all()
