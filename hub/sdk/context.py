"""What a connector is handed for one call: its only way to the outside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec


class Sent(msgspec.Struct, frozen=True):
    """The vendor's answer, read to its end: `body` is at most 10 MB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Exception):  # noqa: N818 - it states a fact about the request
    """Nothing reached the vendor: the same request may be made again."""


class Uncertain(Exception):  # noqa: N818 - it states a fact about the request
    """The request may have reached the vendor, and no usable answer came back."""


class Forbidden(Exception):  # noqa: N818 - it states a fact about the request
    """The operator does not allow this address; `HUB_EGRESS_ALLOW` is the setting that can."""


class Http(Protocol):
    """The hub's guarded client, bound to one connection.

    It follows no redirects, refuses addresses inside private networks unless the operator allows them,
    keeps a record of each exchange for the attempt's history and gives up at the call's deadline.
    """

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
        """Make one request and return its whole answer; raises `NotSent`, `Uncertain` or `Forbidden`.

        `endpoint` names what the vendor counts calls by, so that one that asked for a pause is not asked before it.
        """
        ...


class Log(Protocol):
    """A place for one-line remarks, already tagged with account, connection and operation."""

    def info(self, event: str, **facts: Any) -> None:
        """Note something worth knowing."""
        ...

    def warning(self, event: str, **facts: Any) -> None:
        """Note something worth looking at."""
        ...


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One call's surroundings: client, settings, secrets, operation key, time.

    `settings` is the connector's own struct. `key` is the same for every attempt at one operation,
    so that a vendor who knows idempotency keys can be given it. `now` is UTC.
    """

    http: Http
    settings: Any
    key: str
    now: datetime
    log: Log
