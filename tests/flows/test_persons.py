"""What people decide: in place of the policy, past the hub, one of them first, and all of it on record."""

import asyncio
from typing import Any

import httpx
import pytest

from hub import persons
from hub.audit import queries as audit
from hub.audit import service as chain
from hub.kit import db
from hub.kit.errors import Conflict, Invalid
from hub.returns.case import Settling, Status
from hub.returns.messages import StoredReturn
from hub.sdk.messages import Kind
from hub.settlement import queries as memos
from hub.settlement.messages import DecidedLine, Decision, MemoView
from hub.work.messages import WorkItemView
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.judge import broken_rules, differences, events_of, one
from tests.support.world import Shop, World

ACCEPT = Decision(lines=(DecidedLine(sku="SHOE", accepted=2),), why="the scratch is ours")
REJECT = Decision(lines=(DecidedLine(sku="SHOE", accepted=0),), why="worn for weeks")


async def held(world: World, shop: Shop, order: str = "SO-1", *, kind: Kind = Kind.CHANNEL) -> StoredReturn:
    """Two shoes, one of them damaged, that wait for a person."""
    make = world.channel_return if kind is Kind.CHANNEL else world.merchant_return
    stored = await make(shop, order, {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A"), ("SHOE", 1, "D")])
    return await world.again(stored)


async def refused(world: World, shop: Shop) -> StoredReturn:
    """A merchant return whose settlement the vendor refused, because its units went back in another return."""
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.vendor.send_back(shop.tenant, "SO-1", {"SHOE": 1})
    await world.work_until_quiet()
    found = await world.again(stored)
    assert found.settlement is Settling.REFUSED
    return found


async def memo(stored: StoredReturn) -> MemoView:
    async with db.transaction(db.account(stored.account_id)):
        found = await memos.memo(stored.account_id, stored.id)
    assert found is not None
    return found


async def log(stored: StoredReturn) -> list[tuple[str, str]]:
    async with db.transaction(db.PLATFORM):
        entries = [entry for entry, _ in await audit.chain() if entry.subject == stored.number]
        assert await chain.broken_links() == []
    return [(entry.actor, entry.action) for entry in entries]


def numbers(stored: StoredReturn) -> list[tuple[int, int]]:
    return [(line.accepted, line.rejected) for line in stored.lines]


@pytest.mark.parametrize("kind", Kind)
async def test_a_persons_decision_takes_the_place_of_the_policys_and_is_sent_once(world: World, kind: Kind) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop, kind=kind)
    assert numbers(stored) == [(1, 1)]
    after = await persons.decide(shop.account, stored.id, ACCEPT, actor="Ada")
    assert (after.settlement, numbers(after)) == (Settling.SENDING, [(2, 0)])
    assert await world.work_items(shop) == []
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    told = await memo(stored)
    assert (told.decided_by, told.why) == ("Ada", "the scratch is ours")
    assert [(line.accepted, line.rejected) for line in told.lines] == [(2, 0)]
    assert told.lines[0].why[0].rule == "Ada decided: the scratch is ours"
    assert told.draft is not None
    assert [(line.accepted, line.rejected) for line in told.draft] == [(1, 1)]
    assert {why.rule for why in told.draft[0].why} == {"grade A is accepted", "condition damaged is rejected"}
    assert await log(stored) == [("Ada", "return.decided")]
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


async def test_a_memo_says_under_which_rules_and_profile_and_who_decided(world: World) -> None:
    shop = await world.shop(settle_by="person", accept_grades=["A"])
    stored = await held(world, shop)
    told = await memo(stored)
    assert (told.policy_version, told.decided_by, told.why, told.draft) == (1, None, None, None)
    assert [grade.value for grade in told.rules.accept_grades] == ["A"]
    assert told.profile is not None
    await persons.settle(shop.account, stored.id, actor="Ada")
    told = await memo(stored)
    assert (told.decided_by, told.why, told.draft) == ("Ada", "as the policy decided", None)
    assert told.decided_at is not None
    assert await log(stored) == [("Ada", "return.let_go")]


async def test_a_refused_settlement_is_decided_anew_and_looked_up_before_it_is_sent(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    one_shoe = Decision(
        lines=(DecidedLine(line=stored.lines[0].id, accepted=1, rejected=1),), why="one is there already"
    )
    await persons.decide(shop.account, stored.id, one_shoe, actor="Ada")
    assert [item.kind for item in await world.work_items(shop)] == []
    await world.work_until_quiet(hours=0.1)
    after = await world.again(stored)
    assert (after.settlement, numbers(after)) == (Settling.SETTLED, [(1, 1)])
    assert await one("select count(*) from operations where effect = 'settle'") == 1
    assert await one("select count(*) from attempts where call = 'lookup'") == 1
    assert await differences(world, shop) == []
    assert await broken_rules() == {}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([{"sku": "SHOE", "accepted": 3}], "more_than_received"),
        ([{"sku": "SHOE", "accepted": 1, "rejected": 2}], "more_than_received"),
        ([{"sku": "SHOE", "accepted": 1, "rejected": 0}], "units_undecided"),
        ([{"sku": "HAT", "accepted": 1}], "line_unknown"),
        ([{"accepted": 1}], "line_unnamed"),
        ([{"sku": "SHOE", "accepted": 1}, {"sku": "SHOE", "accepted": 1}], "line_twice"),
    ],
)
async def test_a_decision_that_cannot_be_is_refused_and_changes_nothing(
    world: World, api: httpx.AsyncClient, lines: list[dict[str, Any]], told: str
) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop)
    caller = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    answer = await caller.post(f"/returns/{stored.number}/decision", {"lines": lines, "why": "because"})
    assert code(answer)[1] == told
    assert (await world.again(stored)) == stored
    assert (await memo(stored)).decided_by is None
    assert await log(stored) == []


