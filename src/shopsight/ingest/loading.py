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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.store import ImageState
from shopsight.errors import ImageError
from shopsight.images.fetch import Validators
from shopsight.images.prepare import Prepared
from shopsight.images.source import ImageSource, Loaded, Unchanged
from shopsight.ingest.plan import ImageTask

_POLL_S = 0.2
"""Seconds between looks whether to stop, while no picture arrives."""

Decode = Callable[[bytes], Prepared]
"""Bytes of a picture to what the encoder takes; raises ``DecodeError``."""


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
    """Loads files and decodes on worker threads, and fetches from the web on an event loop.

    Args:
        source: Loads bytes.
        decode: Makes pixels of them.
        look_ahead: Pictures under way or waiting for the encoder at most; bounds memory.
    """

    def __init__(self, source: ImageSource, decode: Decode, *, look_ahead: int) -> None:
        self._source = source
        self._decode = decode
        self._look_ahead = look_ahead
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def load(self, tasks: Iterable[ImageTask], *, cancel: threading.Event) -> Iterator[LoadedImage]:
        """Load pictures; they come in the order in which they are ready.

        Ends early, within a fraction of a second, once ``cancel`` is set. ``tasks`` is read from
        the caller's thread, only as far ahead as the bound allows.
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
                    future = self._start(task)
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
        if self._loop is not None and self._thread is not None:
            with contextlib.suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._source.close(), self._loop).result(timeout=5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            if not self._loop.is_running():
                self._loop.close()
            self._loop = self._thread = None
        self._pool.shutdown(cancel_futures=True)

    def _start(self, task: ImageTask) -> Future[LoadedImage]:
        path = task.location.path
        if path is not None:
            return self._pool.submit(self._load_file, task, path)
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            run = self._loop.run_forever
            self._thread = threading.Thread(target=run, name="fetch", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(self._fetch(task, self._loop), self._loop)

    def _load_file(self, task: ImageTask, path: Path) -> LoadedImage:
        try:
            loaded = self._source.load_file(path, stamp=task.state.stamp)
        except ImageError as error:
            return LoadedImage(task, task.state, error=str(error))
        return self._decoded(task, loaded)

    async def _fetch(self, task: ImageTask, loop: asyncio.AbstractEventLoop) -> LoadedImage:
        validators = Validators(task.state.etag, task.state.last_modified)
        try:
            loaded = await self._source.load(task.location, validators=validators)
        except ImageError as error:
            return LoadedImage(task, task.state, error=str(error))
        return await loop.run_in_executor(self._pool, self._decoded, task, loaded)

    def _decoded(self, task: ImageTask, loaded: Loaded | Unchanged) -> LoadedImage:
        """Make pixels of bytes that are not those in the index already."""
        state = replace(task.state, fetched_at=time.time())
        if isinstance(loaded, Unchanged):
            return LoadedImage(task, state)
        state = replace(
            state,
            content_hash=loaded.sha256,
            etag=loaded.validators.etag,
            last_modified=loaded.validators.last_modified,
            stamp=loaded.stamp,
        )
        if loaded.sha256 == task.state.content_hash:
            return LoadedImage(task, state)
        try:
            prepared = self._decode(loaded.data)
        except ImageError as error:
            return LoadedImage(task, task.state, error=str(error))
        width, height = prepared.size
        return LoadedImage(task, replace(state, width=width, height=height), prepared.pixels)


def _next(
    ready: queue.SimpleQueue[Future[LoadedImage]], cancel: threading.Event
) -> Future[LoadedImage] | None:
    while not cancel.is_set():
        with contextlib.suppress(queue.Empty):
            return ready.get(timeout=_POLL_S)
    return None
