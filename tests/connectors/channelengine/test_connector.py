from collections.abc import Awaitable, Callable

import msgspec
import pytest

from connectors import channelengine
from connectors.channelengine import ChannelEngine
from connectors.channelengine.settings import Settings
from hub.sdk import (
    Absent,
    Acknowledgement,
    ActionRequired,
    Capability,
    Checked,
    Connector,
    Context,
    Done,
    Effect,
    Kind,
    Marketplace,
    Order,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Retry,
    Secret,
    Sent,
    VendorReference,
)
from hub.sdk.context import Forbidden, NotSent, Uncertain
from hub.sdk.fields import form
from tests.support.channelengine import (
    ACKNOWLEDGEMENT,
    BASE,
    BY_ORDER,
    CHANNEL,
    ENGINE,
    KEY,
    RETURNS,
    Script,
    an_order,
    answer,
    outcome,
    page,
    settlement,
    vendor_return,
)


def test_the_module_is_the_plugin_and_offers_what_the_class_really_has() -> None:
    (offered,) = channelengine.hub_connectors()
    assert isinstance(offered, ChannelEngine)
    for capability in Capability:
        own = getattr(ChannelEngine, capability.value) is not getattr(Connector, capability.value)
        assert own is (capability in ChannelEngine.manifest.capabilities)
    assert not ChannelEngine.manifest.repeatable


def test_the_settings_make_a_form_and_never_show_the_key() -> None:
    fields = form(Settings)["properties"]
    assert set(fields) == {"address", "api_key", "returns_api"}
    assert all(field["title"] and field["description"] for field in fields.values())
    assert KEY not in repr(Settings(address=BASE, api_key=Secret(KEY)))


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        (BASE, BASE),
        (f" {BASE}/ ", BASE),
        (f"{BASE}/v2/", BASE),
        ("https://demo.channelengine.net", BASE),
        ("http://demo.channelengine.net/api", BASE),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://127.0.0.1:8001/api/", "http://127.0.0.1:8001/api"),
        ("https://fakechannelengine.net", "https://fakechannelengine.net"),
    ],
)
def test_an_address_is_understood_however_it_is_typed(typed: str, base: str) -> None:
    assert Settings(address=typed, api_key=Secret(KEY)).base == base


@pytest.mark.parametrize(
    "typed", ["demo", "ftp://x.net", "https://", "https://key@x.net/api", "https://x.net/?apikey=1"]
)
def test_what_is_no_address_is_not_taken(typed: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"address": typed, "api_key": KEY}, Settings, dec_hook=lambda _, text: Secret(text))


class TestCheck:
    async def test_it_tells_name_currency_and_marketplaces(self, vendor: Script) -> None:
        vendor.on("GET /v2/settings", answer(Content={"Name": "demo", "CompanyName": "Demo BV", "CurrencyCode": "EUR"}))
        families = [
            {"GlobalChannelName": "bol", "Channels": [{"ChannelId": 12, "ChannelName": "bol NL", "IsEnabled": True}]},
            {"GlobalChannelName": "Unused", "Channels": None},
            {"GlobalChannelName": None, "Channels": [{"ChannelId": 13, "ChannelName": None}, {"ChannelId": None}]},
        ]
        vendor.on("GET /v2/channels", page(*families))
        assert await outcome(ENGINE.check(vendor.context())) == Done(
            Checked(
                name="demo",
                currency="EUR",
                marketplaces=(
                    Marketplace(reference="12", name="bol NL", family="bol"),
                    Marketplace(reference="13", name="13", family=""),
                ),
            )
        )

    async def test_a_refused_key_is_for_its_owner_and_is_not_repeated_to_anyone(self, vendor: Script) -> None:
        vendor.on("GET /v2/settings", answer(401, Message=f"API key is unknown: {KEY}"))
        found = await outcome(ENGINE.check(vendor.context()))
        assert isinstance(found, ActionRequired)
        assert KEY not in found.message

    @pytest.mark.parametrize(
        "wrong",
        [
            Sent(200, {}, b"<html>Welcome</html>"),
            Sent(404, {}, b"not here"),
            Sent(302, {"location": "https://elsewhere.example"}, b""),
            Sent(405, {}, b""),
            answer(200, Success=False, Message="no such tenant"),
            Forbidden("not allowed"),
        ],
    )
    async def test_what_is_not_channelengine_is_for_the_owner_to_repair(
        self, vendor: Script, wrong: Sent | Exception
    ) -> None:
        vendor.on("GET /v2/settings", wrong)
        assert isinstance(await outcome(ENGINE.check(vendor.context())), ActionRequired)

    @pytest.mark.parametrize("passing", [Sent(503, {}, b""), NotSent("refused"), Uncertain("lost")])
    async def test_a_passing_fault_is_tried_again(self, vendor: Script, passing: Sent | Exception) -> None:
        vendor.on("GET /v2/settings", passing)
        assert isinstance(await outcome(ENGINE.check(vendor.context())), Retry)


