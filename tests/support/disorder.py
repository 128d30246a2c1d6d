"""Ways in which a hub and its channel come to differ, each made on purpose: some at the vendor, some in the hub's rows.

Where only a bug, a restored backup or a vendor's loss could do it, the rows are changed by hand.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx

from hub import process
from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.kit.numbers import new_return_number
from hub.returns.messages import StoredReturn
from hub.sdk import Done, ReturnKey
from tenants import queries as tenants
from tenants.service import reach_of
from tests.support.world import Shop, World

_numbers = count(1)


class Disorder:
    """One shop and the differences that were made in it, by the keys they are found under."""

    def __init__(self, world: World, shop: Shop) -> None:
        self.world = world
        self.shop = shop
        self.expected: set[str] = set()

    async def make_all(self) -> None:
        """Make one difference of each sort, among returns that differ in nothing."""
        for number, make in enumerate(SORTS):
            await make(self)
            if number % 3 == 0:
                await self.good()
        # A poll would mend these by itself.
        later = [await make(self) for make in MENDED_BY_A_POLL]
        await self.world.work()
        for finish in later:
            await finish()

    # what everybody does

    def order(self) -> str:
        return f"SO-{next(_numbers)}"

    async def call(self, method: str, path: str, body: Any) -> httpx.Response:
        """Call the vendor's API as another system of the merchant's would."""
        address = f"{self.world.vendor.address}/{self.shop.tenant}/api{path}"
        headers = {"x-ce-key": self.shop.key}
        return (await self.world.vendor.control.request(method, address, json=body, headers=headers)).raise_for_status()

    async def channel(self, units: int = 1) -> StoredReturn:
        """A channel return that was imported and acknowledged."""
        found = await self.world.channel_return(self.shop, self.order(), {"SHOE": units})
        await self.world.work()
        return await self.world.again(found)

    async def settled(self, found: StoredReturn) -> StoredReturn:
        """Receive all of a return and settle it."""
        items = [(line.sku, line.declared, "A") for line in found.lines]
        await self.world.receive(self.shop, found.number, items)
        await self.world.work()
        after = await self.world.again(found)
        assert after.settlement == "settled"
        return after

    async def decided(self, found: StoredReturn) -> StoredReturn:
        """Receive all of a return; its settlement is still to be told."""
        await self.world.receive(self.shop, found.number, [(line.sku, line.declared, "A") for line in found.lines])
        return await self.world.again(found)

    async def merchant(self, units: int = 1) -> StoredReturn:
        return await self.world.merchant_return(self.shop, self.order(), {"SHOE": units})

    async def declare(self, order: str, number: str, units: int = 1) -> str:
        """Another system declares a merchant return; returns the channel's id of it."""
        line = {"MerchantProductNo": "SHOE", "Quantity": units}
        body = {"MerchantOrderNo": order, "MerchantReturnNo": number, "Reason": "OTHER", "Lines": [line]}
        await self.call("POST", "/v2/returns/merchant", body)
        found = await self.world.vendor.returns(self.shop.tenant)
        return next(str(each["id"]) for each in found if each["merchant_return_no"] == number)

    async def take_up(self, external_id: int, order: str) -> None:
        """Import one return as it is now, whatever its status."""
        async with db.transaction(db.PLATFORM):
            held = await tenants.connection(self.shop.connection)
        key = ReturnKey(return_number="", external_id=str(external_id), order_number=order)
        called = await self.world.hub.vendors.call(reach_of(held), "fetch", key, key="take up")
        assert isinstance(called.outcome, Done)
        seen = called.outcome.result

        async def work() -> None:
            assert (await process.import_channel_return(self.shop.account, self.shop.connection, seen)).stored

        await db.attempt(db.account(self.shop.account), work)

    async def alter(self, sql: str, *values: Any) -> None:
        async with db.transaction(db.PLATFORM):
            await db.execute(sql, self.shop.account, *values)

    async def pretend_settled(self, found: StoredReturn) -> None:
        """Let the hub believe that the channel took a settlement that was never sent."""
        await self.alter(
            """update operations set state = 'done', next_at = null, finished_at = $3, attempt = 1
            where account_id = $1 and return_id = $2 and effect = 'settle'""",
            found.id, clock.now(),
        )  # fmt: skip
        await self.alter(
            """insert into attempts (account_id, operation_id, id, number, call, started_at, duration_ms, outcome,
                exchanges)
            select account_id, id, $3, 1, 'effect', $4, 1, 'Done', '[]' from operations
            where account_id = $1 and return_id = $2 and effect = 'settle'""",
            found.id, new_id(), clock.now(),
        )  # fmt: skip
        await self.alter(
            """update returns set settlement = 'settled', status = 'completed', sync = 'confirmed', settled_at = $3,
                version = version + 1 where account_id = $1 and id = $2""",
            found.id, clock.now(),
        )  # fmt: skip
        await self.alter(
            "update return_lines set settled = accepted where account_id = $1 and return_id = $2", found.id
        )

    async def kill(self, found: StoredReturn, effect: str) -> None:
        await self.alter(
            """update operations set state = 'dead', next_at = null, finished_at = $4, why = 'gave up'
            where account_id = $1 and return_id = $2 and effect = $3""",
            found.id, effect, clock.now(),
        )  # fmt: skip

    async def good(self) -> None:
        """Returns that differ in nothing: settled whole, in part and not at all, open, canceled, only shown."""
        turn = next(_numbers) % 6
        if turn == 0:
            await self.settled(await self.channel(2))
        elif turn == 1:
            await self.settled(await self.merchant(2))
        elif turn == 2:
            found = await self.channel(3)
            await self.world.receive(self.shop, found.number, [("SHOE", 1, "A"), ("SHOE", 1, "D")])
        elif turn == 3:
            found = await self.channel()
            await self.world.vendor.cancel(self.shop.tenant, int(found.external_id or 0))
            await self.world.poll(self.shop)
        elif turn == 4:
            await self.world.receive(self.shop, (await self.merchant()).number, [("SHOE", 1, "D")])
        else:
            await self.merchant()
        await self.world.work()


