"""A warehouse's day: scans, closed parcels, work without a connection, unknown parcels, and what is not to be."""

from typing import Any

import httpx
import pytest

from hub.kit import db
from hub.receipt.grading import service as grading
from hub.receipt.grading.engine import DEFAULT
from hub.receipt.parcels import service as parcels
from hub.receipt.products import service as products
from hub.receipt.products.messages import ProductFacts
from hub.returns.case import Settling, Status
from hub.sdk.grading import GradingSet
from hub.sdk.messages import Kind
from hub.sdk.receiving import Grade, Need
from tenants import service as tenants
from tenants.messages import NewWarehouse, ReceivingOption, Role, SettleBy, Unchecked
from tests.support.caller import Caller, code
from tests.support.judge import broken_rules, differences, events_of, one
from tests.support.parties import reroute
from tests.support.photos import taken
from tests.support.world import ACTOR, Shop, World

SHOE = {"sku": "SHOE", "quantity": 1, "grade": "A", "condition": "as_new"}


async def at(world: World, api: httpx.AsyncClient, shop: Shop) -> Caller:
    """Stand at the shop's warehouse."""
    return Caller(api, await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))


async def scan(caller: Caller, shop: Shop, scanned: str) -> dict[str, Any]:
    found: dict[str, Any] = (await caller.get(f"/warehouses/{shop.warehouse}/scan", code=scanned)).json()
    return found


# scans --------------------------------------------------------------------------------------------------


async def test_anything_that_is_on_a_parcel_finds_its_return_and_names_the_client(
    world: World, api: httpx.AsyncClient
) -> None:
    shop, other = await world.shop("one"), await world.shop("two")
    await reroute(other, shop.warehouse)
    await products.save(shop.account, "SHOE", ProductFacts(eans=("4006381333931",)), actor=ACTOR)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.channel_return(other, "SO-2", {"SHIRT": 1})
    support = Caller(api, await world.api_key())
    await support.send("PUT", f"/returns/{stored.number}/trackings", {"trackings": [{"number": "3S-ABCD 123"}]})
    caller = await at(world, api, shop)
    await caller.post(
        f"/warehouses/{shop.warehouse}/receipts",
        {"key": "1", "return_number": stored.number, "items": [{**SHOE, "container": "LP-77"}]},
    )
    for scanned, by in {
        stored.number.lower(): "return_number", "so 1": "order", "]C13SABCD123": "tracking", "shoe": "sku",
        "04006381333931": "ean", "lp77": "container", f"https://hub.example/r/{stored.number}": "return_number",
    }.items():  # fmt: skip
        told = await scan(caller, shop, scanned)
        (match,) = told["matches"]
        assert (match["by"], match["return_number"], match["account"]) == (by, stored.number, shop.tenant), scanned
        assert (told["todo"], match["open"]) == ("receive", True)


