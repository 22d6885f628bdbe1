"""Politeness towards each host that is asked: how much at once, and when not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shopsight.errors import FetchError

LONGEST_WAIT_S = 60.0
"""Seconds that a fetch waits if a host asks for it; hosts that ask for more are left alone."""

_FAILURES_UNTIL_CLOSED = 12  # attempts in a row without any answer
_CLOSED_FOR_S = 120.0
_HOSTS_REMEMBERED = 4096


@dataclass
class _Host:
    turns: asyncio.Semaphore
    users: int = 0
    not_before: float = 0.0
    failures: int = 0
    why: FetchError | None = None


class Hosts:
    """Turns at asking hosts.

    Args:
        at_once: Requests under way to all hosts together.
        per_host: Requests under way to one host.
    """

    def __init__(self, *, at_once: int, per_host: int) -> None:
        self._all_turns = asyncio.Semaphore(at_once)
        self._per_host = per_host
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Hold one of the host's turns for the length of a request.

        Raises:
            FetchError: The host is left alone for now; the reason is that of the last failure.
        """
        entry = self._entry(host)
        entry.users += 1
        try:
            async with entry.turns:
                await self._wait_until_welcome(host, entry)
                async with self._all_turns:
                    yield
        finally:
            entry.users -= 1

    def postpone(self, host: str, seconds: float, why: FetchError) -> None:
        """Leave a host alone for some seconds, as it asked."""
        entry = self._entry(host)
        entry.not_before = max(entry.not_before, time.monotonic() + seconds)
        entry.why = why

    def failed(self, host: str, why: FetchError) -> None:
        """Note that a host could not be reached; after several times in a row it is left alone.

        A dead host with thousands of pictures would otherwise hold up the others for hours.
        """
        entry = self._entry(host)
        entry.failures += 1
        if entry.failures >= _FAILURES_UNTIL_CLOSED:
            entry.failures = 0
            self.postpone(host, _CLOSED_FOR_S, why)

    def answered(self, host: str) -> None:
        """Note that a host is alive."""
        self._entry(host).failures = 0

    async def _wait_until_welcome(self, host: str, entry: _Host) -> None:
        while (wait := entry.not_before - time.monotonic()) > 0:
            if wait > LONGEST_WAIT_S and entry.why is not None:
                raise FetchError(
                    f"{host} is left alone for {round(wait)} seconds after this: {entry.why}",
                    reason=entry.why.reason,
                )
            await asyncio.sleep(wait)

    def _entry(self, host: str) -> _Host:
        entry = self._hosts.get(host)
        if entry is None:
            if len(self._hosts) >= _HOSTS_REMEMBERED:
                self._forget_idle()
            entry = self._hosts[host] = _Host(asyncio.Semaphore(self._per_host))
        return entry

    def _forget_idle(self) -> None:
        now = time.monotonic()
        self._hosts = {
            host: entry
            for host, entry in self._hosts.items()
            if entry.users or entry.not_before > now
        }
