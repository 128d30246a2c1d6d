"""Every route by every role: who may do what, as the file of permissions says, and nobody else."""

import tomllib
from importlib.resources import files
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from hub import app
from hub.api import guards
from hub.runtime import Runtime
from tenants.messages import READ_ONLY, Role
from tenants.permissions import matrix
from tests.support.caller import API, code
from tests.support.judge import counts
from tests.support.people import Crowd, somebody
from tests.support.world import World

# What each route is. One that is not here, or whose guard names another action, fails.
ROUTES = {
    ("GET", "/accounts"): "accounts.read",
    ("POST", "/accounts"): "accounts.create",
    ("GET", "/accounts/{account_id}"): "accounts.read",
    ("GET", "/accounts/{account_id}/grading"): "grading.read",
    ("PUT", "/accounts/{account_id}/grading"): "grading.publish",
    ("GET", "/accounts/{account_id}/products"): "products.read",
    ("PUT", "/accounts/{account_id}/products/{sku}"): "products.change",
    ("GET", "/api-keys"): "keys.read",
    ("POST", "/api-keys"): "keys.create",
    ("DELETE", "/api-keys/{key_id}"): "keys.revoke",
    ("POST", "/api-keys/{key_id}/rotate"): "keys.rotate",
    ("GET", "/audit"): "audit.read",
    ("GET", "/audit/export"): "audit.read",
    ("GET", "/channels"): "channels.read",
    ("POST", "/channels"): "channels.create",
    ("GET", "/channels/{channel_id}"): "channels.read",
    ("GET", "/channels/{channel_id}/marketplaces"): "channels.read",
    ("PATCH", "/channels/{channel_id}/marketplaces/{marketplace}"): "profiles.change",
    ("PUT", "/channels/{channel_id}/policies/{policy_id}"): "policies.publish",
    ("GET", "/connections"): "connections.read",
    ("POST", "/connections"): "connections.create",
    ("PATCH", "/connections/{connection_id}"): "connections.change",
    ("POST", "/connections/{connection_id}/check"): "connections.check",
    ("POST", "/connections/{connection_id}/poll"): "connections.poll",
    ("POST", "/connections/{connection_id}/knock/rotate"): "connections.rotate",
    ("GET", "/connections/{connection_id}/words"): "words.read",
    ("PUT", "/connections/{connection_id}/words"): "words.change",
    ("GET", "/connections/{connection_id}/backfills"): "backfills.read",
    ("POST", "/connections/{connection_id}/backfills"): "backfills.start",
    ("POST", "/inbox/{message_id}/link"): "inbox.link",
    ("GET", "/connections/{connection_id}/reconciliations"): "reconciliations.read",
    ("POST", "/connections/{connection_id}/reconciliations"): "reconciliations.start",
    ("GET", "/differences"): "differences.read",
    ("POST", "/differences/{difference_id}/repair"): "differences.repair",
    ("GET", "/connectors"): "connectors.read",
    ("GET", "/deadlines"): "deadlines.read",
    ("GET", "/events"): "events.read",
    ("GET", "/impersonations"): "impersonations.read",
    ("POST", "/impersonations"): "impersonations.begin",
    ("DELETE", "/impersonations/{impersonation_id}"): "impersonations.end",
    ("GET", "/inbox"): "inbox.read",
    ("GET", "/operations"): "operations.read",
    ("GET", "/operations/{operation_id}/attempts"): "operations.read",
    ("POST", "/operations/{operation_id}/replay"): "operations.replay",
    ("GET", "/accounts/{account_id}/configuration"): "configurations.read",
    ("PUT", "/accounts/{account_id}/configuration"): "configurations.import",
    ("GET", "/policies/{policy_id}"): "policies.read",
    ("GET", "/policies/{policy_id}/versions"): "policies.read",
    ("GET", "/policies/{policy_id}/versions/{version}"): "policies.read",
    ("POST", "/policies/{policy_id}/versions/{version}/restore"): "policies.publish",
    ("GET", "/policies/{policy_id}/draft"): "policies.read",
    ("PUT", "/policies/{policy_id}/draft"): "policies.draft",
    ("DELETE", "/policies/{policy_id}/draft"): "policies.draft",
    ("POST", "/policies/{policy_id}/draft/validate"): "policies.draft",
    ("POST", "/policies/{policy_id}/draft/publish"): "policies.publish",
    ("POST", "/policies/{policy_id}/decisions"): "policies.try",
    ("GET", "/policies/{policy_id}/simulations"): "policies.read",
    ("POST", "/policies/{policy_id}/simulations"): "policies.simulate",
    ("GET", "/simulations/{simulation_id}"): "policies.read",
    ("GET", "/simulations/{simulation_id}/changes"): "policies.read",
    ("GET", "/returns/{reference}/policy"): "memos.read",
    ("GET", "/invitations"): "people.read",
    ("POST", "/invitations"): "people.invite",
    ("DELETE", "/invitations/{invitation_id}"): "people.invite",
    ("GET", "/members"): "people.read",
    ("PATCH", "/members/{membership_id}"): "people.change",
    ("DELETE", "/members/{membership_id}"): "people.remove",
    ("GET", "/members/{membership_id}/notifications"): "notifications.read",
    ("PUT", "/members/{membership_id}/notifications"): "notifications.change",
    ("GET", "/members/{membership_id}/sessions"): "sessions.read",
    ("DELETE", "/members/{membership_id}/sessions"): "sessions.end",
    ("DELETE", "/sessions/{session_id}"): "sessions.end",
    ("GET", "/parcels"): "parcels.read",
    ("GET", "/parcels/{parcel_id}"): "parcels.read",
    ("POST", "/parcels/{parcel_id}/claim"): "parcels.claim",
    ("GET", "/partners"): "partners.read",
    ("POST", "/partners"): "partners.create",
    ("GET", "/permissions"): "permissions.read",
    ("GET", "/returns"): "returns.read",
    ("POST", "/returns"): "returns.create",
    ("GET", "/returns/{reference}"): "returns.read",
    ("POST", "/returns/{reference}/cancel"): "returns.cancel",
    ("POST", "/returns/{reference}/decision"): "returns.decide",
    ("GET", "/returns/{reference}/memo"): "memos.read",
    ("POST", "/returns/{reference}/paid"): "returns.confirm",
    ("POST", "/returns/{reference}/settle"): "returns.settle",
    ("POST", "/returns/{reference}/settled-elsewhere"): "returns.end",
    ("PUT", "/returns/{reference}/trackings"): "returns.track",
    ("GET", "/returns/{reference}/why"): "returns.read",
    ("GET", "/returns/{reference}/timeline"): "returns.read",
    ("GET", "/returns/manifest.pdf"): "labels.read",
    ("GET", "/returns/{reference}/barcode.svg"): "labels.read",
    ("GET", "/returns/{reference}/label.pdf"): "labels.read",
    ("GET", "/returns/{reference}/packing-slip.pdf"): "labels.read",
    ("GET", "/returns/{reference}/qr.png"): "labels.read",
    ("GET", "/returns/{reference}/qr.svg"): "labels.read",
    ("GET", "/accounts/{account_id}/photo-retention"): "photos.read",
    ("PUT", "/accounts/{account_id}/photo-retention"): "photos.retain",
    ("GET", "/photos/{photo_id}"): "photos.read",
    ("GET", "/photos/{photo_id}/image"): "photos.read",
    ("GET", "/returns/{reference}/photos"): "photos.read",
    ("POST", "/warehouses/{warehouse_id}/photos"): "photos.add",
    ("GET", "/warehouses"): "warehouses.read",
    ("POST", "/warehouses"): "warehouses.create",
    ("GET", "/warehouses/{warehouse_id}"): "warehouses.read",
    ("GET", "/warehouses/{warehouse_id}/accounts"): "warehouses.read",
    ("PUT", "/warehouses/{warehouse_id}/accounts/{account_id}"): "warehouses.assign",
    ("DELETE", "/warehouses/{warehouse_id}/accounts/{account_id}"): "warehouses.assign",
    ("GET", "/warehouses/{warehouse_id}/expected-returns"): "receiving.read",
    ("GET", "/warehouses/{warehouse_id}/grading"): "receiving.read",
    ("GET", "/warehouses/{warehouse_id}/receipts"): "receiving.read",
    ("POST", "/warehouses/{warehouse_id}/receipts"): "receiving.book",
    ("POST", "/warehouses/{warehouse_id}/receipts/batch"): "receiving.book",
    ("POST", "/warehouses/{warehouse_id}/returns/{number}/reopen"): "receiving.reopen",
    ("GET", "/warehouses/{warehouse_id}/scan"): "receiving.read",
    ("GET", "/webhooks"): "webhooks.read",
    ("POST", "/webhooks"): "webhooks.create",
    ("GET", "/webhooks/{endpoint_id}"): "webhooks.read",
    ("PATCH", "/webhooks/{endpoint_id}"): "webhooks.change",
    ("DELETE", "/webhooks/{endpoint_id}"): "webhooks.remove",
    ("POST", "/webhooks/{endpoint_id}/rotate"): "webhooks.rotate",
    ("POST", "/webhooks/{endpoint_id}/ping"): "webhooks.send",
    ("POST", "/webhooks/{endpoint_id}/recover"): "webhooks.send",
    ("GET", "/webhooks/{endpoint_id}/deliveries"): "webhooks.read",
    ("GET", "/webhooks/{endpoint_id}/deliveries/{delivery_id}/attempts"): "webhooks.read",
    ("POST", "/webhooks/{endpoint_id}/deliveries/{delivery_id}/replay"): "webhooks.send",
    ("GET", "/work-items"): "work_items.read",
    ("POST", "/work-items/{item_id}/close"): "work_items.close",
}
# The pages that not everybody may open.
PAGES = {
    ("GET", "/permissions"): "matrix.read",
    ("GET", "/policies/{policy_id}"): "policies.read",
    ("GET", "/live/events"): "live.read",
    ("GET", "/apps/warehouse_app"): "receiving.read",
    ("GET", "/apps/warehouse_app/scan"): "receiving.read",
    ("GET", "/apps/warehouse_app/returns/{number}"): "receiving.read",
    ("POST", "/apps/warehouse_app/returns/{number}"): "receiving.book",
    ("GET", "/apps/warehouse_app/manifest"): "receiving.read",
    ("GET", "/apps/warehouse_app/worker.js"): "receiving.read",
    ("GET", "/apps/warehouse_app/desk/session"): "receiving.read",
    ("GET", "/apps/warehouse_app/desk/expected"): "receiving.read",
    ("GET", "/apps/warehouse_app/desk/grading"): "receiving.read",
    ("GET", "/apps/warehouse_app/desk/scan"): "receiving.read",
    ("GET", "/apps/warehouse_app/desk/returns/{number}"): "receiving.read",
    ("POST", "/apps/warehouse_app/desk/receipts"): "receiving.book",
    ("POST", "/apps/warehouse_app/desk/photos"): "receiving.book",
    ("POST", "/apps/warehouse_app/desk/returns/{number}/reopen"): "receiving.book",
    ("GET", "/people"): "people.read",
    ("POST", "/people"): "people.invite",
    ("POST", "/people/invitations/{invitation_id}/withdraw"): "people.invite",
    ("GET", "/people/{membership_id}"): "people.read",
    ("POST", "/people/{membership_id}/role"): "people.change",
    ("POST", "/people/{membership_id}/remove"): "people.remove",
    ("POST", "/people/{membership_id}/sessions/end"): "sessions.end",
    ("GET", "/impersonations"): "impersonations.read",
    ("POST", "/impersonations"): "impersonations.begin",
    ("GET", "/devices"): "devices.read",
    ("POST", "/devices"): "devices.change",
    ("POST", "/devices/{device_id}/revoke"): "devices.change",
    ("POST", "/devices/operators"): "operators.change",
    ("POST", "/devices/operators/{operator_id}/pin"): "operators.change",
    ("POST", "/devices/operators/{operator_id}/remove"): "operators.change",
    ("GET", "/providers"): "providers.read",
    ("POST", "/providers"): "providers.change",
    ("POST", "/providers/{provider_id}/remove"): "providers.change",
}
BY_HAND = tomllib.loads(files("tenants").joinpath("permissions.toml").read_text(encoding="utf-8"))