UNREADABLE = settlement(Kind.CHANNEL, order_number="")
WRITES = [
    pytest.param(f"POST {RETURNS}/acknowledge", lambda context: ENGINE.acknowledge(context, ACKNOWLEDGEMENT), id="ack"),
    # An order without a number of the shop's cannot be read, so that nothing but the update is asked.
    pytest.param("PUT /v2/returns", lambda context: ENGINE.settle(context, UNREADABLE), id="update"),
]


@pytest.mark.parametrize(("call", "do"), WRITES)
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200), Done(VendorReference("71"))),
        (answer(400, ValidationErrors={"Lines": ["too many"]}), Refused("invalid", "Lines: too many")),
        (answer(404, Message="unknown return"), Refused("not_found", "unknown return")),
        (answer(410), Refused("http_410", "ChannelEngine answered 410 and gave no reason.")),
        (answer(200, Success=False, Message="no"), Refused("invalid", "no")),
        (answer(409, Message="again?"), OutcomeUnknown("ChannelEngine answered 409: again?")),
        (answer(200, Success=False, StatusCode=409), OutcomeUnknown("ChannelEngine answered 409")),
        (answer(202), OutcomeUnknown("ChannelEngine answered 202")),
        (answer(429, {"retry-after": "9"}), RateLimited(9.0)),
        (NotSent("no route"), Retry("no route")),
        (Uncertain("cut off"), OutcomeUnknown("cut off")),
    ],
)
async def test_faults_of_a_write_are_sorted(
    vendor: Script, call: str, do: Callable[[Context], Awaitable[Outcome]], given: Sent | Exception, expected: Outcome
) -> None:
    vendor.on(call, given)
    assert await outcome(do(vendor.context())) == expected
    assert vendor.asked == [call]


@pytest.mark.parametrize(("call", "do"), WRITES)
@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Sent(200, {}, b""), OutcomeUnknown),
        (Sent(200, {}, b"<html>"), OutcomeUnknown),
        (answer(500), OutcomeUnknown),
        (answer(503), OutcomeUnknown),
        (answer(401, Message=KEY), ActionRequired),
        (answer(403), ActionRequired),
        (Sent(301, {}, b""), ActionRequired),
    ],
)
async def test_a_write_is_never_called_done_or_undone_without_knowing(
    vendor: Script, call: str, do: Callable[[Context], Awaitable[Outcome]], given: Sent, kind: type
) -> None:
    vendor.on(call, given)
    found = await outcome(do(vendor.context()))
    assert type(found) is kind
    assert KEY not in repr(found)


