import json
import os
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

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
    Interrupted,
    Kind,
    Marketplace,
    Order,
    Outcome,
    OutcomeUnknown,
    Page,
    RateLimited,
    Reason,
    Refused,
    Retry,
    Secret,
    Sent,
    Settlement,
    SettlementLine,
    VendorReference,
)
from hub.sdk.context import Forbidden, NotSent, Uncertain
from hub.sdk.fields import form

REFERENCE = Path(os.environ.get("HUB_REFERENCE", Path(__file__).parents[4] / "shared" / "reference"))
DESCRIPTION = REFERENCE / "channelengine" / "merchant-openapi.json"
KEY = "0123456789abcdef0123456789abcdef01234567"
BASE = "https://demo.channelengine.net/api"
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
RETURNS = "/v2/returns/merchant"
BY_ORDER = f"{RETURNS}/SO-1001"
ENGINE = ChannelEngine()


class Notes:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.warnings: dict[str, dict[str, object]] = {}

    def info(self, event: str, **facts: object) -> None:
        raise AssertionError(event, facts)

    def warning(self, event: str, **facts: object) -> None:
        self.warnings[event] = facts


class Script:
    """An `Http` that gives each path its answers in order and keeps what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, deque[Sent | Exception]] = defaultdict(deque)
        self.asked: list[str] = []
        self.queries: list[list[tuple[str, str]]] = []
        self.bodies: list[Any] = []
        self.notes = Notes()

    def on(self, call: str, *answers: Sent | Exception) -> None:
        self.answers[call].extend(answers)

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Sent:
        whole = f"{url}?{urlencode(params or [])}"
        assert url.startswith(BASE)
        assert len(whole) <= 1_048
        assert KEY not in whole
        assert headers is not None
        assert headers["X-CE-KEY"] == KEY
        call = f"{method} {url.removeprefix(BASE)}"
        self.asked.append(call)
        self.queries.append(params or [])
        if body is not None:
            assert headers["Content-Type"] == "application/json"
            self.bodies.append(json.loads(body))
        assert self.answers[call], f"unexpected: {call}"
        answer = self.answers[call].popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def context(self, now: datetime = NOW) -> Context:
        settings = Settings(address=BASE, api_key=Secret(KEY))
        return Context(http=self, settings=settings, key="operation-1", now=now, log=self.notes)


def documented(path: str, method: str, names: set[str], paths: dict[str, Any]) -> bool:
    for template, methods in paths.items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            parameters = methods[method.lower()].get("parameters", [])
            return names <= {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    return False


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text())["paths"] if DESCRIPTION.is_file() else {}
    return found


@pytest.fixture
def vendor(paths: dict[str, Any]) -> Iterator[Script]:
    script = Script()
    yield script
    assert not any(script.answers.values()), "an answer was not asked for"
    for call, query in zip(script.asked, script.queries, strict=True):
        method, path = call.split(" ", 1)
        assert not paths or documented(path, method, {name for name, _ in query}, paths), call


def answer(status: int = 200, headers: dict[str, str] | None = None, **fields: object) -> Sent:
    envelope = {"StatusCode": status, "Success": status < 300, "ValidationErrors": {}} | fields
    return Sent(status, headers or {}, json.dumps(envelope).encode())


def page(*elements: object, total: int | None = None) -> Sent:
    count = len(elements) if total is None else total
    return answer(Content=list(elements), Count=len(elements), TotalCount=count, ItemsPerPage=100)


def vendor_return(**changes: object) -> dict[str, Any]:
    told = {
        "Id": 71,
        "MerchantOrderNo": "SO-1001",
        "ChannelOrderNo": "5551234",
        "ChannelReturnNo": "R-998",
        "Status": "IN_PROGRESS",
        "Reason": "WRONG_SIZE",
        "CreatedAt": "2025-02-10T08:15:02.1234567Z",
        "Lines": [line_there("A", 2)],
    }
    return told | changes


def line_there(sku: str, quantity: int, accepted: int | None = None, rejected: int | None = None) -> dict[str, Any]:
    return {
        "MerchantProductNo": sku,
        "Quantity": quantity,
        "AcceptedQuantity": accepted,
        "RejectedQuantity": rejected,
    }


def settlement(kind: Kind, *pairs: tuple[str, int, int, int], **changes: object) -> Settlement:
    lines = tuple(
        SettlementLine(sku=sku, order_line="5", accepted=accepted, rejected=rejected, missing=missing)
        for sku, accepted, rejected, missing in pairs or [("A", 1, 0, 1)]
    )
    told: dict[str, Any] = {
        "kind": kind,
        "return_number": "RMA-7",
        "order_number": "SO-1001",
        "marketplace": "12",
        "reason": Reason.OTHER,
        "comment": None,
        "returned_at": NOW,
        "lines": lines,
        "external_id": "71" if kind is Kind.CHANNEL else None,
    }
    told.update(changes)
    return Settlement(**told)


async def outcome(awaiting: Awaitable[Outcome]) -> Outcome:
    """What the hub sees: the answer, or the outcome that ended the call early."""
    try:
        return await awaiting
    except Interrupted as fault:
        return fault.outcome


ACKNOWLEDGEMENT = Acknowledgement(external_id="71", return_number="RMA-7")
CHANNEL = settlement(Kind.CHANNEL)
MERCHANT = settlement(Kind.MERCHANT)


def test_the_module_is_the_plugin_and_offers_what_the_class_really_has() -> None:
    (offered,) = channelengine.hub_connectors()
    assert isinstance(offered, ChannelEngine)
    for capability in Capability:
        own = getattr(ChannelEngine, capability.value) is not getattr(Connector, capability.value)
        assert own is (capability in ChannelEngine.manifest.capabilities)
    assert not ChannelEngine.manifest.repeatable


def test_the_settings_make_a_form_and_never_show_the_key() -> None:
    fields = form(Settings)["properties"]
    assert set(fields) == {"address", "api_key"}
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


class TestPoll:
    async def test_the_first_poll_reads_all_that_is_open(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", page(vendor_return()))
        found = await outcome(ENGINE.poll(vendor.context(), None))
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        assert [item.external_id for item in found.result.items] == ["71"]
        assert not found.result.more
        assert vendor.queries == [[("statuses", "IN_PROGRESS"), ("page", "1")]]

    async def test_the_next_poll_starts_where_the_sweep_before_started_less_the_overlap(self, vendor: Script) -> None:
        first = await self.poll(vendor, None, NOW, vendor_return(), total=101)
        assert first.more
        second = await self.poll(vendor, first.cursor, NOW + timedelta(hours=1), vendor_return(Id=72), total=101)
        assert not second.more
        third = await self.poll(vendor, second.cursor, NOW + timedelta(hours=2))
        assert not third.more
        assert vendor.queries[1:] == [
            [("statuses", "IN_PROGRESS"), ("page", "2")],
            [("fromDate", "2025-03-01T11:50:00.000Z"), ("page", "1")],
        ]

    async def test_once_a_day_a_sweep_goes_ninety_days_back(self, vendor: Script) -> None:
        cursor = (await self.poll(vendor, None, NOW)).cursor
        for hours in (23, 24, 25):
            cursor = (await self.poll(vendor, cursor, NOW + timedelta(hours=hours))).cursor
        assert [dict(query).get("fromDate") for query in vendor.queries[1:]] == [
            "2025-03-01T11:50:00.000Z",
            "2024-12-02T12:00:00.000Z",
            "2025-03-02T11:50:00.000Z",
        ]

    async def test_closed_returns_are_handed_over_with_their_flags(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(Status="RECEIVED"), vendor_return(Status="CANCELLED"))
        assert [(item.open, item.canceled) for item in found.items] == [(False, False), (False, True)]

    async def test_one_bad_element_does_not_lose_its_neighbours(self, vendor: Script) -> None:
        found = await self.poll(
            vendor, None, NOW, vendor_return(Id=1), vendor_return(Id=2, Lines=3), vendor_return(Id=3)
        )
        assert [item.external_id for item in found.items] == ["1", "3"]
        assert [name for name, _ in found.rejected] == ["2"]

    async def test_an_unknown_status_is_open_and_noted(self, vendor: Script) -> None:
        found = await self.poll(vendor, None, NOW, vendor_return(Status="ON_HOLD"))
        assert found.items[0].open
        assert vendor.notes.warnings == {"channelengine_status_unknown": {"statuses": ["ON_HOLD"]}}

    async def test_an_empty_page_ends_a_sweep_whatever_the_count_says(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(Content=None, TotalCount=300, ItemsPerPage=100))
        found = await outcome(ENGINE.poll(vendor.context(), None))
        assert isinstance(found, Done)
        assert not found.result.more

    async def test_a_foreign_cursor_starts_anew(self, vendor: Script) -> None:
        found = await self.poll(vendor, '{"offset": 3}', NOW, vendor_return())
        assert found.items
        assert vendor.queries == [[("statuses", "IN_PROGRESS"), ("page", "1")]]
        assert vendor.notes.warnings == {"channelengine_cursor_unreadable": {}}

    @pytest.mark.parametrize(
        ("given", "kind"),
        [
            (Sent(200, {}, b"<html>Maintenance</html>"), Retry),
            (Sent(200, {}, b'{"Success":true,"Content":[{"Id":'), Retry),
            (answer(500), Retry),
            (answer(200, Success=False, StatusCode=500), Retry),
            (answer(200, Success=False), Refused),
            (answer(400), Refused),
            (answer(404), ActionRequired),
            (answer(401), ActionRequired),
            (answer(403), ActionRequired),
            (Uncertain("lost"), Retry),
            (NotSent("refused"), Retry),
        ],
    )
    async def test_faults_of_a_read_are_sorted(self, vendor: Script, given: Sent | Exception, kind: type) -> None:
        vendor.on(f"GET {RETURNS}", given)
        assert type(await outcome(ENGINE.poll(vendor.context(), None))) is kind

    async def test_a_busy_vendor_slows_the_connection_by_as_much_as_it_asks(self, vendor: Script) -> None:
        vendor.on(f"GET {RETURNS}", answer(429, {"retry-after": "17"}))
        assert await outcome(ENGINE.poll(vendor.context(), None)) == RateLimited(17.0)

    @staticmethod
    async def poll(vendor: Script, cursor: str | None, now: datetime, *told: object, total: int | None = None) -> Page:
        vendor.on(f"GET {RETURNS}", page(*told, total=total))
        found = await outcome(ENGINE.poll(vendor.context(now), cursor))
        assert isinstance(found, Done)
        assert isinstance(found.result, Page)
        return found.result


WRITES = [
    pytest.param(f"POST {RETURNS}/acknowledge", lambda context: ENGINE.acknowledge(context, ACKNOWLEDGEMENT), id="ack"),
    pytest.param("PUT /v2/returns", lambda context: ENGINE.settle(context, CHANNEL), id="update"),
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
        vendor.on(f"GET {RETURNS}", page(vendor_return(Id=1), total=150), page(vendor_return(Id=2), total=150))
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
        vendor.on(f"GET {RETURNS}", *[page(vendor_return(Id=1), total=10**6)] * 40)
        assert isinstance(await self.lookup(vendor), OutcomeUnknown)

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


def created(status: str = "RECEIVED", *lines: dict[str, Any], number: str = "RMA-7") -> dict[str, Any]:
    told = list(lines) or [line_there("A", 1)]
    return vendor_return(Id=80, Status=status, MerchantReturnNo=number, ChannelReturnNo=None, Lines=told)


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
        vendor.on(self.READ, answer(404), page(created("IN_PROGRESS")))
        vendor.on(self.CREATE, answer(201))
        vendor.on(self.UPDATE, answer())
        assert await self.settle(vendor) == Done(VendorReference("80"))
        assert vendor.bodies[1] == {
            "ReturnId": 80,
            "Lines": [{"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 0}],
        }

    async def test_a_half_done_creation_is_finished_and_not_created_again(self, vendor: Script) -> None:
        vendor.on(self.READ, page(created("IN_PROGRESS")), page(created("IN_PROGRESS")))
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
        assert type(await self.settle(vendor)) is kind

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            (NotSent("gone"), Retry),
            (answer(500), Retry),
            (Sent(200, {}, b"?"), Retry),
            (answer(429), RateLimited),
            (page({"Id": 1, "Lines": 3}), Retry),
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


async def test_an_effect_it_does_not_have_is_a_bug_and_not_an_answer(vendor: Script) -> None:
    with pytest.raises(NotImplementedError):
        await ENGINE.lookup(vendor.context(), Effect.ANNOUNCE, CHANNEL)


def an_order(**changes: object) -> dict[str, Any]:
    told = {
        "Id": 9,
        "MerchantOrderNo": "SO-1001",
        "ChannelOrderNo": "5551234",
        "CommercialOrderNo": "B-77",
        "ChannelId": 12,
        "CurrencyCode": "EUR",
        "ShippingAddress": {"CountryIso": "NL"},
        "Lines": [{"Id": 5, "MerchantProductNo": "A", "ChannelProductNo": "c", "Quantity": 2, "Status": "SHIPPED"}],
    }
    return told | changes


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
        vendor.on(self.SHIPMENTS, page(left, total=101), page(left, total=101))
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
