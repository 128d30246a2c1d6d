"""An account's whole configuration as one file: told, imported, told again."""

from typing import Any

import httpx
import pytest

from hub.kit import db
from hub.kit.crypto import place
from tenants import queries as tenants
from tenants import service
from tenants.messages import NewAccount, NewConnection, NewWarehouse, ReceivingOption
from tests.support.caller import Caller, code
from tests.support.judge import counts, one
from tests.support.world import ACTOR, Shop, World

File = dict[str, Any]


class Clerk:
    """Somebody who tells and imports files."""

    def __init__(self, call: Caller) -> None:
        self.call = call

    async def told(self, shop: Shop) -> File:
        answer: File = (await self.call.get(f"/accounts/{shop.account}/configuration")).json()
        return answer

    async def imports(self, shop: Shop, file: File, *, dry_run: bool = False) -> httpx.Response:
        query = "?dry_run=true" if dry_run else ""
        return await self.call.send("PUT", f"/accounts/{shop.account}/configuration{query}", file)


@pytest.fixture
async def clerk(world: World, api: httpx.AsyncClient) -> Clerk:
    return Clerk(Caller(api, await world.api_key()))


RICH = {
    "windows": [{"name": "All", "days": 14, "season": {"first": "2026-11-01", "last": "2026-12-24"}}],
    "keep_item": [{"name": "Trifles", "ceiling": "9.95"}],
    "reasons": [{"code": "tight", "texts": {"en": "Tight", "nl": "Te krap"}, "maps_to": "wrong_size"}],
    "reject_conditions": ["damaged", "used"],
}


def policy(file: File, kind: str) -> File:
    found: File = file["channels"][0]["policies"][kind]
    return found


def named(answer: httpx.Response) -> list[tuple[str, str, str]]:
    assert answer.status_code == 200, answer.text
    return [(each["part"], each["deed"], each["name"]) for each in answer.json()["changes"]]


async def test_what_is_told_and_imported_again_changes_nothing(clerk: Clerk, world: World) -> None:
    shop = await world.shop()
    file, before = await clerk.told(shop), await counts()
    assert named(await clerk.imports(shop, file)) == []
    after = await counts()
    assert {name for name in after if after[name] != before[name]} <= {"idempotency_keys"}
    assert await clerk.told(shop) == file


async def test_a_file_that_was_changed_is_told_as_it_was_imported_and_restores_what_was(
    clerk: Clerk, world: World
) -> None:
    shop = await world.shop()
    original = await clerk.told(shop)
    changed = await clerk.told(shop)
    policy(changed, "merchant").update(RICH)
    changed["channels"][0]["marketplaces"][0]["profile"] = {"partial": "all_or_nothing"}
    changed["warehouses"].append({"name": "Own place", "country": "NL"})
    policy(changed, "channel")["receiving"].append({"warehouse": "Own place", "countries": ["NL"]})
    wanted = [
        ("warehouse", "create", "Own place"),
        ("profile", "change", "Marketplaces/11"),
        ("policy", "change", "Marketplaces/channel"),
        ("policy", "change", "Marketplaces/merchant"),
    ]
    before = await counts()
    assert named(await clerk.imports(shop, changed, dry_run=True)) == wanted
    assert (await counts())["policy_versions"] == before["policy_versions"], "a dry run changes nothing"
    assert named(await clerk.imports(shop, changed)) == wanted
    told = await clerk.told(shop)
    assert policy(told, "merchant")["windows"][0]["season"] == RICH["windows"][0]["season"]  # type: ignore[index]
    assert named(await clerk.imports(shop, told)) == []
    assert {each[0] for each in named(await clerk.imports(shop, original))} == {"policy", "profile"}
    again = await clerk.told(shop)
    assert again["channels"] == original["channels"]
    assert await one("select count(*)::int from policy_versions") == 2 + 2 + 2, "rolled forward, never rewritten"


