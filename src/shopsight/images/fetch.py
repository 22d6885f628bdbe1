"""Fetches pictures and feeds from the web: patiently, politely, and from public addresses only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from yarl import URL

from shopsight.errors import FetchError, StorageError
from shopsight.images.addresses import AllowList
from shopsight.images.connections import open_session, public_session
from shopsight.images.failures import (
    PassingFetchError,
    retry_after_s,
    shown,
    status_error,
    too_large,
    translated,
)
from shopsight.images.hosts import Hosts

_Outcome = TypeVar("_Outcome")
_CHUNK_BYTES = 65_536
_LONGEST_BACKOFF_S = 10.0
_LONGEST_POSTPONED_S = 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304
_OK, _MULTIPLE_CHOICES = 200, 300


@dataclass(frozen=True)
class FetchLimits:
    """What fetching may cost; the settings of the same names explain each.

    Attributes:
        max_bytes: Bytes of one picture, counted after any content encoding is undone.
        allow_hosts: Names, addresses or networks that may be reached though they are not public.
        concurrency: Requests under way at once.
        per_host: Requests under way at once to one host.
        connect_timeout_s: Seconds to connect.
        read_timeout_s: Seconds without a byte.
        total_timeout_s: Seconds of one attempt, redirects included, waiting for a turn excluded.
        retries: Further attempts after a passing failure.
        max_redirects: Redirects followed.
        backoff_s: Seconds waited at most before the second attempt; doubles with each.
    """

    max_bytes: int = 20_000_000
    allow_hosts: tuple[str, ...] = ()
    concurrency: int = 16
    per_host: int = 4
    connect_timeout_s: float = 5
    read_timeout_s: float = 10
    total_timeout_s: float = 30
    retries: int = 3
    max_redirects: int = 5
    backoff_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask whether a file has changed (RFC 9110, section 8.8).

    Attributes:
        etag: Its header ``ETag``.
        last_modified: Its header ``Last-Modified``.
    """

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file from the web.

    Attributes:
        data: Its bytes.
        validators: For asking again.
        final_url: Where it was found after redirects.
        content_type: What the server says it is; not to be trusted.
    """

    data: bytes
    validators: Validators
    final_url: str
    content_type: str


@dataclass(frozen=True, slots=True)
class NotModified:
    """The file is still what it was when its validators were given."""


@dataclass(frozen=True, slots=True)
class _Redirect:
    url: URL


_Take = Callable[[aiohttp.ClientResponse, URL], Awaitable[_Outcome]]


class Fetcher:
    """Fetches from http and https links.

    Every address is checked at the moment of connecting, for each redirect again. No cookies are
    kept, no proxies of the environment used. Belongs to the event loop it is first used in; use it
    as an asynchronous context manager or call :meth:`close`.

    Args:
        limits: What fetching may cost.
        resolver: Asks the name service; by default the system's.
    """

    def __init__(self, limits: FetchLimits, *, resolver: AbstractResolver | None = None) -> None:
        self._limits = limits
        self._allowed = AllowList(limits.allow_hosts)
        self._hosts = Hosts(at_once=limits.concurrency, per_host=limits.per_host)
        self._resolver = resolver
        self._sessions: tuple[aiohttp.ClientSession, aiohttp.ClientSession] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def fetch(self, url: str, validators: Validators | None = None) -> Fetched | NotModified:
        """Fetch a picture.

        Args:
            url: http or https link.
            validators: Of the copy already held; the server is then asked only for a newer one.

        Returns:
            The file, or that it has not changed.

        Raises:
            FetchError: Reason ``bad_url``, ``dns``, ``connection``, ``tls``, ``timeout``,
                ``not_found``, ``gone``, ``forbidden``, ``rate_limited``, ``server_error``,
                ``too_many_redirects`` or ``too_many_bytes``.
            BlockedAddressError: The link, or a redirect, leads to an address that is not public.
        """
        asked = validators or Validators()

        async def take(response: aiohttp.ClientResponse, final: URL) -> Fetched | NotModified:
            if response.status == _NOT_MODIFIED and asked != Validators():
                return NotModified()
            _check_status(response, final)
            data = bytearray()
            limit = self._limits.max_bytes
            await _stream(response, data.extend, limit, too_large(final, limit, "image_max_bytes"))
            return Fetched(
                bytes(data),
                _validators(response),
                str(final.with_user(None)),
                response.content_type,
            )

        headers = {
            name: value
            for name, value in (
                ("Accept", "image/*, */*;q=0.5"),
                ("If-None-Match", asked.etag),
                ("If-Modified-Since", asked.last_modified),
            )
            if value
        }
        return await self._patiently(url, headers, take, self._limits.total_timeout_s)

    async def download(
        self, url: str, destination: Path, max_bytes: int, *, total_timeout_s: float = 3600
    ) -> Validators:
        """Fetch a file of any size, such as a feed; it appears under its name only when whole.

        Args:
            url: http or https link.
            destination: Where to put it; replaced if it exists.
            max_bytes: Limit, counted after any content encoding is undone.
            total_timeout_s: Seconds of one attempt.

        Returns:
            What to ask with for a newer one.

        Raises:
            FetchError: As :meth:`fetch`.
            StorageError: The file cannot be written.
        """
        part = destination.with_name(f".{destination.name}.part")
        try:
            with part.open("wb") as file:
                validators = await self._download_to(file, url, max_bytes, total_timeout_s)
            part.replace(destination)
        except OSError as error:
            raise StorageError(
                f"{destination} cannot be written ({error.strerror or error}): "
                "free some space or choose another folder"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return validators

    async def close(self) -> None:
        """Close all connections."""
        sessions, self._sessions = self._sessions, None
        for session in sessions or ():
            await session.close()

    async def _download_to(
        self, file: BinaryIO, url: str, max_bytes: int, total_timeout_s: float
    ) -> Validators:
        def write(chunk: bytes) -> None:
            try:
                file.write(chunk)
            except OSError as error:
                raise _DiskError(error.errno, error.strerror) from error

        async def take(response: aiohttp.ClientResponse, final: URL) -> Validators:
            _check_status(response, final)
            file.seek(0)
            file.truncate()
            await _stream(response, write, max_bytes, too_large(final, max_bytes, "max_feed_bytes"))
            return _validators(response)

        return await self._patiently(url, {"Accept": "*/*"}, take, total_timeout_s)

    async def _patiently(
        self, link: str, headers: dict[str, str], take: _Take[_Outcome], total_s: float
    ) -> _Outcome:
        """Ask again after passing failures, each time after a longer random wait."""
        url = _checked_url(link)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingFetchError),
            stop=stop_after_attempt(1 + self._limits.retries),
            wait=wait_random_exponential(multiplier=self._limits.backoff_s, max=_LONGEST_BACKOFF_S),
            reraise=True,
        )
        return await retrying(self._follow, url, headers, take, total_s)

    async def _follow(
        self, url: URL, headers: dict[str, str], take: _Take[_Outcome], total_s: float
    ) -> _Outcome:
        """One attempt: ask, and go where redirects lead."""
        start, left_s = url, total_s
        for _ in range(1 + self._limits.max_redirects):
            async with self._hosts.turn(url.host or ""):
                began = time.monotonic()
                outcome = await self._ask(url, headers, take, left_s)
                left_s -= time.monotonic() - began
            if not isinstance(outcome, _Redirect):
                return outcome
            url = outcome.url
        raise FetchError(
            f"{shown(start)} was redirected more than {self._limits.max_redirects} times: "
            "correct the link to where it ends",
            reason="too_many_redirects",
        )

    async def _ask(
        self, url: URL, headers: dict[str, str], take: _Take[_Outcome], left_s: float
    ) -> _Outcome | _Redirect:
        """One request and its answer."""
        host = url.host or ""
        answered = False
        try:
            async with (
                asyncio.timeout(max(left_s, 0)),
                self._session(host).get(
                    url,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(
                        total=None,
                        sock_connect=self._limits.connect_timeout_s,
                        sock_read=self._limits.read_timeout_s,
                    ),
                ) as response,
            ):
                answered = True
                self._hosts.answered(host)
                if response.status in _REDIRECTS and "Location" in response.headers:
                    return _Redirect(_redirect_target(url, response.headers["Location"]))
                self._heed_retry_after(host, response, url)
                return await take(response, url)
        except _DiskError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = translated(error, url)
            if not answered and isinstance(failure, PassingFetchError):
                self._hosts.failed(host, failure)
            raise failure from error

    def _heed_retry_after(self, host: str, response: aiohttp.ClientResponse, url: URL) -> None:
        wait_s = retry_after_s(response.headers.get("Retry-After"))
        if wait_s and response.status in {429, 503}:
            why = status_error(response.status, url)
            self._hosts.postpone(host, min(wait_s, _LONGEST_POSTPONED_S), why)

    def _session(self, host: str) -> aiohttp.ClientSession:
        if self._sessions is None:
            resolver = self._resolver or aiohttp.DefaultResolver()
            connections = self._limits.concurrency
            self._sessions = (
                public_session(resolver, self._allowed, connections=connections),
                open_session(resolver, connections=connections),
            )
        return self._sessions[self._allowed.has_name(host)]


class _DiskError(OSError):
    """The disk failed, not the network."""


async def _stream(
    response: aiohttp.ClientResponse,
    write: Callable[[bytes], object],
    max_bytes: int,
    over_limit: FetchError,
) -> None:
    if (response.content_length or 0) > max_bytes:
        raise over_limit
    received = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        received += len(chunk)
        if received > max_bytes:
            raise over_limit
        write(chunk)


def _check_status(response: aiohttp.ClientResponse, url: URL) -> None:
    if not _OK <= response.status < _MULTIPLE_CHOICES:
        raise status_error(response.status, url)


def _validators(response: aiohttp.ClientResponse) -> Validators:
    return Validators(response.headers.get("ETag"), response.headers.get("Last-Modified"))


def _checked_url(link: str) -> URL:
    try:
        url = URL(link)
        port = url.port
    except (ValueError, TypeError) as error:
        # Not the link itself: it may hold a password, and cannot be taken apart to leave it out.
        raise FetchError(
            f"a link cannot be read: {type(error).__name__}: correct it", reason="bad_url"
        ) from error
    if url.scheme not in {"http", "https"} or not url.host or port is None:
        raise FetchError(
            f"{shown(url)} is no link that can be fetched: "
            "it must start with http:// or https:// and name a host",
            reason="bad_url",
        )
    return url


def _redirect_target(url: URL, location: str) -> URL:
    """Where a redirect leads, without any user name and password."""
    try:
        target = url.with_user(None).join(URL(location))
    except ValueError as error:
        raise FetchError(
            f"{shown(url)} is redirected to something that is no link: correct the link",
            reason="bad_url",
        ) from error
    return _checked_url(str(target.with_user(None) if target.host else target))
