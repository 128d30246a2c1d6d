from typing import Any

import pytest

from hub.sdk import (
    Absent,
    ActionRequired,
    ChannelReturns,
    Done,
    Effect,
    Kind,
    Outcome,
    OutcomeUnknown,
    Profile,
    RateLimited,
    Refused,
    Retry,
    Sent,
    Settlement,
    VendorReference,
)
from hub.sdk.context import NotSent, Uncertain
from tests.support.channelengine import (
    BY_ORDER,
    CHANNEL,
    ENGINE,
    HTML,
    RETURNS,
    Script,
    answer,
    line_there,
    outcome,
    page,
    settlement,
    vendor_return,
)


def settled(*lines: dict[str, Any]) -> dict[str, Any]:
    return vendor_return(Status="RECEIVED", Lines=list(lines))


class TestSettleAChannelReturn:
    UPDATE = "PUT /v2/returns"
    READ = f"GET {BY_ORDER}"

    async def test_it_is_one_update_with_each_product_once_read_before_and_after(self, vendor: Script) -> None:
        vendor.on(self.READ, page(vendor_return()), page(settled(line_there("A", 2, 1, 1), line_there("B", 2, 0, 2))))
        vendor.on(self.UPDATE, answer())
        message = settlement(Kind.CHANNEL, ("A", 1, 0, 0), ("B", 0, 1, 1), ("A", 0, 1, 0))
        assert await self.settle(vendor, message) == Done(VendorReference("71"))
        assert vendor.asked == [self.READ, self.UPDATE, self.READ]
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
        ("stands", "kind"),
        [
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 1, 1)]}, Done),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2, 2, 0)]}, Refused),
            ({"Status": "RECEIVED", "Lines": [line_there("A", 2)]}, OutcomeUnknown),
            ({"Status": "CANCELLED"}, Refused),
            ({"Status": "ON_HOLD"}, OutcomeUnknown),
        ],
    )
    async def test_nothing_is_sent_to_a_return_that_is_not_open(
        self, vendor: Script, stands: dict[str, Any], kind: type
    ) -> None:
        vendor.on(self.READ, page(vendor_return(**stands)))
        assert type(await self.settle(vendor)) is kind
        assert vendor.asked == [self.READ]

    @pytest.mark.parametrize("status", [200, 409])
    @pytest.mark.parametrize(
        ("after", "kind"),
        [
            (settled(line_there("A", 2, 1, 1)), Done),
            (settled(line_there("A", 2, 2, 0)), Refused),
            (vendor_return(Status="CANCELLED"), Refused),
            (vendor_return(), OutcomeUnknown),
        ],
    )
    async def test_what_stands_there_afterwards_counts_and_not_the_answer(
        self, vendor: Script, status: int, after: dict[str, Any], kind: type
    ) -> None:
        vendor.on(self.READ, page(vendor_return()), page(after))
        vendor.on(self.UPDATE, answer(status))
        assert type(await self.settle(vendor)) is kind

    @pytest.mark.parametrize(
        "fault", [answer(429), answer(401), answer(500), answer(400), NotSent("gone"), Uncertain("lost"), HTML]
    )
    async def test_a_decision_that_cannot_be_read_back_is_in_doubt(
        self, vendor: Script, fault: Sent | Exception
    ) -> None:
        vendor.on(self.READ, page(vendor_return()), fault)
        vendor.on(self.UPDATE, answer())
        assert isinstance(await self.settle(vendor), OutcomeUnknown)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (answer(429), RateLimited),
            (answer(500), Retry),
            (HTML, Retry),
            (NotSent("gone"), Retry),
            (answer(401), ActionRequired),
        ],
    )
    async def test_nothing_is_sent_before_it_could_be_read_what_stands_there(
        self, vendor: Script, fault: Sent | Exception, kind: type
    ) -> None:
        vendor.on(self.READ, fault)
        assert type(await self.settle(vendor)) is kind
        assert vendor.asked == [self.READ]

    async def test_a_return_whose_order_has_no_number_yet_is_updated_by_its_id(self, vendor: Script) -> None:
        vendor.on(self.UPDATE, answer())
        assert await self.settle(vendor, settlement(Kind.CHANNEL, order_number="")) == Done(VendorReference("71"))

    async def test_a_line_that_cannot_be_read_in_another_return_of_the_order_does_not_matter(
        self, vendor: Script
    ) -> None:
        odd = {"Id": 70, "Lines": 3}
        vendor.on(self.READ, page(odd, vendor_return()), page(odd, settled(line_there("A", 2, 1, 1))))
        vendor.on(self.UPDATE, answer())
        assert isinstance(await self.settle(vendor), Done)

    async def test_units_the_marketplace_takes_back_itself_never_stand_in_an_update(self, vendor: Script) -> None:
        theirs = line_there("F", 1) | {"OrderLine": {"Id": 9, "IsFulfillmentByMarketplace": True}}
        vendor.on(self.READ, page(vendor_return(Lines=[line_there("A", 2), theirs])))
        vendor.on(self.READ, page(settled(line_there("A", 2, 1, 1), theirs)), page(vendor_return(Lines=[theirs])))
        vendor.on(self.UPDATE, answer())
        message = settlement(Kind.CHANNEL, ("A", 1, 1, 0), ("F", 1, 0, 0))
        assert isinstance(await self.settle(vendor, message), Done)
        assert [line["MerchantProductNo"] for line in vendor.bodies[0]["Lines"]] == ["A"]
        assert isinstance(await self.settle(vendor, settlement(Kind.CHANNEL, ("F", 1, 0, 0))), Refused)
        assert vendor.asked.count(self.UPDATE) == 1

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

    @pytest.mark.parametrize("treats", [ChannelReturns.INFORMATIONAL, ChannelReturns.NONE])
    async def test_a_marketplace_that_refunds_by_itself_is_told_nothing(
        self, vendor: Script, treats: ChannelReturns
    ) -> None:
        message = settlement(Kind.CHANNEL, profile=Profile(channel_returns=treats))
        assert isinstance(await self.settle(vendor, message), Refused)
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
    async def settle(vendor: Script, message: Settlement = CHANNEL) -> Outcome:
        return await outcome(ENGINE.settle(vendor.context(), message))

    @staticmethod
    async def lookup(vendor: Script, message: Settlement = CHANNEL) -> Outcome:
        return await outcome(ENGINE.lookup(vendor.context(), Effect.SETTLE, message))
