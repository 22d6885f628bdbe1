"""Limits on what a request may send, enforced while it is sent. Plain ASGI: nothing is buffered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopsight.api.problems import ProblemError, respond


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """What one request may send.

    Attributes:
        max_bytes: Bytes of the body.
        idle_s: Seconds without a byte before it is given up.
        total_s: Seconds for the whole body; ``None`` for large uploads, where ``idle_s`` alone
            counts.
    """

    max_bytes: int
    idle_s: float
    total_s: float | None


class BodyLimits:
    """Middleware that stops bodies that are too large or come too slowly.

    A body whose announced length is too large is refused before a byte of it is read. One without
    an announcement is cut off when it passes the limit; the connection is closed then, as its rest
    must not be read.

    Args:
        app: What is protected.
        limit_for: The limit of a request, by its scope.
    """

    def __init__(self, app: ASGIApp, limit_for: Callable[[Scope], BodyLimit]) -> None:
        self._app = app
        self._limit_for = limit_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body metered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit_for(scope)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > limit.max_bytes:
            await respond(scope, _too_large(limit))(scope, receive, send)
            return
        await self._app(scope, _Meter(receive, limit), send)


class _Meter:
    """A ``receive`` that counts bytes and seconds until the body has ended."""

    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._receive = receive
        self._limit = limit
        self._bytes = 0
        self._ended = False
        self._deadline = None if limit.total_s is None else time.monotonic() + limit.total_s

    async def __call__(self) -> Message:
        if self._ended:
            # Afterwards this only waits for the client to hang up, which may take as long as it
            # likes.
            return await self._receive()
        patience = self._limit.idle_s
        if self._deadline is not None:
            patience = min(patience, self._deadline - time.monotonic())
        try:
            async with asyncio.timeout(patience):
                message = await self._receive()
        except TimeoutError as error:
            raise ProblemError(
                408,
                "upload_timeout",
                "The body of the request came too slowly: send a smaller file, or try again.",
                headers={"Connection": "close"},
            ) from error
        self._bytes += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        if self._bytes > self._limit.max_bytes:
            raise _too_large(self._limit, headers={"Connection": "close"})
        return message


def _too_large(limit: BodyLimit, *, headers: dict[str, str] | None = None) -> ProblemError:
    return ProblemError(
        413,
        "too_large",
        f"The body of the request is larger than the {limit.max_bytes:,} bytes allowed here.",
        headers=headers,
    )
