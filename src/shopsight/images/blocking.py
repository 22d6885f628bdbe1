"""Fetching for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from shopsight.errors import FetchError
from shopsight.images.fetch import Fetched, Fetcher, FetchLimits

T = TypeVar("T")


def fetch_picture(url: str, limits: FetchLimits) -> bytes:
    """Bytes of a picture on the web.

    Raises:
        FetchError: It cannot be had, or its address is not a public one.
    """

    async def fetch() -> bytes:
        async with Fetcher(limits) as fetcher:
            got = await fetcher.fetch(url)
        if not isinstance(got, Fetched):
            raise FetchError(f"{url} gave no picture: try again later", reason="server_error")
        return got.data

    return _finished(fetch)


def download_file(url: str, target: Path, limits: FetchLimits, *, max_bytes: int) -> None:
    """Fetch a file of any size; it appears under its name only when whole.

    Raises:
        FetchError: It cannot be had, or its address is not a public one.
        StorageError: It cannot be written.
    """

    async def download() -> None:
        async with Fetcher(limits) as fetcher:
            await fetcher.download(url, target, max_bytes)

    _finished(download)


def _finished(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # In a thread of its own: the caller's may run an event loop, as notebooks do.
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
