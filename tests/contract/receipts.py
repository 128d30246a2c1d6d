"""What holds for whoever delivers receipts: the app, a partner's program, a WMS connector.

A deliverer's test file is a subclass that says how it delivers, and nothing else:

    class TestMyWms(ReceiptContract):
        deliverer = MyWms
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, ClassVar

import httpx
import msgspec
import pytest

from hub.kit import db
from hub.kit.ids import new_id
from hub.receipt import queries as receipts
from hub.receipt.messages import ReceiptView
from hub.receipt.products import service as products
from hub.receipt.products.messages import ProductFacts
from hub.returns.case import Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk.receiving import ReceiptKind
from tenants.messages import SettleBy
from tests.support.judge import broken_rules, counts, differences, events_of
from tests.support.photos import taken
from tests.support.world import ACTOR, Shop, World


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What a deliverer was answered: a result, or the code of a refusal."""

    result: dict[str, Any] = {}
    refused: str | None = None


Deliver = Callable[[dict[str, Any]], Awaitable[Delivered]]
# How a deliverer is made for the warehouse of one shop.
Deliverer = Callable[[World, httpx.AsyncClient, Shop], Awaitable[Deliver]]

SHOE = {"sku": "SHOE", "quantity": 1, "grade": "A", "condition": "as_new"}


