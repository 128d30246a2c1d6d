"""Money moves once, by the sandbox's own ledger, whatever becomes of each request and wherever the hub ends."""

from collections import Counter
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sdk import Done, Effect, Kind, Reason, Settlement, SettlementLine
from tests.support.merchant import Merchant
from tests.support.sandboxed import AFTERWARDS, BEFOREHAND, ENGINE, Fault, Sandboxed


class Road(NamedTuple):
    """How one settlement goes: its kind, and the marketplace with its manner."""

    kind: Kind
    marketplace: str
    manner: dict[str, Any]


# Of a marketplace nobody has heard of it is found out by reading back whether the creation pays or the receipt.
ROADS = {
    "update": Road(Kind.CHANNEL, "Kaufland", {}),
    "create": Road(Kind.MERCHANT, "Kaufland", {}),
    "create, then receive": Road(Kind.MERCHANT, "bol", {}),
    "create, unknown": Road(Kind.MERCHANT, "Nowhere", {}),
    "create, then receive, unknown": Road(Kind.MERCHANT, "Elsewhere", {"merchant_returns": "when_received"}),
}
FAULTS = (*BEFOREHAND, *AFTERWARDS)
numbers = count(1)


async def opened(shop: Merchant, road: Road) -> Settlement:
    """One more return to settle: two units declared, one accepted."""
    order, external_id = f"SO-{next(numbers)}", None
    await shop.vendor.sell(shop.tenant, order, {"SHOE": 3}, global_channel_name=road.marketplace)
    if road.kind is Kind.CHANNEL:
        external_id = str((await shop.vendor.send_back(shop.tenant, order, {"SHOE": 2}))["id"])
    return Settlement(
        kind=road.kind,
        return_number=f"RMA-{order}",
        order_number=order,
        marketplace="11",
        reason=Reason.OTHER,
        comment=None,
        returned_at=datetime(2025, 3, 1, 12, tzinfo=UTC),
        lines=(SettlementLine(sku="SHOE", order_line=None, accepted=1, rejected=0, missing=1),),
        external_id=external_id,
        profile=ENGINE.profile(road.marketplace),
    )


async def settle(shop: Merchant, road: Road, faults: list[Fault], way: Sandboxed | None = None) -> str:
    """Settle one more return while these become of its requests; returns its order's number."""
    way, message = way or Sandboxed(shop), await opened(shop, road)
    way.faults = faults
    assert isinstance(await way.bring_about(Effect.SETTLE, message), Done)
    return message.order_number


async def require_each_paid_once(shop: Merchant) -> None:
    """Ask the vendor: one return and one unit of money for each order, and nothing that a correct client leaves out."""
    orders = len(await shop.vendor.returns(shop.tenant))
    paid = Counter[str]()
    for entry in await shop.vendor.ledger(shop.tenant):
        paid[entry["order_no"]] += entry["quantity"]
    assert set(paid.values()) == {1}
    assert len(paid) == orders
    judged = await shop.vendor.judgement(shop.tenant)
    assert (judged["wrong_refunds"], judged["double_refunds"], judged["violations"]) == ([], [], 0)


@pytest.mark.parametrize("road", ROADS.values(), ids=list(ROADS))
async def test_every_request_may_fail_in_every_way(shop: Merchant, road: Road) -> None:
    if road.manner:
        await shop.vendor.manner(shop.tenant, road.marketplace, **road.manner)
    quiet = Sandboxed(shop)
    await settle(shop, road, [], quiet)
    for place in range(len(quiet.asked)):
        for fault in FAULTS:
            await settle(shop, road, [*[None] * place, fault])
    await require_each_paid_once(shop)


@settings(max_examples=200)
@given(road=st.sampled_from(list(ROADS.values())), faults=st.lists(st.sampled_from([None, *FAULTS]), max_size=12))
async def test_any_number_of_requests_may_fail_one_after_the_other(
    shop: Merchant, road: Road, faults: list[Fault]
) -> None:
    await shop.vendor.manner(shop.tenant, "Elsewhere", merchant_returns="when_received")
    order = await settle(shop, road, list(faults))
    told = await shop.vendor.control.get(f"/_sandbox/{shop.tenant}/ledger", params={"order_no": order})
    assert told.json()["total_units"] == 1
