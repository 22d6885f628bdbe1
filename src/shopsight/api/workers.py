"""Blocking work beside the event loop, with bounded threads, a bounded queue, a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from shopsight.api.problems import ProblemError

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """Threads for one kind of work.

    A call that exceeds its time keeps its thread until it ends by itself, so that no stream of
    hostile requests can start more threads than there are. Meanwhile further calls wait, and are
    refused when too many do.

    Args:
        name: Prefix of the threads' names.
        threads: How many calls run at once.
        waiting: How many more may wait.
        timeout_s: Seconds from asking to answer.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, timeout_s: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._room = threads + waiting
        self._timeout_s = timeout_s
        self._asked = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in one of the threads.

        Raises:
            ProblemError: 503 when too many calls wait or no thread came free in time; 504 when the
            call itself took too long.
            Exception: Whatever the function raises.
        """
        if self._asked >= self._room:
            raise _overloaded()
        future = self._executor.submit(function, *args, **kwargs)
        self._asked += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _quietly(loop, self._one_less))
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            if future.cancelled():
                raise _overloaded() from None
            raise ProblemError(
                504,
                "timeout",
                f"There was no answer within {self._timeout_s:g} seconds: try again later.",
            ) from None

    def close(self) -> None:
        """Take no more calls. Those that run end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _one_less(self) -> None:
        self._asked -= 1


def _quietly(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        # A call that outlived its server: nobody counts any more.
        return


def _overloaded() -> ProblemError:
    return ProblemError(
        503,
        "overloaded",
        "Too many requests are being answered: try again in a few seconds.",
        headers={"Retry-After": "2"},
    )
