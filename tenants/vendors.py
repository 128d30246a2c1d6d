"""Who speaks to vendors on a connection's behalf: the connector, its settings and a guarded client."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock, db, schedule
from hub.kit.crypto import Keyring
from hub.kit.egress import Egress, EgressClient, EgressRefused, Exchange, SentUnknown
from hub.kit.egress import NotSent as EgressNotSent
from hub.kit.errors import Invalid
from hub.kit.limits import Told, Urgency
from hub.kit.telemetry import LIMITED, log
from hub.sdk import ActionRequired, Connector, Context, Interrupted, Outcome, RateLimited, Sent
from hub.sdk.context import Forbidden, NotSent, Uncertain
from tenants import queries
from tenants import settings as connection_settings
from tenants.gate import NOT_COUNTED, Gate
from tenants.gate import read as read_limits
from tenants.messages import Limited

CALL_SECONDS = 20.0
# Long reads leave what a vendor allows to settlements; whatever is not here goes in between.
URGENCIES = {
    "settle": Urgency.MONEY,
    "poll": Urgency.BULK,
    "history": Urgency.BULK,
    "fetch": Urgency.BULK,
    "refusals": Urgency.BULK,
}

_log = log("vendors")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator grants one connector, from `plugins.toml`."""

    concurrency: int = 8
    timeout_seconds: float = CALL_SECONDS
    hosts: tuple[str, ...] = ()
    poll_every_seconds: float | None = None


