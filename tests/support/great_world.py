"""A whole world of shops and marketplaces, lived through to its end: parcels arrive, people decide, time passes.

The sandbox makes the world and says what has to become of each return; its own books are the judge in the end.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

import httpx
import msgspec

from hub import persons, process
from hub.api.road import find_order
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import db
from hub.kit.errors import HubError
from hub.operations.messages import State
from hub.returns.case import Ending, Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk import ReceivingRefused
from hub.sdk.messages import Kind
from tenants import queries as tenants
from tests.support.exchanges import objections
from tests.support.judge import stored
from tests.support.world import Shop, World

# A moment between two calls, so that the vendor can tell one that came too soon from one that came together.
BREATH_SECONDS = 0.3
ROUND_SECONDS, BUSY_ROUNDS = 240.0, 40
LATER_SECONDS = 6 * 3600.0
WAITING = {Status.EXPECTED, Status.APPROVED, Status.PARTIALLY_RECEIVED}
GRADES = "AAAAABBD"


class Merchant(msgspec.Struct, kw_only=True):
    """One tenant of the world: its shop in the hub, what the sandbox made for it, and which orders still come back."""

    shop: Shop
    made: dict[str, Any]
    orders: list[dict[str, Any]]


class GreatWorld:
    """Several merchants at several marketplaces, with every chance taken from one seed."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.merchants: list[Merchant] = []
        self._round = 0
        self._handled_by_hand: set[str] = set()
        self._objections: set[str] = set()

    async def begin(self, *, tenants: int, marketplaces: int, returns: int, merchant_orders: int) -> None:
        """Make the world at the vendor, set every merchant up in the hub, and then let everything go wrong."""
        made = await self.world.vendor.world(
            self.seed, tenants=tenants, marketplaces=marketplaces, returns=returns, merchant_orders=merchant_orders
        )
        for tenant in made["tenants"]:
            covered = tuple(str(each["channel_id"]) for each in tenant["channels"])
            shop = await self.world.merchant(tenant["name"], tenant["key"], covered)
            self.merchants.append(Merchant(shop=shop, made=tenant, orders=list(tenant["merchant_orders"])))
        await self.world.vendor.fail("all")

    async def live(self, rounds: int) -> int:
        """Let life go on until nothing more happens; returns how many rounds that took."""
        for self._round in range(1, rounds + 1):
            for merchant in self.merchants:
                await self.world.poll(merchant.shop)
                await self._customers(merchant)
            await self._work()
            for merchant in self.merchants:
                await self._parcels(merchant)
                await self._people(merchant)
                await self._support(merchant)
            await self._work()
            await self._listen()
            # Once the parcels are in, what is left waits for look-ups that are days apart.
            await self._wait(ROUND_SECONDS if self._round < BUSY_ROUNDS else LATER_SECONDS)
            if await self._all_is_said():
                break
        return self._round

    async def _work(self) -> None:
        """Work on what is due, and on what falls due while that is done or waits for a vendor that asked for time."""
        while True:
            while await self.world.work(most=1):
                self.world.watch.forward(seconds=BREATH_SECONDS)
            pause = await self.world.seconds_to_next()
            if pause is None or pause > ROUND_SECONDS:
                return
            self.world.watch.forward(seconds=pause + BREATH_SECONDS)

    async def _wait(self, seconds: float) -> None:
        pause = await self.world.seconds_to_next()
        self.world.watch.forward(seconds=min(seconds, max(pause or seconds, ROUND_SECONDS)))

    async def _customers(self, merchant: Merchant) -> None:
        """Customers of the shop send something back; where the order cannot be read now, they try again later."""
        for order in list(merchant.orders):
            lines = tuple(
                NewLine(sku=line["merchant_product_no"], quantity=line["quantity"]) for line in order["lines"]
            )
            new = NewReturn(channel_id=merchant.shop.channel, order_number=order["merchant_order_no"], lines=lines)
            try:
                await self._ask(merchant.shop, new)
            except HubError:
                continue
            merchant.orders.remove(order)

    async def _ask(self, shop: Shop, new: NewReturn) -> None:
        async with db.transaction(db.PLATFORM):
            connection = await tenants.connection(shop.connection)
        order = await find_order(self.world.hub.vendors, connection, new.order_number)
        key = f"order:{new.order_number}"
        await process.create_merchant_return(shop.account, new, order, key=key, actor="a customer")

    async def _parcels(self, merchant: Merchant) -> None:
        for found in await stored(merchant.shop):
            if found.status in WAITING:
                await self._parcel(merchant, found)

    async def _parcel(self, merchant: Merchant, found: StoredReturn) -> None:
        """A warehouse books what arrived: mostly all of it, sometimes less, worse, or in two parcels."""
        dice = Random(f"{self.seed}/{found.channel_return_number or found.order_number}/{self._round}")
        if dice.random() < 0.3:
            return
        items = [
            (line.sku, units, dice.choice(GRADES))
            for line in found.lines
            if (units := max(line.declared - line.received - (dice.random() < 0.1), 0))
        ]
        whole = found.status is Status.PARTIALLY_RECEIVED or dice.random() < 0.8
        try:
            await self.world.receive(
                merchant.shop, found.number, items, finalise=whole and bool(items or found.arrived_at)
            )
        except ReceivingRefused:
            return

    async def _people(self, merchant: Merchant) -> None:
        """People look at what is held: they let it go, or do by hand at the marketplace what cannot be told."""
        for found in await stored(merchant.shop):
            if found.settlement is Settling.HELD and found.finalised_at is not None:
                try:
                    await persons.settle(found.account_id, found.id, actor="a person")
                except HubError:
                    await self._by_hand(merchant, found)

    async def _support(self, merchant: Merchant) -> None:
        """What the hub gave up on is tried again: it looks before it repeats."""
        for each in await self.world.operations(merchant.shop):
            if each.state is State.DEAD:
                await persons.replay(merchant.shop.account, each.id, actor="support")

    async def _listen(self) -> None:
        """Hold the latest calls of each shop against the vendor's description, where that is here."""
        for merchant in self.merchants:
            for exchange in await self.world.vendor.exchanges(merchant.shop.tenant):
                self._objections.update(objections(exchange))

    async def _by_hand(self, merchant: Merchant, found: StoredReturn) -> None:
        if found.number in self._handled_by_hand or found.external_id is None:
            return
        self._handled_by_hand.add(found.number)
        decided = {
            int(line.order_line): (line.accepted, line.declared - line.accepted)
            for line in found.lines
            if line.order_line
        }
        # Somebody else may have been there first.
        with suppress(httpx.HTTPStatusError):
            await self.world.vendor.settle_in_web(merchant.shop.tenant, int(found.external_id), decided)

    async def _all_is_said(self) -> bool:
        for merchant in self.merchants:
            if merchant.orders or any(not found.case.over for found in await stored(merchant.shop)):
                return False
        return True

    async def wrong(self) -> list[str]:
        """Name everything that did not end as it had to, by the vendor's books and the world's own plan."""
        told = sorted(self._objections)
        for merchant in self.merchants:
            judgement = await self.world.vendor.judgement(merchant.shop.tenant)
            told += [f"{merchant.shop.tenant}: {each}" for each in _verdicts(judgement)]
            violations = await self.world.vendor.violations(merchant.shop.tenant)
            counted = Counter((each["code"], each["why"]) for each in violations)
            told += [f"{merchant.shop.tenant}: {times} times {code}: {why}" for (code, why), times in counted.items()]
            told += [
                f"{merchant.shop.tenant}: {each}" for each in _endings(merchant, await stored(merchant.shop), judgement)
            ]
        return told


