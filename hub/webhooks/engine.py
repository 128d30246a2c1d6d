"""What is sent, by which signature, and what an answer means, as pure functions of data."""

import base64
import hmac
import random
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from hub.kit.crypto import Secret
from hub.kit.schedule import HOUR, MINUTE
from hub.webhooks.messages import DeliveryState

# Seconds after each attempt; the example of Standard Webhooks 1.0.0, ten attempts in 75 hours and 35 minutes.
SCHEDULE = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
# A pause is never shorter than published.
JITTER = 0.2
LONGEST_WISH = 24 * HOUR
GONE = 410
BUSY = frozenset({429, 502, 503, 504})
BUSY_SECONDS = 60.0

# An endpoint that failed all the time for so long is warned of, and then disabled.
NOTICES = (timedelta(days=1), timedelta(days=3))
DISABLE = timedelta(days=5)
# Failures so far apart are not one story.
FORGIVEN = timedelta(days=2)

PREFIX = "whsec_"
SECRET_BYTES = 32
_DICE = random.Random()  # noqa: S311 - it spreads load and keeps no secret


def new_secret() -> str:
    """Make a secret as Standard Webhooks writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def payload(event_type: str, at: datetime, data: object) -> str:
    """Return the text that an endpoint is sent of an event."""
    return msgspec.json.encode({"type": event_type, "timestamp": at, "data": data}).decode()


def signed(delivery_id: str, body: str, now: datetime, keys: Iterable[Secret]) -> dict[str, str]:
    """Return the headers of an attempt made now, with one signature for each secret."""
    stamp = str(int(now.timestamp()))
    content = f"{delivery_id}.{stamp}.{body}".encode()
    made = (hmac.digest(base64.b64decode(key.reveal().removeprefix(PREFIX)), content, "sha256") for key in keys)
    return {
        "content-type": "application/json",
        "webhook-id": delivery_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join("v1," + base64.b64encode(each).decode() for each in made),
    }


def wants(patterns: Sequence[str], event_type: str) -> bool:
    """Say whether a filter lets an event through; a pattern may end in `.*`, and no pattern means all."""
    return not patterns or any(
        event_type == each or (each.endswith(".*") and event_type.startswith(each[:-1])) for each in patterns
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request; without a status there was no usable answer, and `error` says why."""

    status: int | None = None
    retry_after: str | None = None
    error: str | None = None

    @property
    def took(self) -> bool:
        """Whether the endpoint took it: nothing but 2xx says so."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004 - the class of success

    @property
    def words(self) -> str | None:
        """Why it was not taken."""
        return None if self.took else self.error or f"The endpoint answered {self.status}."


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a delivery; `gone` says that the endpoint wants nothing any more."""

    state: DeliveryState
    next_at: datetime | None = None
    why: str | None = None
    gone: bool = False


def decide(answer: Answer, attempt: int, now: datetime, dice: random.Random | None = None) -> Next:
    """Return what follows from the answer to an attempt, counted from 1."""
    if answer.took:
        return Next(state=DeliveryState.DELIVERED)
    if attempt > len(SCHEDULE) or answer.status == GONE:
        return Next(state=DeliveryState.FAILED, why=answer.words, gone=answer.status == GONE)
    least = max(SCHEDULE[attempt - 1], BUSY_SECONDS if answer.status in BUSY else 0.0)
    pause = least * (dice or _DICE).uniform(1, 1 + JITTER)
    wish = min(_seconds(answer.retry_after, now), LONGEST_WISH)
    return Next(state=DeliveryState.WAITING, next_at=now + timedelta(seconds=max(pause, wish)), why=answer.words)


def _seconds(header: str | None, now: datetime) -> float:
    """Read `retry-after`, seconds or a date; what cannot be read wishes nothing."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - more digits are no wish
        return float(text)
    try:
        return (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint fares: since when nothing arrives, the last failure, how many notices were given."""

    failing_since: datetime | None = None
    failed_at: datetime | None = None
    notices: int = 0


class Fared(msgspec.Struct, frozen=True, kw_only=True):
    """How it fares now, and what its owner is to hear."""

    health: Health
    notice: bool = False
    disable: bool = False


def fare(before: Health, *, took: bool, now: datetime) -> Fared:
    """Return how an endpoint fares after an attempt: one success forgives everything."""
    if took:
        return Fared(health=Health())
    since = before.failing_since
    if since is None or before.failed_at is None or now - before.failed_at > FORGIVEN:
        return Fared(health=Health(failing_since=now, failed_at=now))
    due = sum(now - since >= each for each in NOTICES)
    health = Health(failing_since=since, failed_at=now, notices=max(due, before.notices))
    # Nobody is disabled who was not told before.
    disable = now - since >= DISABLE and before.notices > 0
    return Fared(health=health, notice=due > before.notices, disable=disable)
