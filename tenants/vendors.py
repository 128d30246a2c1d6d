"""Who speaks to vendors on a connection's behalf: the connector, its settings and a guarded client."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from hub.kit import clock
from hub.kit.crypto import Keyring
from hub.kit.egress import Egress, EgressClient, EgressRefused, Exchange, SentUnknown
from hub.kit.egress import NotSent as EgressNotSent
from hub.kit.errors import Invalid
from hub.kit.telemetry import log
from hub.sdk import ActionRequired, Connector, Context, Interrupted, Outcome, Sent
from hub.sdk.context import Forbidden, NotSent, Uncertain
from tenants import settings as connection_settings

CALL_SECONDS = 20.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator grants one connector, from `plugins.toml`."""

    concurrency: int = 8
    timeout_seconds: float = CALL_SECONDS
    hosts: tuple[str, ...] = ()
    poll_every_seconds: float | None = None


class _Line:
    """One call's HTTP: a view on the connection's client that keeps this call's exchanges."""

    def __init__(self, client: EgressClient, exchanges: list[Exchange], deadline: float) -> None:
        self._client = client
        self._exchanges = exchanges
        self._deadline = deadline

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",  # noqa: ARG002 - the gate of endpoints stands here next
    ) -> Sent:
        """Make one request; its exchange is kept whatever comes of it.

        Raises `Interrupted` for what HTTP cannot carry: that is in the settings, and nothing was sent.
        """
        left = self._deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise NotSent("the time for this call was used up before the request")
        try:
            answer = await self._client.request(
                method, url, params=params, headers=headers, content=body, deadline=left,
                on_exchange=self._exchanges.append,
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
        return Sent(status=answer.status_code, headers=answer.headers, body=answer.content)


class Called(msgspec.Struct, frozen=True):
    """What a connector answered, and the exchanges it made."""

    outcome: Outcome
    exchanges: list[Exchange]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as far as calling it needs: its settings as stored."""

    id: UUID
    connector: str
    settings: dict[str, Any]
    sealed: bytes


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

    async def call(self, reach: Reach, method: str, *messages: Any, key: str) -> Called:
        """Call one method of a connection's connector and return its outcome; any other exception passes through."""
        opened = await self._open(reach)
        limits = self.limits(reach.connector)
        exchanges: list[Exchange] = []
        deadline = asyncio.get_running_loop().time() + limits.timeout_seconds
        context = Context(
            http=_Line(opened.client, exchanges, deadline),
            settings=opened.settings,
            key=key,
            now=clock.now(),
            log=log(f"connector.{reach.connector}"),
        )
        try:
            outcome = await getattr(self.connector(reach.connector), method)(context, *messages)
        except Interrupted as interrupted:
            outcome = interrupted.outcome
        if not isinstance(outcome, Outcome):
            msg = f"{reach.connector}.{method} answered {type(outcome).__name__}, which is no outcome"
            raise TypeError(msg)
        return Called(outcome, exchanges)

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
