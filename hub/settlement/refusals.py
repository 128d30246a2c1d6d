"""What a marketplace refused after the channel had taken it: nobody was paid, and no second decision is sent."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.deadlines.engine import retries_until
from hub.deadlines.service import moment
from hub.kit import clock
from hub.returns import queries as stored
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Settling
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Refusal
from hub.settlement import queries
from hub.settlement.service import standing_of
from hub.work.messages import Matter, Owner
from hub.work.service import renew_matter
from tenants.profiles import Standing

CHANNEL = "channel"
# As many notices as an item quotes, the newest first.
QUOTED = 10


async def take(account_id: UUID, connection_id: UUID, refusal: Refusal) -> tuple[StoredReturn | None, bool]:
    """Store a notice and let its return follow it; returns the return, if there is one, and whether the notice is new.

    What was settled is so no more. While our own settlement is on its way, the notice waits for its outcome.
    """
    held = await _found(account_id, connection_id, refusal)
    if not await queries.take(account_id, connection_id, refusal, held.id if held else None, clock.now()):
        return held, False
    if held is None:
        await _ask_about_unknown(account_id, connection_id, refusal)
        return None, True
    return await _follow(held), True


async def _follow(held: StoredReturn) -> StoredReturn:
    if held.settlement in {Settling.SETTLED, Settling.SENDING} or states.taken(held.case):
        await stored.note_refusal(held.account_id, held.id, clock.now())
        held = await returns.load(held.account_id, held.id)
    if held.settlement is Settling.SETTLED:
        return await reopen(held)
    if states.taken(held.case):
        await returns.follow_deadlines(held)
    await _ask(held)
    return held


async def _found(account_id: UUID, connection_id: UUID, refusal: Refusal) -> StoredReturn | None:
    found = await stored.find(account_id, refusal.return_number)
    return found if found is not None and found.connection_id == connection_id else None


async def reopen(held: StoredReturn) -> StoredReturn:
    """Take a settlement back that the marketplace refused; the return waits for a person."""
    newest, *_ = await queries.refusals_of(held.account_id, held.id, 1)
    await returns.apply(held, states.refuse_late(held.case, newest.message), actor=CHANNEL)
    reopened = await returns.load(held.account_id, held.id)
    await _ask(reopened)
    return reopened


async def ask_to_confirm(held: StoredReturn) -> None:
    """Say that no new notice came, so that a person confirms that it was paid."""
    await _ask(held, quiet=True)


async def _ask(held: StoredReturn, *, quiet: bool = False) -> None:
    notices = await queries.refusals_of(held.account_id, held.id, QUOTED)
    standing = await standing_of(held)
    matter = Matter(
        key=f"refused_late:{held.id}",
        kind="settlement_refused_late",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: {says(held, standing, notices[0], clock.now(), quiet=quiet)}",
        detail={"notices": [_quote(each) for each in notices]},
    )
    await renew_matter(held.account_id, matter)


def _quote(notice: Refusal) -> dict[str, object]:
    return {"key": notice.key, "at": notice.at, "message": notice.message}


def says(held: StoredReturn, standing: Standing, newest: Refusal, now: datetime, *, quiet: bool) -> str:
    """Return what a person reads of a late refusal: the marketplace's words, what goes on, and what to do."""
    told = (
        f"{standing.name} refused the refund on {moment(newest.at)}, after the channel had taken it: {newest.message}"
    )
    told = told.rstrip(". ") + ". "
    if not states.taken(held.case):
        return f"{told}{_OTHERWISE[held.settlement]} Compare with the marketplace, so that it is paid once."
    if quiet:
        return f"{told}No new refusal came for two days, so that it was probably paid. Look, and say that it was paid."
    until = retries_until(standing.profile, held.settled_at, now)
    if until is not None:
        return f"{told}The channel tries again by itself until {moment(until)}. Once it was paid, say so here."
    return f"{told}Nobody was paid. Have it paid at the marketplace, then say here that it was paid."


_OTHERWISE = {
    Settling.NONE: "Here it is not decided yet.",
    Settling.HELD: "Here it still waits for a person.",
    Settling.SENDING: "Here it is still unknown whether the channel took our decision; if it did, it waits again.",
    Settling.REFUSED: "Here the channel had refused it at once.",
    Settling.NOTHING: "Here nothing of it was to be paid.",
    Settling.ELSEWHERE: "Here it was decided elsewhere, and not by the hub.",
}


async def _ask_about_unknown(account_id: UUID, connection_id: UUID, refusal: Refusal) -> None:
    matter = Matter(
        key=f"refused_late:{connection_id}:{refusal.return_number}",
        kind="settlement_refused_late",
        owner=Owner.SUPPORT,
        summary=f"A marketplace refused a return {refusal.return_number!r} that is not here: {refusal.message}",
        detail={"connection_id": str(connection_id), **msgspec.to_builtins(refusal)},
    )
    await renew_matter(account_id, matter)
