from typing import Any

import pytest

from hub.sdk import Absent, Done, Effect, Kind, Outcome, OutcomeUnknown, Refused, Settlement, VendorReference
from tests.support.channelengine import (
    BY_ORDER,
    CHANNEL,
    ENGINE,
    RETURNS,
    Script,
    answer,
    line_there,
    outcome,
    page,
    settlement,
    vendor_return,
)


class TestSettleAChannelReturn:
    async def test_it_is_one_update_with_each_product_once(self, vendor: Script) -> None:
        vendor.on("PUT /v2/returns", answer())
        message = settlement(Kind.CHANNEL, ("A", 1, 0, 0), ("B", 0, 1, 1), ("A", 0, 1, 0))
        assert await outcome(ENGINE.settle(vendor.context(), message)) == Done(VendorReference("71"))
        assert vendor.asked == ["PUT /v2/returns"]
        assert vendor.bodies == [
            {
                "ReturnId": 71,
                "Lines": [
                    {"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 1},
                    {"MerchantProductNo": "B", "AcceptedQuantity": 0, "RejectedQuantity": 2},
                ],
            }
        ]

    @pytest.mark.parametrize(
        "message",
        [
            settlement(Kind.CHANNEL, ("A", 0, 0, 0)),
            settlement(Kind.CHANNEL, external_id=None),
            settlement(Kind.CHANNEL, external_id="\u0667\u0661"),
        ],
    )
    async def test_what_cannot_be_told_is_refused_before_anything_is_sent(
        self, vendor: Script, message: Settlement
    ) -> None:
        assert isinstance(await outcome(ENGINE.settle(vendor.context(), message)), Refused)
        assert vendor.asked == []

    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({"Status": "IN_PROGRESS"}, Absent),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 1, 1)]}, Done),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 1, 1), line_there("A", 1, None, 1)]}, Done),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 2, 0)]}, Refused),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 0, 0)]}, Refused),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 1, 1), line_there("B", 1, 1, 0)]}, Refused),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2)]}, OutcomeUnknown),
            ({"Status": "CANCELLED"}, Refused),
            ({"Status": "HANDLED"}, OutcomeUnknown),
            ({"Status": None}, OutcomeUnknown),
        ],
    )
    async def test_what_the_return_shows_tells_whether_it_happened(
        self, vendor: Script, changes: dict[str, Any], kind: type
    ) -> None:
        vendor.on(f"GET {BY_ORDER}", page(vendor_return(Id=70, Status="RECEIVED"), vendor_return(**changes)))
        assert type(await self.lookup(vendor)) is kind

    async def test_another_decision_and_a_cancellation_are_told_apart(self, vendor: Script) -> None:
        other = vendor_return(Status="RECEIVED", Lines=[line_there("A", 2, 2, 0)])
        vendor.on(f"GET {BY_ORDER}", page(other), page(vendor_return(Status="CANCELLED")))
        assert await self.lookup(vendor) == Refused(
            "settled_elsewhere",
            "The return is settled with other quantities: "
            "A: 2 accepted and 0 rejected there, 1 accepted and 1 rejected here.",
        )
        canceled = await self.lookup(vendor)
        assert isinstance(canceled, Refused)
        assert canceled.code == "canceled_by_channel"

    async def test_an_order_the_shop_has_not_acknowledged_is_found_by_the_marketplaces_number(
        self, vendor: Script
    ) -> None:
        message = settlement(Kind.CHANNEL, order_number="5551234")
        vendor.on(f"GET {RETURNS}/5551234", answer(404))
        vendor.on(f"GET {RETURNS}", page(vendor_return(MerchantOrderNo=None)))
        assert await self.lookup(vendor, message) == Absent()
        assert vendor.queries[1] == [("channelOrderNos", "5551234"), ("page", "1")]

    async def test_an_order_acknowledged_meanwhile_is_read_by_its_new_number(self, vendor: Script) -> None:
        message = settlement(Kind.CHANNEL, order_number="5551234")
        vendor.on(f"GET {RETURNS}/5551234", page())
        vendor.on(f"GET {RETURNS}", page(vendor_return(Status="RECEIVED")))
        vendor.on(f"GET {BY_ORDER}", page(vendor_return(Status="RECEIVED", Lines=[line_there("A", 2, 1, 1)])))
        assert isinstance(await self.lookup(vendor, message), Done)

    @pytest.mark.parametrize("number", ["", "new", "..", "."])
    async def test_a_number_that_would_be_another_address_is_never_put_into_one(
        self, vendor: Script, number: str
    ) -> None:
        vendor.on(f"GET {RETURNS}", page(vendor_return(MerchantOrderNo=number)))
        assert await self.lookup(vendor, settlement(Kind.CHANNEL, order_number=number)) == Absent()

    async def test_a_return_found_nowhere_leaves_it_unknown(self, vendor: Script) -> None:
        vendor.on(f"GET {BY_ORDER}", page(vendor_return(Id=70)))
        vendor.on(f"GET {RETURNS}", page(), page(), page())
        assert isinstance(await self.lookup(vendor), OutcomeUnknown)

    @staticmethod
    async def lookup(vendor: Script, message: Settlement = CHANNEL) -> Outcome:
        return await outcome(ENGINE.lookup(vendor.context(), Effect.SETTLE, message))
