"""Which internet addresses are public, and which others the operator allows. Pure; `hub.kit.egress` acts on it."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registries as of 2026. Written out, because what `ipaddress` calls global differs between
# patch releases of Python 3.11 and takes in multicast.
_NOT_PUBLIC_4 = tuple(
    (IPv4Network(network), words)
    for network, words in (
        ("0.0.0.0/8", "an address of this network"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's or cloud's internal address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's internal address"),  # Azure's platform, reachable from every machine there
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a protocol's address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.31.196.0/24", "a protocol's address"),
        ("192.52.193.0/24", "a protocol's address"),
        ("192.88.99.0/24", "a relay's address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "a protocol's address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)
_NOT_PUBLIC_6 = tuple(
    (IPv6Network(network), words)
    for network, words in (
        ("::/128", "an address of this network"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a protocol's address"),  # Teredo, ORCHID, benchmarks and more
        ("2001:db8::/32", "an address for documentation"),
        ("2620:4f:8000::/48", "a protocol's address"),
        ("3fff::/20", "an address for documentation"),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
_HIGHEST_PORT = 65_535


def why_not_public(address: Address) -> str | None:
    """Say in words what keeps an address from being public; None if it is public.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged by itself.
    """
    inner = unwrapped(address)
    if isinstance(inner, IPv4Address):
        return next((words for network, words in _NOT_PUBLIC_4 if inner in network), None)
    words = next((words for network, words in _NOT_PUBLIC_6 if inner in network), None)
    return words or (None if inner in _PUBLIC_6 else "a reserved address")


def unwrapped(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def literal(host: str) -> Address | None:
    """Read a host that is written as an address; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def plain_host(host: str) -> str:
    """Bring a host, in its ASCII form, to the one spelling that is compared."""
    return host.lower().removesuffix(".")


def is_host(host: str) -> bool:
    """Say whether a plain host is a name or an address at all."""
    return _NAME.fullmatch(host) is not None or literal(host) is not None


def host_fits(host: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a plain host is one of the patterns: `api.vendor.com`, `*.vendor.com` (any depth), or `*`."""
    return any(_fits(host, one) for one in patterns)


def host_pattern(text: str) -> str:
    """Check one pattern for `host_fits`; raises ValueError that repeats it."""
    plain = plain_host(text.strip())
    if text.strip() != "*" and not is_host(plain.removeprefix("*.")):
        raise ValueError(f"{text!r} is not a host; write api.vendor.com or *.vendor.com")
    return plain


class Allow(msgspec.Struct, frozen=True):
    """What the operator lets requests reach besides public addresses over https.

    A network opens its addresses; a host opens whatever it resolves to, and http as well as https.
    """

    networks: tuple[tuple[Network, int | None], ...] = ()
    hosts: tuple[tuple[str, int | None], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `127.0.0.1:8801,10.8.0.0/16,[fd00::7]:443,wms.internal,*.lan:80`; raises ValueError naming the entry."""
        networks: list[tuple[Network, int | None]] = []
        hosts: list[tuple[str, int | None]] = []
        for entry in filter(None, map(str.strip, text.split(","))):
            network, host, port = _parse_entry(entry)
            if network is not None:
                networks.append((network, port))
            else:
                hosts.append((host, port))
        return cls(tuple(networks), tuple(hosts))

    def covers(self, address: Address, port: int) -> bool:
        """Say whether an address, or the IPv4 address in it, lies in an allowed network."""
        both = {address, unwrapped(address)}
        return any(
            open_port in {None, port} and any(one.version == network.version and one in network for one in both)
            for network, open_port in self.networks
        )

    def names(self, host: str, port: int) -> bool:
        """Say whether a plain host, or the address it is written as, is allowed by itself."""
        address = literal(host)
        if address is not None and self.covers(address, port):
            return True
        return any(open_port in {None, port} and _fits(host, one) for one, open_port in self.hosts)


def _fits(host: str, one: str) -> bool:
    if one.startswith("*."):
        return host.endswith(one[1:]) and len(host) >= len(one)
    return one in {"*", host}


def _parse_entry(entry: str) -> tuple[Network | None, str, int | None]:
    whole = _network(entry)
    if whole is not None:
        return whole, "", None
    head, colon, tail = entry.rpartition(":")
    host, port = (plain_host(head), _port(tail)) if colon else (plain_host(entry), None)
    network = _network(host)
    if (colon and port is None) or (network is None and not _is_name(host)):
        raise ValueError(f"{entry!r} is neither a host, an address nor a network, with or without :port")
    return network, host, port


def _is_name(host: str) -> bool:
    # A last label of digits only is a mistyped address, and some resolvers read such names as addresses.
    return _NAME.fullmatch(host.removeprefix("*.")) is not None and not host.rpartition(".")[2].isdigit()


def _network(text: str) -> Network | None:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ip_network(bare)
    except ValueError:
        return None


def _port(text: str) -> int | None:
    if not _PORT.fullmatch(text) or not 0 < int(text) <= _HIGHEST_PORT:
        return None
    return int(text)
