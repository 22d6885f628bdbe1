from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.images.addresses import AllowList, is_public

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.170",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_closed_ipv4_addresses(address: str):
    """Private and special IPv4 addresses are not public, however IPv6 hides them."""
    plain = ipaddress.IPv4Address(address)
    number = int(plain)
    assert not is_public(plain)
    for carrier in (
        0xFFFF << 32 | number,  # ::ffff:a.b.c.d, mapped
        number,  # ::a.b.c.d, compatible
        0x2002 << 112 | number << 80 | 1,  # 6to4
        0x0064_FF9B << 96 | number,  # NAT64
        0x2A00_1450 << 96 | 0x0000_5EFE << 32 | number,  # ISATAP
        0x2001_0000 << 96 | number << 64,  # Teredo server
        0x2001_0000 << 96 | number ^ 0xFFFF_FFFF,  # Teredo client
    ):
        assert not is_public(ipaddress.IPv6Address(carrier)), ipaddress.IPv6Address(carrier)


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001:10::1",
        "3fff::1",
        "64:ff9b:1::1",
        "100::1",
        "4000::1",
        "5f00::1",
    ],
)
def test_closed_ipv6_addresses(address: str):
    """Loopback, link-local, private, multicast, documentation and unassigned are not public."""
    assert not is_public(ipaddress.IPv6Address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str):
    """Ordinary addresses are public, right up to the edges of the closed ranges."""
    plain = ipaddress.IPv4Address(address)
    assert is_public(plain)
    assert is_public(ipaddress.IPv6Address(0xFFFF << 32 | int(plain)))
    assert is_public(ipaddress.IPv6Address(0x2002 << 112 | int(plain) << 80 | 1))


def test_public_ipv6_addresses():
    """Assigned unicast IPv6 addresses are public."""
    assert is_public(ipaddress.IPv6Address("2606:4700:4700::1111"))
    assert is_public(ipaddress.IPv6Address("2a00:1450:4001:80b::200e"))


@given(st.ip_addresses(v=4))
def test_never_more_open_than_python(address: ipaddress.IPv4Address):
    """No address that Python knows as private, reserved or multicast counts as public."""
    closed = address.is_private or address.is_reserved or address.is_multicast
    assert not (is_public(address) and closed)


@given(st.ip_addresses(v=6))
def test_never_more_open_than_python_for_ipv6(address: ipaddress.IPv6Address):
    """The same for IPv6."""
    closed = address.is_private or address.is_reserved or address.is_multicast
    mapped = address.ipv4_mapped is not None or address in ipaddress.ip_network("64:ff9b::/96")
    assert not (is_public(address) and closed and not mapped)


def test_allow_list_opens_just_what_it_names():
    """Names, addresses and networks are opened; names below them and neighbours are not."""
    allowed = AllowList(
        ["Images.Internal.", "10.0.0.5", "[::1]", "192.168.7.0/24", "bücher.example"]
    )
    assert allowed.has_name("images.internal")
    assert allowed.has_name("IMAGES.INTERNAL.")
    assert allowed.has_name("xn--bcher-kva.example")
    assert not allowed.has_name("evil.images.internal")
    assert not allowed.has_name("internal")
    assert allowed.permits("10.0.0.5")
    assert allowed.permits("::ffff:10.0.0.5")
    assert allowed.permits("::1")
    assert allowed.permits("192.168.7.200")
    assert allowed.permits("8.8.8.8")
    assert not allowed.permits("10.0.0.6")
    assert not allowed.permits("192.168.8.1")


@pytest.mark.parametrize(
    "text", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "", "host", "1.1.1.1 "]
)
def test_only_plain_addresses_are_permitted(text: str):
    """What is no address in its plain form is refused, whatever a socket would make of it."""
    assert not AllowList([]).permits(text)
