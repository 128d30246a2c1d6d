"""How marketplaces treat returns is data: who said it, who may change it, and what it holds back."""

from typing import Any

import httpx
import pytest

from hub import persons
from hub.audit import queries as audit
from hub.kit import db
from hub.kit.errors import Conflict, Invalid
from hub.returns.case import Settling
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.judge import broken_rules, differences, one
from tests.support.world import Shop, World

STALL = {"channel_id": 12, "channel_name": "Stall", "global_channel_name": "A stall that nobody knows"}


async def at_a_stall(world: World, shop: Shop) -> None:
    """Let marketplace 12 be one that no connector has heard of."""
    async with db.transaction(db.PLATFORM):
        await db.execute(
            "update channel_marketplaces set family = $2, name = 'Stall' where account_id = $1 and reference = '12'",
            shop.account, STALL["global_channel_name"],
        )  # fmt: skip


async def actions(subject: str) -> list[tuple[str, str, Any, Any]]:
    async with db.transaction(db.PLATFORM):
        return [
            (entry.actor, entry.action, entry.before, entry.after)
            for entry, _ in await audit.chain()
            if entry.subject == subject
        ]


async def arrived(world: World, shop: Shop, order: str, units: int, good: int, **more: Any) -> StoredReturn:
    """A channel return of some units that all arrive, the first of them in order."""
    stored = await world.channel_return(shop, order, {"SHOE": units}, **more)
    parts = [("SHOE", good, "A"), ("SHOE", units - good, "D")]
    await world.receive(shop, stored.number, [part for part in parts if part[1]])
    return await world.again(stored)


async def test_a_profile_says_of_each_field_who_said_it(world: World, api: httpx.AsyncClient) -> None:
    shop = await world.shop()
    await at_a_stall(world, shop)
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    path = f"/channels/{shop.channel}/marketplaces"
    kaufland, stall = (await account.get(path)).json()
    assert (kaufland["reference"], kaufland["known"], set(kaufland["sources"].values())) == ("11", True, {"connector"})
    assert (stall["reference"], stall["known"], set(stall["sources"].values())) == ("12", False, {"default"})
    assert set(kaufland["profile"]) == set(kaufland["sources"])
    changed = (await account.patch(f"{path}/11", {"partial": "all_or_nothing", "decision_days": 3})).json()
    assert (changed["profile"]["partial"], changed["profile"]["decision_days"]) == ("all_or_nothing", 3)
    assert {name for name, source in changed["sources"].items() if source == "account"} == {"partial", "decision_days"}
    assert (await account.get(path)).json()[0] == changed
    back = (await account.patch(f"{path}/11", {"partial": None})).json()
    assert (back["profile"]["partial"], back["sources"]["partial"]) == ("allowed", "connector")
    assert back["profile"]["decision_days"] == 3
    assert (await account.patch(f"{path}/12", {"channel_returns": "settle"})).json()["known"] is True


async def test_a_change_of_a_profile_is_in_the_audit_log(world: World) -> None:
    shop = await world.shop()
    await world.profile(shop, partial="all_or_nothing")
    await world.profile(shop, partial=None, decision_days=3)
    assert await actions("Marketplaces/11") == [
        ("test", "profile.changed", {}, {"partial": "all_or_nothing"}),
        ("test", "profile.changed", {"partial": "all_or_nothing"}, {"decision_days": 3}),
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"partial": "some"}, "partial"),
        ({"decision_days": 0}, "decision_days"),
        ({"decision_days": "soon"}, "decision_days"),
        ({"retry_days": 401}, "retry_days"),
        ({"manners": "good"}, "manners"),
        ({"manners": None}, "manners"),
    ],
)
async def test_a_field_that_cannot_be_is_named_and_nothing_changes(
    world: World, api: httpx.AsyncClient, change: dict[str, Any], named: str
) -> None:
    shop = await world.shop()
    platform = Caller(api, await world.api_key())
    path = f"/channels/{shop.channel}/marketplaces"
    before = (await platform.get(path)).json()
    answer = await platform.patch(f"{path}/11", {"full_rejection": "by_hand", **change})
    assert code(answer) == (422, "profile_invalid")
    assert named in answer.json()["detail"]
    assert (await platform.get(path)).json() == before
    assert code(await platform.patch(f"{path}/77", {})) == (404, "marketplace_not_found")


