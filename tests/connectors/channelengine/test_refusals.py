"""Which return a notice is about, found out by a vendor that plays the filters as documented, and counts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine.asking import MOST_QUESTIONS
from connectors.channelengine.refusals import TYPES
from connectors.channelengine.watching import AGAIN, OVERLAP
from hub.sdk import Done, Refusal, Refusals, Refused, ReturnKey, Sent
from tests.support.channelengine import ENGINE, KEY, NOW, Script, outcome, page
from tests.support.description import require_documented
from tests.support.merchant import Merchant
from tests.support.sandboxed import Sandboxed

PATH = "/v2/notifications"
FAILED = TYPES[0]
ENOUGH = 50


class Notifying(Script):
    """A vendor with notices about returns, each known by its own or its channel's number."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[tuple[dict[str, Any], set[str]]] = []
        self.ignores_filters = False
        self.now = NOW

    def refuse(self, *numbers: str, at: datetime | None = None, **changes: object) -> str:
        """Have a marketplace refuse the return with these numbers, now or earlier."""
        key = len(self.notices) + 1
        told = {"Id": key, "Type": FAILED, "CreatedAt": (at or self.now).isoformat(), "Message": f"{numbers[0]}: no"}
        self.notices.append((told | changes, set(numbers)))
        return str(key)

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        query = params or []
        del headers, body
        assert len(f"{url}?{urlencode(query)}") <= 1_048
        require_documented(method, PATH, query, None, endpoint)
        self.queries.append(query)
        since = datetime.fromisoformat(dict(query)["fromDate"])
        found = [
            told
            for told, numbers in self.notices
            if datetime.fromisoformat(told["CreatedAt"]) >= since and self._fits(query, numbers)
        ]
        start = 100 * (int(dict(query)["page"]) - 1)
        return page(*found[start : start + 100], total=len(found))

    def _fits(self, query: list[tuple[str, str]], numbers: set[str]) -> bool:
        asked = {value for name, value in query if name in {"merchantReturnNos", "channelReturnNos"}}
        return self.ignores_filters or not asked or bool(asked & numbers)

    @property
    def questions(self) -> int:
        """How often it was asked about returns, and not just for what is new."""
        return sum(any(name.endswith("ReturnNos") for name, _ in query) for query in self.queries)


class Hub:
    """What the hub keeps: the cursor, and each notice once."""

    def __init__(self, vendor: Notifying, watched: tuple[ReturnKey, ...]) -> None:
        self.vendor = vendor
        self.watched = watched
        self.cursor: str | None = None
        self.known: dict[str, Refusal] = {}
        self.calls = 0

    async def ask(self, *, crash: bool = False) -> bool:
        told = await outcome(ENGINE.refusals(self.vendor.context(self.vendor.now), self.cursor, self.watched))
        assert isinstance(told, Done)
        found: Refusals = told.result
        self.calls += 1
        if crash:
            return True
        self.cursor = found.cursor
        self.known |= {item.key: item for item in found.items}
        return found.more

    async def ask_all(self) -> None:
        for _ in range(ENOUGH):
            if not await self.ask():
                return
        raise AssertionError("it never ends")


def keys(count: int) -> tuple[ReturnKey, ...]:
    return tuple(ReturnKey(return_number=f"RMA-{number:04}") for number in range(count))


async def test_nothing_new_is_one_call_and_nobody_is_asked_about() -> None:
    vendor = Notifying()
    hub = Hub(vendor, keys(500))
    await hub.ask_all()
    assert vendor.queries == [
        [*(("types", each) for each in TYPES), ("fromDate", "2025-01-30T12:00:00.000Z"), ("page", "1")]
    ]


async def test_without_returns_to_watch_nothing_is_asked() -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0001")
    await Hub(vendor, ()).ask_all()
    assert vendor.queries == []


async def test_a_refusal_tells_whose_it_is_what_was_said_and_when() -> None:
    vendor = Notifying()
    key = vendor.refuse("RMA-0001", Message=f"No balance,\nsaid jan@example.org to {KEY}")
    hub = Hub(vendor, keys(3))
    await hub.ask_all()
    said = "No balance, said [address] to [key]"
    assert list(hub.known.values()) == [Refusal(key=key, return_number="RMA-0001", message=said, at=NOW)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"Message": None, "Subject": "Export failed"}, "Export failed"),
        ({"Message": " ", "Subject": None}, "The marketplace did not take it, and gave no reason."),
    ],
)
async def test_a_refusal_without_a_message_says_what_there_is(words: dict[str, Any], said: str) -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0001", **words)
    hub = Hub(vendor, keys(2))
    await hub.ask_all()
    assert [item.message for item in hub.known.values()] == [said]


async def test_one_among_five_hundred_is_found_by_halving() -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0123")
    hub = Hub(vendor, keys(500))
    await hub.ask_all()
    assert [item.return_number for item in hub.known.values()] == ["RMA-0123"]
    # About thirty numbers fit into an address: five halvings, one control and the parts before.
    assert vendor.questions < 20


async def test_the_same_notice_is_not_asked_about_again() -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0001")
    hub = Hub(vendor, keys(5))
    await hub.ask_all()
    asked = vendor.questions
    for _ in range(5):
        vendor.now += timedelta(minutes=5)
        await hub.ask_all()
    assert vendor.questions == asked


async def test_a_return_that_carries_another_number_there_is_known_by_the_channels() -> None:
    vendor = Notifying()
    vendor.refuse("ERP-1", "R-998")
    watched = (*keys(3), ReturnKey(return_number="RMA-7", channel_return_number="R-998"))
    hub = Hub(vendor, watched)
    await hub.ask_all()
    assert [item.return_number for item in hub.known.values()] == ["RMA-7"]


