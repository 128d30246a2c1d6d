"""Printing through the API: whoever may see a return gets paper that a scanner reads."""

import httpx
import pypdfium2  # type: ignore[import-untyped]  # its makers left it so
import pytest
import zxingcpp

from hub.kit.numbers import new_return_number
from tenants.messages import Role
from tests.support.caller import Caller, code
from tests.support.parties import partner_of
from tests.support.world import World

# A scanner reads the codes that it is set to; one that guesses at every kind sees codes where there are none.
PRINTED = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode])


def read(pdf: bytes) -> set[str]:
    """Print a document and scan every code on it."""
    pages = [page.render(scale=4).to_pil() for page in pypdfium2.PdfDocument(pdf)]
    return {each.text for page in pages for each in zxingcpp.read_barcodes(page, formats=PRINTED)}


def words(pdf: bytes) -> str:
    return " ".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf))


async def test_a_return_is_printed_for_its_account_its_partner_and_its_warehouse(
    api: httpx.AsyncClient, world: World
) -> None:
    shop = await world.shop("shoes")
    partner = await partner_of(world, "Carriers", shop)
    number = partner.numbers[shop.tenant]
    for key in (
        await world.api_key(Role.ACCOUNT, account_id=shop.account),
        await world.api_key(Role.WAREHOUSE, warehouse_id=partner.warehouse),
        partner.key,
        await world.api_key(),
    ):
        caller = Caller(api, key)
        for paper in ("label.pdf", "packing-slip.pdf"):
            answer = await caller.get(f"/returns/{number}/{paper}", language="nl")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
            assert read(answer.content) == {number}
            assert {shop.tenant, "Place of Carriers"} <= set(words(answer.content).splitlines())
        for picture, kind in (("qr.svg", "svg+xml"), ("barcode.svg", "svg+xml"), ("qr.png", "png")):
            answer = await caller.get(f"/returns/{number}/{picture}")
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, f"image/{kind}")
        sheet = await caller.get("/returns/manifest.pdf", number=[number.lower()], reference="Pallet 7", language="de")
        assert read(sheet.content) == {number}
        assert "Pallet 7" in words(sheet.content)


async def test_a_manifest_has_the_returns_of_many_accounts_and_none_that_one_may_not_see(
    api: httpx.AsyncClient, world: World
) -> None:
    shops = [await world.shop(name) for name in ("one", "two")]
    partner = await partner_of(world, "Carriers", *shops)
    numbers = list(partner.numbers.values())
    caller = Caller(api, partner.key)
    assert read((await caller.get("/returns/manifest.pdf", number=numbers)).content) == set(numbers)
    account = Caller(api, await world.api_key(Role.ACCOUNT, account_id=shops[0].account))
    assert code(await account.get("/returns/manifest.pdf", number=numbers)) == (404, "return_not_found")


@pytest.mark.parametrize("count", [0, 501])
async def test_a_manifest_of_nothing_or_of_too_much_is_refused(
    api: httpx.AsyncClient, world: World, count: int
) -> None:
    caller = Caller(api, await world.api_key())
    numbers = [new_return_number() for _ in range(count)]
    assert code(await caller.get("/returns/manifest.pdf", number=numbers)) == (422, "manifest_size")


async def test_a_language_that_nobody_prints_is_refused(api: httpx.AsyncClient, world: World) -> None:
    caller = Caller(api, await world.api_key())
    assert code(await caller.get(f"/returns/{new_return_number()}/label.pdf", language="xx"))[0] == 400
