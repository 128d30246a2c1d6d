"""Support looks with a party's eyes: it sees what they see, changes nothing, and it is known who looked and why."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tenants.impersonation import service as impersonation
from tenants.messages import Principal, Role
from tests.support.caller import Caller, code
from tests.support.judge import counts, rows
from tests.support.parties import partner_of
from tests.support.people import Crowd, somebody
from tests.support.world import World

REASON = "They cannot find a return"


@pytest.fixture
def agent() -> Principal:
    return somebody(Role.SUPPORT_AGENT)


async def begun(crowd: Crowd, agent: Principal, **party: UUID) -> dict[str, Any]:
    body = {name: str(each) for name, each in party.items()} | {"reason": REASON}
    answer = await crowd.caller(agent).post("/impersonations", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def looking(crowd: Crowd, agent: Principal, told: dict[str, Any]) -> Caller:
    """Return a caller as the session of an impersonating agent has it."""
    principal = await impersonation.principal_of(UUID(told["id"]), agent)
    assert principal is not None
    return crowd.caller(principal)


async def test_support_sees_what_the_account_sees_and_changes_nothing(
    crowd: Crowd, world: World, agent: Principal
) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    stored = await world.merchant_return(ours, "SO-1", {"SHOE": 1})
    other = await world.merchant_return(theirs, "SO-1", {"SHOE": 1})
    eyes = await looking(crowd, agent, await begun(crowd, agent, account_id=ours.account))
    admin = crowd.caller(somebody(Role.ACCOUNT_ADMIN, ours.account))
    for path in ("/returns", "/accounts", "/connections", "/work-items", "/api-keys", f"/returns/{stored.number}"):
        assert (await eyes.get(path)).json() == (await admin.get(path)).json()
    assert code(await eyes.get(f"/returns/{other.number}")) == (404, "return_not_found")
    before = await counts()
    for path in (f"/returns/{stored.number}/cancel", f"/connections/{ours.connection}/poll", "/api-keys"):
        answer = await eyes.post(path, {})
        assert code(answer) == (403, "read_only")
        assert "you look with another party's eyes; stop that first" in answer.json()["detail"]
    assert await counts() == before
    told = (await eyes.get("/permissions")).json()
    assert (told["name"], told["role"], told["impersonator"]) == (ours.tenant, "account_admin", "support_agent:Ann")
    assert {each["name"].partition(".")[2] for each in told["actions"]} == {"read"}


async def test_support_sees_what_the_partner_sees(crowd: Crowd, world: World, agent: Principal) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    partner = await partner_of(world, "Carriers", ours)
    await world.merchant_return(theirs, "SO-1", {"SHOE": 1})
    eyes = await looking(crowd, agent, await begun(crowd, agent, partner_id=partner.id))
    shown = (await eyes.get("/returns")).json()["items"]
    assert [each["number"] for each in shown] == list(partner.numbers.values())


async def test_an_impersonation_ends_by_itself_after_half_an_hour(crowd: Crowd, world: World, agent: Principal) -> None:
    told = await begun(crowd, agent, account_id=(await world.shop()).account)
    assert (told["began_at"][11:16], told["ends_at"][11:16]) == ("09:00", "09:30")
    world.watch.forward(minutes=29)
    assert await impersonation.principal_of(UUID(told["id"]), agent) is not None
    world.watch.forward(minutes=1)
    assert await impersonation.principal_of(UUID(told["id"]), agent) is None


async def test_its_owner_ends_it_before_and_nobody_else_does_or_uses_it(
    crowd: Crowd, world: World, agent: Principal
) -> None:
    told = await begun(crowd, agent, account_id=(await world.shop()).account)
    mine, path = UUID(told["id"]), f"/impersonations/{told['id']}"
    stranger = somebody(Role.SUPPORT_ADMIN)
    assert await impersonation.principal_of(mine, stranger) is None
    assert code(await crowd.caller(stranger).send("DELETE", path)) == (404, "impersonation_not_found")
    assert (await crowd.caller(agent).send("DELETE", path)).status_code == 204
    assert await impersonation.principal_of(mine, agent) is None
    assert code(await crowd.caller(agent).send("DELETE", path)) == (404, "impersonation_not_found")


async def test_who_lost_the_right_to_it_sees_nothing_any_more(crowd: Crowd, world: World, agent: Principal) -> None:
    told = await begun(crowd, agent, account_id=(await world.shop()).account)
    for role in (Role.AUDITOR, Role.PLATFORM):
        demoted = Principal(kind=agent.kind, id=agent.id, name=agent.name, role=role)
        assert await impersonation.principal_of(UUID(told["id"]), demoted) is None


async def test_the_audit_log_says_who_looked_with_whose_eyes_and_why(
    crowd: Crowd, world: World, agent: Principal
) -> None:
    shop = await world.shop()
    told = await begun(crowd, agent, account_id=shop.account)
    await impersonation.end(UUID(told["id"]), agent)
    found = await rows("select actor, action, subject, account_id, after::text from audit order by id desc limit 2")
    assert [each["action"] for each in found] == ["impersonation.ended", "impersonation.began"]
    for each in found:
        assert (each["actor"], each["subject"]) == ("support_agent:Ann", shop.tenant)
        assert each["account_id"] == shop.account
    assert REASON in found[1]["after"]
    listed = (await crowd.caller(somebody(Role.AUDITOR)).get("/impersonations")).json()["items"]
    assert [(each["support_name"], each["party_name"], each["reason"]) for each in listed] == [
        ("support_agent:Ann", shop.tenant, REASON)
    ]
    assert listed[0]["ended_at"] is not None


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        ({"reason": REASON}, 422, "impersonation_party"),
        ({"reason": REASON, "account_id": str(uuid4()), "partner_id": str(uuid4())}, 422, "impersonation_party"),
        ({"reason": REASON, "account_id": str(uuid4())}, 404, "account_not_found"),
        ({"reason": REASON, "partner_id": str(uuid4())}, 404, "partner_not_found"),
        ({"reason": "", "account_id": str(uuid4())}, 400, "request_malformed"),
        ({"account_id": str(uuid4())}, 400, "request_malformed"),
    ],
)
async def test_an_impersonation_of_nobody_or_for_no_reason_is_refused(
    crowd: Crowd, world: World, agent: Principal, body: dict[str, Any], status: int, title: str
) -> None:
    before = await counts()
    assert code(await crowd.caller(agent).post("/impersonations", body)) == (status, title)
    assert await counts() == before
