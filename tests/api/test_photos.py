"""Photos through the API: sent once from wherever the network allows, seen by who may see the return."""

import io
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from tenants.messages import Role
from tests.support.caller import API, Caller, code
from tests.support.parties import Partner, partner_of
from tests.support.photos import photo
from tests.support.world import Shop, World


class Place(Caller):
    """A device at a warehouse that sends photos."""

    def __init__(self, api: httpx.AsyncClient, key: str, warehouse: object) -> None:
        super().__init__(api, key)
        self._warehouse = warehouse

    async def take(self, content: bytes, *, once: str | None = None, **more: str) -> httpx.Response:
        path = f"{API}/warehouses/{self._warehouse}/photos"
        return await self._api.post(path, params=more, content=content, headers=self.headers(once))


@pytest.fixture
async def shop(world: World) -> Shop:
    return await world.shop("shoes")


@pytest.fixture
async def partner(world: World, shop: Shop) -> Partner:
    return await partner_of(world, "Carriers", shop)


@pytest.fixture
async def place(api: httpx.AsyncClient, world: World, partner: Partner) -> Place:
    return Place(api, await world.api_key(Role.WAREHOUSE, warehouse_id=partner.warehouse), partner.warehouse)


@pytest.fixture
def number(partner: Partner) -> str:
    (only,) = partner.numbers.values()
    return only


async def test_a_photo_is_seen_by_its_account_its_partner_its_warehouse_and_nobody_else(
    api: httpx.AsyncClient, world: World, shop: Shop, partner: Partner, place: Place, number: str
) -> None:
    answer = await place.take(photo(turned=6), return_number=number.lower(), subject="damage")
    assert answer.status_code == 201, answer.text
    taken = answer.json()
    assert (taken["subject"], taken["account_id"], taken["width"]) == ("damage", str(shop.account), 48)
    stranger = await world.shop("stranger")
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    for caller in (account, Caller(api, partner.key), place, Caller(api, await world.api_key())):
        assert (await caller.get(f"/returns/{number}/photos")).json() == [taken]
        assert (await caller.get(f"/photos/{taken['id']}")).json() == taken
        image = await caller.get(f"/photos/{taken['id']}/image")
        assert image.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(image.content)).size == (48, 64)
    for key in (
        await world.api_key(Role.ACCOUNT, account_id=stranger.account),
        await world.api_key(Role.WAREHOUSE, warehouse_id=stranger.warehouse),
        (await partner_of(world, "Haulers", stranger)).key,
    ):
        caller = Caller(api, key)
        assert code(await caller.get(f"/returns/{number}/photos")) == (404, "return_not_found")
        for path in (f"/photos/{taken['id']}", f"/photos/{taken['id']}/image"):
            assert code(await caller.get(path)) == (404, "photo_not_found")


async def test_a_photo_of_an_unknown_parcel_is_the_warehouses_until_somebody_claims_it(
    api: httpx.AsyncClient, world: World, shop: Shop, partner: Partner, place: Place
) -> None:
    taken = (await place.take(photo())).json()
    assert (taken["account_id"], taken["return_id"], taken["subject"]) == (None, None, "parcel")
    for caller in (place, Caller(api, partner.key)):
        assert (await caller.get(f"/photos/{taken['id']}/image")).status_code == 200
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    assert code(await account.get(f"/photos/{taken['id']}")) == (404, "photo_not_found")


async def test_a_device_that_was_offline_sends_again_and_nothing_is_kept_twice(
    api: httpx.AsyncClient, world: World, partner: Partner, place: Place, number: str
) -> None:
    other = Place(api, await world.api_key(Role.WAREHOUSE, warehouse_id=partner.warehouse), partner.warehouse)
    first = await place.take(photo(), once="tablet-7:1", return_number=number)
    # The same device, and another one that took its queue over.
    for device in (place, other):
        again = await device.take(photo(), once="tablet-7:1", return_number=number)
        assert (again.status_code, again.json()) == (201, first.json())
    another = await other.take(photo(colour="red"), once="tablet-7:1", return_number=number)
    assert another.json()["title"] in {"key_reused", "idempotency_key_reused"}
    assert len((await place.get(f"/returns/{number}/photos")).json()) == 1


async def test_what_is_no_photo_or_too_much_of_one_is_refused_with_what_to_do(place: Place, number: str) -> None:
    for content, status, title in (
        (b"", 422, "photo_unreadable"),
        (b"<html>", 422, "photo_unreadable"),
        (bytes(30_000_000), 413, "too_large"),
        (photo(size=(9_000, 8_000), kind="PNG"), 413, "photo_too_large"),
    ):
        assert code(await place.take(content, return_number=number)) == (status, title)
    assert code(await place.take(photo(), return_number="R0")) == (404, "return_not_found")
    assert (await place.take(photo(), subject="holiday")).status_code == 400
    assert (await place.get(f"/returns/{number}/photos")).json() == []


async def test_a_return_of_another_warehouse_is_not_photographed_here(world: World, place: Place, shop: Shop) -> None:
    elsewhere = await world.shop("elsewhere")
    found = await world.merchant_return(elsewhere, "SO-9", {"SHOE": 1})
    assert code(await place.take(photo(), return_number=found.number)) == (404, "return_not_found")


async def test_an_account_sets_how_long_its_photos_are_kept(api: httpx.AsyncClient, world: World, shop: Shop) -> None:
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shop.account))
    path = f"/accounts/{shop.account}/photo-retention"
    assert (await account.get(path)).json() == {"days": 365}
    assert (await account.send("PUT", path, {"days": 90})).json() == {"days": 90}
    assert (await account.get(path)).json() == {"days": 90}
    for days in (0, 3651, "x"):
        assert (await account.send("PUT", path, {"days": days})).status_code == 400
    assert code(await account.get(f"/accounts/{uuid4()}/photo-retention")) == (404, "account_not_found")
