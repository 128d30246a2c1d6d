"""People through the API: who may see and invite whom, and what ends at once."""

from typing import Any

import httpx
import pytest

from hub.kit import db
from hub.runtime import Runtime
from tenants.messages import NewAccount, Role
from tenants.people.sessions import service as sessions
from tenants.people.sessions.messages import Method, Origin
from tenants.service import create_account
from tests.pages.visiting import user
from tests.support.caller import Caller, code
from tests.support.judge import one
from tests.support.people import Crowd, somebody
from tests.support.world import World


@pytest.fixture
async def call(api: httpx.AsyncClient, world: World) -> Caller:
    """The API with a platform key."""
    return Caller(api, await world.api_key())


async def account(name: str = "North") -> Any:
    return (await create_account(NewAccount(name=name), actor="test")).id


async def session_of(user_id: Any) -> str:
    async with db.transaction(db.PLATFORM):
        return await sessions.begin(Origin(address="10.0.0.1", agent="Firefox"), Method.PASSWORD, user_id=user_id)


async def test_people_are_invited_listed_changed_and_removed(call: Caller) -> None:
    north = await account()
    new = {"email": "Ann@North.example", "role": "account_admin", "account_id": str(north), "locale": "nl"}
    made = await call.post("/invitations", new)
    assert made.status_code == 201, made.text
    assert made.json()["link"].startswith("http://hub/invitations/hub_i")
    (waiting,) = (await call.get("/invitations")).json()
    assert (waiting["email"], waiting["at"], waiting["mailed"]) == ("ann@north.example", "North", False)
    assert made.json()["link"] not in str(waiting)
    assert (await call.send("DELETE", f"/invitations/{waiting['id']}")).status_code == 204
    assert (await call.get("/invitations")).json() == []
    assert code(await call.send("DELETE", f"/invitations/{waiting['id']}")) == (404, "invitation_not_found")
    await user("ann@north.example", Role.ACCOUNT_ADMIN, account_id=north)
    (member,) = (await call.get("/members")).json()["items"]
    assert (member["name"], member["role"], member["second_factor"]) == ("Ann", "account_admin", False)
    at = f"/members/{member['membership_id']}"
    assert (await call.send("PATCH", at, {"role": "account_viewer"})).json()["role"] == "account_viewer"
    assert code(await call.send("PATCH", at, {"role": "partner_admin"})) == (422, "role_owner")
    assert (await call.send("DELETE", at)).status_code == 204
    assert code(await call.send("DELETE", at)) == (404, "member_not_found")


async def test_support_sees_where_somebody_is_signed_in_and_ends_it(call: Caller) -> None:
    ann = await user("ann@north.example", Role.ACCOUNT_ADMIN, account_id=await account())
    token, other = await session_of(ann.id), await session_of(ann.id)
    (member,) = (await call.get("/members")).json()["items"]
    at = f"/members/{member['membership_id']}/sessions"
    shown = (await call.get(at)).json()
    assert [(each["agent"], each["address"], each["method"]) for each in shown] == [
        ("Firefox", "10.0.0.1", "password")
    ] * 2
    first = shown[1]["id"]
    assert (await call.send("DELETE", f"/sessions/{first}")).status_code == 204
    assert code(await call.send("DELETE", f"/sessions/{first}")) == (404, "session_not_found")
    assert [await sessions.find(each, None) is None for each in (token, other)].count(True) == 1
    await call.send("DELETE", at)
    assert await sessions.find(token, None) is None
    assert await sessions.find(other, None) is None


async def test_an_admin_sees_and_invites_their_own_people_only(crowd: Crowd, hub: Runtime) -> None:
    north, south = await account("North"), await account("South")
    for name, owner in (("ann@north.example", north), ("bob@south.example", south)):
        await user(name, Role.ACCOUNT_ADMIN, account_id=owner)
    admin = crowd.caller(somebody(Role.ACCOUNT_ADMIN, north))
    assert [each["email"] for each in (await admin.get("/members")).json()["items"]] == ["ann@north.example"]
    foreign = await one("select id from memberships where account_id = $1", south)
    for method, body in (("PATCH", {"role": "account_viewer"}), ("DELETE", None)):
        assert code(await admin.send(method, f"/members/{foreign}", body)) == (404, "member_not_found")
    new = {"email": "x@y.example", "role": "account_viewer", "account_id": str(south)}
    assert code(await admin.post("/invitations", new)) == (404, "account_not_found")
    assert code(await admin.post("/invitations", {"email": "x@y.example", "role": "auditor"})) == (
        403, "role_lacks_right",
    )  # fmt: skip
    both = {**new, "partner_id": str(north)}
    assert code(await admin.post("/invitations", both)) == (422, "role_owner")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"email": "nonsense"}, (422, "email_invalid")),
        ({"email": "a\nb@c.example"}, (422, "email_invalid")),
        ({"email": "x" * 300 + "@y.example"}, (400, "request_malformed")),
        ({"role": "owner"}, (400, "request_malformed")),
        ({"locale": "xx"}, (400, "request_malformed")),
        ({"account_id": None}, (422, "role_owner")),
        ({"surprise": 1}, (400, "request_malformed")),
    ],
)
async def test_an_invitation_that_cannot_be_is_refused(call: Caller, change: Any, status: tuple[int, str]) -> None:
    good = {"email": "ann@north.example", "role": "account_admin", "account_id": str(await account())}
    assert code(await call.post("/invitations", good | change)) == status
    assert await one("select count(*) from invitations") == 0


async def test_no_answer_to_a_field_that_was_wrong_repeats_a_secret(call: Caller) -> None:
    answer = await call.post("/invitations", {"email": "nonsense", "role": "auditor"})
    assert answer.json()["field"] == "email"
