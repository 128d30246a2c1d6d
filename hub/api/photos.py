"""Photos: a warehouse sends them, and whoever may see the return looks at them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from hub.api.access import Photographs, Who, scope_of, within
from hub.api.guards import may
from hub.api.idempotency import MOST
from hub.api.road import find_return
from hub.evidence import queries, service
from hub.evidence.messages import NewPhoto, PhotoView, Retention, Stored, Subject
from hub.evidence.pictures import MOST_BYTES
from hub.kit import db
from hub.kit.errors import NotFound
from hub.kit.numbers import normalise
from hub.receipt.desk import Desk
from hub.returns import queries as returns
from tenants import queries as tenants
from tenants.messages import Principal

Number = Annotated[str | None, QueryParameter(description="the return it shows; none for a parcel nobody knows")]
Taken = Annotated[datetime | None, QueryParameter(description="when it was taken, by the clock of the device")]
JPEG = "image/jpeg"


class Taking(Controller):
    """Photos of what arrives at a warehouse."""

    path = "/warehouses/{warehouse_id:uuid}"
    tags = ("Photos",)

    @post(
        "/photos", guards=[may("photos.add")], opt={MOST: MOST_BYTES}, request_max_body_size=MOST_BYTES,
    )  # fmt: skip
    async def add(
        self,
        warehouse_id: FromPath[UUID],
        # Asked for the right to stand at this warehouse.
        desk: NamedDependency[Desk],
        request: Request[Principal, Any, Any],
        store: Photographs,
        return_number: Number = None,
        subject: FromQuery[Subject] = Subject.PARCEL,
        taken_at: Taken = None,
    ) -> PhotoView:
        """Keep a photo, sent as the body: JPEG, PNG or WebP, at most 20 MB; its Idempotency-Key names it."""
        _ = desk
        account_id, return_id = await _shown(warehouse_id, return_number)
        new = NewPhoto(
            key=request.headers["idempotency-key"], warehouse_id=warehouse_id, account_id=account_id,
            return_id=return_id, subject=subject, content=await request.body(), taken_at=taken_at,
            by=request.user.actor,
        )  # fmt: skip
        return await service.add(store, new)


async def _shown(warehouse_id: UUID, return_number: str | None) -> tuple[UUID | None, UUID | None]:
    """Return whose a photo is and which return it shows; at a merchant's own warehouse all are the merchant's."""
    if return_number is None:
        async with db.transaction(db.PLATFORM):
            return (await tenants.warehouse(warehouse_id)).account_id, None
    number = normalise(return_number)
    async with db.transaction(db.warehouse(warehouse_id)):
        found = await returns.at_warehouse(warehouse_id, number) if number else None
    if found is None:
        raise NotFound("return_not_found", f"No return {return_number[:40]!r} is expected here.")
    return found[1].account_id, found[1].id


class Looking(Controller):
    """Photos of returns, for whoever may see the return."""

    path = ""
    tags = ("Photos",)

    @get("/returns/{reference:str}/photos", guards=[may("photos.read")])
    async def of_return(self, reference: FromPath[str], principal: Who) -> list[PhotoView]:
        """List the photos of a return in the order in which they came, those that were removed included."""
        async with db.transaction(scope_of(principal)):
            found = await find_return(reference, principal)
            return [service.view(each) for each in await queries.of_return(found.account_id, found.id)]

    @get("/photos/{photo_id:uuid}", guards=[may("photos.read")])
    async def read(self, photo_id: FromPath[UUID], principal: Who) -> PhotoView:
        """Say what a photo shows, who took it, and until when it is kept."""
        return service.view(await _found(photo_id, principal))

    @get("/photos/{photo_id:uuid}/image", guards=[may("photos.read")], media_type=JPEG)
    async def image(self, photo_id: FromPath[UUID], principal: Who, store: Photographs) -> Response[bytes]:
        """Show a photo; its bytes are those that were kept, or it is not shown."""
        found = await _found(photo_id, principal)
        # It never changes, but who may see it does.
        headers = {"cache-control": "private, max-age=300", "etag": f'"{found.sha256}"'}
        return Response(await service.content(store, found), media_type=JPEG, headers=headers)

    @get("/accounts/{account_id:uuid}/photo-retention", guards=[may("photos.read")])
    async def retention(self, account_id: FromPath[UUID], principal: Who) -> Retention:
        """Say for how many days an account's photos are kept."""
        async with db.transaction(scope_of(principal)):
            return await service.retention((await tenants.account(within(principal, account_id))).id)

    @put("/accounts/{account_id:uuid}/photo-retention", guards=[may("photos.retain")])
    async def retain(self, account_id: FromPath[UUID], data: JSONBody[Retention], principal: Who) -> Retention:
        """Keep an account's photos for another time, those that are there included; what is over it goes for good."""
        async with db.transaction(scope_of(principal)):
            account = await tenants.account(within(principal, account_id))
        return await service.retain(account.id, data, actor=principal.actor)


async def _found(photo_id: UUID, principal: Principal) -> Stored:
    async with db.transaction(scope_of(principal)):
        found = await queries.read(
            photo_id, account_id=principal.account_id, partner_id=principal.partner_id,
            warehouse_id=principal.warehouse_id,
        )  # fmt: skip
    if found is None:
        raise NotFound("photo_not_found", "There is no such photo.")
    return found


CONTROLLERS = (Taking, Looking)
