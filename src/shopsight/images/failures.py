"""What answers and errors of the web mean for somebody whose picture is missing."""

from __future__ import annotations

import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from yarl import URL

from shopsight.errors import FetchError

_LATER = "run again later"


class PassingFetchError(FetchError):
    """A failure that may be over at the next attempt."""


def shown(url: URL) -> str:
    """A link as messages and logs may show it: without user name, password and query.

    Args:
        url: The link.
    """
    plain = url.with_user(None) if url.user is not None or url.password is not None else url
    query = "?..." if plain.raw_query_string else ""
    return f"{plain.with_query(None).with_fragment(None)}{query}"


def status_error(status: int, url: URL) -> FetchError:
    """The error for an answer that brings no picture.

    Args:
        status: HTTP status, outside 200 to 299.
        url: What was asked for.
    """
    link = shown(url)
    answer = f"{link} was answered with {status}"
    match status:
        case HTTPStatus.NOT_FOUND:
            return FetchError(f"{answer} (not found): correct the link", reason="not_found")
        case HTTPStatus.GONE:
            return FetchError(f"{answer} (gone): remove or replace the link", reason="gone")
        case HTTPStatus.TOO_MANY_REQUESTS:
            return PassingFetchError(
                f"{answer} (too many requests): {_LATER}, or lower the setting fetch_per_host",
                reason="rate_limited",
            )
        case HTTPStatus.REQUEST_TIMEOUT:
            return PassingFetchError(f"{answer} (timeout): {_LATER}", reason="timeout")
        case HTTPStatus.NOT_IMPLEMENTED | HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
            return FetchError(f"{answer}: the server cannot do this", reason="server_error")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return PassingFetchError(f"{answer} (server error): {_LATER}", reason="server_error")
    if status >= HTTPStatus.BAD_REQUEST:
        return FetchError(
            f"{answer}: the server does not give it to us; see whether the link opens in a "
            "private browser window",
            reason="forbidden",
        )
    return FetchError(f"{answer}, which brings no file: correct the link", reason="server_error")


def too_large(url: URL, max_bytes: int, setting: str) -> FetchError:
    """The error for a file over its limit.

    Args:
        url: What was asked for.
        max_bytes: The limit.
        setting: Its name.
    """
    return FetchError(
        f"{shown(url)} has more than the {max_bytes} bytes allowed: "
        f"make it smaller or raise the setting {setting}",
        reason="too_many_bytes",
    )


def translated(error: Exception, url: URL) -> FetchError:
    """What an exception of the HTTP client means.

    Args:
        error: What was raised while asking for the link.
        url: The link.
    """
    link = shown(url)
    match error:
        case aiohttp.ServerTimeoutError():
            return PassingFetchError(
                f"{link}: the server did not answer in time: {_LATER}, or raise the settings "
                "fetch_connect_timeout_s and fetch_read_timeout_s",
                reason="timeout",
            )
        case TimeoutError():
            return FetchError(
                f"{link} took too long altogether: the server is too slow; "
                "raise the setting fetch_total_timeout_s to wait for it",
                reason="timeout",
            )
        case aiohttp.ClientConnectorDNSError():
            return _dns_error(error, url)
        case aiohttp.ClientSSLError() | ssl.SSLError() | ssl.CertificateError():
            return FetchError(
                f"{link}: no safe connection, {error}: the server's certificate must be put right",
                reason="tls",
            )
        case aiohttp.ClientResponseError():
            return FetchError(
                f"{link} was answered with something that is not HTTP ({error.message}): "
                "correct the link or the server",
                reason="connection",
            )
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | UnicodeError():
            return FetchError(f"{link} is no link that can be fetched: {error}", reason="bad_url")
    return PassingFetchError(
        f"{link}: the connection failed ({_said(error)}): {_LATER}", reason="connection"
    )


def retry_after_s(value: str | None) -> float:
    """Seconds that a server asks us to wait.

    Args:
        value: Its header ``Retry-After``: seconds or a date (RFC 9110, section 10.2.3).

    Returns:
        0 if it does not ask or cannot be understood.
    """
    if value is None:
        return 0.0
    try:
        return max(0.0, float(int(value)))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _dns_error(error: aiohttp.ClientConnectorDNSError, url: URL) -> FetchError:
    cause = error.os_error
    passing = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
    kind = PassingFetchError if passing else FetchError
    return kind(
        f"{shown(url)}: the host name {url.host} is not known: correct the link", reason="dns"
    )


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