Make = Callable[[Disorder], Awaitable[None]]
Later = Callable[[], Awaitable[Any]]


async def lost_settlement(it: Disorder) -> None:
    """Settled here, still open there."""
    found = await it.decided(await it.channel(2))
    await it.pretend_settled(found)
    it.expected.add(f"missing:there:{found.id}")


async def lost_creation(it: Disorder) -> None:
    """Settled here, and not at the channel at all."""
    found = await it.decided(await it.merchant(2))
    await it.pretend_settled(found)
    it.expected.add(f"missing:there:{found.id}")


async def dead_settlement(it: Disorder) -> None:
    """Decided here; telling the channel gave up."""
    found = await it.decided(await it.channel())
    await it.kill(found, "settle")
    it.expected.add(f"missing:there:{found.id}")


async def dead_creation(it: Disorder) -> None:
    found = await it.decided(await it.merchant())
    await it.kill(found, "settle")
    it.expected.add(f"missing:there:{found.id}")


async def unheard_settlement(it: Disorder) -> None:
    """The channel has the decision, and the hub never heard that it took it."""
    found = await it.settled(await it.channel())
    await it.kill(found, "settle")
    await it.alter(
        """update returns set settlement = 'sending', status = 'processed', sync = 'acknowledged', settled_at = null,
        version = version + 1 where account_id = $1 and id = $2""",
        found.id,
    )
    await it.alter("update return_lines set settled = 0 where account_id = $1 and return_id = $2", found.id)
    it.expected.add(f"status:decided:{found.id}")


async def declared_elsewhere(it: Disorder) -> None:
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 3})
    it.expected.add(f"extra:elsewhere:{await it.declare(order, f'OTHER-{order}', 2)}")


