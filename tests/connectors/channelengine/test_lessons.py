"""What published integrations with ChannelEngine got wrong, each as one promise, kept at the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.sdk import (
    Absent,
    Acknowledgement,
    ChannelReturn,
    Done,
    Effect,
    Kind,
    OutcomeUnknown,
    Page,
    Reason,
    Refusals,
    Refused,
    ReturnKey,
    Settlement,
    SettlementLine,
)
from tests.support.merchant import MANY, Merchant
from tests.support.sandboxed import ENGINE, Sandboxed, conflict, lost


def settlement(kind: Kind, marketplace: str, *lines: tuple[str, int, int], **changes: Any) -> Settlement:
    told = {
        "kind": kind,
        "return_number": "RMA-7",
        "order_number": "SO-1",
        "marketplace": "11",
        "reason": Reason.OTHER,
        "comment": None,
        "returned_at": datetime(2025, 3, 1, 12, tzinfo=UTC),
        "lines": tuple(
            SettlementLine(sku=sku, order_line=None, accepted=accepted, rejected=rejected, missing=0)
            for sku, accepted, rejected in lines or [("SHOE", 3, 0), ("HAT", 1, 1)]
        ),
        "profile": ENGINE.profile(marketplace),
    }
    return Settlement(**(told | changes))


async def updated(shop: Merchant, marketplace: str = "Kaufland", **changes: Any) -> tuple[Sandboxed, Settlement]:
    return_id = await shop.sent_back(marketplace)
    return Sandboxed(shop), settlement(Kind.CHANNEL, marketplace, external_id=str(return_id), **changes)


async def created(shop: Merchant, marketplace: str = "Kaufland") -> tuple[Sandboxed, Settlement]:
    await shop.vendor.sell(shop.tenant, "SO-1", MANY, global_channel_name=marketplace)
    return Sandboxed(shop), settlement(Kind.MERCHANT, marketplace)


async def sold(shop: Merchant, *lines: dict[str, Any]) -> Any:
    """Sell and ship an order with lines that are out of the ordinary."""
    usual = {"quantity": 1, "unit_price_incl_vat": "10.00"}
    order = {
        "merchant_order_no": "SO-1",
        "channel_id": 11,
        "global_channel_name": "Kaufland",
        "lines": [usual | line for line in lines],
    }
    return (await shop.vendor.control.post(f"/_sandbox/{shop.tenant}/orders", json=order)).raise_for_status().json()


async def polled(shop: Merchant, now: datetime | None = None) -> Page:
    way = Sandboxed(shop, now)
    found = await way.done(ENGINE.poll(way.context, None))
    assert isinstance(found, Page)
    return found


async def only(shop: Merchant) -> ChannelReturn:
    (found,) = (await polled(shop)).items
    return found


async def test_a_return_is_settled_once_and_a_repeat_finds_it_settled(shop: Merchant) -> None:
    way, message = await updated(shop)
    for _ in range(3):
        assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    assert way.asked.count("PUT /v2/returns") == 1
    assert await shop.refunded() == 4


async def test_the_kind_decides_the_call_and_not_what_stands_there(shop: Merchant) -> None:
    way, message = await updated(shop)
    assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    assert "POST /v2/returns/merchant" not in way.asked
    await shop.vendor.sell(shop.tenant, "SO-2", MANY)
    way = Sandboxed(shop)
    # What is told again carries the id that it was once known by, which makes it no channel return.
    again = {"order_number": "SO-2", "return_number": "RMA-8", "external_id": "999"}
    merchants = settlement(Kind.MERCHANT, "Kaufland", **again)
    assert isinstance(await way.bring_about(Effect.SETTLE, merchants), Done)
    assert "PUT /v2/returns" not in way.asked


async def test_an_update_whose_answer_was_lost_is_looked_up_and_compared_and_never_repeated(shop: Merchant) -> None:
    way, message = await updated(shop)
    way.faults = [None, lost]
    assert isinstance(await way.ask(ENGINE.settle(way.context, message)), OutcomeUnknown)
    assert isinstance(await way.ask(ENGINE.lookup(way.context, Effect.SETTLE, message)), Done)
    other = settlement(Kind.CHANNEL, "Kaufland", ("SHOE", 3, 0), ("HAT", 0, 2), external_id=message.external_id)
    told = await way.ask(ENGINE.lookup(way.context, Effect.SETTLE, other))
    assert isinstance(told, Refused)
    assert (told.code, way.asked.count("PUT /v2/returns")) == ("settled_elsewhere", 1)
    assert "HAT: 1 accepted and 1 rejected there, 0 accepted and 2 rejected here" in told.message


async def test_a_creation_carries_the_hubs_number_and_a_conflict_means_that_it_is_to_be_read(shop: Merchant) -> None:
    way, message = await created(shop)
    way.faults = [None, conflict]
    assert isinstance(await way.ask(ENGINE.settle(way.context, message)), OutcomeUnknown)
    assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    (made,) = await shop.vendor.returns(shop.tenant)
    assert made["merchant_return_no"] == "RMA-7"
    assert await shop.refunded() == 4


async def test_what_is_open_is_polled_by_its_status_and_not_by_its_date(shop: Merchant) -> None:
    await shop.vendor.set_clock(datetime.now(UTC) - timedelta(days=59))
    await shop.sent_back("Kaufland")
    await shop.vendor.calm()
    assert (await only(shop)).open


async def test_a_return_that_its_marketplace_canceled_is_told_as_canceled_and_not_settled(shop: Merchant) -> None:
    profile = ENGINE.profile("bol")
    assert profile is not None
    assert profile.auto_cancel_days == 21
    way, message = await updated(shop, "bol")
    await shop.vendor.cancel(shop.tenant, int(message.external_id or 0))
    told = await way.ask(ENGINE.settle(way.context, message))
    assert isinstance(told, Refused)
    assert (told.code, "PUT /v2/returns" in way.asked) == ("canceled_by_channel", False)


async def test_an_order_without_a_number_of_the_shops_is_imported_all_the_same(shop: Merchant) -> None:
    await shop.vendor.sell(shop.tenant, "", MANY, merchant_order_no=None, channel_order_no="555")
    await shop.vendor.send_back(
        shop.tenant, "", MANY, channel_return_no="R-1", merchant_order_no=None, channel_order_no="555"
    )
    found = await only(shop)
    assert (found.order_number, found.channel_order_number) == (None, "555")


async def test_a_marketplaces_number_that_two_channels_use_names_no_order(shop: Merchant) -> None:
    for channel, number in ((11, "SO-1"), (12, "SO-2")):
        await shop.vendor.sell(shop.tenant, number, MANY, channel_id=channel, channel_order_no="555")
    way = Sandboxed(shop)
    told = await way.ask(ENGINE.find_order(way.context, "555"))
    assert isinstance(told, Refused)
    assert told.code == "ambiguous_order"


async def test_a_product_on_two_lines_stands_once_in_the_update_with_the_sum_of_both(shop: Merchant) -> None:
    await sold(shop, *[{"merchant_product_no": "SHOE"}] * 2)
    made = await shop.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 2})
    lines = [("SHOE", 1, 0), ("SHOE", 0, 1)]
    message = settlement(Kind.CHANNEL, "Kaufland", *lines, external_id=str(made["id"]))
    assert isinstance(await Sandboxed(shop).bring_about(Effect.SETTLE, message), Done)
    assert await shop.refunded() == 1


async def test_a_line_whose_product_nobody_has_linked_is_imported_with_what_helps_to_find_it(shop: Merchant) -> None:
    order = await sold(shop, {"channel_product_no": "C-1", "gtin": "8712345678906"})
    back = {
        "channel_return_no": "R-1",
        "merchant_order_no": "SO-1",
        "lines": [{"order_line_id": order["lines"][0]["id"], "quantity": 1}],
    }
    (await shop.vendor.control.post(f"/_sandbox/{shop.tenant}/channel-returns", json=back)).raise_for_status()
    (found,) = (await only(shop)).lines
    assert (found.sku, found.channel_sku, found.gtin) == (None, "C-1", "8712345678906")


async def test_a_marketplace_that_refuses_what_channelengine_took_is_heard_of(shop: Merchant) -> None:
    await shop.vendor.balance(shop.tenant, "Conrad", sufficient=False)
    way, message = await created(shop, "Conrad")
    assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    assert await shop.refunded() == 0
    told: Refusals = await way.done(ENGINE.refusals(way.context, None, (ReturnKey(return_number="RMA-7"),)))
    assert {item.return_number for item in told.items} == {"RMA-7"}


async def test_what_the_marketplace_fulfils_is_marked_line_by_line_and_never_updated(shop: Merchant) -> None:
    theirs = {"merchant_product_no": "HAT", "fulfilled_by_marketplace": True}
    await sold(shop, {"merchant_product_no": "SHOE"}, theirs)
    made = await shop.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1, "HAT": 1})
    found = await only(shop)
    assert {line.sku: line.marketplace_fulfilled for line in found.lines} == {"SHOE": False, "HAT": True}
    message = settlement(Kind.CHANNEL, "Kaufland", ("SHOE", 1, 0), ("HAT", 1, 0), external_id=str(made["id"]))
    assert isinstance(await Sandboxed(shop).bring_about(Effect.SETTLE, message), Done)
    assert await shop.vendor.refunded(shop.tenant) == {"SHOE": 1}
    assert await shop.vendor.violations(shop.tenant) == []


async def test_what_amazon_shows_for_information_is_never_updated(shop: Merchant) -> None:
    way, message = await updated(shop, "Amazon DE")
    assert isinstance(await way.ask(ENGINE.settle(way.context, message)), Refused)
    assert way.asked == []
    assert (await only(shop)).family == "Amazon DE"


async def test_every_address_keeps_to_its_limit_and_no_date_in_it_has_a_plus(shop: Merchant) -> None:
    way = Sandboxed(shop, datetime.now().astimezone())
    watched = tuple(ReturnKey(return_number=f"RMA-{number:040}") for number in range(300))
    return_id = await shop.sent_back("Kaufland")
    await shop.vendor.fail_exports(shop.tenant)
    await shop.settle(return_id)
    told: Refusals = await way.done(ENGINE.refusals(way.context, None, watched))
    await way.done(ENGINE.history(way.context, way.now - timedelta(days=1), None))
    assert told.items == ()
    assert await shop.vendor.violations(shop.tenant) == []


@pytest.mark.parametrize("kind", ["unknown-words", "unknown-fields", "nulls", "fraction", "offset"])
async def test_words_and_fields_nobody_has_heard_of_and_nulls_hurt_no_import(shop: Merchant, kind: str) -> None:
    await shop.sent_back("Kaufland")
    await shop.vendor.fail(f"poll={kind}")
    found = await only(shop)
    assert found.open
    assert [line.quantity for line in found.lines] == list(MANY.values())


async def test_a_return_that_the_hub_created_is_its_own_in_the_history_and_not_among_the_polled(shop: Merchant) -> None:
    way, message = await created(shop, "bol")
    assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    assert (await polled(shop)).items == ()
    told: Page = await way.done(ENGINE.history(way.context, way.now - timedelta(days=1), None))
    assert [(item.created_by, item.merchant_return_number) for item in told.items] == [(Kind.MERCHANT, "RMA-7")]


async def test_a_number_that_another_system_gave_is_said_and_not_overwritten(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    body = {"ReturnId": return_id, "MerchantReturnNo": "ERP-1"}
    await shop.call("POST", "/returns/merchant/acknowledge", body)
    message = Acknowledgement(external_id=str(return_id), return_number="RMA-7", order_number="SO-1")
    way = Sandboxed(shop)
    told = await way.bring_about(Effect.ACKNOWLEDGE, message)
    assert isinstance(told, Refused)
    assert (told.code, way.asked.count("POST /v2/returns/merchant/acknowledge")) == ("acknowledged_elsewhere", 1)


async def test_an_acknowledgement_whose_answer_was_lost_is_looked_up_in_its_order(shop: Merchant) -> None:
    return_id = await shop.sent_back("Kaufland")
    message = Acknowledgement(external_id=str(return_id), return_number="RMA-7", order_number="SO-1")
    way = Sandboxed(shop)
    assert await way.ask(ENGINE.lookup(way.context, Effect.ACKNOWLEDGE, message)) == Absent()
    way.faults = [lost]
    assert isinstance(await way.bring_about(Effect.ACKNOWLEDGE, message), Done)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_returns_that_leave_the_list_while_it_is_read_hide_no_other(
    shop: Merchant, *, newest_first: bool
) -> None:
    for number in range(9):
        await shop.sent_back("Kaufland", f"SO-{number}")
    await shop.vendor.switch(shop.tenant, items_per_page=2, newest_first=newest_first)
    await shop.vendor.fail("poll=shift+2")
    way, cursor, seen, more = Sandboxed(shop), None, set[str](), True
    while more:
        read: Page = await way.done(ENGINE.poll(way.context, cursor))
        cursor, more = read.cursor, read.more
        seen |= {item.external_id for item in read.items}
    assert read.all_open_since is None
    there = await shop.vendor.returns(shop.tenant)
    assert {str(each["id"]) for each in there if each["status"] == "IN_PROGRESS"} <= seen
