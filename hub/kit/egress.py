"""HTTP to addresses that tenants choose, without letting them reach what is ours.

A name is looked up once per connection, every answer must be public or allowed by the operator, and the connection
goes to the very address that was checked. There are no redirects, proxies, cookies or retries, and one deadline
covers a whole exchange. What can go wrong is drawn in `hub.kit.egress_wire`.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache, partial
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpcore
import httpx
import msgspec

from hub.kit.addresses import Address, Allow, host_fits, host_pattern, is_host, literal, plain_host, why_not_public
from hub.kit.egress_wire import (
    FAULTS,
    Connections,
    EgressError,
    EgressRefused,
    NotSent,
    SentUnknown,
    Trip,
    words,
)
from hub.kit.redact import Redactor, redact
from hub.kit.telemetry import log

__all__ = ["Allow", "Egress", "EgressClient", "EgressError", "EgressRefused", "Exchange", "NotSent", "SentUnknown"]

_log = log("egress")

SETTING: Final = "HUB_EGRESS_ALLOW"
BODY_BYTES: Final = 10_000_000

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
Scalar = str | int | float | bool | None
Params = Mapping[str, Scalar | Sequence[Scalar]] | Sequence[tuple[str, Scalar]]

# A name server that never answers holds a thread for up to half a minute; it must not hold those of others.
_LOOKUP_THREADS = 32
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_OUR_HEADERS = frozenset(
    ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade", "expect", "te")
)
_QUERY_SIGNS = "!$&'()*+,;=:@/?%[]-._~"
_BODY_HEADERS = ("content-encoding", "content-length", "transfer-encoding")
_encoder = msgspec.json.Encoder(decimal_format="number")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What one request was and what came of it, without secrets and personal data.

    Excerpts have up to 4096 bytes each; the request's begins with its query. `error` is None if there was an answer.
    """

    method: str
    url_without_query: str
    status: int | None
    duration_ms: int
    error: str | None
    request_excerpt: str
    response_excerpt: str