async def number_of_no_return(it: Disorder) -> None:
    """A number of the hub's form that it never gave, as after a restored backup."""
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 1})
    it.expected.add(f"extra:elsewhere:{await it.declare(order, new_return_number())}")


async def never_sent(it: Disorder) -> None:
    """Another system declared a return with the hub's number, before the hub did."""
    found = await it.merchant()
    await it.declare(found.order_number or "", found.number)
    it.expected.add(f"extra:never_sent:{found.id}")


async def sent_though_canceled(it: Disorder) -> None:
    """The same, of a return that was called off here."""
    found = await it.merchant()
    await it.declare(found.order_number or "", found.number)
    await it.alter(
        """update returns set ending = 'canceled', status = 'canceled', version = version + 1
        where account_id = $1 and id = $2""",
        found.id,
    )
    it.expected.add(f"extra:never_sent:{found.id}")


async def twice(it: Disorder) -> None:
    """The channel holds one of the hub's returns twice."""
    found = await it.settled(await it.merchant())
    await it.world.vendor.sell(it.shop.tenant, order := it.order(), {"SHOE": 1})
    other = await it.declare(order, "placeholder-" + order)
    await it.alter("update returns set number = $3 where account_id = $1 and id = $2", found.id, "placeholder-" + order)
    it.expected.add(f"extra:twice:{other}")


async def twin(it: Disorder) -> None:
    """The channel shows one of its own returns twice."""
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 4})
    for number in (f"CR-{order}-1", f"CR-{order}-2"):
        await it.world.vendor.send_back(it.shop.tenant, order, {"SHOE": 1}, channel_return_no=number)
        await it.world.poll(it.shop)
    await it.alter(
        """update returns set channel_return_number = $2 where account_id = $1 and channel_return_number = $3""",
        f"CR-{order}-2", f"CR-{order}-1",
    )  # fmt: skip
    async with db.transaction(db.account(it.shop.account)):
        rows = await db.fetch("select id from returns where order_number = $1 order by id", order)
    it.expected.add(f"extra:twin:{rows[-1]['id']}")


async def other_decision(it: Disorder) -> None:
    """Both settled, with different quantities."""
    found = await it.settled(await it.channel(2))
    await it.alter(
        "update return_lines set settled = 1, accepted = 1, rejected = 1 where account_id = $1 and return_id = $2",
        found.id,
    )
    it.expected.add(f"quantity:decided:{found.id}")


async def other_rejection(it: Disorder) -> None:
    """The same, of what was rejected alone."""
    found = await it.channel(3)
    await it.world.receive(it.shop, found.number, [("SHOE", 1, "A"), ("SHOE", 2, "D")])
    await it.world.work()
    await it.alter(
        "update return_lines set rejected = 1 where account_id = $1 and return_id = $2",
        found.id,
    )
    it.expected.add(f"quantity:decided:{found.id}")


async def other_creation(it: Disorder) -> None:
    found = await it.settled(await it.merchant(3))
    await it.alter(
        "update return_lines set settled = 2, accepted = 2, rejected = 1 where account_id = $1 and return_id = $2",
        found.id,
    )
    it.expected.add(f"quantity:decided:{found.id}")


async def declared_otherwise(it: Disorder) -> Later:
    found = await it.channel(2)
    it.expected.add(f"quantity:declared:{found.id}")
    return lambda: it.world.vendor.count_again(it.shop.tenant, int(found.external_id or 0), {"SHOE": 1})


async def decided_in_the_pages(it: Disorder) -> Later:
    found = await it.channel(2)
    it.expected.add(f"status:decided:{found.id}")
    return lambda: it.world.vendor.settle_in_web(it.shop.tenant, int(found.external_id or 0), {"SHOE": (1, 1)})


