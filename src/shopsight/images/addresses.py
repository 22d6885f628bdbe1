"""Which network addresses are public, and which others were opened on purpose."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
"""An address of either kind."""

# Python's own lists grew with its releases; these are closed whatever the release says. The reasons
# are in the special-purpose registries of IANA (RFC 6890 and later).
_CLOSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by the customers of a provider (carrier-grade NAT)
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; 169.254.169.254 hands out a cloud machine's credentials
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # the only part of IPv6 that is handed out
_CLOSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # special purposes, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP_MARKS = frozenset({0x0000_5EFE, 0x0200_5EFE})


def is_public(address: IPAddress) -> bool:
    """Whether anybody on the internet may be reached at an address.

    Args:
        address: What a connection would be made to.

    Returns:
        False for loopback, private, link-local (with the metadata services of clouds),
        carrier-grade NAT, multicast, documentation, reserved and unspecified addresses, and for
        IPv6 addresses that carry such an IPv4 address (mapped, 6to4, NAT64, ISATAP). Teredo and
        IPv4-compatible addresses are never public.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_V4) and address.is_global
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    low = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _NAT64:
        return is_public(low)
    if address not in _GLOBAL_V6 or any(address in network for network in _CLOSED_V6):
        return False
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    carries_low = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP_MARKS
    return is_public(low) if carries_low else True


class AllowList:
    """Hosts that may be reached although their address is not public.

    Args:
        entries: Host names, addresses, or networks such as ``10.1.0.0/16``. Names open just
            themselves, not the names below them.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in entries:
            text = entry.strip().strip("[]")
            try:
                self._networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                self._names.add(_plain_name(text))

    def has_name(self, host: str) -> bool:
        """Whether a host name was opened, whatever its addresses are."""
        return _plain_name(host) in self._names

    def permits(self, address: str) -> bool:
        """Whether a connection may be made to an address.

        Args:
            address: As the socket is given it. Anything but a plain address is refused.
        """
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        plain = getattr(parsed, "ipv4_mapped", None) or parsed
        return is_public(parsed) or any(plain in network for network in self._networks)


def _plain_name(host: str) -> str:
    name = host.strip().rstrip(".").lower()
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
