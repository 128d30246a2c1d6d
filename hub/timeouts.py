"""What follows when a deadline of a return passes: a person is told, or the policy's own time-out acts.

A worker runs `sweep` again and again. Each deadline is acted on in a transaction of its own that first claims it, so
that two workers may sweep at once and a worker may die anywhere.
"""

from hub import process
from hub.deadlines import queries
from hub.deadlines import service as deadlines
from hub.deadlines.messages import Due, Standing
from hub.kit import clock, db
from hub.kit.telemetry import log
from hub.returns import service as returns
from hub.returns import states
from hub.returns.case import Ending
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from hub.settlement import refusals
from hub.wms import announcing
from hub.work.messages import Matter, Owner
from hub.work.service import renew_matter
from tenants import queries as tenants
from tenants.policies.rules import WhenOverdue

POLICY = "policy"

_log = log("timeouts")


async def sweep() -> int:
    """Act on every deadline that has passed, once; returns how many. One that the hub fails on is for support."""
    acted = 0
    async for each in deadlines.passed():
        try:
            acted += await _act(each)
        except db.Lost:
            raise
        except Exception:  # noqa: BLE001 - the beat's boundary: one return must not keep the others from their turn
            _log.error("time-out failed", return_id=str(each.return_id), kind=each.kind, exc_info=True)
            await _set_aside(each)
    return acted


async def _act(each: Standing) -> bool:
    async def work() -> bool:
        if not await queries.pass_(each, clock.now()):
            return False
        held = await returns.load(each.account_id, each.return_id)
        if held.case.over:
            # A profile changed in the moment in which the return ended.
            await returns.follow_deadlines(held)
            return False
        await _pass(held, each)
        return True

    return await db.attempt(db.account(each.account_id), work)


async def _pass(held: StoredReturn, each: Standing) -> None:
    match each.kind:
        case Due.CANCEL | Due.DECIDE:
            await _tell(held, each)
        case Due.ARRIVE:
            rules = await tenants.rules_of(held.account_id, held.policy_version_id)
            await (_ask(held, each) if rules.when_overdue is WhenOverdue.ASK else give_up(held))
        case Due.FINALISE:
            await give_up(held)
        case Due.CONFIRM:
            await refusals.ask_to_confirm(held)


async def _tell(held: StoredReturn, each: Standing) -> None:
    at = deadlines.moment(each.at)
    message = f"the marketplace wanted a decision by {at}, and has none."
    if each.kind is Due.CANCEL:
        message = (
            f"the marketplace was to cancel this return at {at}, and it is not settled. If it does, the hub follows; "
            "goods that come after that need a merchant return."
        )
    matter = Matter(
        key=deadlines.matter_key(held.id, each.kind),
        kind="deadline_passed",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: {message}",
        detail={"deadline": each.kind, "at": each.at},
    )
    await renew_matter(held.account_id, matter)


async def _ask(held: StoredReturn, each: Standing) -> None:
    missing = sum(line.missing for line in held.case.lines)
    end = "cancel it" if held.kind is Kind.MERCHANT else "decide it at the marketplace and say so here"
    matter = Matter(
        key=deadlines.matter_key(held.id, each.kind),
        kind="goods_overdue",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: {missing} units were due by {deadlines.moment(each.at)} and have not come. "
        f"Go on waiting, or {end}.",
        detail={"deadline": each.kind, "at": each.at},
    )
    await renew_matter(held.account_id, matter)


async def give_up(held: StoredReturn) -> None:
    """Wait no longer: what came is settled as all that came; a merchant return of which nothing came expires."""
    if held.kind is Kind.MERCHANT and not held.case.arrived:
        await returns.apply(held, states.cancel(held.case, Ending.EXPIRED), actor=POLICY)
        await returns.release_missing(held, held.case)
        await announcing.follow(held, changed=True)
    else:
        await process.decide(held, states.give_up(held.case), actor=POLICY)


async def _set_aside(each: Standing) -> None:
    async with db.transaction(db.account(each.account_id)):
        if await queries.pass_(each, clock.now()):
            matter = Matter(
                key=deadlines.matter_key(each.return_id, each.kind),
                kind="deadline_failed",
                owner=Owner.SUPPORT,
                return_id=each.return_id,
                summary=f"{each.return_number}: the hub failed on what is to follow when its time is over.",
                detail={"deadline": each.kind, "at": each.at},
            )
            await renew_matter(each.account_id, matter)
