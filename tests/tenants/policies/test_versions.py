"""Versions of policies through the API: draft, validated, published, superseded, rolled back."""

import asyncio
from typing import Any

import httpx
import pytest

from hub.kit import db
from tenants import queries as tenants
from tenants import service
from tenants.messages import NewWarehouse, ReceivingOption
from tests.support.caller import Caller, code
from tests.support.judge import one
from tests.support.world import ACTOR, Shop, World


class Desk:
    """Somebody who works on a shop's policy of merchant returns."""

    def __init__(self, call: Caller, shop: Shop, policy: str) -> None:
        self.call = call
        self.shop = shop
        self.path = f"/policies/{policy}"

    def rules(self, **more: Any) -> dict[str, Any]:
        return {"receiving": [{"warehouse_id": str(self.shop.warehouse)}], **more}

    async def save(self, revision: int | None = None, **rules: Any) -> httpx.Response:
        body = {"rules": self.rules(**rules), **({"revision": revision} if revision else {})}
        return await self.call.send("PUT", f"{self.path}/draft", body)

    async def publish(self, revision: int) -> httpx.Response:
        return await self.call.post(f"{self.path}/draft/publish", {"revision": revision})

    async def published(self, **rules: Any) -> dict[str, Any]:
        saved = (await self.save(**rules)).json()
        told: dict[str, Any] = (await self.publish(saved["revision"])).json()
        return told

    async def states(self) -> list[tuple[int, str]]:
        found = (await self.call.get(f"{self.path}/versions")).json()
        return [(each["number"], each["state"]) for each in found]


@pytest.fixture
async def desk(world: World, api: httpx.AsyncClient) -> Desk:
    shop = await world.shop()
    async with db.transaction(db.account(shop.account)):
        channel = await tenants.channel(shop.channel)
    (policy,) = [each for each in channel.policies if each.kind == "merchant"]
    return Desk(Caller(api, await world.api_key()), shop, str(policy.id))


TWO_WEEKS: dict[str, Any] = {"windows": [{"name": "All", "days": 14}]}


async def test_a_draft_is_validated_published_and_followed_by_a_newer_one(desk: Desk) -> None:
    saved = (await desk.save(**TWO_WEEKS)).json()
    assert (saved["state"], saved["revision"], saved["base"], saved["problems"]) == ("draft", 1, 1, [])
    fit = await desk.call.post(f"{desk.path}/draft/validate", {"revision": 1})
    assert fit.json()["state"] == "validated"
    told = (await desk.publish(1)).json()
    assert (told["number"], told["state"], told["rules"]["windows"][0]["days"]) == (2, "published", 14)
    assert await desk.states() == [(2, "published"), (1, "superseded")]
    assert code(await desk.call.get(f"{desk.path}/draft")) == (404, "draft_not_found")
    assert (await desk.call.get(desk.path)).json()["version"] == 2


