"""Store what the channel changed of a return, in the caller's transaction."""

from collections.abc import Sequence

from hub.kit import clock
from hub.returns import service as returns
from hub.returns.case import Event, Step
from hub.returns.channel import queries
from hub.returns.channel.messages import Redeclared
from hub.returns.messages import StoredReturn

CHANNEL = "channel"


async def link(known: StoredReturn, order_number: str | None, channel_order_number: str | None) -> set[str]:
    """Give a return the order's numbers that it lacks; returns the products that have no room on that order."""
    full = await queries.move_counts(known, order_number) if order_number and not known.order_number else set()
    numbers = {"order_number": order_number, "channel_order_number": channel_order_number}
    event = Event("return.linked", {name: number for name, number in numbers.items() if number})
    await queries.record(
        known, known.case, (event,), order_number=order_number, channel_order_number=channel_order_number, lines=None,
        actor=CHANNEL, now=clock.now(),
    )  # fmt: skip
    await returns.note(known, Step(known.case, (event,)), actor=CHANNEL)
    return full


async def redeclare(known: StoredReturn, step: Step, lines: Sequence[Redeclared]) -> None:
    """Store the lines that the channel declares now in place of those before, with what to tell of it."""
    await queries.record(
        known, step.case, step.events, order_number=None, channel_order_number=None, lines=lines, actor=CHANNEL,
        now=clock.now(),
    )  # fmt: skip
    await returns.note(known, step, actor=CHANNEL)