def able(action: str) -> set[str]:
    """Return the roles that the file names, read without the hub's own reader."""
    group, _, verb = action.partition(".")
    return set(BY_HAND[group][verb]["roles"])


def test_every_route_is_the_action_that_it_should_be(hub: Runtime) -> None:
    found = {(method, path): names for method, path, names in guards.actions(app.build(hub)) if names is not None}
    wanted = {(method, API + path): [action] for (method, path), action in ROUTES.items()}
    assert found == wanted | {route: [action] for route, action in PAGES.items()}


@pytest.mark.parametrize("role", Role)
async def test_each_role_may_do_what_the_file_says_and_nothing_else(crowd: Crowd, world: World, role: Role) -> None:
    caller, before = crowd.caller(somebody(role)), await counts()
    for (method, path), action in ROUTES.items():
        filled = path.format_map(Ids())
        # An empty body is refused after the guard, so that nothing is made by a walk.
        answer = await (caller.get(filled) if method == "GET" else caller.send(method, filled, {}))
        if role in able(action):
            assert answer.status_code not in {401, 403}, (method, path, answer.text)
        else:
            assert code(answer) == (403, "role_lacks_right"), (method, path, answer.text)
            assert answer.json()["action"] == action
            assert action in answer.json()["detail"]
    assert await counts() == before