async def test_another_account_is_set_up_by_the_file_and_tells_the_same(clerk: Clerk, world: World) -> None:
    shop = await world.shop("first")
    file = await clerk.told(shop)
    policy(file, "merchant").update(RICH)
    await clerk.imports(shop, file)
    file = await clerk.told(shop)
    tenant, key = await world.vendor.tenant("second")
    await world.vendor.sell(tenant, "A", {"SKU": 1})
    await world.vendor.sell(tenant, "B", {"SKU": 1}, channel_id=12, channel_name="bol NL", global_channel_name="bol")
    account = await service.create_account(NewAccount(name="second"), actor=ACTOR)
    login = NewConnection(
        connector="channelengine", name="ChannelEngine", account_id=account.id,
        settings={"address": f"{world.vendor.address}/{tenant}/api", "api_key": key},
    )  # fmt: skip
    await service.create_connection(login, world.hub.vendors, actor=ACTOR)
    other = Shop(
        account=account.id, tenant=tenant, key=key, connection=account.id, channel=account.id, warehouse=shop.warehouse
    )
    file["connections"] = (await clerk.told(other))["connections"]
    file["account"] = "second"
    assert named(await clerk.imports(other, file)) == [("channel", "create", "Marketplaces")]
    assert await clerk.told(other) == file


async def test_no_secret_is_in_the_file(clerk: Clerk, world: World) -> None:
    shop = await world.shop()
    answer = await clerk.call.get(f"/accounts/{shop.account}/configuration")
    async with db.transaction(db.PLATFORM):
        held = await tenants.connection(shop.connection)
    sealed = world.hub.vendors.keyring.open(held.sealed, place("connections", "sealed", held.id))
    assert shop.key.encode() in sealed
    assert shop.key not in answer.text
    assert "api_key" not in answer.text


async def test_everything_that_keeps_a_file_out_is_said_by_its_field_before_anything_changes(
    clerk: Clerk, world: World
) -> None:
    shop = await world.shop()
    file = await clerk.told(shop)
    policy(file, "channel")["receiving"] = [{"warehouse": "Nowhere"}]
    policy(file, "merchant")["windows"] = [{"name": "All"}]
    file["connections"].append({"name": "Another", "connector": "channelengine", "settings": {}})
    file["channels"][0]["marketplaces"].pop()
    file["warehouses"].append({"name": "Own place"})
    before = await counts()
    refused = await clerk.imports(shop, file)
    assert code(refused) == (422, "configuration_invalid")
    assert {(each["field"], each["code"]) for each in refused.json()["problems"]} == {
        ("connections[1].name", "connection_missing"),
        ("channels[0].marketplaces", "marketplaces_differ"),
        ("channels[0].policies.channel.receiving[0].warehouse", "warehouse_unknown"),
        ("channels[0].policies.merchant.windows[0].days", "window_endless"),
    }
    after = await counts()
    assert {name for name in after if after[name] != before[name]} <= {"idempotency_keys"}


@pytest.mark.parametrize(
    "rules", [{"receiving": "here"}, {"receiving": [3]}, {"windows": 3}, {"nothing": 1}, {"receiving": []}]
)
async def test_rules_that_make_no_sense_are_refused_and_nothing_breaks(
    clerk: Clerk, world: World, rules: dict[str, Any]
) -> None:
    shop = await world.shop()
    file = await clerk.told(shop)
    policy(file, "merchant").update(rules)
    assert code(await clerk.imports(shop, file)) == (422, "configuration_invalid")


async def test_a_warehouse_of_another_account_cannot_be_named(clerk: Clerk, world: World) -> None:
    shop, other = await world.shop("one"), await world.shop("two")
    own = NewWarehouse(name="Theirs", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=other.account)
    await service.create_warehouse(own, actor=ACTOR)
    file = await clerk.told(shop)
    policy(file, "merchant")["receiving"] = [{"warehouse": "Theirs"}]
    (problem,) = (await clerk.imports(shop, file)).json()["problems"]
    assert problem["code"] == "warehouse_unknown"