class ReceiptContract:
    """The promises of a receipt, whoever delivers it."""

    deliverer: ClassVar[Deliverer]

    @pytest.fixture
    async def shop(self, world: World) -> Shop:
        return await world.shop(settle_by=SettleBy.PERSON)

    @pytest.fixture
    async def deliver(self, world: World, api: httpx.AsyncClient, shop: Shop) -> Deliver:
        return await type(self).deliverer(world, api, shop)

    async def test_a_receipt_is_booked_once_and_a_repeat_is_told_the_same(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
        sent = {"key": "1", "return_number": stored.number, "items": [{**SHOE, "quantity": 3}]}
        first, again = await deliver(sent), await deliver(sent)
        assert (first.result["repeated"], again.result["repeated"]) == (False, True)
        assert first.result | {"repeated": True} == again.result
        assert first.result["deviations"] == ["over:SHOE"]
        assert first.result["found"] == [{"code": "over", "sku": "SHOE", "quantity": 1}]
        assert first.result["todo"] == "set_aside"
        assert len(await booked(stored)) == 1
        assert await received(world, stored) == {"SHOE": 3}

    async def test_a_key_with_other_content_is_refused_and_writes_nothing(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
        await deliver({"key": "1", "return_number": stored.number, "items": [SHOE]})
        before = await counts()
        other = {"key": "1", "return_number": stored.number, "items": [{**SHOE, "quantity": 2}]}
        assert (await deliver(other)).refused == "key_reused"
        assert await counts() == before

    @pytest.mark.parametrize(
        "bad", [{"quantity": 0}, {"quantity": 10_000}, {"quantity": -1}, {"grade": "E"}, {"sku": ""}]
    )
    async def test_what_cannot_be_meant_is_refused_and_writes_nothing(
        self, world: World, shop: Shop, deliver: Deliver, bad: dict[str, Any]
    ) -> None:
        stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
        before = await counts()
        sent = {"key": "1", "return_number": stored.number, "items": [{**SHOE, **bad}]}
        assert (await deliver(sent)).refused == "request_malformed"
        assert await counts() == before

    async def test_a_number_that_nobody_knows_is_refused(self, world: World, shop: Shop, deliver: Deliver) -> None:
        for number in (
            "R0000000000",
            "ZZZ",
            (await world.merchant_return(await world.shop("other"), "S", {"SHOE": 1})).number,
        ):
            refused = await deliver({"key": "1", "return_number": number, "items": [SHOE]})
            assert refused.refused == "return_not_found", number

    async def test_a_product_is_named_by_sku_ean_or_line(self, world: World, shop: Shop, deliver: Deliver) -> None:
        await products.save(shop.account, "SHOE", ProductFacts(eans=("4006381333931",)), actor=ACTOR)
        stored = await world.merchant_return(shop, "SO-1", {"SHOE": 3})
        item = {"quantity": 1, "grade": "A"}
        named = [{"sku": "SHOE"}, {"ean": "04006381333931"}, {"line": str(stored.lines[0].id)}]
        sent = {"key": "1", "return_number": stored.number, "items": [{**item, **name} for name in named]}
        assert (await deliver(sent)).result["found"] == []
        assert await received(world, stored) == {"SHOE": 3}

    async def test_each_deviation_is_told_with_its_code_and_quantity(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 5, "SHIRT": 2})
        items = [
            {**SHOE, "quantity": 2, "grade": "D", "condition": "damaged"},
            {**SHOE, "grade": "C", "condition": "incomplete"},
            {**SHOE, "grade": "D", "condition": "wrong_item"},
            {**SHOE, "sku": "SHIRT", "quantity": 3},
            {**SHOE, "ean": "5000000000001", "sku": None},
        ]
        told = await deliver({"key": "1", "return_number": stored.number, "finalise": True, "items": items})
        assert {(each["code"], each["sku"]): each["quantity"] for each in told.result["found"]} == {
            ("damaged", "SHOE"): 2, ("missing_parts", "SHOE"): 1, ("wrong_item", "SHOE"): 1, ("over", "SHIRT"): 1,
            ("unexpected", "5000000000001"): 1, ("short", "SHOE"): 1,
        }  # fmt: skip

    async def test_what_was_noted_is_kept(self, world: World, shop: Shop, deliver: Deliver) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
        first, second = [await taken(world.hub.photos, shop.warehouse, stored) for _ in range(2)]
        seen = {
            **SHOE, "serial": "SN-1", "lot": "L-7", "container": "BOX-12", "photos": [first], "note": "as new",
            "disposition": "restock",
        }  # fmt: skip
        await deliver({
            "key": "1", "return_number": stored.number, "items": [seen], "observed_at": "2026-11-23T08:00:00Z",
            "by": "Ann", "photos": [second], "container": "CAGE-1",
        })  # fmt: skip
        (receipt,) = await booked(stored)
        (item,) = receipt.items
        assert (item.serial, item.lot, item.container, item.photos) == ("SN-1", "L-7", "BOX-12", (first,))
        assert (receipt.observed_by, receipt.photos, receipt.container) == ("Ann", (second,), "CAGE-1")
        assert receipt.observed_at == datetime.fromisoformat("2026-11-23T08:00:00+00:00")

    async def test_a_closed_parcel_waits_until_its_contents_are_checked(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
        closed = {
            "key": "1",
            "return_number": stored.number,
            "level": "parcel",
            "finalise": True,
            "container": "CAGE-1",
        }
        told = await deliver(closed)
        assert (told.result["status"], told.result["todo"]) == ("Processing/Received", "check_contents")
        part = await world.again(stored)
        assert (part.status, part.finalised_at) == (Status.PARTIALLY_RECEIVED, None)
        assert await received(world, stored) == {"SHOE": 0}
        await deliver({"key": "2", "return_number": stored.number, "items": [SHOE], "finalise": True})
        assert (await world.again(stored)).settlement is Settling.HELD

    async def test_a_correction_changes_what_is_decided_until_it_was_sent(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 3})
        await deliver(
            {"key": "1", "return_number": stored.number, "items": [{**SHOE, "quantity": 3}], "finalise": True}
        )
        fact = {"key": "2", "return_number": stored.number, "kind": "correction", "why": "counted twice"}
        told = await deliver({**fact, "items": [{**SHOE, "quantity": -2}]})
        assert told.result["found"] == [{"code": "short", "sku": "SHOE", "quantity": 2}]
        (line,) = (await world.again(stored)).lines
        assert (line.received, line.accepted) == (1, 1)
        assert [each.kind for each in await booked(stored)] == [ReceiptKind.RECEIPT, ReceiptKind.CORRECTION]
        more = await deliver({**fact, "key": "3", "items": [{**SHOE, "quantity": -2}]})
        assert more.refused == "more_than_booked"
        assert await broken_rules() == {}

    async def test_a_regrade_changes_what_is_decided_until_it_was_sent(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 3})
        await deliver(
            {"key": "1", "return_number": stored.number, "items": [{**SHOE, "quantity": 3}], "finalise": True}
        )
        worse = {"sku": "SHOE", "quantity": 2, "grade": "D", "condition": "damaged", "was": {"grade": "A"}}
        fact = {"return_number": stored.number, "kind": "regrade", "why": "a crack under the sole"}
        await deliver({**fact, "key": "2", "items": [worse]})
        (line,) = (await world.again(stored)).lines
        assert (line.received, line.accepted, line.rejected) == (3, 1, 2)
        assert (await deliver({**fact, "key": "3", "items": [worse]})).refused == "more_than_booked"
        assert (await events_of(stored)).count("return.regraded") == 1
        assert await broken_rules() == {}

    @pytest.mark.parametrize("kind", ["receipt", "regrade", "correction"])
    async def test_what_is_known_after_the_settlement_was_sent_is_a_fact_that_asks_a_person(
        self, world: World, api: httpx.AsyncClient, kind: str
    ) -> None:
        ready = await world.shop("ready")
        late = await type(self).deliverer(world, api, ready)
        stored = await world.channel_return(ready, "SO-1", {"SHOE": 1})
        await late({"key": "1", "return_number": stored.number, "items": [SHOE], "finalise": True})
        await world.work()
        item: dict[str, Any] = {"receipt": SHOE, "correction": {**SHOE, "quantity": -1}}.get(
            kind, {**SHOE, "grade": "D", "was": {"grade": "A"}}
        )
        why = None if kind == "receipt" else "seen later"
        told = await late({"key": "2", "return_number": stored.number, "kind": kind, "why": why, "items": [item]})
        assert (told.result["late"], told.result["todo"]) == (True, "set_aside")
        assert told.result["say"].startswith("This return is settled")
        assert [each.kind for each in await world.work_items(ready)] == ["late_receipt"]
        assert await received(world, stored) == {"SHOE": 1}
        assert await differences(world, ready) == []
        assert await broken_rules() == {}

    async def test_a_photo_that_shows_something_else_proves_nothing(
        self, world: World, shop: Shop, deliver: Deliver
    ) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
        other = await world.channel_return(shop, "SO-2", {"SHOE": 1})
        elsewhere = await taken(world.hub.photos, shop.warehouse, other)
        before = await counts()
        for name in (elsewhere, str(new_id()), "photo-1"):
            items = [{**SHOE, "photos": [name]}]
            sent = {"key": name, "return_number": stored.number, "items": items}
            assert (await deliver(sent)).refused == "photo_unknown"
            whole = {"key": name, "return_number": stored.number, "items": [SHOE], "photos": [name]}
            assert (await deliver(whole)).refused == "photo_unknown"
        assert await counts() == before

    async def test_an_unknown_parcel_is_registered_once(self, world: World, shop: Shop, deliver: Deliver) -> None:
        stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
        shown = await taken(world.hub.photos, shop.warehouse)
        sent = {"key": "1", "parcel": {"numbers": ["SO-1", "3S-UNKNOWN"], "kind": "refused"}, "photos": [shown]}
        first, again = await deliver(sent), await deliver(sent)
        assert (first.result["repeated"], again.result["repeated"]) == (False, True)
        assert first.result["parcel_id"] == again.result["parcel_id"]
        assert first.result["todo"] == "wait"
        (item,) = await world.work_items(shop)
        assert (item.kind, item.return_id) == ("unknown_parcel", stored.id)
        assert (await deliver({**sent, "parcel": {"numbers": ["OTHER"]}})).refused == "key_reused"


async def booked(stored: StoredReturn) -> list[ReceiptView]:
    """Return what was booked for a return."""
    async with db.transaction(db.account(stored.account_id)):
        return await receipts.receipts(stored.account_id, stored.id)


async def received(world: World, stored: StoredReturn) -> dict[str, int]:
    """Return the units that count as received, by product."""
    return {line.sku: line.received for line in (await world.again(stored)).lines}
