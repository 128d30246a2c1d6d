"""Requests to Monta, each answered by what was asked for or ended early with its outcome."""

import base64
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from connectors.monta import wire
from connectors.monta.settings import Settings
from hub.sdk import ActionRequired, Context, Interrupted, Manner, Refused, Sent, call, understood, wall
from hub.sdk.http import NO_RIGHT

NOT_FOUND = 404
NOT_FIT = 400
# How far back a single return is looked for; Monta has no call for one.
WINDOW = timedelta(days=90)
NOT_LET_IN = ActionRequired(
    "Monta does not let this hub in (403): have the hub's address added to the white list of the REST API connection."
)
Answer = TypeVar("Answer")


async def ask(
    context: Context, manner: Manner, method: str, path: str, *, endpoint: str, params: dict[str, str] | None = None,
    body: Any = None,
) -> Sent:  # fmt: skip
    """Make one request of the API."""
    settings: Settings = context.settings
    login = base64.b64encode(f"{settings.user}:{settings.password.reveal()}".encode()).decode()
    headers = {"authorization": f"Basic {login}", "content-type": "application/json", "accept": "application/json"}
    try:
        return await call(
            context, manner, method, settings.address.rstrip("/") + path, params=list((params or {}).items()),
            headers=headers, body=None if body is None else msgspec.json.encode(body), endpoint=endpoint,
        )  # fmt: skip
    except Interrupted as interrupted:
        if interrupted.outcome == NO_RIGHT:
            raise Interrupted(NOT_LET_IN) from interrupted
        raise


def read(sent: Sent, kind: type[Answer], manner: Manner) -> Answer:
    """Return an answer as what it must be; a refusal ends early, and so does what Monta would not have said."""
    if sent.status >= NOT_FIT:
        raise Interrupted(refusal(sent))
    return understood(sent, kind, manner, "Monta")


def refusal(sent: Sent) -> Refused:
    """Return what Monta has against a request."""
    try:
        fault = msgspec.json.decode(sent.body, type=wire.Fault)
    except (msgspec.DecodeError, UnicodeDecodeError):
        fault = wire.Fault(error_message=f"status {sent.status}")
    return Refused("refused_by_warehouse", f"Monta says: {'; '.join([fault.error_message, *fault.invalid_reasons])}")


async def forecast(context: Context, code: str) -> wire.Forecast | None:
    """Read one announcement, or nothing if it is not there."""
    path, endpoint = f"/returnforecast/{quote(code, safe='')}", "GET /returnforecast/{code}"
    sent = await ask(context, Manner.READ, "GET", path, endpoint=endpoint)
    return None if sent.status == NOT_FOUND else read(sent, wire.Forecast, Manner.READ)


async def updated_since(context: Context, day: str) -> list[msgspec.Raw]:
    """Read what changed since a day; Monta says 404 where nothing did."""
    path, endpoint = f"/return/updated_since/{day}", "GET /return/updated_since/{date}"
    sent = await ask(context, Manner.READ, "GET", path, params={"status": "any"}, endpoint=endpoint)
    return [] if sent.status == NOT_FOUND else read(sent, wire.Returns, Manner.READ).returns


def first_day(context: Context) -> str:
    """Return the first day that is read at all."""
    return wall(context.now - WINDOW, context.settings.zone).date().isoformat()