class Ids(dict[str, str]):
    """An id of nothing for every name in a path, and a number for what is numbered."""

    def __missing__(self, name: str) -> str:
        return "1" if name in {"number", "version"} else str(uuid4())


@pytest.mark.parametrize("role", Role)
async def test_each_role_is_told_what_it_may_do(crowd: Crowd, role: Role) -> None:
    told = (await crowd.caller(somebody(role)).get("/permissions")).json()
    assert {each["name"] for each in told["actions"]} == {name for name in matrix().actions if role in able(name)}
    assert (told["role"], told["party"], told["read_only"]) == (role, role.party, role in READ_ONLY)


async def test_a_read_only_principal_is_refused_every_change_with_a_sentence(crowd: Crowd, world: World) -> None:
    caller = crowd.caller(somebody(Role.SUPPORT_ADMIN, read_only=True))
    before = await counts()
    for (method, path), action in ROUTES.items():
        filled = path.format_map(Ids())
        if method == "GET":
            assert (await caller.get(filled)).status_code != 403, path
            continue
        answer = await caller.send(method, filled, {})
        assert (*code(answer), answer.json()["action"]) == (403, "read_only", action)
        assert "change nothing" in answer.json()["detail"]
    assert await counts() == before


async def test_a_guard_that_was_forgotten_lets_a_reader_change_nothing(
    crowd: Crowd, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL itself refuses, in whichever scope a verb works."""
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    caller = crowd.caller(somebody(Role.ACCOUNT_VIEWER, shop.account))
    monkeypatch.setattr(guards, "refusal", lambda *_: None)
    before = await counts()
    for path, body in {
        "/accounts": {"name": "Shirts"},
        f"/returns/{stored.number}/cancel": None,
        f"/connections/{shop.connection}/check": None,
        f"/connections/{shop.connection}/poll": None,
        "/api-keys": {"name": "mine", "role": "account", "account_id": str(shop.account), "scopes": ["returns.read"]},
    }.items():
        assert code(await caller.post(path, body)) == (403, "read_only"), path
    assert await counts() == before
    assert (await caller.get(f"/returns/{stored.number}")).json()["status"] == "approved"


def test_get_reads_and_every_other_method_changes() -> None:
    for (method, path), action in (ROUTES | PAGES).items():
        assert (method == "GET") is (not matrix().actions[action].writes), (method, path)


def test_the_key_of_a_party_may_do_no_more_than_the_partys_admin() -> None:
    """Who makes a key could do by it what the key may do, so a wider key would be a way around the matrix."""
    for key, admin in (
        (Role.PLATFORM, Role.SUPPORT_ADMIN),
        (Role.ACCOUNT, Role.ACCOUNT_ADMIN),
        (Role.PARTNER, Role.PARTNER_ADMIN),
        (Role.WAREHOUSE, Role.PARTNER_ADMIN),
        (Role.WAREHOUSE, Role.ACCOUNT_ADMIN),
    ):
        assert matrix().of(key) <= matrix().of(admin), (key, matrix().of(key) - matrix().of(admin))


def test_only_people_of_support_may_impersonate() -> None:
    assert able("impersonations.begin") == {Role.SUPPORT_AGENT, Role.SUPPORT_ADMIN}


async def test_the_page_shows_every_action_to_who_may_see_it(api: httpx.AsyncClient, world: World) -> None:
    shop = await world.shop()
    for role, owner, status in ((Role.PLATFORM, {}, 200), (Role.ACCOUNT, {"account_id": shop.account}, 403)):
        await sign_in(api, await world.api_key(role, **owner))
        page = await api.get("/permissions", headers={"accept": "text/html"})
        assert page.status_code == status
        assert all((f">{name}</code>" in page.text) is (status == 200) for name in matrix().actions)
        assert "matrix.read" in page.text
    api.cookies.clear()
    assert (await api.get("/permissions")).headers["location"].startswith("/sign-in")


async def sign_in(api: httpx.AsyncClient, key: str) -> None:
    """Open a session with a key, as the page does."""
    api.cookies.clear()
    form: Any = await api.get("/sign-in/key")
    token = form.text.partition('name="_csrf_token" value="')[2].partition('"')[0]
    answer = await api.post("/sign-in/key", data={"key": key, "next": "/", "_csrf_token": token})
    assert answer.status_code == 303


async def test_who_is_not_signed_in_is_told_what_the_hub_is_and_no_more(api: httpx.AsyncClient) -> None:
    assert code(await api.get(f"{API}/permissions")) == (401, "key_required")


def test_what_a_role_is_told_fits_the_document(hub: Runtime) -> None:
    document = msgspec.json.encode(app.build(hub).openapi_schema.to_schema()).decode()
    assert '"RightsView"' in document
    assert '"enum":["platform","account","partner","warehouse"]' in document.replace(" ", "")