async def test_a_number_that_two_marketplaces_gave_blames_neither_return() -> None:
    vendor = Notifying()
    vendor.refuse("ERP-1", "R-998")
    watched = [ReturnKey(return_number=number, channel_return_number="R-998") for number in ("RMA-7", "RMA-8")]
    hub = Hub(vendor, tuple(watched))
    await hub.ask_all()
    assert hub.known == {}


async def test_a_notice_of_a_return_that_is_known_as_settled_only_later_is_not_lost() -> None:
    vendor = Notifying()
    vendor.refuse("RMA-7")
    hub = Hub(vendor, keys(3))
    await hub.ask_all()
    hub.watched = (*hub.watched, ReturnKey(return_number="RMA-7"))
    await hub.ask_all()
    assert hub.known == {}
    vendor.now += AGAIN
    await hub.ask_all()
    assert [item.return_number for item in hub.known.values()] == ["RMA-7"]


async def test_a_notice_that_is_shown_late_is_not_lost() -> None:
    vendor = Notifying()
    hub = Hub(vendor, keys(3))
    await hub.ask_all()
    vendor.now += OVERLAP / 2
    await hub.ask_all()
    vendor.refuse("RMA-0002", at=NOW)
    await hub.ask_all()
    assert [item.return_number for item in hub.known.values()] == ["RMA-0002"]


async def test_what_others_returns_are_refused_for_is_not_asked_for_ever() -> None:
    vendor = Notifying()
    vendor.refuse("somebody else's")
    hub = Hub(vendor, keys(3))
    for _ in range(40):
        await hub.ask_all()
        vendor.now += AGAIN
    assert 24 <= vendor.questions <= 31 * 24
    asked = vendor.questions
    await hub.ask_all()
    assert vendor.questions == asked


async def test_a_filter_that_is_ignored_blames_nobody() -> None:
    vendor = Notifying()
    vendor.ignores_filters = True
    vendor.refuse("somebody else's")
    told = await outcome(ENGINE.refusals(vendor.context(), None, keys(1)))
    assert isinstance(told, Refused)


async def test_notices_of_other_kinds_and_notices_that_cannot_be_read_refuse_nothing() -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0001", Type="CHANNEL_RETURN_NEW")
    vendor.refuse("RMA-0001", Id="?")
    hub = Hub(vendor, keys(2))
    await hub.ask_all()
    assert hub.known == {}
    assert vendor.questions == 0


async def test_more_notices_than_can_be_listed_narrow_the_time_that_is_looked_at() -> None:
    vendor = Notifying()
    for _ in range(2_100):
        vendor.refuse("RMA-0001", at=NOW - timedelta(days=20))
    vendor.refuse("RMA-0002")
    hub = Hub(vendor, keys(3))
    await hub.ask_all()
    assert [item.return_number for item in hub.known.values()] == ["RMA-0002"]


@pytest.mark.parametrize("cursor", ["", "nonsense", '{"since": 3}', '{"page": 2}'])
async def test_a_cursor_of_another_format_begins_anew(cursor: str) -> None:
    vendor = Notifying()
    vendor.refuse("RMA-0001")
    hub = Hub(vendor, keys(2))
    hub.cursor = cursor
    await hub.ask_all()
    assert len(hub.known) == 1


refused = st.sets(st.integers(0, 399), max_size=12)


@given(
    watching=st.integers(1, 400),
    refused=refused,
    foreign=st.integers(0, 3),
    crashes=st.lists(st.booleans(), max_size=9),
)
async def test_every_refusal_finds_its_return_wherever_the_hub_stops(
    *, watching: int, refused: set[int], foreign: int, crashes: list[bool]
) -> None:
    vendor = Notifying()
    for number in sorted(refused):
        vendor.refuse(f"RMA-{number:04}")
    for number in range(foreign):
        vendor.refuse(f"foreign {number}")
    hub = Hub(vendor, keys(watching))
    for crash in crashes:
        await hub.ask(crash=crash)
    await hub.ask_all()
    expected = sorted(f"RMA-{number:04}" for number in refused if number < watching)
    assert sorted(item.return_number for item in hub.known.values()) == expected
    # A question, its last halving and a control may come on top.
    assert max(vendor.questions, 1) <= hub.calls * (MOST_QUESTIONS + 2)


class TestAtTheSandbox:
    async def test_a_marketplace_that_refuses_late_is_heard_of(self, shop: Merchant) -> None:
        wanted, others = "SO-3", [f"SO-{number}" for number in range(5)]
        for order in others:
            return_id = await shop.sent_back("Conrad", order)
            body = {"ReturnId": return_id, "MerchantReturnNo": f"RMA-{order}"}
            assert (await shop.call("POST", "/returns/merchant/acknowledge", body)).is_success
            if order == wanted:
                await shop.vendor.fail_exports(shop.tenant, return_id=return_id, text="No payable balance")
            await shop.settle(return_id)
        way = Sandboxed(shop, datetime.now(UTC))
        watched = tuple(ReturnKey(return_number=f"RMA-{order}") for order in others)
        told: Refusals = await way.done(ENGINE.refusals(way.context, None, watched))
        assert [(item.return_number, item.message) for item in told.items] == [(f"RMA-{wanted}", "No payable balance")]
        again: Refusals = await way.done(ENGINE.refusals(way.context, told.cursor, watched))
        assert (again.items, again.more) == ((), False)
