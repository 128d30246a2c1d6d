"""Where the watch for refusals stands: which notices are known, and which returns were asked about. Pure."""

from datetime import datetime, timedelta
from typing import Self

import msgspec

# Notices of the last day are listed each time: one may be shown late, and one may be about a return that the hub only
# later knows to be settled, because the answer to its settlement was lost.
OVERLAP = timedelta(days=1)
AT_FIRST = timedelta(days=30)
# What no watched return explains is asked about again after a while, for as long as it is listed.
AGAIN = timedelta(hours=1)


class Watch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of the notices since a moment; its JSON is the cursor.

    A round asks whose the notices in `asking` are, question by question in a fixed order; `upto` is the last one that
    is answered. Notices are `explained` by a return, or `foreign` as long as none of the watched ones is theirs.
    """

    since: datetime
    explained: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    round_ended: datetime | None = None
    asking: frozenset[str] = frozenset()
    upto: str = ""

    @classmethod
    def begin(cls, cursor: str | None, now: datetime) -> Self:
        """Go on where the cursor stands; one of another format begins anew, and the hub knows a notice it had."""
        try:
            return msgspec.json.decode(cursor or "", type=cls)
        except ValueError:
            return cls(since=now - AT_FIRST)

    @property
    def cursor(self) -> str:
        """The watch as text."""
        return msgspec.json.Encoder(order="deterministic").encode(self).decode()

    def listed(self, keys: frozenset[str], now: datetime) -> Self:
        """Take in what is listed now: begin a round if there is something new, or again after a while."""
        kept = msgspec.structs.replace(self, explained=self.explained & keys, foreign=self.foreign & keys)
        if self.asking:
            return kept
        unexplained = keys - kept.explained
        again = self.round_ended is None or now - self.round_ended >= AGAIN
        wanted = unexplained if again else unexplained - kept.foreign
        return msgspec.structs.replace(kept, asking=wanted, upto="")

    def answered(self, explained: frozenset[str], upto: str) -> Self:
        """Note what was found while the round goes on."""
        return msgspec.structs.replace(self, explained=self.explained | explained, upto=upto)

    def narrowed(self, now: datetime) -> Self:
        """Look at half as long a time: more notices than can be listed."""
        return type(self)(since=self.since + (now - self.since) / 2, explained=self.explained, foreign=self.foreign)

    def rested(self, explained: frozenset[str], now: datetime) -> Self:
        """End the round, if there was one, and let the window move on."""
        known = self.explained | explained
        ended = now if self.asking else self.round_ended
        return type(self)(
            since=max(self.since, now - OVERLAP),
            explained=known,
            foreign=(self.foreign | self.asking) - known,
            round_ended=ended,
        )