class _Line:
    """One call's HTTP: a view on the connection's client that keeps this call's exchanges.

    `closed` collects the endpoints that are not to be called before a moment, as this call learned.
    """

    def __init__(self, client: EgressClient, gate: Gate, urgency: Urgency, deadline: float) -> None:
        self._client = client
        self._gate = gate
        self._urgency = urgency
        self._deadline = deadline
        self.exchanges: list[Exchange] = []
        self.closed: dict[str, datetime] = {}

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
        """Make one request if its endpoint may be called; its exchange is kept whatever comes of it.

        Raises `Interrupted` for what HTTP cannot carry, which is in the settings, and for a limit; nothing was sent.
        """
        # An address that cannot be read is refused further down.
        name = endpoint or f"{method} {url.partition('://')[2].partition('/')[0]}"
        await self._gate.enter(name, self._urgency)
        began, told = clock.now(), NOT_COUNTED
        try:
            answer, told = await self._request(method, url, params=params, headers=headers, body=body)
        except Uncertain:
            told = Told()
            raise
        finally:
            closed_until = self._gate.leave(name, began, told)
            if closed_until is not None:
                self.closed[name] = closed_until
        return answer

    async def _request(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> tuple[Sent, Told]:
        left = self._deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise NotSent("the time for this call was used up before the request")
        try:
            answer = await self._client.request(
                method, url, params=params, headers=headers, content=body, deadline=left,
                on_exchange=self.exchanges.append,
            )  # fmt: skip
        except EgressRefused as fault:
            raise Forbidden(str(fault)) from fault
        except EgressNotSent as fault:
            raise NotSent(str(fault)) from fault
        except SentUnknown as fault:
            raise Uncertain(str(fault)) from fault
        except ValueError as fault:
            why = f"No request can be made with these settings: {fault}. Correct the address or the key."
            raise Interrupted(ActionRequired(why)) from fault
        sent = Sent(status=answer.status_code, headers=answer.headers, body=answer.content)
        return sent, read_limits(sent.status, sent.headers, clock.now())


class Called(msgspec.Struct, frozen=True):
    """What a connector answered, and the exchanges it made."""

    outcome: Outcome
    exchanges: list[Exchange]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as far as calling it needs: its settings as stored, and what its vendor asked not to do."""

    id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes
    limited: Limited = Limited()


class _Opened(msgspec.Struct, frozen=True):
    sealed: bytes
    shown: dict[str, Any]
    settings: Any
    client: EgressClient


class Vendors:
    """Calls connectors; one guarded client per connection, made anew when its settings change."""

    def __init__(
        self, connectors: Mapping[str, Connector], *, keyring: Keyring, egress: Egress, limits: Mapping[str, Limits]
    ) -> None:
        self.connectors = connectors
        self.keyring = keyring
        self._egress = egress
        self._limits = limits
        self._opened: dict[UUID, _Opened] = {}
        self._gates: dict[UUID, Gate] = {}

    def connector(self, name: str) -> Connector:
        """Return a loaded connector; raises `Invalid` that lists what there is."""
        found = self.connectors.get(name)
        if found is None:
            known = ", ".join(sorted(self.connectors)) or "none"
            raise Invalid("connector_unknown", f"There is no connector {name!r} here; loaded are: {known}.")
        return found

    def limits(self, name: str) -> Limits:
        """Return what the operator grants a connector."""
        return self._limits.get(name, Limits())

    async def call(
        self, reach: Reach, method: str, *messages: Any, key: str, kind: str = "", urgency: Urgency | None = None
    ) -> Called:
        """Call one method of a connection's connector and return its outcome; any other exception passes through.

        `kind` names the kind of call that waits if the vendor asks for a pause, without it the method does.
        """
        opened = await self._open(reach)
        limits = self.limits(reach.connector)
        gate = self._gates.setdefault(reach.id, Gate())
        gate.heed(reach.limited)
        rest = gate.rest(kind or method)
        if rest is not None:
            LIMITED.labels(reach.connector, "spared").inc()
            return Called(rest, [])
        line = _Line(
            opened.client, gate, URGENCIES.get(method, Urgency.USUAL) if urgency is None else urgency,
            asyncio.get_running_loop().time() + limits.timeout_seconds,
        )  # fmt: skip
        context = Context(
            http=line, settings=opened.settings, key=key, now=clock.now(), log=log(f"connector.{reach.connector}")
        )
        try:
            outcome = await getattr(self.connector(reach.connector), method)(context, *messages)
        except Interrupted as interrupted:
            outcome = interrupted.outcome
        if not isinstance(outcome, Outcome):
            msg = f"{reach.connector}.{method} answered {type(outcome).__name__}, which is no outcome"
            raise TypeError(msg)
        await self._heed(reach, line, outcome, kind or method)
        return Called(outcome, line.exchanges)

    async def _heed(self, reach: Reach, line: _Line, outcome: Outcome, kind: str) -> None:
        """Let the other processes know of a limit; what they do not hear of, their own calls will tell them."""
        now, calls = clock.now(), {}
        if isinstance(outcome, RateLimited):
            LIMITED.labels(reach.connector, "asked" if line.exchanges else "spared").inc()
            calls = {kind: now + timedelta(seconds=schedule.wished(outcome.after_seconds))}
        if not calls and not line.closed:
            return
        limited = Limited(calls=calls, endpoints=line.closed)
        self._gates[reach.id].heed(limited)
        try:
            async with db.transaction(db.PLATFORM):
                await queries.limit_calls(reach.id, limited, now)
        except Exception as fault:  # noqa: BLE001 - the outcome of a call is worth more than a hint to others
            _log.warning("limit not told", connection=str(reach.id), fault=type(fault).__name__)

    async def _open(self, reach: Reach) -> _Opened:
        held = self._opened.get(reach.id)
        if held is not None and held.sealed == reach.sealed and held.shown == reach.settings:
            return held
        connector = self.connector(reach.connector)
        limits = self.limits(reach.connector)
        settings = connection_settings.unseal(connector, reach.settings, reach.sealed, self.keyring, reach.id)
        client = self._egress.client(
            hosts=(*connector.manifest.hosts, *limits.hosts),
            max_in_flight=limits.concurrency,
            secrets=connection_settings.secrets_of(settings),
        )
        fresh = _Opened(reach.sealed, reach.settings, settings, client)
        self._opened[reach.id] = fresh
        if held is not None:
            await held.client.aclose()
        return fresh

    async def close(self) -> None:
        """Close every client."""
        for opened in self._opened.values():
            await opened.client.aclose()
        self._opened.clear()
