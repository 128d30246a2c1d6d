"""Everything that can happen to each request: nothing is done twice, and nothing is said to be done that is not."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from hub.sdk import (
    Absent,
    ActionRequired,
    Announcement,
    AnnouncementLine,
    Capability,
    Done,
    Effect,
    Outcome,
    OutcomeUnknown,
    Pending,
    RateLimited,
    Refused,
    Retry,
    SnapshotKey,
    VendorReference,
)
from hub.sdk.testing.bench import Bench, wanted
from hub.sdk.testing.broken import Broken, require
from hub.sdk.testing.rules import Tier, rule
from hub.sdk.testing.wire import Crashed, Fault, Request

ROUNDS = 8
NOT_FOUND = 404
CRASHES = frozenset({Fault.CRASH_BEFORE, Fault.CRASH_AFTER})
# What may be answered where a request that only reads went wrong; and where one that writes did.
OF_READS: dict[Fault, tuple[type[Outcome], ...]] = {
    Fault.LIMITED: (RateLimited,),
    Fault.NO_KEY: (ActionRequired,),
    Fault.NO_RIGHT: (ActionRequired,),
}
NEVER_SENT = (Retry,)
IN_DOUBT = (OutcomeUnknown,)


@rule(Tier.SILVER, "Each fault of a request that reads has the hub try again, wait, or ask for repair")
async def faults_of_reads(bench: Bench) -> None:
    """Play every fault at every request of check, snapshot and changes."""
    message = await bench.announced()
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    key = SnapshotKey(return_number=message.return_number)
    for method, arguments in (("check", ()), ("snapshot", (key,)), ("changes", (None,))):
        bench.wire.begin()
        await bench.result(method, *arguments)
        for place in range(bench.wire.calls):
            for fault in set(Fault) - CRASHES:
                bench.wire.begin((place, fault))
                outcome = await bench.call(method, *arguments)
                allowed = OF_READS.get(fault, (Retry,))
                require(
                    isinstance(outcome, allowed),
                    f"{method}, request {place + 1}: {fault}, and the answer is {outcome!r}, not {_names(allowed)}",
                )


@rule(Tier.SILVER, "Each fault of an announcement ends at exactly one return")
async def faults_of_announcing(bench: Bench) -> None:
    """Play every fault at every request, and go on as the hub does."""
    await _matrix(bench, Effect.ANNOUNCE, _nothing_before, lambda message: [wanted(message)])


@rule(Tier.SILVER, "Each fault of a withdrawal ends at none")
async def faults_of_withdrawing(bench: Bench) -> None:
    """Play every fault at every request, where the vendor can be told at all."""
    if await _can(bench, Effect.WITHDRAW):
        await _matrix(bench, Effect.WITHDRAW, _announced_before, lambda _: [])


@rule(Tier.GOLD, "Each fault of an amendment ends at the goods that will come")
async def faults_of_amending(bench: Bench) -> None:
    """Play every fault at every request, where the vendor can be told at all."""
    if await _can(bench, Effect.AMEND):
        await _matrix(bench, Effect.AMEND, _announced_before, lambda message: [wanted(message)])


Prepare = Callable[[Bench], Awaitable[Announcement]]
Expect = Callable[[Announcement], list[dict[str, int]]]


async def _can(bench: Bench, effect: Effect) -> bool:
    """Say whether the vendor can be told; a connector says where it cannot."""
    message = await bench.announced()
    outcome = await bench.call(effect.value, message)
    if isinstance(outcome, Refused):
        require(outcome.code == "not_possible", f"{effect} is refused with {outcome.code!r}, not 'not_possible'")
        return False
    return True


async def _nothing_before(bench: Bench) -> Announcement:
    return await bench.announcement()


async def _announced_before(bench: Bench) -> Announcement:
    message = await bench.announced()
    fewer = msgspec.structs.replace(message.lines[0], quantity=1)
    other = AnnouncementLine(line="more", sku="BELT", quantity=4, order_line=f"{message.order_number}-9")
    changed = msgspec.structs.replace(message, lines=(fewer, other))
    await bench.know(changed)
    return changed


async def _matrix(bench: Bench, effect: Effect, prepare: Prepare, expect: Expect) -> None:
    message = await prepare(bench)
    bench.wire.begin()
    await bench.result(effect.value, message, key=_key(effect, message))
    begun = bench.wire.calls
    require(await bench.held(message.return_number) == expect(message), f"{effect} did not do what it says")
    for place in range(begun):
        for fault in Fault:
            await _one(bench, effect, await prepare(bench), (place, fault), expect)


async def _one(
    bench: Bench, effect: Effect, message: Announcement, fault_at: tuple[int, Fault], expect: Expect
) -> None:
    told = f"{effect}, request {fault_at[0] + 1}: {fault_at[1]}"
    bench.wire.begin(fault_at)
    before = len(bench.wire.sent)
    outcome = await _try(bench, effect, message)
    if outcome is not None and fault_at[1] not in CRASHES:
        _judge(told, fault_at[1], outcome, bench.wire.sent[before:], fault_at[0])
    bench.wire.begin()
    await _go_on(bench, effect, message, outcome, told)
    held = await bench.held(message.return_number)
    require(held == expect(message), f"{told}; in the end the vendor holds {held} and not {expect(message)}")


async def _try(bench: Bench, effect: Effect, message: Announcement) -> Outcome | None:
    try:
        return await bench.call(effect.value, message, key=_key(effect, message))
    except Crashed:
        return None


def _judge(told: str, fault: Fault, outcome: Outcome, sent: list[Request], place: int) -> None:
    """See that the outcome is one that the fault allows."""
    writes = place < len(sent) and sent[place].writes
    allowed = OF_READS.get(fault) or (IN_DOUBT if writes and fault is not Fault.NEVER_SENT else (Retry,))
    if place < len(sent) and fault in {Fault.CUT, Fault.EMPTY} and sent[place].status == NOT_FOUND:
        # The status says it all.
        return
    if fault in {Fault.LOST_BEFORE, Fault.LOST_AFTER} and place >= len(sent):
        # The request is not on record, because it never had an answer.
        allowed = (Retry, OutcomeUnknown)
    if writes and fault in {Fault.CUT, Fault.EMPTY, Fault.PAGE_AFTER}:
        # The vendor had acted, so that a connector which does not need the answer may say so.
        allowed = (OutcomeUnknown, Done)
    require(isinstance(outcome, allowed), f"{told}, and the answer is {outcome!r}, not {_names(allowed)}")


async def _go_on(bench: Bench, effect: Effect, message: Announcement, outcome: Outcome | None, told: str) -> None:
    """Do what the hub does next, until it is done."""
    for _ in range(ROUNDS):
        match outcome:
            case Done():
                return
            case None | OutcomeUnknown() | Pending():
                bench.now += timedelta(minutes=2)
                outcome = await _look(bench, effect, message)
            case Retry() | RateLimited() | ActionRequired() | Absent():
                outcome = await bench.call(effect.value, message, key=_key(effect, message))
            case other:
                raise Broken(f"{told}; later the answer is {other!r}")
    raise Broken(f"{told}; it is never done after that")


async def _look(bench: Bench, effect: Effect, message: Announcement) -> Outcome:
    if bench.can(Capability.LOOKUP):
        return await bench.call("lookup", effect, message)
    return await bench.call(effect.value, message, key=_key(effect, message))


def _key(effect: Effect, message: Announcement) -> str:
    return f"{effect}:{message.return_number}"


def _names(kinds: tuple[type, ...]) -> str:
    return " or ".join(each.__name__ for each in kinds)


@rule(Tier.PLATINUM, "A look-up finds what happened, and nothing that did not")
async def lookups(bench: Bench) -> None:
    """Look before and after every effect that can be looked up."""
    if not bench.can(Capability.LOOKUP):
        return
    message = await bench.announcement()
    await _found(bench, Effect.ANNOUNCE, message, found=False)
    await bench.result(Effect.ANNOUNCE.value, message)
    await _found(bench, Effect.ANNOUNCE, message, found=True)
    if await _can(bench, Effect.WITHDRAW):
        await _found(bench, Effect.WITHDRAW, message, found=False)
        await bench.result(Effect.WITHDRAW.value, message)
        await _found(bench, Effect.WITHDRAW, message, found=True)


async def _found(bench: Bench, effect: Effect, message: Announcement, *, found: bool) -> None:
    outcome = await bench.call("lookup", effect, message)
    shown = isinstance(outcome, Done) and isinstance(outcome.result, VendorReference)
    fits = shown if found else isinstance(outcome, Absent)
    require(fits, f"{effect} has {'' if found else 'not '}happened, and the look-up answers {outcome!r}")
