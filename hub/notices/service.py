"""Choose what to hear of, collect it, and queue the mails."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.crypto import CannotOpen, Keyring
from hub.kit.errors import NotFound
from hub.notices import engine, queries
from hub.notices.messages import Choice, Choices, How, Notice
from tenants.people.messages import Language, Letter, Post

BATCH = 500
# Sealed for no row: the link itself is the only place.
_PLACE = "notices unsubscribe"


async def choose(membership_id: UUID, wanted: Choices, *, actor: str) -> list[Choice]:
    """Store what a member wants to hear of, in place of what it was."""
    async with db.transaction(db.PLATFORM):
        before = await queries.choices(membership_id)
        fresh = list({each.subject: each for each in wanted.choices}.values())
        await queries.choose(membership_id, fresh)
        after = await queries.choices(membership_id)
        await record(actor=actor, action="notifications.chosen", subject=str(membership_id), before=before, after=after)
    return after


def link(address: str, keyring: Keyring, membership_id: UUID) -> str:
    """Return the address that ends all mails to a member, without a sign-in."""
    sealed = keyring.seal(membership_id.bytes, _PLACE)
    return f"{address}/unsubscribe/{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def opened(token: str, keyring: Keyring) -> UUID:
    """Return whose link this is; raises `NotFound`."""
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return UUID(bytes=keyring.open(sealed, _PLACE))
    except (CannotOpen, ValueError, binascii.Error) as fault:
        raise NotFound("link_not_found", "This link is not one that the hub gave.") from fault


async def unsubscribe(token: str, keyring: Keyring) -> None:
    """End all mails to whoever has the link; safe to repeat. Raises `NotFound`."""
    await choose(opened(token, keyring), Choices(choices=()), actor="link in a mail")


class Notifier:
    """Collects news for members and queues their mails; any number of them may run."""

    def __init__(self, post: Post, keyring: Keyring) -> None:
        self._post = post
        self._keyring = keyring

    async def beat(self) -> None:
        """Read on in every source, and queue the mails that are due."""
        for source in queries.SOURCES:
            await collect(source)
        await self.send()

    async def send(self) -> int:
        """Queue the mails of the notices that are due, with their removal; returns how many mails."""
        if self._post.send is None:
            return 0
        async with db.transaction(db.PLATFORM):
            letters = list(self._letters(await queries.take(clock.now(), BATCH)))
            for each in letters:
                await self._post.send(each)
        return len(letters)

    def _letters(self, found: Sequence[Notice]) -> Iterable[Letter]:
        for _, group in groupby(found, lambda each: each.membership_id):
            mine = list(group)
            yield from (self._letter("notice", [each]) for each in mine if each.how is How.IMMEDIATELY)
            daily = [each for each in mine if each.how is How.DAILY]
            if daily:
                yield self._letter("digest", daily)

    def _letter(self, template: str, told: Sequence[Notice]) -> Letter:
        to = told[0]
        zone = ZoneInfo(to.time_zone)
        lines = tuple(f"{each.at.astimezone(zone):%Y-%m-%d %H:%M} {each.said}" for each in told)
        ends = link(self._post.address, self._keyring, to.membership_id)
        facts = {
            "name": to.name, "account": to.account, "said": to.said, "count": str(len(told)), "unsubscribe": ends,
            "address": self._post.address,
        }  # fmt: skip
        locale = msgspec.convert(to.locale, Language)
        return Letter(to=to.email, template=template, locale=locale, facts=facts, lines=lines, unsubscribe=ends)


async def collect(source: str) -> int:
    """Read on in one source and store what members want to hear of; returns how much news was read."""
    async with db.transaction(db.PLATFORM):
        found = await queries.read_on(source, BATCH) or []
        listeners = await queries.listeners(list({each.account_id for each in found}))
        now = clock.now()
        for news in found:
            for listener, how in engine.heard(news, listeners).items():
                await queries.add(listener, news, engine.due(how, now))
    return len(found)