async def test_every_line_is_decided_on(world: World) -> None:
    shop = await world.shop(settle_by="person")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1, "SHIRT": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    with pytest.raises(Conflict) as missing:
        await persons.decide(shop.account, stored.id, REJECT, actor="Ada")
    assert missing.value.code == "lines_differ"
    both = Decision(lines=(*REJECT.lines, DecidedLine(sku="SHIRT", accepted=0)), why="worn for weeks")
    await persons.decide(shop.account, stored.id, both, actor="Ada")
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
    assert (await world.again(stored)).settlement is Settling.SETTLED


async def test_nothing_is_decided_before_it_was_received(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    with pytest.raises(Conflict):
        await persons.decide(shop.account, stored.id, ACCEPT, actor="Ada")
    await world.merchant_return(shop, "SO-2", {"SHOE": 1})
    await world.vendor.send_back(shop.tenant, "SO-2", {"SHOE": 1})
    await world.poll(shop)
    excess = await one("select id from returns where settlement = 'held'")
    with pytest.raises(Conflict):
        await persons.decide(shop.account, excess, ACCEPT, actor="Ada")


async def test_a_person_cannot_decide_what_the_marketplace_does_not_take(world: World) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop)
    await world.profile(shop, partial="all_or_nothing")
    half = Decision(lines=(DecidedLine(sku="SHOE", accepted=1),), why="half of it")
    with pytest.raises(Conflict) as stop:
        await persons.decide(shop.account, stored.id, half, actor="Ada")
    assert stop.value.code == "cannot_be_told"
    await persons.decide(shop.account, stored.id, ACCEPT, actor="Ada")
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}


async def test_of_two_people_who_decide_at_once_one_is_first_and_the_other_is_told_who(world: World) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop)
    answers = await asyncio.gather(
        persons.decide(shop.account, stored.id, ACCEPT, actor="Ada"),
        persons.decide(shop.account, stored.id, REJECT, actor="Bob"),
        persons.settle(shop.account, stored.id, actor="Cid"),
        persons.settled_elsewhere(shop.account, stored.id, "by phone", actor="Dot"),
        return_exceptions=True,
    )
    (first,) = [each for each in answers if isinstance(each, StoredReturn)]
    conflicts = [each for each in answers if isinstance(each, Conflict)]
    assert len(conflicts) == 3
    ((winner, _),) = await log(stored)
    for each in conflicts:
        assert each.facts["first_by"] == winner
        assert f"{winner} was first" in each.message
    await world.work_until_quiet()
    assert numbers(await world.again(stored)) == numbers(first)
    assert await one("select count(*) from operations where effect = 'settle'") <= 1
    assert await broken_rules() == {}


async def test_the_second_of_two_hears_it_over_the_api_too(world: World, api: httpx.AsyncClient) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop)
    caller = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    assert (await caller.post(f"/returns/{stored.number}/settle")).status_code == 200
    late = await caller.post(f"/returns/{stored.number}/settle")
    assert code(late) == (409, "not_held")
    assert late.json()["first_by"].startswith("account:")
    assert late.json()["first_event"] == "settlement.sent"


@pytest.mark.parametrize("kind", Kind)
async def test_a_return_that_was_decided_elsewhere_ends_without_a_call(world: World, kind: Kind) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop, kind=kind)
    after = await persons.settled_elsewhere(shop.account, stored.id, "paid in the shop", actor="Ada")
    assert (after.settlement, after.status) == (Settling.ELSEWHERE, Status.COMPLETED)
    assert await world.work_items(shop) == []
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []
    assert await one("select count(*) from operations where effect = 'settle'") == 0
    assert (await events_of(stored))[-1] == "settlement.found_elsewhere"
    assert (
        await one("select detail ->> 'why' from timeline where event = 'settlement.found_elsewhere'")
        == "paid in the shop"
    )
    assert await log(stored) == [("Ada", "return.settled_elsewhere")]
    assert (await world.why(stored)).actor is None


