"""The connector at the sandbox, request by request: what the hub would do, and what may happen to each request."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.channelengine import ChannelEngine
from connectors.channelengine.settings import Settings
from hub.sdk import (
    Absent,
    Context,
    Effect,
    Interrupted,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Retry,
    Secret,
    Sent,
)
from hub.sdk.context import NotSent, Uncertain
from tests.support.merchant import Merchant

ENGINE = ChannelEngine()
ROUNDS = 80


class Crashed(BaseException):
    """The hub's process ended here."""


def lost(_: Sent) -> Sent:
    """The answer got lost on the way."""
    raise Uncertain("lost")


def crashed(_: Sent) -> Sent:
    """The hub ended before it read the answer."""
    raise Crashed


def page_for_people(_: Sent) -> Sent:
    """A proxy answered in the vendor's place."""
    return Sent(200, {"content-type": "text/html"}, b"<html>One moment please</html>")


def cut(answer: Sent) -> Sent:
    """The answer ended too early."""
    return Sent(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def broken(_: Sent) -> Sent:
    """The vendor failed after it had done its work."""
    return Sent(502, {}, b"")


AFTERWARDS = (lost, crashed, page_for_people, cut, broken)


def never_sent() -> Sent:
    """No connection came about."""
    raise NotSent("no route")


def gone() -> Sent:
    """The request got lost, which nobody can know."""
    raise Uncertain("lost")


def ended() -> Sent:
    """The hub ended before it sent anything."""
    raise Crashed


def busy() -> Sent:
    """The vendor asked to slow down."""
    return Sent(429, {"retry-after": "1"}, b"{}")


def failing() -> Sent:
    """The vendor failed before it did anything."""
    return Sent(500, {}, b"")


def conflict() -> Sent:
    """The vendor says that something stands in the way, and nothing does."""
    return Sent(409, {}, b'{"StatusCode":409,"Success":false}')


BEFOREHAND = (never_sent, gone, ended, busy, failing, conflict)
Fault = Callable[[], Sent] | Callable[[Sent], Sent] | None


class Sandboxed:
    """An `Http` to one tenant of the sandbox; each request takes the next fault, if there is one."""

    def __init__(self, shop: Merchant, now: datetime | None = None) -> None:
        self.shop = shop
        self.now = now or datetime.now(UTC)
        self.faults: list[Fault] = []
        self.asked: list[str] = []

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        self.asked.append(endpoint)
        fault: Any = self.faults.pop(0) if self.faults else None
        if fault is conflict and method == "GET":
            fault = None
        if fault in BEFOREHAND:
            return fault()  # type: ignore[no-any-return]  # it is a fault
        query: Any = params
        try:
            told = await self.shop.vendor.control.request(
                method, url, params=query, headers=dict(headers or {}), content=body
            )
        except (ConnectionResetError, httpx.TransportError) as fallen:
            raise Uncertain(str(fallen)) from fallen
        answer = Sent(told.status_code, told.headers, told.content)
        return fault(answer) if fault else answer

    def info(self, event: str, **facts: object) -> None:
        """Nothing is to be noted."""

    def warning(self, event: str, **facts: object) -> None:
        """Nothing is to be noted."""

    @property
    def context(self) -> Context:
        """What the connector is handed for one call."""
        address = f"{self.shop.vendor.address}/{self.shop.tenant}/api"
        settings = Settings(address=address, api_key=Secret(self.shop.key))
        return Context(http=self, settings=settings, key="operation-1", now=self.now, log=self)

    async def ask(self, awaiting: Awaitable[Outcome]) -> Outcome:
        """What the hub sees: the answer, or the outcome that ended the call early."""
        try:
            return await awaiting
        except Interrupted as fault:
            return fault.outcome

    async def done(self, awaiting: Awaitable[Outcome]) -> Any:
        """Return the result of a call that has to succeed."""
        told = await self.ask(awaiting)
        return told.result  # type: ignore[attr-defined]  # anything else is a failure of the test

    async def bring_about(self, effect: Effect, message: Any) -> Outcome:
        """Do what the contract says follows from each outcome, and from each end of the hub, until one is final."""
        looking = False
        for _ in range(ROUNDS):
            told = await self._once(effect, message, looking=looking)
            if not isinstance(told, Absent | OutcomeUnknown | Retry | RateLimited):
                return told
            looking = isinstance(told, OutcomeUnknown) or (looking and not isinstance(told, Absent))
        raise AssertionError("it never ends")

    async def _once(self, effect: Effect, message: Any, *, looking: bool) -> Outcome:
        method = getattr(ENGINE, effect.value)
        try:
            if looking:
                return await self.ask(ENGINE.lookup(self.context, effect, message))
            return await self.ask(method(self.context, message))
        except Crashed:
            return OutcomeUnknown("the hub ended")