async def test_a_change_makes_a_validated_draft_a_draft_again(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    await desk.call.post(f"{desk.path}/draft/validate", {"revision": 1})
    assert (await desk.save(1)).json()["state"] == "draft"


@pytest.mark.parametrize(
    ("rules", "field", "code_"),
    [
        ({"receiving": []}, "receiving", "no_receiving_option"),
        ({"reasons": [{"code": "tight", "texts": {"en": "Tight"}}]}, "reasons[0].maps_to", "reason_unmapped"),
        ({"windows": [{"name": "A", "days": 1}, {"name": "B", "days": 2}]}, "windows[1]", "window_overlaps"),
        ({"marketplaces": ["99"]}, "marketplaces", "marketplace_unknown"),
    ],
)
async def test_a_draft_with_a_problem_is_kept_and_not_published_and_the_answer_says_why_by_field(
    desk: Desk, rules: dict[str, Any], field: str, code_: str
) -> None:
    saved = (await desk.save(**rules)).json()
    for told in (saved["problems"], (await desk.publish(1)).json()["problems"]):
        assert [(each["field"], each["code"]) for each in told] == [(field, code_)]
    refused = await desk.call.post(f"{desk.path}/draft/validate", {"revision": 1})
    assert code(refused) == (422, "policy_invalid")
    assert field in refused.json()["detail"]
    assert await desk.states() == [(1, "published")]
    assert (await desk.call.get(f"{desk.path}/draft")).json()["rules"] == saved["rules"], "nothing is lost"


async def test_a_warehouse_of_another_account_cannot_be_published(desk: Desk, world: World) -> None:
    other = await world.shop("other")
    own = NewWarehouse(name="Theirs", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=other.account)
    theirs = await service.create_warehouse(own, actor=ACTOR)
    saved = (await desk.save(receiving=[{"warehouse_id": str(theirs.id)}])).json()
    assert [each["code"] for each in saved["problems"]] == ["warehouse_unknown"]


async def test_of_two_who_change_the_same_revision_one_is_told_who_was_first(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    answers = await asyncio.gather(*(desk.save(1, windows=[{"name": "All", "days": days}]) for days in (20, 30)))
    assert sorted(each.status_code for each in answers) == [200, 409]
    (lost,) = [each for each in answers if each.status_code == 409]
    assert code(lost) == (409, "draft_changed")
    assert (lost.json()["revision"], lost.json()["changed_by"]) == (
        2,
        (await desk.call.get(f"{desk.path}/draft")).json()["changed_by"],
    )


async def test_a_second_first_draft_is_refused(desk: Desk) -> None:
    await desk.save()
    assert code(await desk.save()) == (409, "draft_changed")


async def test_a_revision_that_nobody_looked_at_is_neither_published_nor_discarded(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    await desk.save(1)
    assert code(await desk.publish(1)) == (409, "draft_changed")
    assert code(await desk.call.send("DELETE", f"{desk.path}/draft?revision=1")) == (409, "draft_changed")
    assert (await desk.call.send("DELETE", f"{desk.path}/draft?revision=2")).status_code == 204
    assert code(await desk.call.send("DELETE", f"{desk.path}/draft?revision=2")) == (404, "draft_not_found")


async def test_a_draft_of_an_older_version_is_not_put_over_a_newer_one(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    put = f"/channels/{desk.shop.channel}{desk.path}"
    assert (await desk.call.send("PUT", put, desk.rules())).json()["version"] == 2
    refused = await desk.publish(1)
    assert (code(refused), refused.json()["version"]) == ((409, "policy_moved_on"), 2)


async def test_twenty_who_publish_one_draft_at_once_publish_one_version(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    answers = await asyncio.gather(*(desk.publish(1) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [201] + [404] * 19
    assert await desk.states() == [(2, "published"), (1, "superseded")]


async def test_rolling_back_publishes_the_old_rules_as_a_new_version(desk: Desk) -> None:
    await desk.published(**TWO_WEEKS)
    told = (await desk.call.post(f"{desk.path}/versions/1/restore", {"note": "too strict"})).json()
    assert (told["number"], told["restores"], told["note"], told["rules"]["windows"]) == (3, 1, "too strict", [])
    assert await desk.states() == [(3, "published"), (2, "superseded"), (1, "superseded")]
    assert (await desk.call.get(f"{desk.path}/versions/2")).json()["rules"]["windows"][0]["days"] == 14
    assert code(await desk.call.post(f"{desk.path}/versions/3/restore", {})) == (409, "version_in_force")
    assert code(await desk.call.post(f"{desk.path}/versions/9/restore", {})) == (404, "version_not_found")
    assert await one("select count(*)::int from audit where action = 'policy.published'") == 2


async def test_a_version_that_no_longer_fits_is_not_restored(desk: Desk) -> None:
    await desk.published(marketplaces=["12"])
    await desk.published()
    async with db.transaction(db.PLATFORM):
        await db.execute("delete from channel_marketplaces where reference = '12'")
    assert code(await desk.call.post(f"{desk.path}/versions/2/restore", {})) == (422, "policy_invalid")


async def test_a_return_keeps_the_version_it_was_born_under(desk: Desk, world: World) -> None:
    before = await world.merchant_return(desk.shop, "SO-1", {"SHOE": 1})
    await desk.published(accept_grades=["A", "B", "C", "D"], reject_conditions=[])
    after = await world.merchant_return(desk.shop, "SO-2", {"SHOE": 1})
    for each in (before, after):
        await world.receive(desk.shop, each.number, [("SHOE", 1, "D")])
    told = [(await desk.call.get(f"/returns/{each.number}/memo")).json() for each in (before, after)]
    assert [(each["policy_version"], each["lines"][0]["accepted"]) for each in told] == [(1, 0), (2, 1)]


async def test_a_return_shows_what_the_policy_said_in_the_words_of_all_three(desk: Desk, world: World) -> None:
    await desk.published(
        windows=[{"name": "All", "days": 14, "counted_from": "order"}],
        fees=[{"name": "Label", "kind": "shipping", "payer": "customer", "amount": "4.95"}],
    )
    stored = await world.merchant_return(desk.shop, "SO-1", {"SHOE": 1})
    told = (await desk.call.get(f"/returns/{stored.number}/policy")).json()
    decision = told["explained"]["decision"]
    assert (decision["answer"], decision["version"], decision["customer_pays"]) == ("approve", 2, "4.95")
    assert told["facts"]["ordered_at"] is not None
    assert "Label: 4.95 EUR." in told["explained"]["consumer"]
    assert any("'All'" in each for each in told["explained"]["merchant"])
    assert told["explained"]["agent"][0] == "Approved."


async def test_what_the_policy_refuses_is_created_only_by_somebody_who_says_why(desk: Desk, world: World) -> None:
    await desk.published(windows=[{"name": "None left", "last_day": "2026-01-31"}])
    await world.vendor.sell(desk.shop.tenant, "SO-1", {"SHOE": 1})
    body = {"channel_id": str(desk.shop.channel), "order_number": "SO-1", "lines": [{"sku": "SHOE", "quantity": 1}]}
    refused = await desk.call.post("/returns", body)
    assert code(refused) == (422, "policy_refuses")
    assert "None left" in refused.json()["detail"]
    assert [each["rule"] for each in refused.json()["findings"]] == ["windows[0]"]
    assert await one("select count(*)::int from returns") == 0
    assert await one("select coalesce(sum(returned), 0)::int from order_lines") == 0, "nothing is held for it"
    made = (await desk.call.post("/returns", body | {"override": "a good customer"})).json()
    told = (await desk.call.get(f"/returns/{made['number']}/policy")).json()
    assert (told["override"], told["explained"]["decision"]["answer"]) == ("a good customer", "refuse")


async def test_a_customer_at_the_limit_is_counted_by_the_returns_that_were_begun(desk: Desk, world: World) -> None:
    limit = {"name": "one", "returns": 1, "within_days": 30, "then": "refuse"}
    await desk.published(exceptions={"limits": [limit]})
    await world.vendor.sell(desk.shop.tenant, "SO-1", {"SHOE": 5})
    body = {
        "channel_id": str(desk.shop.channel), "order_number": "SO-1", "lines": [{"sku": "SHOE", "quantity": 1}],
        "customer": "a" * 64,
    }  # fmt: skip
    answers = await asyncio.gather(*(desk.call.post("/returns", body) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [201, 422, 422]
    assert {code(each) for each in answers if each.status_code == 422} == {(422, "policy_refuses")}
    assert (await desk.call.post("/returns", body | {"customer": "b" * 64})).status_code == 201


async def test_a_reason_of_the_merchants_own_reaches_the_channel_as_the_one_it_maps_to(
    desk: Desk, world: World
) -> None:
    await desk.published(reasons=[{"code": "tight", "texts": {"nl": "Te krap"}, "maps_to": "wrong_size"}])
    await world.vendor.sell(desk.shop.tenant, "SO-1", {"SHOE": 2})
    body = {
        "channel_id": str(desk.shop.channel), "order_number": "SO-1", "lines": [{"sku": "SHOE", "quantity": 1}],
        "reason_code": "tight",
    }  # fmt: skip
    assert (await desk.call.post("/returns", body)).json()["reason"] == "wrong_size"
    assert code(await desk.call.post("/returns", body | {"reason_code": "loose"})) == (422, "policy_refuses")


async def test_a_case_is_tried_on_the_draft_or_on_what_is_in_force_and_nothing_is_stored(desk: Desk) -> None:
    await desk.save(**TWO_WEEKS)
    facts = {
        "kind": "merchant", "lines": [{"sku": "SHOE", "quantity": 1}], "delivered_at": "2026-10-01T00:00:00Z",
    }  # fmt: skip
    now = (await desk.call.post(f"{desk.path}/decisions", {"facts": facts})).json()
    draft = (await desk.call.post(f"{desk.path}/decisions", {"facts": facts, "draft": True})).json()
    assert (now["decision"]["answer"], now["decision"]["version"]) == ("approve", 1)
    assert (draft["decision"]["answer"], draft["decision"]["version"]) == ("refuse", 2)
    assert draft["consumer"][0] == "This cannot be returned here."
    earlier = {"facts": facts, "draft": True, "at": "2026-10-15T00:00:00Z"}
    assert (await desk.call.post(f"{desk.path}/decisions", earlier)).json()["decision"]["answer"] == "approve"
    assert await one("select count(*)::int from policy_decisions") == 0


@pytest.mark.parametrize(
    "strange",
    [
        {"ordered_at": "2026-11-01T00:00:00"},
        {"delivered_at": "9999-12-31T23:59:59Z"},
        {"shipped_at": "0001-01-01T00:00:00+01:00"},
        {"earlier": ["2026-11-01T00:00:00"]},
        {"lines": []},
        {"lines": [{"sku": "SHOE", "quantity": 1, "unit_price": "NaN"}]},
    ],
)
async def test_facts_that_cannot_be_reckoned_with_are_refused(desk: Desk, strange: dict[str, Any]) -> None:
    await desk.save(windows=[{"name": "All", "days": 14, "last_day": "9999-12-31"}])
    facts = {"kind": "merchant", "lines": [{"sku": "SHOE", "quantity": 1}]}
    good = await desk.call.post(f"{desk.path}/decisions", {"facts": facts, "draft": True})
    assert good.status_code == 200
    refused = await desk.call.post(f"{desk.path}/decisions", {"facts": facts | strange, "draft": True})
    assert code(refused) == (400, "request_malformed")
    moment = {"facts": facts, "at": "2026-11-01T00:00:00"}
    assert code(await desk.call.post(f"{desk.path}/decisions", moment)) == (400, "request_malformed")


async def test_a_channel_return_keeps_what_the_policy_would_have_said(desk: Desk, world: World) -> None:
    stored = await world.channel_return(desk.shop, "SO-1", {"SHOE": 1})
    told = (await desk.call.get(f"/returns/{stored.number}/policy")).json()
    assert told["explained"]["decision"]["findings"][0]["code"] == "begun_at_marketplace"


async def test_a_published_version_and_what_it_said_are_never_changed(desk: Desk, world: World) -> None:
    await world.merchant_return(desk.shop, "SO-1", {"SHOE": 1})
    for change in (
        "update policy_decisions set override = 'x'",
        "delete from policy_decisions",
        "delete from policy_versions",
    ):
        with pytest.raises(Exception, match="never changed"):
            async with db.transaction(db.PLATFORM):
                await db.execute(change)
