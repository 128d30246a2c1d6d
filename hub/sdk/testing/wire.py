"""The connector's only way out while it is tested: to the sandbox, with faults on the way."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from fnmatch import fnmatch
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from hub.sdk import Sent
from hub.sdk.context import NotSent, Uncertain

READS = frozenset({"GET", "HEAD"})


class Fault(StrEnum):
    """What happens to one request; `after` means that the vendor had acted."""

    NEVER_SENT = "no connection came about"
    LOST_BEFORE = "the request got lost"
    LOST_AFTER = "the answer got lost"
    BROKEN_BEFORE = "the vendor answered 503 and did nothing"
    BROKEN_AFTER = "the vendor answered 502 after it had acted"
    PAGE_BEFORE = "a proxy answered with a page for people, with 200, in the vendor's place"
    PAGE_AFTER = "a page for people came with 200 after the vendor had acted"
    CUT = "the answer ended too early"
    EMPTY = "the answer was 200 and empty"
    LIMITED = "the vendor answered 429"
    NO_KEY = "the vendor answered 401"
    NO_RIGHT = "the vendor answered 403"
    CRASH_BEFORE = "the hub died before it sent"
    CRASH_AFTER = "the hub died before it read the answer"


ACTED = frozenset({Fault.LOST_AFTER, Fault.BROKEN_AFTER, Fault.PAGE_AFTER, Fault.CUT, Fault.EMPTY, Fault.CRASH_AFTER})
HTML = {"content-type": "text/html"}


class Crashed(BaseException):
    """The hub's process ended here."""


class Request(NamedTuple):
    """One request as it left the connector."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    endpoint: str
    status: int | None

    @property
    def writes(self) -> bool:
        """Whether it may change something at the vendor."""
        return self.method not in READS


Change = Callable[[Sent], Sent]


class Wire:
    """`hub.sdk.Http` over the sandbox: `fault_at` is which request of a call goes wrong, and how."""

    def __init__(self, client: httpx.AsyncClient, hosts: tuple[str, ...]) -> None:
        self._client = client
        self._hosts = (*hosts, str(client.base_url.host))
        self.sent: list[Request] = []
        self.strayed: list[str] = []
        self.fault_at: tuple[int, Fault] | None = None
        self.change: Change | None = None
        self.calls = 0

    def begin(self, fault_at: tuple[int, Fault] | None = None, change: Change | None = None) -> None:
        """Count from here on, with this fault."""
        self.calls, self.fault_at, self.change = 0, fault_at, change

    async def send(
        self, method: str, url: str, *, params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None, body: bytes | None = None, endpoint: str = "",
    ) -> Sent:  # fmt: skip
        """Make one request at the sandbox, whatever becomes of it on the way."""
        place, fault = self.calls, None
        self.calls += 1
        if self.fault_at is not None and self.fault_at[0] == place:
            fault = self.fault_at[1]
        host = urlsplit(url).hostname or ""
        if not any(fnmatch(host, pattern) for pattern in self._hosts):
            self.strayed.append(url)
            raise NotSent("not one of the connector's hosts")
        early = _before(fault)
        answer = early if early is not None else await self._ask(method, url, params, headers, body)
        full = str(httpx.URL(url, params=params) if params else url)
        self.sent.append(Request(method, full, dict(headers or {}), body or b"", endpoint, answer.status))
        told = _after(fault, answer)
        return self.change(told) if self.change else told

    async def _ask(
        self, method: str, url: str, params: Any, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Sent:
        answer = await self._client.request(method, url, params=params, headers=headers, content=body)
        return Sent(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


def _before(fault: Fault | None) -> Sent | None:
    """Return the answer of a request that never reached the vendor, or raise what the hub would."""
    match fault:
        case Fault.NEVER_SENT:
            raise NotSent("no route")
        case Fault.LOST_BEFORE:
            raise Uncertain("lost")
        case Fault.CRASH_BEFORE:
            raise Crashed
        case Fault.BROKEN_BEFORE:
            return Sent(503, {}, b"")
        case Fault.PAGE_BEFORE:
            return Sent(200, HTML, b"<html>One moment please</html>")
        case Fault.LIMITED:
            return Sent(429, {"retry-after": "7"}, b"{}")
        case Fault.NO_KEY:
            return Sent(401, {}, b"{}")
        case Fault.NO_RIGHT:
            return Sent(403, {}, b"{}")
    return None


def _after(fault: Fault | None, answer: Sent) -> Sent:
    match fault:
        case Fault.LOST_AFTER:
            raise Uncertain("lost")
        case Fault.CRASH_AFTER:
            raise Crashed
        case Fault.BROKEN_AFTER:
            return Sent(502, {}, b"")
        case Fault.PAGE_AFTER:
            return Sent(200, HTML, b"<html>One moment please</html>")
        case Fault.CUT:
            return Sent(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
        case Fault.EMPTY:
            return Sent(answer.status, answer.headers, b"")
    return answer