async def test_a_scan_that_many_returns_share_answers_with_a_few_open_ones(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    over = await world.channel_return(shop, "SO-0", {"SHOE": 1})
    await world.receive(shop, over.number, [("SHOE", 1, "A")])
    for number in range(1, 9):
        await world.merchant_return(shop, f"SO-{number}", {"SHOE": 1})
    told = await scan(await at(world, api, shop), shop, "SHOE")
    assert (len(told["matches"]), told["more"]) == (6, True)
    assert all(match["open"] for match in told["matches"])


async def test_a_scan_that_nobody_knows_is_to_be_registered(world: World, api: httpx.AsyncClient) -> None:
    shop, stranger = await world.shop("one"), await world.shop("two")
    foreign = await world.channel_return(stranger, "SO-9", {"SHOE": 1})
    caller = await at(world, api, shop)
    for scanned in (foreign.number, "SO-9", "SHOE", "%%%", " ", "x" * 150):
        told = await scan(caller, shop, scanned)
        assert (told["matches"], told["todo"]) == ([], "register"), scanned


async def test_what_belongs_to_another_warehouse_of_the_same_account_is_sent_on(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    own = [
        await tenants.create_warehouse(
            NewWarehouse(name=name, receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account),
            actor=ACTOR,
        )
        for name in ("North", "South")
    ]
    await reroute(shop, own[0].id)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    caller = Caller(api, await world.api_key(Role.WAREHOUSE, warehouse_id=own[1].id))
    told = (await caller.get(f"/warehouses/{own[1].id}/scan", code="SO-1")).json()
    assert (told["todo"], told["matches"][0]["warehouse"]) == ("send_on", "North")
    sent = {"key": "1", "return_number": stored.number, "items": [SHOE]}
    answer = await caller.post(f"/warehouses/{own[1].id}/receipts", sent)
    assert (code(answer), answer.json()["warehouse"]) == ((409, "belongs_elsewhere"), "North")


@pytest.mark.parametrize("end", ["canceled", "settled"])
async def test_a_return_that_is_over_says_what_to_do_with_its_parcel(
    world: World, api: httpx.AsyncClient, end: str
) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    support = Caller(api, await world.api_key())
    if end == "canceled":
        await support.post(f"/returns/{stored.number}/cancel")
    else:
        await world.receive(shop, stored.number, [("SHOE", 1, "A")])
        await world.work()
    caller = await at(world, api, shop)
    told = await scan(caller, shop, stored.number)
    assert (told["todo"], told["matches"][0]["open"]) == ("set_aside", False)
    answer = await caller.post(
        f"/warehouses/{shop.warehouse}/receipts", {"key": "late", "return_number": stored.number, "items": [SHOE]}
    )
    assert (answer.json()["late"], answer.json()["todo"]) == (True, "set_aside")
    assert [item.kind for item in await world.work_items(shop)] == ["late_receipt"]
    assert await broken_rules() == {}


# closed parcels, reopening ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Kind)
async def test_a_closed_parcel_is_settled_as_declared_only_where_the_policy_says_so(world: World, kind: Kind) -> None:
    shop = await world.shop(unchecked=Unchecked.SETTLE)
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, "SO-1", {"SHOE": 2, "SHIRT": 1})
    (listed,) = (await world.desk(shop).expected()).items
    assert listed.settles_unchecked
    told = await world.close(shop, stored.number)
    assert (told.todo, told.found) == ("done", ())
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2, "SHIRT": 1}
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_receiving_is_reopened_until_somebody_began_to_tell_the_channel(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    assert (await world.again(stored)).settlement is Settling.SENDING
    caller = await at(world, api, shop)
    path = f"/warehouses/{shop.warehouse}/returns/{stored.number}/reopen"
    answer = await caller.post(path, {"why": "a second box came"})
    assert (answer.status_code, answer.json()["open"]) == (200, True)
    await world.work()
    assert await world.vendor.ledger(shop.tenant) == []
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert len(await world.vendor.calls(shop.tenant, "settle")) == 1
    assert code(await caller.post(path, {"why": "too late"})) == (409, "not_finalised")
    assert (await events_of(stored)).count("return.reopened") == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_what_a_person_was_asked_about_is_still_asked_after_it_was_reopened(world: World) -> None:
    shop = await world.shop(settle_by=SettleBy.PERSON)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.desk(shop).reopen(stored.number, "more came")
    again = await world.again(stored)
    assert (again.status, again.settlement) == (Status.PARTIALLY_RECEIVED, Settling.HELD)
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    (line,) = (await world.again(stored)).lines
    assert (line.received, line.accepted) == (2, 2)
    assert await broken_rules() == {}


async def test_a_policy_whose_time_is_over_does_not_close_at_once_what_a_person_reopened(world: World) -> None:
    shop = await world.shop(settle_by=SettleBy.PERSON, finalise_after_days=2)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")], finalise=False)
    world.watch.forward(days=3)
    await world.beat()
    assert (await world.again(stored)).finalised_at is not None
    await world.desk(shop).reopen(stored.number, "it stood in the corner")
    await world.beat()
    assert (await world.again(stored)).finalised_at is None
    assert await broken_rules() == {}


# without a connection -----------------------------------------------------------------------------------


async def test_a_terminal_without_a_connection_books_all_it_kept_once_and_is_shown_what_others_did(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    mine, shared = [await world.channel_return(shop, f"SO-{number}", {"SHOE": 3}) for number in (1, 2)]
    caller, other = await at(world, api, shop), await at(world, api, shop)
    path = f"/warehouses/{shop.warehouse}"
    listed = (await caller.get(f"{path}/expected-returns")).json()["items"]
    version = {each["return_number"]: each["version"] for each in listed}

    def kept(key: str, number: str, **more: Any) -> dict[str, Any]:
        return {"key": key, "return_number": number, "version": version[number], "items": [SHOE], **more}

    await other.post(f"{path}/receipts", kept("theirs", shared.number))
    batch = {
        "receipts": [
            kept("1", mine.number), kept("2", mine.number), kept("3", shared.number), {"key": "4", "items": [SHOE]},
            kept("5", mine.number, finalise=True), {"key": "6", "parcel": {"numbers": ["SO-1"]}},
        ]
    }  # fmt: skip
    answers = (await caller.post(f"{path}/receipts/batch", batch)).json()["answers"]
    assert [each["outcome"] for each in answers] == ["done", "done", "conflict", "refused", "done", "done"]
    conflict = answers[2]
    assert (conflict["code"], conflict["now"]["lines"][0]["received"]) == ("return_changed", 1)
    again = (await caller.post(f"{path}/receipts/batch", batch)).json()["answers"]
    assert [each["outcome"] for each in again] == ["repeated"] * 2 + ["conflict", "refused"] + ["repeated"] * 2
    resolved = kept("3", shared.number) | {"version": conflict["now"]["version"]}
    assert (await caller.post(f"{path}/receipts", resolved)).status_code == 201
    assert [line.received for line in (await world.again(mine)).lines] == [3]
    assert [line.received for line in (await world.again(shared)).lines] == [2]
    await world.work()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 3}
    assert await differences(world, shop) == []


# what an account demands --------------------------------------------------------------------------------


async def test_what_an_account_demands_is_shown_at_the_scan_and_held_at_the_receipt(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    await products.save(
        shop.account, "SHOE", ProductFacts(needs=Need.SERIAL, instructions="Look under the sole"), actor=ACTOR
    )
    demanding = GradingSet(
        questions=DEFAULT.questions, dispositions=DEFAULT.dispositions, photo_grades=frozenset({Grade.D})
    )
    await grading.publish(shop.account, demanding, actor=ACTOR)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    caller, path = await at(world, api, shop), f"/warehouses/{shop.warehouse}"
    (listed,) = (await caller.get(f"{path}/expected-returns")).json()["items"]
    (line,) = listed["lines"]
    assert (line["needs"], line["instructions"]) == ("serial", "Look under the sole")
    (asked,) = (await caller.get(f"{path}/grading")).json()
    assert (asked["version"], asked["account_id"]) == (1, str(shop.account))
    good = {"product": "yes", "damage": "none", "parts": "complete", "use": "opened"}
    bad = good | {"damage": "product"}
    unit = {"sku": "SHOE", "quantity": 1}
    refused = {
        "grade_missing": {**unit, "serial": "S1"},
        "serial_missing": {**unit, "answers": good},
        "photo_missing": {**unit, "serial": "S1", "answers": bad},
        "answer_missing": {**unit, "serial": "S1", "answers": {"use": "used"}},
    }
    sent: dict[str, Any]
    for wanted, item in refused.items():
        sent = {"key": wanted, "return_number": stored.number, "items": [item]}
        assert code(await caller.post(f"{path}/receipts", sent)) == (422, wanted)
    items: list[dict[str, Any]] = [
        {**unit, "serial": "S1", "answers": good},
        {**unit, "serial": "S2", "answers": bad, "photos": [await taken(world.hub.photos, shop.warehouse, stored)]},
    ]
    whole: dict[str, Any] = {"key": "1", "return_number": stored.number, "items": items, "finalise": True}
    assert (await caller.post(f"{path}/receipts", whole)).status_code == 201
    await world.work()
    (receipt,) = (await caller.get(f"{path}/receipts", return_number=stored.number)).json()
    assert [(each["grade"], each["condition"], each["disposition"]) for each in receipt["items"]] == [
        ("B", "opened", "restock"), ("D", "damaged", "quarantine"),
    ]  # fmt: skip
    assert {each["grading_version"] for each in receipt["items"]} == {1}
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 1}


async def test_a_serial_number_is_booked_once(world: World, api: httpx.AsyncClient) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 3})
    caller, path = await at(world, api, shop), f"/warehouses/{shop.warehouse}/receipts"
    unit = {**SHOE, "serial": "S1"}
    assert (await caller.post(path, {"key": "1", "return_number": stored.number, "items": [unit]})).status_code == 201
    again = await caller.post(path, {"key": "2", "return_number": stored.number, "items": [unit]})
    assert code(again) == (409, "serial_booked")
    twice = await caller.post(
        path, {"key": "3", "return_number": stored.number, "items": [{**unit, "serial": "S2"}] * 2}
    )
    assert code(twice) == (409, "serial_booked")


