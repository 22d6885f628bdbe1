"""Fetches and decodes pictures ahead of the encoder, a bounded number at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.store import ImageState
from shopsight.errors import ImageError
from shopsight.images.fetch import Validators
from shopsight.images.source import ImageSource, Loaded
from shopsight.ingest.plan import ImageTask

_POLL_S = 0.2
"""Seconds between looks whether to stop, while no picture arrives."""

Decode = Callable[[bytes], NDArray[np.uint8]]
"""Bytes of a picture to ``(size, size, 3)`` uint8 pixels; raises ``DecodeError``."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """Outcome of one task.

    Attributes:
        task: The task.
        state: What is known of the picture now.
        pixels: ``(size, size, 3)`` uint8; ``None`` when the picture is unchanged or failed.
        error: Why it failed.
    """

    task: ImageTask
    state: ImageState
    pixels: NDArray[np.uint8] | None = None
    error: str | None = None


class ImageLoader:
    """Runs fetches on an event loop and decoding on worker threads, both in the background.

    Args:
        source: Loads bytes.
        decode: Makes pixels of them.
        look_ahead: Pictures under way or waiting for the encoder at most; bounds memory.
    """

    def __init__(self, source: ImageSource, decode: Decode, *, look_ahead: int) -> None:
        self._source = source
        self._decode = decode
        self._look_ahead = look_ahead
        self._loop = asyncio.new_event_loop()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()

    def load(self, tasks: Iterable[ImageTask], *, cancel: threading.Event) -> Iterator[LoadedImage]:
        """Load pictures; they come in the order in which they are ready.

        Ends early, within a fraction of a second, once ``cancel`` is set.
        ``tasks`` is read from the caller's thread, only as far ahead as the bound allows.
        """
        ready: queue.SimpleQueue[Future[LoadedImage]] = queue.SimpleQueue()
        remaining = iter(tasks)
        under_way: set[Future[LoadedImage]] = set()
        try:
            while True:
                while (
                    len(under_way) < self._look_ahead
                    and (task := next(remaining, None)) is not None
                ):
                    future = asyncio.run_coroutine_threadsafe(self._load_one(task), self._loop)
                    under_way.add(future)
                    future.add_done_callback(ready.put)
                if not under_way:
                    return
                done = _next(ready, cancel)
                if done is None:
                    return
                under_way.discard(done)
                yield done.result()
        finally:
            for future in under_way:
                future.cancel()

    def close(self) -> None:
        """Stop the background threads."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._source.close(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._pool.shutdown(cancel_futures=True)
        if not self._loop.is_running():
            self._loop.close()

    async def _load_one(self, task: ImageTask) -> LoadedImage:
        state = task.state
        try:
            loaded = await self._source.load(
                task.location,
                validators=Validators(state.etag, state.last_modified),
                stamp=state.stamp,
            )
            if not isinstance(loaded, Loaded):
                return LoadedImage(task, replace(state, fetched_at=time.time()))
            now = replace(
                state,
                content_hash=loaded.sha256,
                etag=loaded.validators.etag,
                last_modified=loaded.validators.last_modified,
                stamp=loaded.stamp,
                fetched_at=time.time(),
            )
            if loaded.sha256 == state.content_hash:
                return LoadedImage(task, now)
            pixels = await self._loop.run_in_executor(self._pool, self._decode, loaded.data)
        except ImageError as error:
            return LoadedImage(task, state, error=str(error))
        return LoadedImage(task, now, pixels=pixels)


def _next(
    ready: queue.SimpleQueue[Future[LoadedImage]], cancel: threading.Event
) -> Future[LoadedImage] | None:
    while not cancel.is_set():
        with contextlib.suppress(queue.Empty):
            return ready.get(timeout=_POLL_S)
    return None
