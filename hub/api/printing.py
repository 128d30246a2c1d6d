"""Printing: codes, labels, packing slips and manifests of returns."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from hub.api.access import Who, scope_of
from hub.api.guards import may
from hub.api.road import find_return
from hub.kit import clock, db
from hub.kit.errors import Invalid, NotFound
from hub.kit.numbers import normalise
from hub.labels import codes, words
from hub.labels.label import label_pdf
from hub.labels.manifest import manifest_pdf
from hub.labels.messages import Address, Label, Language, Manifest, Parcel, Slip, SlipLine
from hub.labels.slip import slip_pdf
from hub.returns import queries
from hub.returns.messages import StoredReturn
from tenants import queries as tenants
from tenants.messages import Principal, WarehouseView

PDF, SVG, PNG = "application/pdf", "image/svg+xml", "image/png"
# As many as a browser's address holds, and more than a pallet.
MOST_ON_A_MANIFEST = 500
Numbers = Annotated[list[str] | None, QueryParameter(description="return numbers, in the order of the sheet")]
Reference = Annotated[str | None, QueryParameter(description="what the pallet or container is called", max_length=100)]


class Printing(Controller):
    """Paper and codes for a return, in the language that is asked for."""

    path = "/returns"
    tags = ("Printing",)

    @get("/{reference:str}/label.pdf", guards=[may("labels.read")], media_type=PDF)
    async def label(
        self, reference: FromPath[str], principal: Who, language: FromQuery[Language] = Language.ENGLISH
    ) -> Response[bytes]:
        """Print the address label of a return; the customer pays the postage."""
        found, account, place = await _found(reference, principal)
        to = _address(place, language)
        made = Label(number=found.number, account=account, to=to, order_number=found.order_number)
        return _pdf(await asyncio.to_thread(label_pdf, made, language), f"label-{found.number}")

    @get("/{reference:str}/packing-slip.pdf", guards=[may("labels.read")], media_type=PDF)
    async def slip(
        self, reference: FromPath[str], principal: Who, language: FromQuery[Language] = Language.ENGLISH
    ) -> Response[bytes]:
        """Print the packing slip of a return: what the customer declared."""
        found, account, place = await _found(reference, principal)
        lines = tuple(SlipLine(sku=line.sku, name=line.name, quantity=line.declared) for line in found.lines)
        made = Slip(
            number=found.number, account=account, to=_address(place, language), created_at=found.created_at,
            lines=lines, order_number=found.order_number,
        )  # fmt: skip
        return _pdf(await asyncio.to_thread(slip_pdf, made, language), f"packing-slip-{found.number}")

    @get("/{reference:str}/qr.svg", guards=[may("labels.read")], media_type=SVG)
    async def qr(self, reference: FromPath[str], principal: Who) -> Response[str]:
        """Draw a return's number as QR, for a page."""
        found, *_ = await _found(reference, principal)
        return Response(codes.qr_svg(found.number), media_type=SVG)

    @get("/{reference:str}/qr.png", guards=[may("labels.read")], media_type=PNG)
    async def qr_png(self, reference: FromPath[str], principal: Who) -> Response[bytes]:
        """Draw a return's number as QR, for mail."""
        found, *_ = await _found(reference, principal)
        return Response(codes.qr_png(found.number), media_type=PNG)

    @get("/{reference:str}/barcode.svg", guards=[may("labels.read")], media_type=SVG)
    async def barcode(self, reference: FromPath[str], principal: Who) -> Response[str]:
        """Draw a return's number as Code 128, for a page."""
        found, *_ = await _found(reference, principal)
        return Response(codes.bar_svg(found.number), media_type=SVG)

    @get("/manifest.pdf", guards=[may("labels.read")], media_type=PDF)
    async def manifest(
        self,
        principal: Who,
        number: Numbers = None,
        reference: Reference = None,
        language: FromQuery[Language] = Language.ENGLISH,
    ) -> Response[bytes]:
        """Print the sheet of a pallet or container, for these returns in this order."""
        found = await _all(_numbers(number or []), principal)
        async with db.transaction(db.PLATFORM):
            accounts = {each: (await tenants.account(each)).name for each in {one.account_id for one in found}}
            places = [(await tenants.warehouse(each)).name for each in dict.fromkeys(one.warehouse_id for one in found)]
        parcels = tuple(_parcel(each, accounts) for each in found)
        made = Manifest(place=", ".join(places), reference=reference, printed_at=clock.now(), parcels=parcels)
        return _pdf(await asyncio.to_thread(manifest_pdf, made, language), "manifest")


def _pdf(content: bytes, name: str) -> Response[Any]:
    return Response(content, media_type=PDF, headers={"content-disposition": f'inline; filename="{name}.pdf"'})


async def _found(reference: str, principal: Principal) -> tuple[StoredReturn, str, WarehouseView]:
    async with db.transaction(scope_of(principal)):
        found = await find_return(reference, principal)
    # A partner prints the name of the account, whose row it does not see.
    async with db.transaction(db.PLATFORM):
        return found, (await tenants.account(found.account_id)).name, await tenants.warehouse(found.warehouse_id)


def _address(place: WarehouseView, language: Language) -> Address:
    country = words.country(place.country, language)
    return Address(name=place.name, lines=(country,) if country else ())


def _numbers(typed: Iterable[str]) -> list[str]:
    texts = list(typed)
    if not 1 <= len(texts) <= MOST_ON_A_MANIFEST:
        raise Invalid("manifest_size", f"Name 1 to {MOST_ON_A_MANIFEST} returns: ?number=…&number=….")
    numbers = {text: normalise(text) for text in texts}
    for text, number in numbers.items():
        if number is None:
            raise NotFound("return_not_found", f"There is no return {text[:40]!r}.")
    return [number for number in dict.fromkeys(numbers.values()) if number is not None]


async def _all(numbers: list[str], principal: Principal) -> list[StoredReturn]:
    async with db.transaction(scope_of(principal)):
        found = await queries.of_numbers(
            numbers, account_id=principal.account_id, partner_id=principal.partner_id,
            warehouse_id=principal.warehouse_id,
        )  # fmt: skip
    by_number = {each.number: each for each in found}
    missing = [number for number in numbers if number not in by_number]
    if missing:
        raise NotFound("return_not_found", f"There is no return {missing[0]!r}.")
    return [by_number[number] for number in numbers]


def _parcel(each: StoredReturn, accounts: dict[UUID, str]) -> Parcel:
    units = sum(line.received for line in each.lines) or sum(line.declared for line in each.lines)
    return Parcel(
        number=each.number, account=accounts[each.account_id], units=units, order_number=each.order_number
    )  # fmt: skip


CONTROLLERS = (Printing,)
