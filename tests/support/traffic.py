"""Everything that people, vendors, workers and bad luck may do to a few shops, as commands to be shuffled."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx

from hub import persons, process
from hub.api.road import find_order
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import clock, db
from hub.kit.errors import HubError
from hub.operations import queries as operations
from hub.operations.messages import State
from hub.returns import states
from hub.returns.case import Ending
from hub.returns.messages import StoredReturn
from hub.sdk import ReceivingRefused
from hub.sdk.messages import Kind, Phase
from hub.settlement.messages import DecidedLine, Decision
from tenants import queries as tenants
from tests.support.crash import Crash
from tests.support.judge import stored
from tests.support.world import Shop, World

# What a user may be told; anything else that is raised is a bug.
ANSWERS = (HubError, ReceivingRefused, httpx.HTTPStatusError)
ORDERS = ("SO-1", "SO-2", "SO-3")
SOLD = {"SHOE": 3, "SHIRT": 2}
BOL = {"channel_id": 12, "channel_name": "bol NL", "global_channel_name": "bol"}
FAULTS = ("500-before", "500-after", "drop-before", "drop-after", "409", "429:20", "malformed")
TARGETS = ("settle", "create", "acknowledge", "poll", "readback", "orders")
SPANS = (3, 40, 120, 3600, 90_000)

_numbers = count(1)


class Traffic:
    """Each command takes three small numbers, which say which shop, return, quantity or fault is meant."""

    def __init__(self, world: World, shops: list[Shop]) -> None:
        self.world = world
        self.shops = shops

    @classmethod
    async def begin(cls, world: World) -> "Traffic":
        """Set up two shops with a few sales and returns of both kinds.

        One asks before it pays what is short, and sells where all or nothing is taken; the other has little patience.
        """
        await world.vendor.calm()
        await world.vendor.set_clock(clock.now())
        patience: dict[str, Any] = {"arrive_within_days": 2, "when_overdue": "settle", "finalise_after_days": 1}
        shops = [await world.shop(**patience), await world.shop(when_short="ask", arrive_within_days=2)]
        await world.profile(shops[1], "12", partial="all_or_nothing", decision_days=1)
        for shop in shops:
            for order in ORDERS:
                await world.vendor.sell(shop.tenant, order, SOLD, **(BOL if order == "SO-3" else {}))
        begun = cls(world, shops)
        for number, command in enumerate(("create", "create", "create", "send back", "send back", "poll") * 2):
            await begun.run(command, number // 6, number, number)
        return begun

    @property
    def commands(self) -> dict[str, Callable[[int, int, int], Awaitable[Any]]]:
        """The commands by their names."""
        return {
            "create": self.create, "send back": self.send_back, "poll": self.poll, "receive": self.receive,
            "finalise": self.finalise, "cancel": self.cancel, "cancel at channel": self.cancel_at_channel,
            "settle": self.settle, "replay": self.replay, "break": self.break_, "mend": self.mend,
            "decide": self.decide, "elsewhere": self.elsewhere, "close": self.close, "beat": self.beat,
            "poor": self.poor,
            "work": self.work, "crash": self.crash, "wait": self.wait, "flush": self.flush, "at once": self.at_once,
        }  # fmt: skip

    async def run(self, name: str, a: int, b: int, c: int) -> None:
        """Run one command; an answer that a user can be given is as good as success."""
        try:
            await self.commands[name](a, b, c)
        except ANSWERS:
            return

    async def end(self) -> None:
        """Mend everything, let a person replay what is dead, and let time pass until nothing is on its way."""
        await self.world.vendor.fail()
        self.world.watch.forward(hours=2)
        for shop in self.shops:
            await self.world.poll(shop)
        await self.world.work_until_quiet()
        for shop in self.shops:
            await self._revive(shop)
        await self.world.work_until_quiet()
        self.world.watch.forward(hours=1)
        for shop in self.shops:
            await self.world.poll(shop)
            await self._confirm(shop)

    async def _revive(self, shop: Shop) -> None:
        for operation in await self.world.operations(shop):
            if operation.state is State.DEAD:
                await persons.replay(shop.account, operation.id, actor="a person")

    async def _confirm(self, shop: Shop) -> None:
        """A person looks which of the refunds that were refused afterwards the marketplace has paid after all."""
        paid = {str(entry["return_id"]) for entry in await self.world.vendor.ledger(shop.tenant)}
        for each in await stored(shop):
            if states.taken(each.case) and each.ending is Ending.OPEN and each.external_id in paid:
                await persons.paid(each.account_id, each.id, "the marketplace shows it", actor="a person")

    def _shop(self, a: int) -> Shop:
        return self.shops[a % len(self.shops)]

    async def _return(self, a: int, b: int) -> StoredReturn | None:
        found = await stored(self._shop(a))
        return found[b % len(found)] if found else None

    async def create(self, a: int, b: int, c: int) -> None:
        """A customer returns something in the merchant's portal; the order is looked up as the API does."""
        shop = self._shop(a)
        lines = {"SHOE": 1 + c % 4} if c % 3 else {"SHOE": 1 + c % 2, "SHIRT": 1}
        async with db.transaction(db.PLATFORM):
            connection = await tenants.connection(shop.connection)
        order = await find_order(self.world.hub.vendors, connection, ORDERS[b % 3])
        new = NewReturn(
            channel_id=shop.channel, order_number=ORDERS[b % 3],
            lines=tuple(NewLine(sku=sku, quantity=units) for sku, units in lines.items()),
        )  # fmt: skip
        await process.create_merchant_return(shop.account, new, order, key=f"key {next(_numbers)}", actor="a customer")

    async def send_back(self, a: int, b: int, c: int) -> None:
        """A customer returns something at the marketplace."""
        lines = {"SHOE": 1 + c % 2, **({"SHIRT": 1} if c % 3 == 0 else {})}
        number = f"CR-{next(_numbers)}"
        await self.world.vendor.send_back(self._shop(a).tenant, ORDERS[b % 3], lines, channel_return_no=number)

    async def poll(self, a: int, _b: int, _c: int) -> None:
        await self.world.poll(self._shop(a))

    async def receive(self, a: int, b: int, c: int, *, finalise: bool = False) -> None:
        """Something arrives: all that was announced, a part of it, more of it, or something else."""
        found = await self._return(a, b)
        if found is None:
            return
        items = [(line.sku, line.declared, "ABCD"[(b + c) % 4]) for line in found.lines]
        if c % 3 == 1:
            items = [(found.lines[0].sku, 1, "A")]
        if c % 5 == 4:
            items.append(("HAT" if c % 2 else "SHOE", 1 + b % 3, "B"))
        await self.world.receive(self._shop(a), found.number, items, finalise=finalise)

    async def finalise(self, a: int, b: int, c: int) -> None:
        await self.receive(a, b, c, finalise=True)

    async def cancel(self, a: int, b: int, _c: int) -> None:
        found = await self._return(a, b)
        if found is not None:
            await persons.cancel(found.account_id, found.id, actor="a person")

    async def cancel_at_channel(self, a: int, b: int, _c: int) -> None:
        found = await self._return(a, b)
        if found is not None and found.kind is Kind.CHANNEL:
            await self.world.vendor.cancel(self._shop(a).tenant, int(found.external_id or 0))

    async def settle(self, a: int, b: int, _c: int) -> None:
        found = await self._return(a, b)
        if found is not None:
            await persons.settle(found.account_id, found.id, actor="a person")

    async def decide(self, a: int, b: int, c: int) -> None:
        """A person decides otherwise than the policy, whether that makes sense or not."""
        found = await self._return(a, b)
        if found is not None:
            lines = tuple(DecidedLine(line=line.id, accepted=min(line.received, c % 3)) for line in found.lines)
            decision = Decision(lines=lines, why="a person knows better")
            await persons.decide(found.account_id, found.id, decision, actor="a person")

    async def elsewhere(self, a: int, b: int, c: int) -> None:
        """A person says that it was decided past the hub; seldom, for it ends the road."""
        found = await self._return(a, b)
        if found is not None and c % 4 == 0:
            await persons.settled_elsewhere(found.account_id, found.id, "by phone", actor="a person")

    async def close(self, a: int, b: int, _c: int) -> None:
        """A person closes a work item, whatever it stands for."""
        found = await self.world.work_items(self._shop(a))
        if found:
            await persons.close_item(self._shop(a).account, found[b % len(found)].id, "seen", actor="a person")

    async def poor(self, a: int, _b: int, _c: int) -> None:
        """A marketplace will refuse what the channel takes next."""
        await self.world.vendor.fail_exports(self._shop(a).tenant)

    async def beat(self, _a: int, _b: int, _c: int) -> None:
        """The worker looks at the deadlines."""
        await self.world.beat()

    async def replay(self, a: int, b: int, _c: int) -> None:
        """A person replays something, whether that makes sense or not."""
        found = await self.world.operations(self._shop(a))
        if found:
            await persons.replay(self._shop(a).account, found[b % len(found)].id, actor="a person")

    async def break_(self, a: int, b: int, c: int) -> None:
        """The vendor fails in two ways at once."""
        first = f"{TARGETS[a % 6]}={FAULTS[b % 7]}/{1 + c % 2}"
        second = f"{TARGETS[c % 6]}={FAULTS[(a + b) % 7]}+{1 + c % 3}"
        await self.world.vendor.fail(first, second)

    async def mend(self, _a: int, _b: int, _c: int) -> None:
        await self.world.vendor.fail()

    async def work(self, _a: int, _b: int, _c: int) -> None:
        await self.world.work(most=60)

    async def crash(self, a: int, _b: int, c: int) -> None:
        """A worker takes something that is due, and dies somewhere."""
        async with db.transaction(db.PLATFORM):
            due = await operations.due([phase.value for phase in Phase], clock.now(), 5)
        if due:
            each = due[a % len(due)]
            await Crash(c).run(self.world.runner.job(each.phase)(str(each.id), str(each.connection_id)))

    async def wait(self, a: int, _b: int, _c: int) -> None:
        self.world.watch.forward(seconds=SPANS[a % len(SPANS)])
        await self.world.vendor.set_clock(clock.now())

    async def flush(self, _a: int, _b: int, _c: int) -> None:
        await self.world.hub.bell.forget_everything()

    async def at_once(self, a: int, b: int, c: int) -> None:
        """Several people do things to one return in the same moment."""
        names = ("finalise", "cancel", "settle", "receive", "poll", "work", "decide", "beat")
        await asyncio.gather(*(self.run(name, a, b, c) for name in names if name != names[c % 8]))
