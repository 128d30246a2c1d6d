"""The page of a return policy, as support and merchants meet it."""

from pathlib import Path
from typing import Any

from hub.kit import db
from hub.simulations import service as simulations
from hub.simulations.messages import NewSimulation
from tenants import queries as tenants
from tenants.messages import Role
from tenants.policies import service as policies
from tenants.policies.messages import NewDraft, Policy
from tenants.policies.rules import CountedFrom, Rules, Window
from tests.pages.checking import glance
from tests.support.world import ACTOR, Shop, World

BROKEN = (Window(name="All", days=14), Window(name="Longer", days=30))
SHORT = (Window(name="All", days=1, counted_from=CountedFrom.ORDER),)


async def held_by(shop: Shop) -> tuple[Policy, Rules]:
    async with db.transaction(db.account(shop.account)):
        channel = await tenants.channel(shop.channel)
    (policy,) = [each for each in channel.policies if each.kind == "merchant"]
    return await policies.find(policy.id, db.account(shop.account)), policy.rules


async def test_the_page_says_why_a_draft_cannot_be_published_and_what_a_fit_one_would_change(
    world: World, opened: Any, tmp_path: Path
) -> None:
    shop = await world.shop()
    stored = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    held, rules = await held_by(shop)
    drafted = Rules(receiving=rules.receiving, windows=BROKEN)
    await policies.save_draft(held, NewDraft(rules=drafted), actor=ACTOR)
    page = await opened(bypass_csp=True)
    address = f"/policies/{held.id}"
    await page.goto(f"/sign-in/key?next={address}")
    await page.get_by_label("API key").fill(await world.api_key(Role.ACCOUNT, account_id=shop.account))
    await page.get_by_role("button", name="Sign in").click()
    assert await page.get_by_role("heading", level=1).inner_text() == "Merchant returns"
    problems = page.get_by_role("table", name="What keeps the draft from being published")
    assert "windows[1]" in await problems.inner_text()
    assert "neither is more specific" in await problems.inner_text()
    await glance(page, "broken", tmp_path)
    fit = Rules(receiving=rules.receiving, windows=SHORT, countries=("ZZ",))
    await policies.save_draft(held, NewDraft(rules=fit, revision=1), actor=ACTOR)
    begun = await simulations.start(held, NewSimulation(revision=2), actor=ACTOR)
    await page.goto(address)
    assert "0 of 1 returns compared" in await page.get_by_role("main").inner_text()
    await simulations.run(str(begun.id))
    await page.goto(address)
    changed = await page.get_by_role("table", name="Returns that would have gone another way").inner_text()
    assert stored.number in changed
    assert "Refused" in changed
    assert "1 of 1 returns compared" in await page.get_by_role("main").inner_text()
    await glance(page, "simulated", tmp_path)


async def test_a_policy_of_another_account_is_not_there(world: World, opened: Any) -> None:
    ours, theirs = await world.shop("ours"), await world.shop("theirs")
    held, _ = await held_by(theirs)
    page = await opened()
    await page.goto("/sign-in/key")
    await page.get_by_label("API key").fill(await world.api_key(Role.ACCOUNT, account_id=ours.account))
    await page.get_by_role("button", name="Sign in").click()
    answer = await page.goto(f"/policies/{held.id}")
    assert answer is not None
    assert answer.status == 404
