from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.addresses import Allow, host_fits, host_pattern, is_host, unwrapped, why_not_public

NOT_PUBLIC_4 = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
PUBLIC_4 = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.0.1",
    "172.32.0.1",
    "223.255.255.254",
]
NOT_PUBLIC_6 = [
    "::", "::1", "::7f00:1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
    "64:ff9b:1::808:808", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1",
    "4000::1", "::ffff:0:808:808",
]  # fmt: skip
PUBLIC_6 = ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:80b::200e", "2003::1"]


def carriers(address: str) -> list[IPv6Address]:
    """The IPv6 addresses that lead to an IPv4 address: mapped, NAT64, 6to4."""
    number = int(IPv4Address(address))
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ]


@pytest.mark.parametrize("address", NOT_PUBLIC_4 + NOT_PUBLIC_6)
def test_an_address_of_a_special_range_is_not_public(address: str) -> None:
    assert why_not_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC_4 + PUBLIC_6)
def test_an_ordinary_address_is_public(address: str) -> None:
    assert why_not_public(ip_address(address)) is None


@pytest.mark.parametrize("address", NOT_PUBLIC_4)
def test_an_inner_address_stays_inner_in_every_disguise(address: str) -> None:
    for carrier in carriers(address):
        assert why_not_public(carrier) == why_not_public(ip_address(address))
        assert unwrapped(carrier) == ip_address(address)


@pytest.mark.parametrize("address", PUBLIC_4)
def test_a_public_address_behind_a_translator_is_public(address: str) -> None:
    assert [why_not_public(carrier) for carrier in carriers(address)] == [None, None, None]


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_nothing_python_calls_private_or_multicast_is_public(address: IPv4Address | IPv6Address) -> None:
    inner = unwrapped(address)
    if inner.is_private or inner.is_multicast or inner.is_reserved or inner.is_loopback or inner.is_link_local:
        assert why_not_public(address)


# -- what the operator allows

ALLOW = Allow.parse("127.0.0.1:8801, 10.8.0.0/16,[fd00::7]:443,fd01::/16,wms.internal,*.lan:8080,Old.Example.")


@pytest.mark.parametrize(
    ("address", "port", "expected"),
    [
        ("127.0.0.1", 8801, True),
        ("127.0.0.1", 8802, False),
        ("::ffff:127.0.0.1", 8801, True),
        ("10.8.3.4", 1, True),
        ("10.9.0.1", 1, False),
        ("64:ff9b::a08:1", 1, True),
        ("fd00::7", 443, True),
        ("fd00::8", 443, False),
        ("fd01::8", 9, True),
    ],
)
def test_an_allowed_network_covers_its_addresses_at_its_port(address: str, port: int, expected: bool) -> None:  # noqa: FBT001 - a table
    assert ALLOW.covers(ip_address(address), port) is expected


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("wms.internal", 80, True),
        ("a.wms.internal", 80, False),
        ("x.lan", 8080, True),
        ("a.b.lan", 8080, True),
        ("x.lan", 80, False),
        ("lan", 8080, False),
        (".lan", 8080, False),
        ("old.example", 443, True),
        ("127.0.0.1", 8801, True),
        ("127.0.0.1", 80, False),
        ("localhost", 8801, False),
        ("10.8.1.1", 80, True),
    ],
)
def test_an_allowed_host_is_named_exactly_or_by_its_domain(host: str, port: int, expected: bool) -> None:  # noqa: FBT001 - a table
    assert ALLOW.names(host, port) is expected


def test_no_text_allows_nothing() -> None:
    assert Allow.parse("") == Allow.parse(" , ") == Allow()
    assert not Allow().names("wms.internal", 443)
    assert not Allow().covers(ip_address("127.0.0.1"), 443)


NO_ENTRIES = [
    "10.8.0.1/16", "10.8.0.0/33", "10.8", "a:b", "a:0", "a:99999", "http://x", "x/y", "*",
    "*:80", ":80", "[::1", "a b", "*.*.x",
]  # fmt: skip


@pytest.mark.parametrize("entry", NO_ENTRIES)
def test_an_entry_that_cannot_be_read_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host") as caught:
        Allow.parse(f"wms.internal,{entry}")
    assert repr(entry) in str(caught.value)


# -- hosts of a connector


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("demo.channelengine.net", True),
        ("a.b.channelengine.net", True),
        ("channelengine.net", False),
        ("evilchannelengine.net", False),
        ("channelengine.net.evil.com", False),
        ("api.shipbob.com", True),
        ("x.api.shipbob.com", False),
    ],
)
def test_a_pattern_fits_a_host_or_what_is_below_a_domain(host: str, expected: bool) -> None:  # noqa: FBT001 - a table
    patterns = tuple(map(host_pattern, ["*.ChannelEngine.net", " api.shipbob.com. "]))
    assert host_fits(host, patterns) is expected


def test_a_star_fits_every_host() -> None:
    assert host_fits("anything.example", (host_pattern("*"),))


@pytest.mark.parametrize("text", ["", "*.", "a.*.b", "https://a", "a/b", "a b", "ä.example"])
def test_a_pattern_that_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        host_pattern(text)


@pytest.mark.parametrize("host", ["", "*.x", "a%2eb", "127.0.0.1%00.com", "a..b", "-a.b"])
def test_what_only_a_lenient_reader_takes_for_a_host_is_none(host: str) -> None:
    assert not is_host(host)