class TestAcknowledge:
    async def test_it_tells_the_hubs_number(self, vendor: Script) -> None:
        vendor.on(f"POST {RETURNS}/acknowledge", answer())
        await ENGINE.acknowledge(vendor.context(), ACKNOWLEDGEMENT)
        assert vendor.bodies == [{"ReturnId": 71, "MerchantReturnNo": "RMA-7"}]

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("RMA-7", Done(VendorReference("71"))),
            (None, Absent()),
            ("", Absent()),
            (
                "ERP-1",
                Refused("acknowledged_elsewhere", "Another system has already given this return the number ERP-1."),
            ),
        ],
    )
    async def test_the_number_on_the_return_tells_whether_it_happened(
        self, vendor: Script, number: str | None, expected: Outcome
    ) -> None:
        vendor.on(f"GET {RETURNS}", page(vendor_return(Id=70), vendor_return(MerchantReturnNo=number)))
        assert await self.lookup(vendor) == expected

    async def test_a_return_is_looked_for_on_every_page_and_among_the_closed_ones(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", page(vendor_return(Id=1), total=2), page(vendor_return(Id=2), total=2))
        vendor.on(f"GET {RETURNS}", page(vendor_return(MerchantReturnNo="RMA-7", Status="CANCELLED")))
        assert isinstance(await self.lookup(vendor), Done)
        assert vendor.queries == [
            [("statuses", "IN_PROGRESS"), ("page", "1")],
            [("statuses", "IN_PROGRESS"), ("page", "2")],
            [("fromDate", "2024-12-01T12:00:00.000Z"), ("page", "1")],
        ]

    async def test_a_return_found_nowhere_leaves_it_unknown(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", page(), page(vendor_return(Id=70), {"Id": 71, "Lines": 3}))
        assert isinstance(await self.lookup(vendor), OutcomeUnknown)

    async def test_a_search_has_an_end(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", *[page(vendor_return(Id=1), total=10**6)] * 20, page(vendor_return(Id=2)))
        assert await self.lookup(vendor) == OutcomeUnknown(
            "It cannot be looked up: ChannelEngine's list has more than 20 pages."
        )

    async def test_an_order_that_is_known_is_looked_at_first(self, vendor: Script) -> None:
        message = Acknowledgement(external_id="71", return_number="RMA-7", order_number="SO-1001")
        vendor.on(f"GET {BY_ORDER}", page(vendor_return(MerchantReturnNo="RMA-7")))
        assert await ENGINE.lookup(vendor.context(), Effect.ACKNOWLEDGE, message) == Done(VendorReference("71"))

    async def test_an_order_the_shop_does_not_know_is_looked_up_by_the_marketplaces_number(
        self, vendor: Script
    ) -> None:
        message = Acknowledgement(external_id="71", return_number="RMA-7", channel_order_number="5551234")
        vendor.on(f"GET {RETURNS}", page(vendor_return(MerchantOrderNo=None)))
        assert await ENGINE.lookup(vendor.context(), Effect.ACKNOWLEDGE, message) == Absent()
        assert vendor.queries == [[("channelOrderNos", "5551234"), ("page", "1")]]

    async def test_a_refused_read_says_nothing_of_the_effect(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(400, Message="odd"))
        assert await self.lookup(vendor) == OutcomeUnknown("It cannot be looked up: odd")

    async def test_a_return_without_a_vendors_id_is_refused(self, vendor: Script) -> None:
        foreign = Acknowledgement(external_id="R-9", return_number="RMA-7")
        assert isinstance(await outcome(ENGINE.acknowledge(vendor.context(), foreign)), Refused)
        assert vendor.asked == []

    @staticmethod
    async def lookup(vendor: Script) -> Outcome:
        return await outcome(ENGINE.lookup(vendor.context(), Effect.ACKNOWLEDGE, ACKNOWLEDGEMENT))


async def test_an_effect_it_does_not_have_is_a_bug_and_not_an_answer(vendor: Script) -> None:
    with pytest.raises(NotImplementedError):
        await ENGINE.lookup(vendor.context(), Effect.ANNOUNCE, CHANNEL)


class TestFindOrder:
    ORDERS = "GET /v2/orders"
    SHIPMENTS = "GET /v2/shipments/merchant"

    @pytest.mark.parametrize(
        ("number", "fields"),
        [
            ("SO-1001", ["merchantOrderNos"]),
            (" so-1001 ", ["merchantOrderNos"]),
            ("5551234", ["merchantOrderNos", "channelOrderNos"]),
            ("B-77", ["merchantOrderNos", "channelOrderNos", "commercialOrderNos"]),
        ],
    )
    async def test_the_number_is_looked_for_as_shop_marketplace_and_invoice_write_it(
        self, vendor: Script, number: str, fields: list[str]
    ) -> None:
        vendor.on(self.ORDERS, *[page()] * (len(fields) - 1), page(an_order()))
        vendor.on(self.SHIPMENTS, page())
        found = await self.find(vendor, number)
        assert isinstance(found, Done)
        assert isinstance(found.result, Order)
        assert (found.result.number, found.result.country, found.result.lines[0].shipped) == ("SO-1001", "NL", 2)
        assert [query[0] for query in vendor.queries[:-1]] == [(field, number.strip()) for field in fields]

    async def test_all_pages_of_shipments_count(self, vendor: Script) -> None:
        left = {
            "MerchantOrderNo": "SO-1001",
            "Lines": [{"MerchantProductNo": "A", "Quantity": 1, "ShipmentStatus": "SHIPPED", "OrderLine": {"Id": 5}}],
        }
        vendor.on(self.ORDERS, page(an_order()))
        vendor.on(self.SHIPMENTS, page(left, total=2), page(left, total=2))
        found = await self.find(vendor, "SO-1001")
        assert isinstance(found, Done)
        assert found.result.lines[0].shipped == 2
        assert vendor.queries[2] == [("merchantOrderNos", "SO-1001"), ("page", "2")]

    async def test_an_account_without_shipments_goes_by_the_lines_own_status(self, vendor: Script) -> None:
        vendor.on(self.ORDERS, page(an_order()))
        vendor.on(self.SHIPMENTS, answer(404))
        found = await self.find(vendor, "SO-1001")
        assert isinstance(found, Done)
        assert found.result.lines[0].shipped == 2

    async def test_a_number_of_several_orders_is_refused(self, vendor: Script) -> None:
        vendor.on(self.ORDERS, page(), page(an_order(), an_order(), an_order(Id=10, ChannelId=13)))
        found = await self.find(vendor, "5551234")
        assert isinstance(found, Refused)
        assert found.code == "ambiguous_order"

    async def test_an_ignored_filter_never_hands_out_somebody_elses_order(self, vendor: Script) -> None:
        vendor.on(self.ORDERS, *[page(an_order(), an_order(Id=10))] * 3)
        assert await self.find(vendor, "SO-9") == Absent()

    async def test_an_order_the_shop_has_not_acknowledged_is_refused(self, vendor: Script) -> None:
        vendor.on(self.ORDERS, page(), page(an_order(MerchantOrderNo=None)))
        found = await self.find(vendor, "5551234")
        assert isinstance(found, Refused)
        assert found.code == "order_not_acknowledged"

    @pytest.mark.parametrize("number", ["", "   ", "9" * 501, "\U0001f600" * 42])
    async def test_what_is_no_order_number_is_not_asked_for(self, vendor: Script, number: str) -> None:
        assert await self.find(vendor, number) == Absent()
        assert vendor.asked == []

    @staticmethod
    async def find(vendor: Script, number: str) -> Outcome:
        return await outcome(ENGINE.find_order(vendor.context(), number))
