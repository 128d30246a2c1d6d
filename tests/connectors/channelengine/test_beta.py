"""The closed beta v2.1, with scripted answers; each request is held against its description."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.channelengine.beta import NO_BETA
from hub.sdk import (
    Absent,
    Acknowledgement,
    ActionRequired,
    ChannelReturns,
    Done,
    Effect,
    Interrupted,
    Kind,
    Outcome,
    OutcomeUnknown,
    Profile,
    Refused,
    ReturnKey,
    Sent,
    SettlementLine,
    VendorReference,
)
from hub.sdk.context import NotSent
from tests.support.beta import beta_return, line
from tests.support.channelengine import ENGINE, HTML, Script, answer, page, settlement

LIST = "GET /v2.1/returns/merchant"
ONE = "GET /v2.1/returns/merchant/71"
CREATE = "POST /v2.1/returns/merchant"
HANDLE = "POST /v2.1/returns/merchant/handle"
ACKNOWLEDGE = "POST /v2.1/returns/merchant/acknowledge"
SINCE = datetime(2025, 1, 31, 23, tzinfo=UTC)
KEY = ReturnKey(return_number="RMA-7", external_id="71", order_number="SO-1001")
CHANNEL = settlement(Kind.CHANNEL, ("A", 1, 0, 1))
MERCHANT = settlement(Kind.MERCHANT, ("A", 2, 0, 0))


def one(*lines: dict[str, Any], **changes: object) -> Sent:
    return answer(Content=beta_return(*lines, **changes))


async def ask(vendor: Script, method: Callable[..., Awaitable[Outcome]], *messages: Any) -> Outcome:
    try:
        return await method(vendor.context(returns_api="v2.1"), *messages)
    except Interrupted as fault:
        return fault.outcome


class TestReading:
    async def test_a_poll_reads_what_is_new_and_in_progress_of_what_the_merchant_sent(self, vendor: Script) -> None:
        vendor.on(LIST, page(beta_return(), beta_return(Id=72, Status="IN_PROGRESS"), {"Id": 73, "Lines": 3}))
        found = await ask(vendor, ENGINE.poll, None)
        assert isinstance(found, Done)
        assert [item.external_id for item in found.result.items] == ["71", "72"]
        assert [name for name, _ in found.result.rejected] == ["73"]
        assert vendor.queries == [
            [
                ("statuses", "NEW"),
                ("statuses", "IN_PROGRESS"),
                ("creatorType", "CHANNEL"),
                ("fulfillmentType", "ONLY_MERCHANT"),
                ("page", "1"),
            ]
        ]

    async def test_a_long_poll_reads_the_old_ones_before_the_young_ones(self, vendor: Script) -> None:
        vendor.on(LIST, page(beta_return(), total=2), page(beta_return()))
        first = await ask(vendor, ENGINE.poll, None)
        assert isinstance(first, Done)
        await ask(vendor, ENGINE.poll, first.result.cursor)
        assert vendor.queries[1][-2:] == [("createdDateRange.toDate", "2025-03-01T11:50:00.000Z"), ("page", "1")]

    async def test_the_history_reads_both_creators_and_nothing_that_goes_back_to_the_marketplace(
        self, vendor: Script
    ) -> None:
        vendor.on(LIST, page(beta_return(), beta_return(Id=80, CreatedByType="MERCHANT", MerchantReturnNo="RMA-7")))
        found = await ask(vendor, ENGINE.history, SINCE, None)
        assert isinstance(found, Done)
        assert [item.created_by for item in found.result.items] == [Kind.CHANNEL, Kind.MERCHANT]
        assert vendor.queries == [
            [
                ("creatorType", "BOTH"),
                ("fulfillmentType", "ONLY_MERCHANT"),
                ("createdDateRange.fromDate", "2025-01-31T23:00:00.000Z"),
                ("page", "1"),
            ]
        ]

    async def test_a_return_is_read_by_its_id_with_what_was_handled(self, vendor: Script) -> None:
        vendor.on(ONE, one(line(5, 3, refund=1, reject=2), Status="HANDLED", UpdatedAt="2025-02-11T00:00:00Z"))
        found = await ask(vendor, ENGINE.fetch, KEY)
        assert isinstance(found, Done)
        read = found.result
        assert (read.external_id, read.order_number, read.channel_order_number) == ("71", "SO-1001", "5551234")
        assert (read.open, read.canceled, read.raw_status, read.marketplace) == (False, False, "HANDLED", "12")
        (only,) = read.lines
        assert (only.sku, only.order_line, only.quantity, only.accepted, only.rejected) == ("A", "5", 3, 1, 2)

    async def test_a_return_is_found_by_the_hubs_number_and_only_if_it_really_carries_it(self, vendor: Script) -> None:
        vendor.on(LIST, page(beta_return(MerchantReturnNo="RMA-8"), beta_return(Id=80, MerchantReturnNo="RMA-7")))
        found = await ask(vendor, ENGINE.fetch, ReturnKey(return_number="RMA-7"))
        assert isinstance(found, Done)
        assert found.result.external_id == "80"
        assert vendor.queries == [
            [
                ("identifiers.identifierType", "MERCHANT_RETURN_NO"),
                ("identifiers.models", "RMA-7"),
                ("creatorType", "BOTH"),
                ("page", "1"),
            ]
        ]

    @pytest.mark.parametrize("given", [answer(404), answer(Content=None)])
    async def test_what_is_not_there_is_absent(self, vendor: Script, given: Sent) -> None:
        vendor.on(ONE, given)
        assert await ask(vendor, ENGINE.fetch, KEY) == Absent()

    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({"Status": "NEW"}, (True, False)),
            ({"Status": "SOMETHING"}, (True, False)),
            ({"Status": "HANDLED"}, (False, False)),
            ({"Status": "CANCELLED"}, (False, True)),
            ({"DeletedAt": "2025-02-11T00:00:00Z"}, (False, True)),
            ({"DeletedAt": "0001-01-01T00:00:00"}, (True, False)),
        ],
    )
    async def test_a_status_closes_a_return_only_if_it_says_so(
        self, vendor: Script, changes: dict[str, Any], state: tuple[bool, bool]
    ) -> None:
        vendor.on(ONE, one(**changes))
        found = await ask(vendor, ENGINE.fetch, KEY)
        assert isinstance(found, Done)
        assert (found.result.open, found.result.canceled) == state


class TestAcknowledging:
    MESSAGE = Acknowledgement(external_id="71", return_number="RMA-7")

    async def test_it_tells_the_hubs_number(self, vendor: Script) -> None:
        vendor.on(ACKNOWLEDGE, answer(201))
        assert await ask(vendor, ENGINE.acknowledge, self.MESSAGE) == Done(VendorReference("71"))
        assert vendor.bodies == [
            {"IdentifierType": "RETURN_ID", "Model": {"Identifier": "71", "MerchantReturnNo": "RMA-7"}}
        ]

    @pytest.mark.parametrize(("number", "kind"), [("RMA-7", Done), (None, Absent), ("", Absent), ("ERP-1", Refused)])
    async def test_the_number_on_the_return_tells_whether_it_happened(
        self, vendor: Script, number: str | None, kind: type
    ) -> None:
        vendor.on(ONE, one(MerchantReturnNo=number))
        assert type(await ask(vendor, ENGINE.lookup, Effect.ACKNOWLEDGE, self.MESSAGE)) is kind


class TestSettling:
    async def test_a_channel_return_is_rejected_first_and_refunded_then_line_by_line(self, vendor: Script) -> None:
        vendor.on(ONE, one(line(5, 2), line(6, 1, sku="B")), one(line(5, 2, refund=1, reject=1), line(6, 1, refund=1)))
        vendor.on(HANDLE, *[answer(201)] * 3)
        lines = tuple(
            SettlementLine(sku=sku, order_line=at, accepted=1, rejected=rejected, missing=0)
            for sku, at, rejected in (("A", "5", 1), ("B", "6", 0))
        )
        assert await ask(vendor, ENGINE.settle, settlement(Kind.CHANNEL, lines=lines)) == Done(VendorReference("71"))
        assert [(each["Model"]["ReturnLineIdentifier"], each["Model"]["Action"]) for each in vendor.bodies] == [
            ("505", "REJECT"),
            ("505", "REFUND"),
            ("506", "REFUND"),
        ]
        assert vendor.bodies[0] == {
            "LineIdentifierType": "RETURN_LINE_ID",
            "IdentifierType": "RETURN_ID",
            "Model": {"ReturnIdentifier": "71", "ReturnLineIdentifier": "505", "Quantity": 1, "Action": "REJECT"},
        }

    async def test_a_merchant_return_is_created_with_what_was_accepted_and_then_refunded(self, vendor: Script) -> None:
        made = beta_return(line(5, 2), MerchantReturnNo="RMA-7", CreatedByType="MERCHANT")
        vendor.on(LIST, page(), page(made))
        vendor.on(CREATE, answer(201))
        vendor.on(HANDLE, answer(201))
        vendor.on(ONE, one(line(5, 2, refund=2)))
        assert await ask(vendor, ENGINE.settle, MERCHANT) == Done(VendorReference("71"))
        assert vendor.bodies[0] == {
            "IdentifierType": "MERCHANT_ORDER_NO",
            "LineIdentifierType": "ORDER_LINE_ID",
            "Model": {
                "OrderIdentifier": "SO-1001",
                "MerchantReturnNo": "RMA-7",
                "Reason": "OTHER",
                "ReturnDate": "2025-03-01T12:00:00.000Z",
                "Lines": [{"OrderLineIdentifier": "5", "Quantity": 2}],
            },
        }

    async def test_lines_without_an_order_line_are_created_by_their_product(self, vendor: Script) -> None:
        lines = (SettlementLine(sku="A", order_line=None, accepted=2, rejected=0, missing=0),)
        vendor.on(LIST, page())
        vendor.on(CREATE, answer(400, Message="no"))
        told = await ask(vendor, ENGINE.settle, settlement(Kind.MERCHANT, lines=lines))
        assert told == Refused("invalid", "no")
        assert vendor.bodies[0]["LineIdentifierType"] == "MERCHANT_PRODUCT_NO"
        assert vendor.bodies[0]["Model"]["Lines"] == [{"OrderLineIdentifier": "A", "Quantity": 2}]

    async def test_what_is_half_done_is_finished_and_not_done_again(self, vendor: Script) -> None:
        vendor.on(ONE, *[one(line(5, 2, reject=1))] * 2, one(line(5, 2, reject=1, refund=1)))
        vendor.on(HANDLE, answer(201))
        assert await ask(vendor, ENGINE.lookup, Effect.SETTLE, CHANNEL) == Absent()
        assert isinstance(await ask(vendor, ENGINE.settle, CHANNEL), Done)
        assert [each["Model"]["Action"] for each in vendor.bodies] == ["REFUND"]

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            (one(line(5, 2, refund=1, reject=1)), "done"),
            (one(line(5, 2, refund=2)), "settled_elsewhere"),
            (one(line(5, 2, keep=1)), "settled_elsewhere"),
            (one(line(5, 2, reject=1), Status="HANDLED"), "settled_elsewhere"),
            (one(line(5, 3)), "quantities_differ"),
            (one(line(5, 2), line(6, 1)), "quantities_differ"),
            (one(line(6, 2)), "quantities_differ"),
            (one(Status="CANCELLED"), "canceled_by_channel"),
            (one(Status="ON_HOLD"), "unknown"),
        ],
    )
    async def test_nothing_is_handled_that_stands_otherwise(self, vendor: Script, given: Sent, told: str) -> None:
        vendor.on(ONE, given, given)
        for found in (
            await ask(vendor, ENGINE.settle, CHANNEL),
            await ask(vendor, ENGINE.lookup, Effect.SETTLE, CHANNEL),
        ):
            assert told == {Done: "done", OutcomeUnknown: "unknown"}.get(type(found), getattr(found, "code", None))
        assert vendor.asked == [ONE, ONE]

    async def test_a_return_that_is_not_there_is_not_settled(self, vendor: Script) -> None:
        vendor.on(ONE, answer(404), answer(404))
        vendor.on(LIST, page())
        assert isinstance(await ask(vendor, ENGINE.settle, CHANNEL), Refused)
        assert isinstance(await ask(vendor, ENGINE.lookup, Effect.SETTLE, CHANNEL), OutcomeUnknown)
        assert await ask(vendor, ENGINE.lookup, Effect.SETTLE, MERCHANT) == Absent()

    async def test_nothing_accepted_of_a_merchant_return_is_nothing_to_tell(self, vendor: Script) -> None:
        message = settlement(Kind.MERCHANT, ("A", 0, 1, 1))
        assert await ask(vendor, ENGINE.settle, message) == Done(VendorReference())
        assert await ask(vendor, ENGINE.lookup, Effect.SETTLE, message) == Done(VendorReference())
        assert vendor.asked == []

    async def test_a_marketplace_that_refunds_by_itself_is_told_nothing(self, vendor: Script) -> None:
        message = settlement(Kind.CHANNEL, profile=Profile(channel_returns=ChannelReturns.INFORMATIONAL))
        assert isinstance(await ask(vendor, ENGINE.settle, message), Refused)

    @pytest.mark.parametrize("made", [page(), answer(500), NotSent("gone"), HTML])
    async def test_a_creation_that_cannot_be_read_back_is_in_doubt(
        self, vendor: Script, made: Sent | Exception
    ) -> None:
        vendor.on(LIST, page(), made)
        vendor.on(CREATE, answer(409))
        assert isinstance(await ask(vendor, ENGINE.settle, MERCHANT), OutcomeUnknown)

    async def test_two_returns_of_one_number_are_for_a_person(self, vendor: Script) -> None:
        twice = page(beta_return(MerchantReturnNo="RMA-7"), beta_return(Id=72, MerchantReturnNo="RMA-7"))
        vendor.on(LIST, twice)
        found = await ask(vendor, ENGINE.settle, MERCHANT)
        assert isinstance(found, Refused)
        assert found.code == "created_twice"


REFUSING: dict[str, tuple[str, Callable[..., Awaitable[Outcome]], list[Any]]] = {
    "poll": (LIST, ENGINE.poll, [None]),
    "history": (LIST, ENGINE.history, [SINCE, None]),
    "fetch": (ONE, ENGINE.fetch, [KEY]),
    "acknowledge": (ACKNOWLEDGE, ENGINE.acknowledge, [TestAcknowledging.MESSAGE]),
    "settle": (ONE, ENGINE.settle, [CHANNEL]),
    "create": (LIST, ENGINE.settle, [MERCHANT]),
}


@pytest.mark.parametrize(("call", "method", "messages"), REFUSING.values(), ids=list(REFUSING))
async def test_an_account_without_the_beta_is_told_so(
    vendor: Script, call: str, method: Callable[..., Awaitable[Outcome]], messages: list[Any]
) -> None:
    vendor.on(call, answer(403))
    assert await ask(vendor, method, *messages) == NO_BETA


async def test_an_account_without_the_beta_is_told_so_when_it_is_connected(vendor: Script) -> None:
    for _ in range(2):
        vendor.on("GET /v2/settings", answer(Content={"Name": "demo"}))
        vendor.on("GET /v2/channels", page())
    vendor.on(LIST, answer(403), page())
    assert await ask(vendor, ENGINE.check) == NO_BETA
    assert isinstance(await ask(vendor, ENGINE.check), Done)


async def test_a_right_that_is_missing_elsewhere_is_not_the_beta(vendor: Script) -> None:
    vendor.on("GET /v2/orders", answer(403))
    found = await ask(vendor, ENGINE.find_order, "SO-1001")
    assert isinstance(found, ActionRequired)
    assert found != NO_BETA
