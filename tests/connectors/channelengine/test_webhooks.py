from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hub.sdk import (
    ActionRequired,
    Done,
    Knock,
    Outcome,
    OutcomeUnknown,
    Refused,
    Retry,
    Sent,
    Subscribed,
    Subscription,
)
from hub.sdk.context import NotSent, Uncertain
from tests.support.channelengine import ENGINE, HTML, Script, answer, outcome, page
from tests.support.merchant import Merchant
from tests.support.sandboxed import Sandboxed
from tests.support.vendor import webhook_target

WANTED = Subscription(name="returns hub", url="https://hub.example/knock/s3cret")
LIST, CREATE, UPDATE, DELETE = (f"{method} /v2/webhooks" for method in ("GET", "POST", "PUT", "DELETE"))
DELETE += "/returns%20hub"
BODY: dict[str, Any] = {
    "Name": "returns hub",
    "Url": "https://hub.example/knock/s3cret",
    "IsActive": True,
    "RequestType": "GET",
    "Events": ["RETURNS_CHANGE", "NOTIFICATIONS_CREATE"],
}


def standing(**changes: object) -> dict[str, Any]:
    return BODY | changes


async def subscribe(vendor: Script, wanted: Subscription = WANTED) -> Outcome:
    return await outcome(ENGINE.subscribe(vendor.context(), wanted))


async def test_a_webhook_that_is_missing_is_created(vendor: Script) -> None:
    vendor.on(LIST, page(standing(Name="somebody else's"), 3, None, {"Name": "odd", "Events": 5}))
    vendor.on(CREATE, answer(201))
    assert await subscribe(vendor) == Done(Subscribed(repaired="it was missing"))
    assert vendor.bodies == [BODY]


async def test_a_webhook_that_is_not_listed_and_exists_is_put_right(vendor: Script) -> None:
    vendor.on(LIST, answer(Content=None))
    vendor.on(CREATE, answer(409))
    vendor.on(UPDATE, answer())
    assert isinstance(await subscribe(vendor), Done)
    assert vendor.bodies == [BODY, BODY]


@pytest.mark.parametrize("changes", [{}, {"Events": BODY["Events"][::-1]}, {"RequestType": None}, {"IsActive": None}])
async def test_a_webhook_that_stands_right_is_left_alone(vendor: Script, changes: dict[str, Any]) -> None:
    vendor.on(LIST, page(standing(**changes)))
    assert await subscribe(vendor) == Done(Subscribed())


@pytest.mark.parametrize(
    ("changes", "repaired"),
    [
        ({"Url": "https://old.example/"}, "it knocked at another address"),
        ({"Events": ["RETURNS_CHANGE"]}, "it knocked for other events"),
        ({"Events": [*BODY["Events"], "ORDERS_CREATE"]}, "it knocked for other events"),
        ({"Events": None}, "it knocked for other events"),
        ({"IsActive": False}, "it was switched off"),
        ({"RequestType": "POST"}, "it knocked with POST"),
        ({"Url": None, "IsActive": False}, "it knocked at another address; it was switched off"),
    ],
)
async def test_a_webhook_that_differs_is_put_right_and_it_is_said_what_was_wrong(
    vendor: Script, changes: dict[str, Any], repaired: str
) -> None:
    vendor.on(LIST, page(standing(**changes)))
    vendor.on(UPDATE, answer())
    assert await subscribe(vendor) == Done(Subscribed(repaired=repaired))
    assert vendor.bodies == [BODY]


async def test_what_is_too_long_for_a_webhook_is_refused_and_nothing_is_asked(vendor: Script) -> None:
    for wanted in (Subscription(name="n" * 129, url="u"), Subscription(name="n", url="u" * 1_029)):
        assert isinstance(await subscribe(vendor, wanted), Refused)
    assert vendor.asked == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(answer(403), ActionRequired), (answer(500), Retry), (HTML, Retry), (NotSent("gone"), Retry)],
)
async def test_nothing_is_changed_unless_it_could_be_read_what_stands_there(
    vendor: Script, fault: Sent | Exception, kind: type
) -> None:
    vendor.on(LIST, fault)
    assert type(await subscribe(vendor)) is kind


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (answer(400), Refused),
        (answer(500), OutcomeUnknown),
        (HTML, OutcomeUnknown),
        (Uncertain("lost"), OutcomeUnknown),
    ],
)
async def test_a_fault_of_the_change_is_told(vendor: Script, fault: Sent | Exception, kind: type) -> None:
    vendor.on(LIST, page())
    vendor.on(CREATE, fault)
    assert type(await subscribe(vendor)) is kind