async def canceled_there(it: Disorder) -> Later:
    found = await it.channel()
    it.expected.add(f"status:canceled:{found.id}")
    return lambda: it.world.vendor.cancel(it.shop.tenant, int(found.external_id or 0))


async def settled_and_canceled_there(it: Disorder) -> Later:
    found = await it.decided(await it.channel())
    await it.pretend_settled(found)
    it.expected.add(f"status:canceled:{found.id}")
    return lambda: it.world.vendor.cancel(it.shop.tenant, int(found.external_id or 0))


async def not_imported(it: Disorder) -> Later:
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 1})

    async def finish() -> None:
        back = await it.world.vendor.send_back(it.shop.tenant, order, {"SHOE": 1})
        it.expected.add(f"missing:here:{back['id']}")

    return finish


async def over_here(it: Disorder) -> None:
    found = await it.channel()
    await it.alter(
        """update returns set ending = 'channel_canceled', status = 'channel_canceled', version = version + 1
        where account_id = $1 and id = $2""",
        found.id,
    )
    it.expected.add(f"status:open:{found.id}")


async def no_acknowledgement(it: Disorder) -> None:
    """The hub believes that it was acknowledged."""
    found = await it.world.channel_return(it.shop, it.order(), {"SHOE": 1})
    await it.kill(found, "acknowledge")
    await it.alter("update returns set sync = 'acknowledged' where account_id = $1 and id = $2", found.id)
    it.expected.add(f"status:acknowledgement:{found.id}")


async def acknowledged_unheard(it: Disorder) -> None:
    """The channel has the number, and here the acknowledgement gave up."""
    found = await it.channel()
    await it.kill(found, "acknowledge")
    await it.alter("update returns set sync = 'linked' where account_id = $1 and id = $2", found.id)
    it.expected.add(f"status:acknowledgement:{found.id}")


async def other_number(it: Disorder) -> None:
    found = await it.world.channel_return(it.shop, it.order(), {"SHOE": 1})
    body = {"ReturnId": int(found.external_id or 0), "MerchantReturnNo": f"ERP-{found.external_id}"}
    await it.call("POST", "/v2/returns/merchant/acknowledge", body)
    it.expected.add(f"status:number:{found.id}")


async def shown_otherwise(it: Disorder) -> None:
    """A return that is only shown moved on at the channel."""
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 1})
    back = await it.world.vendor.send_back(it.shop.tenant, order, {"SHOE": 1})
    await it.world.vendor.settle_in_web(it.shop.tenant, back["id"])
    await it.take_up(back["id"], order)
    await it.alter(
        "update returns set channel_status = 'IN_PROGRESS' where account_id = $1 and external_id = $2", str(back["id"])
    )
    async with db.transaction(db.account(it.shop.account)):
        (row,) = await db.fetch("select id from returns where external_id = $1", str(back["id"]))
    it.expected.add(f"status:shown:{row['id']}")


async def over_before_it_was_imported(it: Disorder) -> None:
    order = it.order()
    await it.world.vendor.sell(it.shop.tenant, order, {"SHOE": 2})
    back = await it.world.vendor.send_back(it.shop.tenant, order, {"SHOE": 2})
    await it.world.vendor.settle_in_web(it.shop.tenant, back["id"])
    it.expected.add(f"missing:here:{back['id']}")


SORTS: tuple[Make, ...] = (
    lost_settlement, lost_creation, dead_settlement, dead_creation, unheard_settlement, declared_elsewhere,
    number_of_no_return, never_sent, sent_though_canceled, twice, twin, other_decision, other_rejection, other_creation,
    no_acknowledgement, acknowledged_unheard, other_number, shown_otherwise, over_here, over_before_it_was_imported,
)  # fmt: skip
MENDED_BY_A_POLL: tuple[Callable[[Disorder], Awaitable[Later]], ...] = (
    declared_otherwise, decided_in_the_pages, canceled_there, settled_and_canceled_there, not_imported
)  # fmt: skip