# unknown parcels ----------------------------------------------------------------------------------------


async def test_an_unknown_parcel_is_claimed_once_by_whom_it_may_belong_to(world: World, api: httpx.AsyncClient) -> None:
    shop, neighbour = await world.shop("one"), await world.shop("two")
    await reroute(neighbour, shop.warehouse)
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.channel_return(neighbour, "SO-2", {"SHIRT": 1})
    caller = await at(world, api, shop)
    seen = {"key": "1", "parcel": {"numbers": ["SO-1", "SHOE"], "kind": "return_to_sender"}, "by": "Ann"}
    told = (await caller.post(f"/warehouses/{shop.warehouse}/receipts", seen)).json()
    path = f"/parcels/{told['parcel_id']}"
    owner, stranger = [
        Caller(api, await world.api_key(Role.ACCOUNT, account_id=each.account)) for each in (shop, neighbour)
    ]
    assert code(await stranger.get(path)) == (404, "parcel_not_found")
    (candidate,) = (await owner.get(path)).json()["candidates"]
    assert (candidate["return_number"], candidate["score"]) == (stored.number, 90)
    assert candidate["reason"].startswith("the order number is on it")
    assert (await scan(caller, shop, "so1"))["matches"][0]["todo"] == "wait"
    assert code(await owner.post(f"{path}/claim", {"return_number": "R0000000000"})) == (422, "claim_return")
    claimed = await owner.post(f"{path}/claim", {"return_number": stored.number})
    assert (claimed.json()["state"], claimed.json()["return_number"]) == ("claimed", stored.number)
    support = Caller(api, await world.api_key())
    late = {"disposition": "destroy", "account_id": str(neighbour.account)}
    assert code(await support.post(f"{path}/claim", late)) == (409, "parcel_claimed")
    assert await world.work_items(shop) == []
    parcel = next(each for each in (await scan(caller, shop, "SO-1"))["matches"] if each["by"] == "parcel")
    assert (parcel["todo"], parcel["say"]) == ("follow_claim", f"It was claimed: book it for return {stored.number}.")