@pytest.mark.parametrize(("given", "kind"), [(answer(), Done), (answer(404), Done), (answer(500), OutcomeUnknown)])
async def test_a_webhook_is_removed_and_one_that_is_gone_is_gone(vendor: Script, given: Sent, kind: type) -> None:
    vendor.on(DELETE, given)
    assert type(await outcome(ENGINE.unsubscribe(vendor.context(), WANTED))) is kind


@pytest.mark.parametrize(
    ("knock", "heard"),
    [
        ({"type": "returns", "tenant": "demo", "updatedSince": "1640172185", "token": "t"}, Knock.RETURNS),
        ({"Type": " Returns "}, Knock.RETURNS),
        ({"type": "notifications"}, Knock.REFUSALS),
        ({"type": "orders"}, Knock.OTHER),
        ({"type": "something new"}, Knock.OTHER),
        ({"token": "t"}, Knock.RETURNS),
        ({"type": ""}, Knock.RETURNS),
        ({}, Knock.RETURNS),
    ],
)
def test_a_knock_says_what_it_is_about(knock: dict[str, str], heard: Knock) -> None:
    assert ENGINE.hear(knock) is heard


class TestAtTheSandbox:
    async def test_it_knocks_for_returns_and_for_notifications_at_the_address_with_its_secret(
        self, shop: Merchant
    ) -> None:
        async with webhook_target() as target:
            wanted = Subscription(name="hub", url=f"{target.url}?token=s3cret")
            assert await self.do(shop, ENGINE.subscribe, wanted) == Subscribed(repaired="it was missing")
            return_id = await shop.sent_back("Kaufland")
            await shop.vendor.fail_exports(shop.tenant)
            await shop.settle(return_id)
            await shop.vendor.deliveries(shop.tenant)
            assert {call.query["token"] for call in target.heard} == {"s3cret"}
            assert {ENGINE.hear(call.query) for call in target.heard} == {Knock.RETURNS, Knock.REFUSALS}

    async def test_what_others_did_to_it_is_put_right(self, shop: Merchant) -> None:
        wanted = Subscription(name="hub", url="http://127.0.0.1:9/knock")
        await self.do(shop, ENGINE.subscribe, wanted)
        assert await self.do(shop, ENGINE.subscribe, wanted) == Subscribed()
        await shop.vendor.switch_webhook(shop.tenant, "hub", active=False)
        assert await self.do(shop, ENGINE.subscribe, wanted) == Subscribed(repaired="it was switched off")
        await shop.vendor.drop_webhook(shop.tenant, "hub")
        assert await self.do(shop, ENGINE.subscribe, wanted) == Subscribed(repaired="it was missing")
        moved = Subscription(name="hub", url="http://127.0.0.1:9/elsewhere")
        assert await self.do(shop, ENGINE.subscribe, moved) == Subscribed(repaired="it knocked at another address")
        assert [hook["Url"] for hook in await self.hooks(shop)] == [moved.url]

    async def test_it_is_gone_after_it_was_removed_and_comes_back_when_it_is_wanted_again(self, shop: Merchant) -> None:
        wanted = Subscription(name="hub", url="http://127.0.0.1:9/knock")
        await self.do(shop, ENGINE.subscribe, wanted)
        await self.do(shop, ENGINE.unsubscribe, wanted)
        assert await self.hooks(shop) == []
        await self.do(shop, ENGINE.unsubscribe, wanted)
        await self.do(shop, ENGINE.subscribe, wanted)
        assert len(await self.hooks(shop)) == 1

    @staticmethod
    async def do(shop: Merchant, method: Callable[..., Awaitable[Outcome]], wanted: Subscription) -> Any:
        way = Sandboxed(shop)
        return await way.done(method(way.context, wanted))

    @staticmethod
    async def hooks(shop: Merchant) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await shop.call("GET", "/webhooks")).json()["Content"]
        return found
