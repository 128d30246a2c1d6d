"""Simulations: what a draft would have changed, held against a slow reference that reads one return after the other."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from hub import process
from hub.initiation.messages import NewLine, NewReturn
from hub.kit import clock, db
from hub.sdk.messages import Order, OrderLine, Reason
from hub.simulations import service
from tenants import queries as tenants
from tests.support.caller import Caller, code
from tests.support.judge import one, rows
from tests.support.world import Shop, World

MANY = 150
PRICE = Decimal("12.50")


class Sent(msgspec.Struct, frozen=True):
    """A return as the test itself knows it."""

    number: str
    asked_at: datetime
    ordered_at: datetime
    skus: tuple[str, ...]
    country: str
    reason: Reason
    grade: str | None


class Bench:
    """A shop with past returns, and somebody who has a draft of its policy."""

    def __init__(self, world: World, call: Caller, shop: Shop, policy: str) -> None:
        self.world = world
        self.call = call
        self.shop = shop
        self.path = f"/policies/{policy}"
        self.dice = random.Random(20_261_124)

    async def send_back(self, number: int) -> Sent:
        """Create a return of some order of the last weeks, and receive every third."""
        now, pick = clock.now(), self.dice.choice
        ordered_at = now - timedelta(hours=self.dice.randint(1, 24 * 40))
        skus = tuple(self.dice.sample(["SHOE-1", "HAT", "TV-1"], self.dice.randint(1, 2)))
        country, reason = pick(["NL", "BE"]), pick([Reason.WRONG_SIZE, Reason.PRODUCT_DEFECT])
        order = Order(
            number=f"SO-{number}", marketplace="11", currency="EUR", country=country, ordered_at=ordered_at,
            lines=tuple(OrderLine(reference=None, sku=sku, name=None, shipped=1, unit_price=PRICE) for sku in skus),
        )  # fmt: skip
        new = NewReturn(
            channel_id=self.shop.channel, order_number=order.number, reason=reason,
            lines=tuple(NewLine(sku=sku, quantity=1) for sku in skus),
        )  # fmt: skip
        stored = await process.create_merchant_return(self.shop.account, new, order, key=f"{number}", actor="test")
        grade = pick("ABC") if number % 3 == 0 else None
        if grade is not None:
            await self.world.receive(self.shop, stored.number, [(sku, 1, grade) for sku in skus])
        return Sent(stored.number, now, ordered_at, skus, country, reason, grade)

    async def draft(self, **rules: Any) -> int:
        """Store a draft; returns its revision."""
        rules = {"receiving": [{"warehouse_id": str(self.shop.warehouse)}], **rules}
        saved = await self.call.send("PUT", f"{self.path}/draft", {"rules": rules})
        return int(saved.json()["revision"])

    async def start(self, revision: int, days: int = 90) -> dict[str, Any]:
        """Begin a simulation."""
        answer = await self.call.post(f"{self.path}/simulations", {"revision": revision, "days": days})
        assert answer.status_code == 202, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def shown(self, simulation: str) -> dict[str, Any]:
        """Read a simulation."""
        told: dict[str, Any] = (await self.call.get(f"/simulations/{simulation}")).json()
        return told

    async def changes(self, simulation: str) -> dict[str, dict[str, Any]]:
        """Read every change, page by page."""
        found: dict[str, dict[str, Any]] = {}
        cursor: dict[str, str] = {}
        while True:
            told = (await self.call.get(f"/simulations/{simulation}/changes", limit=70, **cursor)).json()
            found |= {each["return_number"]: each for each in told["items"]}
            if told["next_cursor"] is None:
                return found
            cursor = {"cursor": told["next_cursor"]}


@pytest.fixture
async def bench(world: World, api: httpx.AsyncClient) -> Bench:
    shop = await world.shop()
    async with db.transaction(db.account(shop.account)):
        channel = await tenants.channel(shop.channel)
    (policy,) = [each for each in channel.policies if each.kind == "merchant"]
    return Bench(world, Caller(api, await world.api_key()), shop, str(policy.id))


DRAFT: dict[str, Any] = {
    "windows": [
        {"name": "All", "days": 14, "counted_from": "order"},
        {"name": "Belgium", "days": 21, "counted_from": "order", "countries": ["BE"]},
        {"name": "Shoes", "days": 30, "counted_from": "order", "skus": ["SHOE*"]},
    ],
    "fees": [
        {"name": "Label", "kind": "shipping", "payer": "customer", "amount": "4.95"},
        {"name": "Ours", "kind": "shipping", "payer": "merchant", "amount": "4.95", "reasons": ["product_defect"]},
    ],
    "accept_grades": ["A"],
}


def reference_days(sku: str, country: str) -> int:
    """Return the window of a product as a person reads it from the draft."""
    if sku.startswith("SHOE"):
        return 30
    return 21 if country == "BE" else 14


def reference(sent: Sent) -> set[str]:
    """Return what the draft changes of a return, by hand: before it there was no window, no fee, and B was accepted."""
    ends = [sent.ordered_at + timedelta(days=reference_days(sku, sent.country)) for sku in sent.skus]
    kinds = {"window"}
    if any(sent.asked_at > end for end in ends):
        kinds.add("answer")
    if sent.reason is not Reason.PRODUCT_DEFECT:
        kinds.add("cost")
    if sent.grade == "B":
        kinds.add("acceptance")
    return kinds


async def test_a_simulation_matches_a_slow_reference_return_by_return_and_in_numbers(
    bench: Bench, world: World
) -> None:
    sent = [await bench.send_back(number) for number in range(MANY)]
    begun = await bench.start(await bench.draft(**DRAFT))
    assert (begun["state"], begun["total"], begun["compared"]) == ("running", MANY, 0)
    await service.run(begun["id"])
    done = await bench.shown(begun["id"])
    assert (done["state"], done["compared"]) == ("done", MANY)
    found = await bench.changes(begun["id"])
    assert {number: set(each["kinds"]) for number, each in found.items()} == {
        each.number: reference(each) for each in sent
    }
    counted = [kind for each in sent for kind in reference(each)]
    figures = done["figures"]
    assert figures["kinds"] == {kind: counted.count(kind) for kind in set(counted)}
    assert figures["answers"] == {"approve>refuse": counted.count("answer")}
    units = {grade: sum(len(each.skus) for each in sent if each.grade == grade) for grade in "ABC"}
    assert (figures["accepted_before"], figures["accepted_after"]) == (units["A"] + units["B"], units["A"])
    assert Decimal(figures["value_after"]) == PRICE * units["A"]
    pays = [each for each in sent if each.reason is not Reason.PRODUCT_DEFECT]
    assert (Decimal(figures["paid_before"]), Decimal(figures["paid_after"])) == (
        Decimal(0),
        Decimal("4.95") * len(pays),
    )
    assert figures["guessed"] == 0


async def test_progress_is_told_while_it_runs_and_a_killed_worker_is_followed_by_another(
    bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        await bench.send_back(number)
    monkeypatch.setattr(service, "BATCH", 3)
    begun = await bench.start(await bench.draft(**DRAFT))
    monkeypatch.setattr(service, "JOB_SECONDS", 0.0)
    await service.run(begun["id"])
    assert (await bench.shown(begun["id"]))["compared"] == 0, "a job without time leaves it to the next"

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "JOB_SECONDS", 5.0)
    steps: list[Any] = [service._step, killed]

    async def stepping(claim: object) -> object:
        return await steps.pop(0)(claim)

    monkeypatch.setattr(service, "_step", stepping)
    with pytest.raises(KeyboardInterrupt):
        await service.run(begun["id"])
    halfway = await bench.shown(begun["id"])
    assert (halfway["state"], halfway["compared"], halfway["total"]) == ("running", 3, 7)
    monkeypatch.undo()
    await service.run(begun["id"])
    assert (await bench.shown(begun["id"]))["compared"] == 3, "the killed worker's lease holds for a while"
    world.watch.forward(seconds=60)
    assert await service.sweep() == 1
    await service.run(begun["id"])
    done = await bench.shown(begun["id"])
    assert (done["state"], done["compared"], done["changed"]) == ("done", 7, 7)
    assert len(await bench.changes(begun["id"])) == 7


async def test_a_draft_that_says_the_same_changes_nothing(bench: Bench) -> None:
    for number in range(6):
        await bench.send_back(number)
    begun = await bench.start(await bench.draft())
    await service.run(begun["id"])
    done = await bench.shown(begun["id"])
    assert (done["state"], done["compared"], done["changed"], done["figures"]["kinds"]) == ("done", 6, 0, {})


async def test_only_returns_of_its_days_and_of_its_kind_are_compared(bench: Bench, world: World) -> None:
    await bench.send_back(1)
    world.watch.forward(days=100)
    await bench.send_back(2)
    await world.channel_return(bench.shop, "CR-1", {"SHOE": 1})
    revision = await bench.draft(**DRAFT)
    assert (await bench.start(revision))["total"] == 1
    async with db.transaction(db.PLATFORM):
        await db.execute("update simulations set state = 'done', next_at = null, finished_at = now()")
    assert (await bench.start(revision, days=120))["total"] == 2


async def test_of_returns_from_before_decisions_were_kept_the_window_is_not_guessed(bench: Bench) -> None:
    await bench.send_back(1)
    async with db.transaction(db.PLATFORM):
        await db.execute("truncate policy_decisions")
    begun = await bench.start(await bench.draft(**DRAFT))
    await service.run(begun["id"])
    (change,) = (await bench.changes(begun["id"])).values()
    assert "answer" not in change["kinds"]
    assert (await bench.shown(begun["id"]))["figures"]["guessed"] == 1


async def test_what_could_not_be_published_is_not_simulated(bench: Bench) -> None:
    revision = await bench.draft(windows=[{"name": "All"}])
    refused = await bench.call.post(f"{bench.path}/simulations", {"revision": revision})
    assert code(refused) == (422, "policy_invalid")
    assert code(await bench.call.post(f"{bench.path}/simulations", {"revision": 7})) == (409, "draft_changed")


async def test_one_simulation_of_a_policy_runs_at_a_time(bench: Bench) -> None:
    revision = await bench.draft()
    await bench.start(revision)
    again = await bench.call.post(f"{bench.path}/simulations", {"revision": revision})
    assert code(again) == (409, "simulation_running")


async def test_a_bug_is_tried_again_and_ends_the_simulation_at_last(
    bench: Bench, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.send_back(1)
    begun = await bench.start(await bench.draft())

    async def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(service, "_step", broken)
    for _ in range(service.MOST_FAILURES):
        world.watch.forward(days=1)
        await service.run(begun["id"])
    ended = await bench.shown(begun["id"])
    assert (ended["state"], "ZeroDivisionError" in ended["why"]) == ("failed", True)


async def test_the_last_ten_simulations_are_kept(bench: Bench) -> None:
    await bench.send_back(1)
    revision = await bench.draft(**DRAFT)
    for _ in range(service.KEPT + 2):
        await service.run((await bench.start(revision))["id"])
    listed = (await bench.call.get(f"{bench.path}/simulations")).json()
    assert len(listed) == service.KEPT
    assert listed[0]["id"] > listed[-1]["id"]
    assert await one("select count(*)::int from simulated_changes") == service.KEPT


async def test_a_simulation_changes_no_return(bench: Bench) -> None:
    for number in range(6):
        await bench.send_back(number)
    before = await rows("select id, version, status, settlement from returns order by id")
    memos = await rows("select return_id, lines from memos order by return_id")
    await service.run((await bench.start(await bench.draft(**DRAFT)))["id"])
    assert await rows("select id, version, status, settlement from returns order by id") == before
    assert await rows("select return_id, lines from memos order by return_id") == memos
