"""The one way a connector speaks HTTP: every fault already sorted into an outcome."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TypeVar

import msgspec

from hub.sdk.context import Context, Forbidden, NotSent, Sent, Uncertain
from hub.sdk.outcomes import ActionRequired, Interrupted, OutcomeUnknown, RateLimited, Retry

TOO_MANY_REQUESTS = 429
SERVER_FAULT = 500
DEFAULT_WAIT_SECONDS = 5.0
# A vendor that asks for more than an hour is more likely wrong than busy.
LONGEST_WAIT_SECONDS = 3600.0
# The standard's name, and those of ShipBob and Monta.
RETRY_AFTER = ("retry-after", "x-retry-after", "ratelimit-resetsin")
NO_KEY = ActionRequired("The vendor does not accept the key. Enter a working key.")
NO_RIGHT = ActionRequired("The key has no right to do this. Give it the right, or enter another key.")

Answer = TypeVar("Answer")


class Manner(Enum):
    """Whether a request may change something at the vendor."""

    READ = "read"
    WRITE = "write"


async def call(
    context: Context,
    manner: Manner,
    method: str,
    url: str,
    *,
    params: list[tuple[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    endpoint: str = "",
) -> Sent:
    """Make one request; the answer is below 500 and neither 401, 403 nor 429.

    Raises `Interrupted` with the outcome otherwise: what certainly did not happen is `Retry`, what may have
    happened is `OutcomeUnknown` for a write, a refused login or address is `ActionRequired`.
    """
    try:
        sent = await context.http.send(method, url, params=params, headers=headers, body=body, endpoint=endpoint)
    except NotSent as fault:
        raise Interrupted(Retry(str(fault))) from fault
    except Forbidden as fault:
        raise Interrupted(ActionRequired(str(fault))) from fault
    except Uncertain as fault:
        raise Interrupted(_doubt(manner, str(fault))) from fault
    _sort(sent, manner, context.now)
    return sent


def understood(sent: Sent, kind: type[Answer], manner: Manner, vendor: str) -> Answer:
    """Return an answer as what it must be.

    Raises `Interrupted` for what the vendor would not have said, as somebody between it and the hub may: a read is
    tried again, and after a write nobody knows what happened.
    """
    try:
        return msgspec.json.decode(sent.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Interrupted(_doubt(manner, f"the answer is not one of {vendor}'s")) from fault


def _sort(sent: Sent, manner: Manner, now: datetime) -> None:
    if sent.status == TOO_MANY_REQUESTS:
        raise Interrupted(RateLimited(retry_after_seconds(sent.headers, now)))
    if sent.status == 401:  # noqa: PLR2004 - the status says it
        raise Interrupted(NO_KEY)
    if sent.status == 403:  # noqa: PLR2004 - the status says it
        raise Interrupted(NO_RIGHT)
    if sent.status >= SERVER_FAULT:
        raise Interrupted(_doubt(manner, f"the vendor answered {sent.status}"))


def _doubt(manner: Manner, why: str) -> OutcomeUnknown | Retry:
    return OutcomeUnknown(why) if manner is Manner.WRITE else Retry(why)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Read `retry-after` (seconds or a date, RFC 9110 §10.2.3) or a relative of it, between one second and one hour.

    A date is compared with the answer's own, where it has one: the vendor's clock may differ from ours.
    """
    text = next((headers[name].strip() for name in RETRY_AFTER if name in headers), "")
    return min(max(_seconds(text, _date(headers.get("date", "")) or now), 1.0), LONGEST_WAIT_SECONDS)


def _seconds(text: str, now: datetime) -> float:
    if text.isdecimal():
        return float(text)
    moment = _date(text)
    return DEFAULT_WAIT_SECONDS if moment is None else (moment - now).total_seconds()


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
