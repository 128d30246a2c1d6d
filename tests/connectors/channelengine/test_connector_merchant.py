from typing import Any
from urllib.parse import unquote

import pytest

from hub.sdk import (
    Absent,
    Done,
    Effect,
    Kind,
    MerchantReturns,
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
    ENGINE,
    MERCHANT,
    RETURNS,
    Script,
    answer,
    created,
    line_there,
    outcome,
    page,
    settlement,
    vendor_return,
)


class TestSettleAMerchantReturn:
    CREATE = f"POST {RETURNS}"
    READ = f"GET {BY_ORDER}"
    UPDATE = "PUT /v2/returns"

    async def test_it_is_created_once_and_read_back(self, vendor: Script) -> None:
        vendor.on(self.READ, page(vendor_return()), page(vendor_return(), created()))
        vendor.on(self.CREATE, answer(201))
        assert await self.settle(vendor) == Done(VendorReference("80"))
        assert vendor.asked == [self.READ, self.CREATE, self.READ]
        assert vendor.bodies == [
            {
                "MerchantOrderNo": "SO-1001",
                "MerchantReturnNo": "RMA-7",
                "Reason": "OTHER",
                "ReturnDate": "2025-03-01T12:00:00.000Z",
                "Lines": [{"MerchantProductNo": "A", "Quantity": 1, "OrderLineId": 5}],
            }
        ]

    async def test_a_created_return_that_still_waits_is_finished_with_one_update(self, vendor: Script) -> None:
        vendor.on(self.READ, answer(404), page(created("IN_PROGRESS")), page(created()))
        vendor.on(self.CREATE, answer(201))
        vendor.on(self.UPDATE, answer())
        assert await self.settle(vendor) == Done(VendorReference("80"))
        assert vendor.bodies[1] == {
            "ReturnId": 80,
            "Lines": [{"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 0}],
        }

    async def test_a_half_done_creation_is_finished_and_not_created_again(self, vendor: Script) -> None:
        vendor.on(self.READ, page(created("IN_PROGRESS")), page(created("IN_PROGRESS")), page(created()))
        vendor.on(self.UPDATE, answer())
        assert await self.lookup(vendor) == Absent()
        assert await self.settle(vendor) == Done(VendorReference("80"))
        assert self.CREATE not in vendor.asked

    async def test_a_conflict_means_it_exists_and_is_compared(self, vendor: Script) -> None:
        vendor.on(self.READ, page(), page(created()))
        vendor.on(self.CREATE, answer(409))
        assert isinstance(await self.settle(vendor), Done)

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "RECEIVED"])
    async def test_other_quantities_are_never_received(self, vendor: Script, status: str) -> None:
        vendor.on(self.READ, page(), page(created(status, line_there("A", 2))))
        vendor.on(self.CREATE, answer(409))
        found = await self.settle(vendor)
        assert isinstance(found, Refused)
        assert found.code == "quantities_differ"
        assert self.UPDATE not in vendor.asked

    @pytest.mark.parametrize("status", [201, 409])
    async def test_a_return_that_is_not_listed_after_its_creation_leaves_it_unknown(
        self, vendor: Script, status: int
    ) -> None:
        vendor.on(self.READ, page(), page(created(number="RMA-8")))
        vendor.on(self.CREATE, answer(status))
        assert isinstance(await self.settle(vendor), OutcomeUnknown)

    @pytest.mark.parametrize(
        "fault",
        [answer(429), answer(401), answer(500), answer(400), NotSent("gone"), Uncertain("lost"), Sent(200, {}, b"?")],
    )
    async def test_no_fault_of_the_read_back_claims_that_nothing_happened(
        self, vendor: Script, fault: Sent | Exception
    ) -> None:
        vendor.on(self.READ, page(), fault)
        vendor.on(self.CREATE, answer(201))
        assert isinstance(await self.settle(vendor), OutcomeUnknown)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (NotSent("gone"), OutcomeUnknown),
            (Uncertain("lost"), OutcomeUnknown),
            (answer(409), OutcomeUnknown),
            (answer(429), RateLimited),
            (answer(400), Refused),
        ],
    )
    async def test_faults_of_the_finishing_update_are_sorted(
        self, vendor: Script, fault: Sent | Exception, kind: type
    ) -> None:
        vendor.on(self.READ, page(), page(created("IN_PROGRESS")))
        vendor.on(self.CREATE, answer(201))
        vendor.on(self.UPDATE, fault)
        if isinstance(fault, Sent) and fault.status == 409:
            vendor.on(self.READ, page(created("IN_PROGRESS")))
        assert type(await self.settle(vendor)) is kind

    @pytest.mark.parametrize(
        ("after", "kind"), [(created(), Done), (created("RECEIVED", line_there("A", 1, 0, 1)), Refused)]
    )
    @pytest.mark.parametrize("status", [200, 409])
    async def test_after_the_finishing_update_it_counts_what_stands_there(
        self, vendor: Script, status: int, after: dict[str, Any], kind: type
    ) -> None:
        vendor.on(self.READ, page(created("IN_PROGRESS")), page(after))
        vendor.on(self.UPDATE, answer(status))
        assert type(await self.settle(vendor)) is kind

    @pytest.mark.parametrize("status", ["IN_PROGRESS", "RECEIVED"])
    async def test_where_the_creation_pays_it_is_done_when_it_was_read_back(self, vendor: Script, status: str) -> None:
        message = settlement(Kind.MERCHANT, profile=Profile(merchant_returns=MerchantReturns.CREATE))
        vendor.on(self.READ, page(), page(created(status)), page(created(status)))
        vendor.on(self.CREATE, answer(201))
        assert await self.settle(vendor, message) == Done(VendorReference("80"))
        assert await self.lookup(vendor, message) == Done(VendorReference("80"))
        assert vendor.asked == [self.READ, self.CREATE, self.READ, self.READ]

    async def test_where_the_receipt_pays_it_is_done_when_it_was_received(self, vendor: Script) -> None:
        message = settlement(Kind.MERCHANT, profile=Profile(merchant_returns=MerchantReturns.CREATE_THEN_RECEIVE))
        waiting = page(created("IN_PROGRESS"))
        vendor.on(self.READ, page(), waiting, page(created("RECEIVED", line_there("A", 1, 1, 0))), waiting)
        vendor.on(self.CREATE, answer(201))
        vendor.on(self.UPDATE, answer())
        assert await self.settle(vendor, message) == Done(VendorReference("80"))
        assert await self.lookup(vendor, message) == Absent()
        assert vendor.asked == [self.READ, self.CREATE, self.READ, self.UPDATE, self.READ, self.READ]

    async def test_where_the_marketplace_takes_none_nothing_is_created(self, vendor: Script) -> None:
        message = settlement(Kind.MERCHANT, profile=Profile(merchant_returns=MerchantReturns.UNSUPPORTED))
        assert isinstance(await self.settle(vendor, message), Refused)
        assert vendor.asked == []

    async def test_a_return_of_the_order_that_cannot_be_read_matters_only_if_it_may_be_ours(
        self, vendor: Script
    ) -> None:
        vendor.on(self.READ, page({"Id": 1, "MerchantReturnNo": "RMA-8", "Lines": 3}, created()))
        vendor.on(self.READ, page({"Id": 1, "MerchantReturnNo": "RMA-7", "Lines": 3}))
        assert isinstance(await self.settle(vendor), Done)
        assert isinstance(await self.settle(vendor), Retry)

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (NotSent("gone"), Retry),
            (answer(500), Retry),
            (Sent(200, {}, b"?"), Retry),
            (answer(429), RateLimited),
            (page({"Id": "?", "Lines": 3}), Retry),
        ],
    )
    async def test_nothing_is_created_unless_the_order_could_be_read(
        self, vendor: Script, fault: Sent | Exception, kind: type
    ) -> None:
        vendor.on(self.READ, fault)
        assert type(await self.settle(vendor)) is kind
        assert vendor.asked == [self.READ]

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [(answer(400), Refused), (answer(404), Refused), (answer(500), OutcomeUnknown), (NotSent("gone"), Retry)],
    )
    async def test_faults_of_the_creation_are_sorted(self, vendor: Script, fault: Sent | Exception, kind: type) -> None:
        vendor.on(self.READ, page())
        vendor.on(self.CREATE, fault)
        assert type(await self.settle(vendor)) is kind

    async def test_nothing_accepted_is_nothing_to_tell(self, vendor: Script) -> None:
        message = settlement(Kind.MERCHANT, ("A", 0, 1, 1))
        assert await self.settle(vendor, message) == Done(VendorReference(None))
        assert await self.lookup(vendor, message) == Done(VendorReference(None))
        assert vendor.asked == []

    @pytest.mark.parametrize(
        ("told", "kind"),
        [
            ([], Absent),
            ([created(number="RMA-8")], Absent),
            ([created()], Done),
            ([created("RECEIVED", line_there("A", 1, 1, 0))], Done),
            ([created("RECEIVED", line_there("A", 1, 0, 0))], Done),
            ([created("RECEIVED", line_there("A", 1, 0, 1))], Refused),
            ([created("RECEIVED", line_there("A", 2))], Refused),
            ([created("CANCELLED")], Refused),
            ([created("ON_HOLD")], OutcomeUnknown),
            ([created(), created()], Refused),
        ],
    )
    async def test_what_the_order_shows_tells_whether_it_happened(
        self, vendor: Script, told: list[Any], kind: type
    ) -> None:
        vendor.on(self.READ, page(*told))
        assert type(await self.lookup(vendor)) is kind

    async def test_a_number_is_written_into_the_address_safely(self, vendor: Script) -> None:
        number = "SO/1 ä?#%"
        vendor.on(f"GET {RETURNS}/SO%2F1%20%C3%A4%3F%23%25", page())
        await self.lookup(vendor, settlement(Kind.MERCHANT, order_number=number))
        assert unquote(vendor.asked[0]).endswith(number)

    @pytest.mark.parametrize("number", ["", "new", "..", "x" * 1_048])
    async def test_a_number_that_cannot_be_asked_for_is_refused_and_nothing_is_sent(
        self, vendor: Script, number: str
    ) -> None:
        message = settlement(Kind.MERCHANT, order_number=number)
        assert isinstance(await self.settle(vendor, message), Refused)
        assert isinstance(await self.lookup(vendor, message), OutcomeUnknown)
        assert vendor.asked == []

    @staticmethod
    async def settle(vendor: Script, message: Settlement = MERCHANT) -> Outcome:
        return await outcome(ENGINE.settle(vendor.context(), message))

    @staticmethod
    async def lookup(vendor: Script, message: Settlement = MERCHANT) -> Outcome:
        return await outcome(ENGINE.lookup(vendor.context(), Effect.SETTLE, message))