@pytest.mark.parametrize("kind", Kind)
async def test_the_first_return_of_an_unknown_marketplace_is_settled_by_a_person_and_later_ones_go_by_themselves(
    world: World, kind: Kind
) -> None:
    shop = await world.shop()
    await at_a_stall(world, shop)
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    first, second = [await make(shop, order, {"SHOE": 1}, **STALL) for order in ("SO-1", "SO-2")]
    await world.receive(shop, first.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert (await world.again(first)).settlement is Settling.HELD
    (item,) = await world.work_items(shop)
    assert "nobody has said yet how Stall treats returns" in item.summary
    assert item.detail["ways"][0] == f"/api/v1/returns/{first.number}/settle"
    await persons.settle(shop.account, first.id, actor="Ada")
    assert [entry[:2] for entry in await actions("12")] == [("Ada", "marketplace.confirmed")]
    assert await one("select confirmed_by from channel_marketplaces where reference = '12'") == "Ada"
    await world.receive(shop, second.number, [("SHOE", 1, "A")])
    await world.work_until_quiet()
    assert [(await world.again(each)).settlement for each in (first, second)] == [Settling.SETTLED, Settling.SETTLED]
    assert len(await actions("12")) == 1
    assert await differences(world, shop) == []


async def test_the_channel_is_told_the_profile_once_somebody_knows_it(world: World) -> None:
    shop = await world.shop()
    await at_a_stall(world, shop)
    known = await arrived(world, shop, "SO-1", 1, 1)
    unknown = await arrived(world, shop, "SO-2", 1, 1, **STALL)
    await persons.settle(shop.account, unknown.id, actor="Ada")
    sql = "select request -> 'profile' ->> 'partial' from operations where effect = 'settle' and return_id = $1"
    assert await one(sql, known.id) == "allowed"
    assert await one(sql, unknown.id) == "allowed"
    assert await one("select profile is not null from memos where return_id = $1", unknown.id)
    third = await arrived(world, shop, "SO-3", 1, 1, **STALL)
    assert await one(sql, third.id) == "allowed"


HELD: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "in part": ({"partial": "all_or_nothing"}, 1, "takes all or nothing", "decision"),
    "reason": ({"rejection_reason_required": True}, 1, "wants a reason for every rejection", "settled-elsewhere"),
    "by hand": ({"full_rejection": "by_hand"}, 0, "has to be told that by hand", "settled-elsewhere"),
    "informational": ({"channel_returns": "informational"}, 2, "refunds by itself", "settled-elsewhere"),
    "none": ({"channel_returns": "none"}, 2, "refunds by itself", "settled-elsewhere"),
}


@pytest.mark.parametrize("manner", HELD)
async def test_what_a_marketplace_does_not_take_waits_for_a_person_who_cannot_just_let_it_go(
    world: World, manner: str
) -> None:
    profile, good, words, way = HELD[manner]
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.profile(shop, **profile)
    parts = [("SHOE", good, "A"), ("SHOE", 2 - good, "D")]
    await world.receive(shop, stored.number, [part for part in parts if part[1]])
    await world.work_until_quiet()
    held = await world.again(stored)
    assert held.settlement is Settling.HELD
    (item,) = await world.work_items(shop)
    assert item.kind == "settlement_held"
    assert words in item.summary
    assert item.detail["ways"][0] == f"/api/v1/returns/{stored.number}/{way}"
    assert words in (await world.why(held)).sentence
    with pytest.raises(Conflict) as refused:
        await persons.settle(shop.account, stored.id, actor="Ada")
    assert refused.value.code == "cannot_be_told"
    assert words in refused.value.message
    assert await one("select count(*) from operations where effect = 'settle'") == 0
    await world.profile(shop, "11", **dict.fromkeys(profile))
    await persons.settle(shop.account, stored.id, actor="Ada")
    await world.work_until_quiet()
    assert (await world.again(stored)).settlement is Settling.SETTLED
    assert await broken_rules() == {}
    assert await differences(world, shop) == []


async def test_what_never_arrived_is_told_as_rejected_and_so_is_a_part(world: World) -> None:
    shop = await world.shop()
    await world.profile(shop, partial="all_or_nothing")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert (await world.again(stored)).settlement is Settling.HELD
    whole = await arrived(world, shop, "SO-2", 2, 2)
    assert whole.settlement is Settling.SENDING


async def test_a_marketplace_that_pays_no_merchant_returns_has_none_created(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    caller = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    body = {
        "channel_id": str(shop.channel),
        "order_number": "SO-1",
        "lines": [{"sku": "SHOE", "quantity": 1}],
    }
    await world.profile(shop, merchant_returns="unsupported")
    answer = await caller.post("/returns", body)
    assert code(answer) == (422, "merchant_returns_unsupported")
    assert "Kaufland DE" in answer.json()["detail"]
    assert await one("select count(*) from returns") == 0
    assert await one("select coalesce(sum(returned), 0)::int from order_lines") == 0
    await world.profile(shop, merchant_returns=None)
    assert (await caller.post("/returns", body)).status_code == 201


async def test_a_merchant_return_is_still_given_again_after_the_marketplace_stopped_to_take_them(world: World) -> None:
    shop = await world.shop()
    await world.vendor.sell(shop.tenant, "SO-1", {"SHOE": 1})
    first = await world.create(shop, "SO-1", {"SHOE": 1}, key="again")
    await world.profile(shop, merchant_returns="unsupported")
    assert (await world.create(shop, "SO-1", {"SHOE": 1}, key="again")).id == first.id
    with pytest.raises(Invalid):
        await world.create(shop, "SO-1", {"SHOE": 1}, key="another")
    await world.receive(shop, first.number, [("SHOE", 1, "A")])
    assert (await world.again(first)).settlement is Settling.HELD
    await persons.settled_elsewhere(shop.account, first.id, "paid by bank transfer", actor="Ada")
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