class Egress:
    """The way out, one for a process: the operator's rules, the lookups and the certificates.

    `resolver` gives all addresses of a host as texts, `tls` replaces the usual certificate authorities.
    """

    def __init__(
        self,
        *,
        allow: Allow,
        max_in_flight: int = 8,
        timeout_seconds: float = 20,
        max_body_bytes: int = BODY_BYTES,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.allow = allow
        self.max_in_flight = max_in_flight
        self.timeout_seconds = timeout_seconds
        self.max_body_bytes = max_body_bytes
        self.tls = tls or httpx.create_ssl_context(trust_env=False)
        self.tls.set_alpn_protocols(["http/1.1"])
        self._resolver = resolver or self._system_resolver
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")
        self._lookups: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    def client(
        self,
        base_url: str = "",
        hosts: Iterable[str] = (),
        *,
        max_in_flight: int | None = None,
        secrets: Iterable[str] = (),
    ) -> "EgressClient":
        """Open a client for one connection.

        `hosts` are patterns for `hub.kit.addresses.host_fits`; without any, requests go to the host of `base_url`,
        and without that to any public host. `secrets` are masked in the exchanges. Raises `EgressRefused` if
        `base_url` is no web address, ValueError if a pattern is no host.
        """
        patterns = tuple(host_pattern(host) for host in hosts)
        if base_url:
            base = _parse(base_url.partition("#")[0].partition("?")[0])
            base_url = str(base).rstrip("/")
            patterns = patterns or (_host(base),)
        return EgressClient(self, base_url, patterns, max_in_flight or self.max_in_flight, Redactor(secrets))

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Look a host up; raises `EgressRefused` if any of its addresses is neither public nor allowed."""
        written = literal(host)
        answers = [written] if written else [_address(text) for text in await self._look_up(host, port)]
        if not answers:
            raise httpcore.ConnectError("the name has no address")
        if not self.allow.names(plain_host(host), port):
            for address in answers:
                self._require_public(host, address, port)
        return answers

    def _require_public(self, host: str, address: Address, port: int) -> None:
        why = why_not_public(address)
        if why and not self.allow.covers(address, port):
            # Tenants read the refusal, and where a name leads inside our network is for the operator alone.
            _log.warning("address refused", host=host, leads_to=str(address), why=why, opens=_entry(str(address), port))
            entry = _entry(str(address) if literal(host) else plain_host(host), port)
            raise EgressRefused(f"{host} is at no public address; the operator can add {entry} to {SETTING}")

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        """Join the lookup of this name that is under way, or begin one; who gives up does not end it for the others."""
        key = (host, port)
        lookup = self._lookups.get(key)
        if lookup is None:
            lookup = asyncio.ensure_future(self._resolver(host, port))
            self._lookups[key] = lookup
            lookup.add_done_callback(partial(self._forget, key))
        try:
            return await asyncio.shield(lookup)
        except (OSError, UnicodeError) as fault:
            raise httpcore.ConnectError(f"the name was not found ({fault})") from fault

    def _forget(self, key: tuple[str, int], lookup: asyncio.Future[Sequence[str]]) -> None:
        del self._lookups[key]
        if not lookup.cancelled():
            lookup.exception()  # nobody may be left to take it

    async def _system_resolver(self, host: str, port: int) -> Sequence[str]:
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class EgressClient:
    """The guarded client of one connection; at most `max_in_flight` requests of it are under way at a time."""

    def __init__(
        self, egress: Egress, base_url: str, hosts: tuple[str, ...], max_in_flight: int, redactor: Redactor
    ) -> None:
        self._egress = egress
        self._base_url = base_url
        self._hosts = hosts
        self._redactor = redactor
        self._slots = asyncio.Semaphore(max_in_flight)
        self._closed = False
        self._connections = Connections(addresses=egress.addresses, tls=egress.tls, most=max_in_flight)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Take no more requests and close the connections, each when what is under way on it has ended."""
        self._closed = True
        self._connections.close_idle()

    async def require_reachable(self, url: str) -> None:
        """Raise `EgressRefused` if a request to this address would be refused, `NotSent` if its name is not found."""
        trip = self._trip("GET", url, None, b"")
        self._check(trip.url)
        try:
            await self._egress.addresses(_host(trip.url), _port(trip.url))
        except httpcore.ConnectError as fault:
            raise trip.fault(words(fault)) from fault

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        deadline: float | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> httpx.Response:
        """Make one request and read its answer to the end, whatever its status.

        `url` is a whole address, or a path below the base address; `params` join its query. `json` is anything
        msgspec encodes, with Decimal as a number. `deadline` is in seconds from now and shortens the timeout.
        `on_exchange` is called exactly once, before this returns or raises, for every address that can be parsed.
        Raises `EgressRefused`, `NotSent` or `SentUnknown`, and ValueError for a header or method HTTP cannot carry.
        """
        trip = self._trip(method, url, params, _content(json, content))
        error: str | None = None
        try:
            return await self._answer(trip, _headers(trip, headers or {}, is_json=json is not None), deadline)
        except BaseException as fault:
            error = self._redactor.text(f"{type(fault).__name__}: {fault}").rstrip(": ")
            raise
        finally:
            if on_exchange is not None:
                on_exchange(self._exchange(trip, error))
            if self._closed:
                self._connections.close_idle()

    async def _answer(self, trip: Trip, headers: list[tuple[bytes, bytes]], deadline: float | None) -> httpx.Response:
        self._check(trip.url)
        seconds = min(self._egress.timeout_seconds, deadline if deadline is not None else float("inf"))
        if seconds <= 0 or self._closed:
            raise trip.fault("the client was closed" if self._closed else "the deadline had passed")
        try:
            async with asyncio.timeout(seconds), self._slots:
                await self._connections.carry(
                    trip, _core_request(trip, headers), body_limit=self._egress.max_body_bytes
                )
                return _response(trip)
        except TimeoutError:
            raise trip.fault(f"no whole answer within {seconds:g} s") from None
        except FAULTS as fault:
            if isinstance(fault, httpcore.LocalProtocolError) and not trip.sent:
                raise ValueError("the method, the address or a header holds what HTTP cannot carry") from None
            raise trip.fault(words(fault)) from fault

    def _trip(self, method: str, url: str, params: Params | None, content: bytes) -> Trip:
        address, _, query = url.partition("#")[0].partition("?")
        if "://" not in address and self._base_url:
            address = f"{self._base_url}/{address.lstrip('/')}"
        queries = (quote(query, safe=_QUERY_SIGNS), _query(params) if params else "")
        return Trip(method, _parse(address), "&".join(filter(None, queries)), content)

    def _check(self, url: httpx.URL) -> None:
        host, port = _host(url), _port(url)
        if self._egress.allow.names(host, port):
            return
        can_add = f"the operator can add {_entry(host, port)} to {SETTING}"
        if url.scheme != "https":
            raise EgressRefused(f"{host} would be asked without encryption; use https, or {can_add}")
        if self._hosts and not host_fits(host, self._hosts):
            raise EgressRefused(f"{host} is not a host of this connector ({', '.join(self._hosts)}); {can_add}")

    def _exchange(self, trip: Trip, error: str | None) -> Exchange:
        question = f"?{trip.query}\n".encode() if trip.query else b""
        return Exchange(
            method=trip.method,
            url_without_query=self._redactor.text(str(trip.url)),
            status=trip.status,
            duration_ms=round((time.perf_counter() - trip.started) * 1_000),
            error=error,
            request_excerpt=self._redactor.excerpt(question + trip.content),
            response_excerpt=self._redactor.excerpt(trip.answer),
        )


def _query(params: Params) -> str:
    return str(httpx.QueryParams(params if isinstance(params, Mapping) else list(params)))


@lru_cache(maxsize=1_024)
def _parse(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    port_fits = url.port is None or 0 < url.port <= _HIGHEST_PORT
    if url.scheme not in _DEFAULT_PORTS or not port_fits or url.userinfo or not is_host(_host(url)):
        shown = redact(text)[:100]
        raise EgressRefused(f"{shown!r} is not a web address; it has to look like https://host or https://host/path")
    return url


def _host(url: httpx.URL) -> str:
    return plain_host(url.raw_host.decode("ascii"))


def _port(url: httpx.URL) -> int:
    return url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]


def _entry(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _address(text: str) -> Address:
    address = literal(text)
    if address is None:
        raise httpcore.ConnectError("the name server's answer is no address")
    return address


def _content(json: object, content: bytes | None) -> bytes:
    if json is None:
        return content or b""
    if content is not None:
        raise ValueError("a request has either json or content")
    return _encoder.encode(json)


def _headers(trip: Trip, given: Mapping[str, str], *, is_json: bool) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name in given}
    if names & _OUR_HEADERS:
        raise ValueError(f"the hub sets these headers itself: {', '.join(sorted(names & _OUR_HEADERS))}")
    usual = {"user-agent": "returns-hub", "accept": "*/*", **({"content-type": "application/json"} if is_json else {})}
    length = (
        {"content-length": str(len(trip.content))} if trip.content or trip.method in {"POST", "PUT", "PATCH"} else {}
    )
    ours = {name: value for name, value in usual.items() if name not in names}
    try:
        return [
            (b"host", trip.url.netloc),
            (b"accept-encoding", b"gzip"),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in {**ours, **given, **length}.items()),
        ]
    except UnicodeEncodeError:
        raise ValueError("a header holds what HTTP cannot carry") from None


def _response(trip: Trip) -> httpx.Response:
    for name in _BODY_HEADERS:
        trip.headers.pop(name, None)  # they describe the body as it travelled
    request = httpx.Request(trip.method, trip.url)
    answer = httpx.Response(trip.status or 0, headers=trip.headers, content=bytes(trip.answer), request=request)
    answer.elapsed = timedelta(seconds=time.perf_counter() - trip.started)
    return answer


def _core_request(trip: Trip, headers: list[tuple[bytes, bytes]]) -> httpcore.Request:
    url = trip.url
    target = url.raw_path + (b"?" + trip.query.encode("ascii") if trip.query else b"")
    return httpcore.Request(
        trip.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
        headers=headers,
        content=trip.content,
    )