async def test_a_refused_settlement_ends_elsewhere_and_its_item_with_it(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    await persons.settled_elsewhere(shop.account, stored.id, "paid in the shop", actor="Ada")
    assert await world.work_items(shop) == []
    operation = await one("select id from operations where effect = 'settle'")
    with pytest.raises(Conflict):
        await persons.replay(shop.account, operation, actor="Bob")
    await world.work_until_quiet()
    assert await world.vendor.ledger(shop.tenant) == []


async def test_what_is_on_its_way_is_not_said_to_be_settled_elsewhere(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    with pytest.raises(Conflict) as sending:
        await persons.settled_elsewhere(shop.account, stored.id, "by phone", actor="Ada")
    assert (sending.value.code, sending.value.facts["first_by"]) == ("already_sending", "operator")
    await world.work_until_quiet()
    with pytest.raises(Conflict) as over:
        await persons.settled_elsewhere(shop.account, stored.id, "by phone", actor="Ada")
    assert over.value.code == "return_is_over"
    assert await log(stored) == []


async def close(world: World, shop: Shop, item: WorkItemView) -> WorkItemView:
    return await persons.close_item(shop.account, item.id, "seen", actor="Ada")


async def test_an_item_that_stands_for_a_settlement_that_waits_is_not_closed_by_hand(world: World) -> None:
    shop = await world.shop(settle_by="person")
    await held(world, shop)
    (item,) = await world.work_items(shop)
    with pytest.raises(Conflict) as stands:
        await close(world, shop, item)
    assert stands.value.code == "work_item_stands"
    assert await broken_rules() == {}


async def test_an_item_of_a_refused_settlement_stands_until_it_is_decided(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    (item,) = await world.work_items(shop)
    with pytest.raises(Conflict):
        await close(world, shop, item)
    await persons.cancel(shop.account, stored.id, actor="Ada")
    assert await world.work_items(shop) == []


async def test_any_other_item_is_closed_by_hand_and_the_log_says_by_whom(world: World) -> None:
    shop = await world.shop()
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 1})
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    (item,) = await world.work_items(shop)
    assert item.kind == "unexpected_goods"
    await close(world, shop, item)
    assert await world.work_items(shop) == []
    async with db.transaction(db.PLATFORM):
        (entry,) = [entry for entry, _ in await audit.chain() if entry.subject == str(item.id)]
    assert (entry.actor, entry.action, entry.after) == ("Ada", "work_item.closed", {"resolution": "seen"})


async def test_a_replay_and_a_cancellation_are_in_the_audit_log(world: World) -> None:
    shop = await world.shop()
    stored = await refused(world, shop)
    operation = await one("select id from operations where effect = 'settle'")
    await persons.replay(shop.account, operation, actor="Ada")
    await world.work_until_quiet(hours=0.1)
    await persons.cancel(shop.account, stored.id, actor="Bob")
    async with db.transaction(db.PLATFORM):
        told = [(entry.actor, entry.action, entry.subject) for entry, _ in await audit.chain()][-2:]
    assert told == [("Ada", "operation.replayed", str(operation)), ("Bob", "return.canceled", stored.number)]


async def test_a_replay_carries_the_profile_that_holds_now(world: World) -> None:
    shop = await world.shop()
    await refused(world, shop)
    await world.profile(shop, merchant_returns="create_then_receive")
    operation = await one("select id from operations where effect = 'settle'")
    await persons.replay(shop.account, operation, actor="Ada")
    told = await one("select request -> 'profile' ->> 'merchant_returns' from operations where effect = 'settle'")
    assert told == "create_then_receive"


async def test_more_that_arrives_while_a_settlement_waits_counts_and_the_item_says_so(world: World) -> None:
    shop = await world.shop(when_short="ask")
    stored = await world.channel_return(shop, "SO-1", {"SHOE": 2})
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    (item,) = await world.work_items(shop)
    assert "less arrived than was declared" in item.summary
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    (item,) = await world.work_items(shop)
    assert "more arrived while it waited" in item.summary
    await persons.settle(shop.account, stored.id, actor="Ada")
    await world.work_until_quiet()
    assert await world.vendor.refunded(shop.tenant) == {"SHOE": 2}
    assert await broken_rules() == {}


async def test_a_line_that_shares_its_product_is_named_by_its_id(world: World) -> None:
    shop = await world.shop(settle_by="person")
    stored = await held(world, shop)
    async with db.transaction(db.PLATFORM):
        await db.execute(
            """insert into return_lines (account_id, id, return_id, position, sku, declared)
            select account_id, gen_random_uuid(), return_id, 2, sku, 1 from return_lines where return_id = $1""",
            stored.id,
        )  # fmt: skip
    with pytest.raises(Invalid) as twice:
        await persons.decide(shop.account, stored.id, ACCEPT, actor="Ada")
    assert twice.value.code == "line_ambiguous"
    lines = [DecidedLine(line=line.id, accepted=line.received) for line in (await world.again(stored)).lines]
    await persons.decide(shop.account, stored.id, Decision(lines=tuple(lines), why="each by its id"), actor="Ada")
