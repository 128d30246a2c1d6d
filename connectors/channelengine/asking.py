"""Whose the new notices are, found out in few calls: many returns per question, halved where the answer is yes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from connectors.channelengine.answers import Unreadable, decode
from connectors.channelengine.client import Params, pages, split
from connectors.channelengine.wire import Notice
from hub.sdk import Context, Interrupted, Refused, ReturnKey

NOTIFICATIONS = "/v2/notifications"
BY_OUR_NUMBER = "merchantReturnNos"
BY_THEIR_NUMBER = "channelReturnNos"
# A call of the hub's has an end; who watches many returns goes on with the next one.
MOST_QUESTIONS = 12
NOBODYS_NUMBER = "~"
IGNORED = Refused("filter_ignored", "This ChannelEngine does not say which return a notification is about.")

Notices = dict[str, Notice]


class Asked(NamedTuple):
    """A return to ask about by one of its numbers; the order of these is the order of asking."""

    by_theirs: bool
    number: str
    return_number: str

    @property
    def field(self) -> str:
        """The filter that takes the number."""
        return BY_THEIR_NUMBER if self.by_theirs else BY_OUR_NUMBER

    @property
    def place(self) -> str:
        """Its place in the order of asking, as text."""
        return f"{int(self.by_theirs)}:{self.number}"


def to_ask(watched: Sequence[ReturnKey], upto: str) -> list[Asked]:
    """Return what is to be asked after a place: by our numbers first, for nearly every return carries one there."""
    every = {Asked(by_theirs=False, number=key.return_number, return_number=key.return_number) for key in watched}
    theirs = {
        Asked(by_theirs=True, number=key.channel_return_number, return_number=key.return_number)
        for key in watched
        if key.channel_return_number
    }
    # Two marketplaces may use one number, which then says of neither return whose a notice is.
    times = Counter(each.number for each in theirs)
    every |= {each for each in theirs if times[each.number] == 1}
    return sorted(each for each in every if each.place > upto)


async def notices(context: Context, chosen: Params) -> Notices:
    """Read all notices of a list by their id; what is none is left out."""
    found: Notices = {}
    async for page in pages(context, NOTIFICATIONS, chosen, msgspec.Raw):
        for raw in page.content or ():
            try:
                notice = decode(raw, Notice)
            except Unreadable:
                context.log.warning("channelengine_notice_unreadable")
                continue
            found[str(notice.id)] = notice
    return found


class Round:
    """One round of questions about the `wanted` notices; `upto` is the last return whose answer is final."""

    def __init__(self, context: Context, chosen: Params, wanted: Iterable[str], upto: str) -> None:
        self.found: list[tuple[str, Notice]] = []
        self.upto = upto
        self._context = context
        self._chosen = chosen
        self._left = set(wanted)
        self._questions = 0
        self._trusted: set[str] = set()

    async def ask(self, todo: list[Asked]) -> bool:
        """Ask, and say whether the round is over: no notice is left, or nobody to ask about."""
        stack: list[tuple[list[Asked], Notices | None]] = [(part, None) for part in reversed(self._parts(todo))]
        while stack and self._left:
            if self._questions >= MOST_QUESTIONS:
                return False
            part, known = stack.pop()
            answer = await self._about(part) if known is None else known
            hits = {key: notice for key, notice in answer.items() if key in self._left}
            if hits and len(part) > 1:
                half = len(part) // 2
                first = await self._about(part[:half])
                # A notice is about one return: what the first half does not have, the second has.
                rest = {key: notice for key, notice in hits.items() if key not in first}
                stack += [(part[half:], rest), (part[:half], first)]
                continue
            if hits:
                await self._take(part[0], hits)
            self.upto = part[-1].place
        return True

    def _parts(self, todo: list[Asked]) -> list[list[Asked]]:
        parts: list[list[Asked]] = []
        for field, group in groupby(todo, key=lambda each: each.field):
            by_number = {each.number: each for each in group}
            chosen = [*self._chosen, ("page", "99")]
            split_up = split(self._context, NOTIFICATIONS, chosen, field, by_number)
            parts += [[by_number[number] for number in numbers] for numbers in split_up]
        return parts

    async def _about(self, part: list[Asked]) -> Notices:
        self._questions += 1
        return await notices(self._context, [*self._chosen, *((each.field, each.number) for each in part)])

    async def _take(self, asked: Asked, hits: Notices) -> None:
        await self._require_filter(asked.field, hits)
        self.found += [(asked.return_number, notice) for notice in hits.values()]
        self._left -= hits.keys()

    async def _require_filter(self, field: str, hits: Notices) -> None:
        """Make sure that the filter works: one that is ignored would blame the first return for all notices."""
        if field in self._trusted:
            return
        nobodys = await notices(self._context, [*self._chosen, (field, NOBODYS_NUMBER)])
        if nobodys.keys() & hits.keys():
            raise Interrupted(IGNORED)
        self._trusted.add(field)