def _verdicts(judgement: dict[str, Any]) -> Iterator[str]:
    for name in ("wrong_refunds", "double_refunds", "over_refunded", "never_acknowledged"):
        for each in judgement[name]:
            yield f"{name}: {each}"


def _endings(merchant: Merchant, held: list[StoredReturn], judgement: dict[str, Any]) -> Iterator[str]:
    by_external = {found.external_id: found for found in held if found.kind is Kind.CHANNEL}
    judged = {str(each["return_id"]): each for each in judgement["returns"]}
    for plan in merchant.made["returns"]:
        reference = str(plan["return_id"])
        found = by_external.get(reference)
        if found is None:
            # What was over before the hub first asked is none of those that are open.
            if not any(twist.endswith("_before") for twist in plan["twists"]):
                yield f"return {reference} ({plan['twists']}, {plan['expected']}) is not in the hub"
            continue
        wrong = _ending(plan, found, judged[reference])
        if wrong:
            yield f"return {reference} of {plan['marketplace']} ({plan['twists']}, {plan['expected']}): {wrong}"
    for found in held:
        if found.kind is Kind.MERCHANT and found.settlement not in {Settling.SETTLED, Settling.NOTHING}:
            yield f"merchant return {found.number} of {found.marketplace} ended {found.status}, {found.settlement}"
        refunded = sum(line["refunded"] for line in judged.get(found.external_id or "", {"lines": []})["lines"])
        settled = sum(line.settled for line in found.lines)
        if settled != refunded and found.settlement is not Settling.ELSEWHERE and found.informational is None:
            yield f"{found.kind} return {found.external_id}: {settled} units settled here, {refunded} refunded there"


def _ending(plan: dict[str, Any], found: StoredReturn, judged: dict[str, Any]) -> str | None:
    # A list that moves while it is read has a return canceled by its marketplace, whatever was planned for it.
    canceled = judged["status"] == "CANCELLED"
    match "cancelled" if canceled else plan["expected"]:
        case "informational" | "marketplace_fulfilled":
            good = found.informational is not None and not found.lines[0].settled
        case "cancelled":
            good = (
                found.ending is Ending.CHANNEL_CANCELED or found.informational is not None or judged["cause"] == "web"
            )
        case "elsewhere":
            # The same decision in the vendor's pages cannot be told from the hub's own.
            alike = found.settlement is Settling.SETTLED and judged["cause"] == "web"
            good = found.settlement is Settling.ELSEWHERE or found.informational is not None or alike
        case _:
            good = found.settlement is Settling.SETTLED or judged["cause"] == "web"
    return (
        None
        if good
        else f"{found.status}, {found.ending}, {found.settlement}, {found.informational}, {judged['cause']}"
    )
