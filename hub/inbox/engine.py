"""What becomes a message, what is stale, and what no knock announced: pure decisions."""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from hub.inbox.messages import Incoming, Knocks, Sibling, Told, Waiting
from hub.kit import db
from hub.sdk import ChannelReturn, Page, Refusal

# A change that is younger may yet be announced; a knock may come a little before it, for clocks differ.
YOUNG = timedelta(minutes=1)
CLOCKS_DIFFER = timedelta(seconds=30)
# Two reads of the same return that cross each other lie at most so far apart.
CROSSING = timedelta(minutes=5)
# So many lost knocks in an hour happen; more means that something is broken.
FEW = 3
HANDLED = "handled"
WAITS = frozenset({"parked", "quarantined"})

# JSON's way to write a NUL, which PostgreSQL does not store; a backslash before the backslash makes it harmless.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def storable(page: Page) -> Page:
    """Set elements aside that PostgreSQL cannot keep, so that they do not lose their neighbours."""
    bad = {item.external_id for item in page.items if NUL.search(db.to_json(item))}
    if not bad and not page.rejected:
        return page
    told = (*page.rejected, *((subject, "it holds a NUL character") for subject in sorted(bad)))
    return msgspec.structs.replace(
        page,
        items=tuple(item for item in page.items if item.external_id not in bad),
        rejected=tuple((subject.replace("\0", ""), why.replace("\0", "")) for subject, why in told),
    )


def incoming(page: Page) -> list[Incoming]:
    """Return a page's elements as messages; the same content is the same message."""
    good = [
        Incoming(key=f"{item.external_id}:{_digest(body)}", subject=item.external_id, body=body)
        for item in page.items
        for body in (db.to_json(item),)
    ]
    bad = [
        Incoming(key=f"{subject}:{_digest(why)}", subject=subject, body="null", why=why)
        for subject, why in page.rejected
    ]
    return list({item.key: item for item in good + bad}.values())


def refused(items: Iterable[Refusal]) -> list[Incoming]:
    """Return late refusals as messages, each notice once."""
    clean = (
        msgspec.structs.replace(
            item,
            key=item.key.replace("\0", ""),
            return_number=item.return_number.replace("\0", ""),
            message=item.message.replace("\0", ""),
        )
        for item in items
    )
    found = [
        Incoming(key=f"refusal:{item.key}", subject=item.return_number, body=db.to_json(item), kind=Told.REFUSAL)
        for item in clean
    ]
    return list({item.key: item for item in found}.values())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def is_stale(each: Waiting, seen: ChannelReturn, siblings: Iterable[Sibling]) -> bool:
    """Say whether a later state of the same return was handled already: by the vendor's clock, or else by ours."""
    return any(_is_later(other, each, seen) for other in siblings if other.state == HANDLED)


def _is_later(other: Sibling, each: Waiting, seen: ChannelReturn) -> bool:
    if seen.updated_at is not None and other.updated_at is not None:
        return datetime.fromisoformat(other.updated_at) > seen.updated_at
    return each.received_at < other.received_at < each.received_at + CROSSING


def unannounced(seen: ChannelReturn, knocks: Knocks, now: datetime) -> bool:
    """Say whether a change is one that a knock should have announced and none did."""
    changed_at = seen.updated_at or seen.created_at
    if knocks.subscribed_at is None or changed_at < knocks.subscribed_at or now - changed_at < YOUNG:
        return False
    return knocks.knocked_at is None or knocks.knocked_at < changed_at - CLOCKS_DIFFER


def announced(seen: ChannelReturn, knocks: Knocks) -> bool:
    """Say whether a knock came since a change, so that knocks work."""
    changed_at = seen.updated_at or seen.created_at
    return knocks.knocked_at is not None and knocks.knocked_at >= changed_at - CLOCKS_DIFFER