async def test_what_nobody_claims_goes_where_its_warehouse_says_and_may_be_claimed_still(
    world: World, api: httpx.AsyncClient
) -> None:
    shop = await world.shop()
    caller = await at(world, api, shop)
    seen = {"key": "1", "parcel": {"numbers": ["NOBODY-KNOWS"]}}
    told = (await caller.post(f"/warehouses/{shop.warehouse}/receipts", seen)).json()
    world.watch.forward(days=29)
    assert await parcels.sweep() == 0
    world.watch.forward(days=2)
    assert (await parcels.sweep(), await parcels.sweep()) == (1, 0)
    (listed,) = (await caller.get("/parcels", status="timed_out")).json()["items"]
    assert (listed["id"], listed["disposition"]) == (told["parcel_id"], "quarantine")
    support = Caller(api, await world.api_key())
    claim = {"disposition": "return_to_customer", "account_id": str(shop.account)}
    assert (await support.post(f"/parcels/{told['parcel_id']}/claim", claim)).json()["state"] == "claimed"


# exactly the accounts of a warehouse --------------------------------------------------------------------


async def test_an_account_is_taken_off_a_warehouse_once_nothing_goes_there_and_its_people_see_it_no_more(
    world: World, api: httpx.AsyncClient
) -> None:
    shop, neighbour = await world.shop("one"), await world.shop("two")
    await reroute(neighbour, shop.warehouse)
    stored = await world.channel_return(neighbour, "SO-1", {"SHOE": 1})
    support = Caller(api, await world.api_key())
    path = f"/warehouses/{shop.warehouse}/accounts"
    assert {each["name"] for each in (await support.get(path)).json()} == {shop.tenant, neighbour.tenant}
    own = f"{path}/{neighbour.account}"
    assert code(await support.send("DELETE", own)) == (409, "warehouse_in_use")
    await reroute(neighbour, neighbour.warehouse)
    assert code(await support.send("DELETE", own)) == (409, "warehouse_in_use")
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    caller = await at(world, api, shop)
    assert (await scan(caller, shop, stored.number))["matches"] != []
    assert [each["name"] for each in (await support.send("DELETE", own)).json()] == [shop.tenant]
    assert (await scan(caller, shop, stored.number))["matches"] == []
    assert (await scan(caller, shop, "SHOE"))["matches"] == []
    async with db.transaction(db.warehouse(shop.warehouse)):
        assert await db.fetch("select from returns where account_id = $1", neighbour.account) == []
    await support.send("PUT", own)
    assert (await scan(caller, shop, stored.number))["matches"] != []
    assert (
        await one("select count(*) from audit where action like 'warehouse.%ed' and account_id = $1", neighbour.account)
        == 2
    )
