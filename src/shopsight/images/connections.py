"""Sessions that connect to public addresses only, checked at the last moment before connecting."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from shopsight import __version__
from shopsight.errors import BlockedAddressError
from shopsight.images.addresses import AllowList

_HEADERS = {
    "User-Agent": f"Shopsight/{__version__} (visual search; fetches product pictures for a shop)",
    "Accept-Encoding": "identity",  # pictures are compressed already
}
_DNS_CACHE_S = 60


class PublicResolver(AbstractResolver):
    """Passes on only those addresses of a name that may be connected to.

    Args:
        inner: Asks the name service.
        allowed: Opened addresses.
    """

    def __init__(self, inner: AbstractResolver, allowed: AllowList) -> None:
        self._inner = inner
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a name, without those that are closed.

        Raises:
            BlockedAddressError: None is left.
        """
        found = await self._inner.resolve(host, port, family)
        kept = [result for result in found if self._allowed.permits(result["host"])]
        if found and not kept:
            raise blocked(host, found[0]["host"])
        return kept

    async def close(self) -> None:
        """Nothing: the inner resolver belongs to whoever made it."""


def blocked(host: str, address: str) -> BlockedAddressError:
    """The error for a host whose address is closed.

    Args:
        host: As in the link.
        address: What it leads to.
    """
    where = host if host == address else f"{host}, which is {address},"
    return BlockedAddressError(
        f"the link leads to {where} no public address: "
        f"if this host may be read, --allow-host {host} opens it"
    )


def public_session(
    resolver: AbstractResolver, allowed: AllowList, *, connections: int
) -> aiohttp.ClientSession:
    """A session that reaches public and opened addresses only.

    The check sits where the socket for one address is made, so that nothing can come between it
    and the connection: not a name service that answers differently the second time, not an address
    written in an unusual way, not a redirect.

    Args:
        resolver: Asks the name service.
        allowed: Opened addresses.
        connections: Kept at most.
    """

    def checked_socket(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, target = address
        if not allowed.permits(str(target[0])):
            raise blocked(str(target[0]), str(target[0]))
        return socket.socket(family, kind, protocol)

    return _session(
        aiohttp.TCPConnector(
            limit=connections,
            resolver=PublicResolver(resolver, allowed),
            ttl_dns_cache=_DNS_CACHE_S,
            socket_factory=checked_socket,
        )
    )


def open_session(resolver: AbstractResolver, *, connections: int) -> aiohttp.ClientSession:
    """A session without that check, for hosts that were opened by name.

    Args:
        resolver: Asks the name service.
        connections: Kept at most.
    """
    return _session(
        aiohttp.TCPConnector(limit=connections, resolver=resolver, ttl_dns_cache=_DNS_CACHE_S)
    )


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        trust_env=False,  # a proxy would connect for us, unchecked
    )
