"""API keys: narrowed, for a time, replaced with an overlap; and whose keys are whose to make."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from hub.kit import clock
from tenants import service as tenants
from tenants.keys import service
from tenants.messages import NewPartner, NewWarehouse, ReceivingOption, Role
from tests.support.caller import Caller, code
from tests.support.judge import counts, one
from tests.support.people import Crowd, somebody
from tests.support.world import ACTOR, Shop, World


class Owners(msgspec.Struct, frozen=True):
    """Two merchants, one with a warehouse of its own; two partners with one each."""

    ours: Shop
    theirs: Shop
    own_place: UUID
    partner: UUID
    other_partner: UUID
    partner_place: UUID
    other_place: UUID


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    """An operator."""
    return Caller(api, await world.api_key())


@pytest.fixture
async def owners(world: World) -> Owners:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    own = await place("Ours", ReceivingOption.MERCHANT_WAREHOUSE, account_id=ours.account)
    partners = [(await tenants.create_partner(NewPartner(name=name), actor=ACTOR)).id for name in ("first", "second")]
    places = [await place(f"Of {each}", ReceivingOption.PARTNER_APP, partner_id=each) for each in partners]
    return Owners(ours, theirs, own, *partners, *places)


async def place(name: str, option: ReceivingOption, **owner: Any) -> UUID:
    return (await tenants.create_warehouse(NewWarehouse(name=name, receiving_option=option, **owner), actor=ACTOR)).id


def new(role: str = "platform", **more: Any) -> dict[str, Any]:
    return {"name": "till 3", "role": role} | {name: str(v) if isinstance(v, UUID) else v for name, v in more.items()}


async def made(call: Caller, body: dict[str, Any]) -> dict[str, Any]:
    answer = await call.post("/api-keys", body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def listed(call: Caller, key_id: str) -> dict[str, Any]:
    (found,) = [each for each in (await call.get("/api-keys")).json() if each["id"] == key_id]
    assert "digest" not in found
    assert "key" not in found
    return dict(found)


# scopes ---------------------------------------------------------------------------------------------------


async def test_a_narrowed_key_does_what_it_was_narrowed_to_and_nothing_else(
    api: httpx.AsyncClient, call: Caller, world: World
) -> None:
    shop = await world.shop()
    key = await made(call, new("account", account_id=shop.account, scopes=["returns.read", "events.read"]))
    narrow = Caller(api, key["key"])
    assert (await narrow.get("/returns")).status_code == 200
    assert (await narrow.get("/events")).status_code == 200
    answer = await narrow.get("/operations")
    assert code(answer) == (403, "scope_lacks_right")
    assert answer.json()["action"] == "operations.read"
    assert answer.json()["detail"].endswith("it may: events.read, returns.read.")
    assert code(await narrow.post("/accounts", {})) == (403, "role_lacks_right")
    assert set((await listed(call, key["id"]))["scopes"]) == {"returns.read", "events.read"}


@pytest.mark.parametrize(
    ("body", "status", "title", "named"),
    [
        (new("account", account_id=uuid4(), scopes=["returns.pay"]), 422, "scope_unknown", "returns.settle"),
        (new("account", account_id=uuid4(), scopes=["accounts.create"]), 422, "scope_too_wide", "returns.settle"),
        (new("account", account_id=uuid4(), scopes=[]), 422, "scope_missing", "returns.settle"),
        (new("boss"), 422, "role_unknown", "platform, account, partner, warehouse"),
        (new("support_admin"), 422, "role_unknown", "platform, account, partner, warehouse"),
        (new("account"), 422, "key_owner", "account_id"),
        (new("partner", account_id=uuid4()), 422, "key_owner", "partner_id"),
        (new("platform", warehouse_id=uuid4()), 422, "key_owner", "no owner"),
        (new("account", account_id=uuid4()), 404, "account_not_found", "no such account"),
        (new("partner", partner_id=uuid4()), 404, "partner_not_found", "no such partner"),
        (new("warehouse", warehouse_id=uuid4()), 404, "warehouse_not_found", "no such warehouse"),
        (new(expires_at="2020-01-01T00:00:00Z"), 422, "key_expiry", "later expires_at"),
        (new(expires_at="2030-01-01T00:00:00"), 400, "request_malformed", ""),
    ],
)
async def test_a_key_that_cannot_be_is_refused_and_leaves_nothing(
    call: Caller, body: dict[str, Any], status: int, title: str, named: str
) -> None:
    before = await counts()
    answer = await call.post("/api-keys", body)
    assert code(answer) == (status, title), answer.text
    assert named in answer.json()["detail"]
    assert await counts() == before


async def test_a_narrowed_key_makes_and_replaces_no_key_that_may_do_more(api: httpx.AsyncClient, call: Caller) -> None:
    key = await made(call, new(scopes=["keys.create", "keys.rotate", "keys.read"]))
    wide = await made(call, new())
    narrow = Caller(api, key["key"])
    before = await counts()
    for answer in (
        await narrow.post("/api-keys", new()),
        await narrow.post("/api-keys", new(scopes=["keys.create", "keys.revoke"])),
        await narrow.post(f"/api-keys/{wide['id']}/rotate", {}),
    ):
        assert code(answer) == (403, "key_too_wide")
        assert "which you may not" in answer.json()["detail"]
    assert await counts() == before
    assert (await narrow.post("/api-keys", new(scopes=["keys.read"]))).status_code == 201
    assert (await narrow.post(f"/api-keys/{key['id']}/rotate", {})).status_code == 201


# time -----------------------------------------------------------------------------------------------------


async def test_an_expired_key_is_told_so_to_its_holder_and_to_nobody_else(
    api: httpx.AsyncClient, call: Caller, world: World
) -> None:
    key = await made(call, new(expires_at=(clock.now() + timedelta(hours=1)).isoformat()))
    assert (await Caller(api, key["key"]).get("/accounts")).status_code == 200
    world.watch.forward(hours=1)
    answer = await Caller(api, key["key"]).get("/accounts")
    assert code(answer) == (401, "key_expired")
    assert answer.json()["detail"] == "This API key expired on 2026-11-23 at 10:00 UTC; ask for a new one."
    guessed = key["key"][:-1] + ("A" if key["key"][-1] != "A" else "B")
    assert code(await Caller(api, guessed).get("/accounts")) == (401, "key_required")


async def test_a_session_lives_no_longer_than_its_key(call: Caller, world: World) -> None:
    key = await made(call, new(expires_at=(clock.now() + timedelta(hours=1)).isoformat()))
    assert (await service.holder(key["prefix"])) is not None
    world.watch.forward(hours=1)
    assert (await service.holder(key["prefix"])) is None


async def test_the_last_use_of_a_key_is_shown(api: httpx.AsyncClient, call: Caller) -> None:
    key = await made(call, new())
    assert (await listed(call, key["id"]))["last_used_at"] is None
    await Caller(api, key["key"]).get("/accounts")
    assert (await listed(call, key["id"]))["last_used_at"].startswith("2026-11-23T09:00:00")


# rotation -------------------------------------------------------------------------------------------------


async def test_a_rotated_key_and_its_successor_both_work_until_the_overlap_is_over(
    api: httpx.AsyncClient, call: Caller, world: World
) -> None:
    shop = await world.shop()
    scopes = ["permissions.read", "returns.read"]
    old = await made(call, new("account", account_id=shop.account, scopes=scopes))
    answer = await call.post(f"/api-keys/{old['id']}/rotate", {"overlap_hours": 2})
    assert answer.status_code == 201, answer.text
    fresh = answer.json()
    assert (fresh["replaces"], fresh["expires_at"]) == (old["id"], None)
    assert fresh["replaced_ends_at"].startswith("2026-11-23T11:00:00")
    told = [(await Caller(api, each["key"]).get("/permissions")).json() for each in (old, fresh)]
    assert told[0] == told[1]
    assert [each["name"] for each in told[0]["actions"]] == ["returns.read", "permissions.read"]
    world.watch.forward(hours=2)
    assert code(await Caller(api, old["key"]).get("/permissions")) == (401, "key_expired")
    assert (await Caller(api, fresh["key"]).get("/permissions")).status_code == 200
    assert (await listed(call, fresh["id"]))["replaces"] == old["id"]
    events = "select count(*) from audit where action = 'key.rotated' and subject = $1 and account_id = $2"
    assert await one(events, old["prefix"], shop.account) == 1


async def test_a_successor_lives_as_long_as_the_key_it_replaces_was_given(call: Caller, world: World) -> None:
    key = await made(call, new(expires_at=(clock.now() + timedelta(days=10)).isoformat()))
    world.watch.forward(days=9)
    answer = (await call.post(f"/api-keys/{key['id']}/rotate", {"overlap_hours": 720})).json()
    assert answer["expires_at"][:10] == "2026-12-12"
    # An overlap does not lengthen the old one's life.
    assert answer["replaced_ends_at"][:10] == "2026-12-03"


async def test_a_key_is_rotated_once_and_only_while_it_works(call: Caller, world: World) -> None:
    old = await made(call, new())
    fresh = (await call.post(f"/api-keys/{old['id']}/rotate", {})).json()
    assert code(await call.post(f"/api-keys/{old['id']}/rotate", {})) == (409, "key_rotated")
    assert (await call.post(f"/api-keys/{fresh['id']}/rotate", {"overlap_hours": 0})).status_code == 201
    for dead in (fresh["id"], str(uuid4())):
        assert code(await call.post(f"/api-keys/{dead}/rotate", {})) == (404, "key_not_found")
    for wrong in ({"overlap_hours": -1}, {"overlap_hours": 721}, {"overlap": 1}):
        assert code(await call.post(f"/api-keys/{old['id']}/rotate", wrong)) == (400, "request_malformed")


async def test_a_revoked_key_ends_at_once_also_within_its_overlap(api: httpx.AsyncClient, call: Caller) -> None:
    old = await made(call, new())
    fresh = (await call.post(f"/api-keys/{old['id']}/rotate", {})).json()
    for each in (old, fresh):
        assert (await call.send("DELETE", f"/api-keys/{each['id']}")).status_code == 204
        assert code(await Caller(api, each["key"]).get("/accounts")) == (401, "key_required")
        assert code(await call.send("DELETE", f"/api-keys/{each['id']}")) == (404, "key_not_found")


# whose keys -----------------------------------------------------------------------------------------------


async def test_an_accounts_admin_keeps_the_keys_of_the_account_and_of_its_own_warehouse(
    crowd: Crowd, call: Caller, owners: Owners
) -> None:
    admin = crowd.caller(somebody(Role.ACCOUNT_ADMIN, owners.ours.account))
    strangers = [
        await made(call, each)
        for each in (
            new(),
            new("account", account_id=owners.theirs.account),
            new("partner", partner_id=owners.partner),
            new("warehouse", warehouse_id=owners.ours.warehouse),
        )
    ]
    mine = [
        await made(admin, each)
        for each in (new("account", account_id=owners.ours.account), new("warehouse", warehouse_id=owners.own_place))
    ]
    await keeps(admin, mine, strangers)
    await refused(
        admin,
        {
            "account_not_found": new("account", account_id=owners.theirs.account),
            "warehouse_not_found": new("warehouse", warehouse_id=owners.ours.warehouse),
            "key_not_yours": new("platform", scopes=["returns.read"]),
        },
    )
    assert code(await admin.post("/api-keys", new("partner", partner_id=owners.partner))) == (403, "key_not_yours")
    assert code(await admin.get("/api-keys", account_id=str(owners.theirs.account))) == (404, "account_not_found")


async def test_a_partners_admin_keeps_the_keys_of_the_partner_and_of_its_warehouses(
    crowd: Crowd, call: Caller, owners: Owners
) -> None:
    admin = crowd.caller(somebody(Role.PARTNER_ADMIN, owners.partner))
    strangers = [
        await made(call, each)
        for each in (
            new(),
            new("account", account_id=owners.ours.account),
            new("partner", partner_id=owners.other_partner),
            new("warehouse", warehouse_id=owners.other_place),
        )
    ]
    mine = [
        await made(admin, each)
        for each in (new("partner", partner_id=owners.partner), new("warehouse", warehouse_id=owners.partner_place))
    ]
    await keeps(admin, mine, strangers)
    await refused(
        admin,
        {
            "partner_not_found": new("partner", partner_id=owners.other_partner),
            "warehouse_not_found": new("warehouse", warehouse_id=owners.other_place),
            "key_not_yours": new("account", account_id=owners.ours.account),
        },
    )
    assert code(await admin.get("/api-keys", partner_id=str(owners.other_partner))) == (404, "partner_not_found")


async def keeps(admin: Caller, mine: list[dict[str, Any]], strangers: list[dict[str, Any]]) -> None:
    """See that an admin finds, replaces and ends its own keys and does not find any other."""
    shown = {each["id"] for each in (await admin.get("/api-keys")).json()}
    assert shown == {each["id"] for each in mine}
    before = await counts()
    for each in strangers:
        assert code(await admin.post(f"/api-keys/{each['id']}/rotate", {})) == (404, "key_not_found")
        assert code(await admin.send("DELETE", f"/api-keys/{each['id']}")) == (404, "key_not_found")
    assert await counts() == before
    for each in mine:
        assert (await admin.post(f"/api-keys/{each['id']}/rotate", {})).status_code == 201
        assert (await admin.send("DELETE", f"/api-keys/{each['id']}")).status_code == 204


async def refused(admin: Caller, bodies: dict[str, dict[str, Any]]) -> None:
    """See that keys are refused, each with its code, and that nothing is left of it."""
    before = await counts()
    for title, body in bodies.items():
        assert code(await admin.post("/api-keys", body)) == (403 if title == "key_not_yours" else 404, title)
    assert await counts() == before
