"""What an account wants where its goods are received: products, grading questions, tracking numbers of its returns."""

from uuid import UUID

from litestar import Controller, get, put
from litestar.params import FromPath, FromQuery, JSONBody

from hub.api.access import Who, scope_of, within
from hub.api.guards import may
from hub.api.pages import DEFAULT, Limit
from hub.api.road import find_return
from hub.kit import clock, db
from hub.kit.errors import Malformed
from hub.receipt.grading import service as grading
from hub.receipt.grading.messages import GradingSet, GradingSetView
from hub.receipt.products import queries as product_queries
from hub.receipt.products import service as products
from hub.receipt.products.messages import ProductFacts, ProductView
from hub.returns.trackings import queries as trackings
from hub.returns.trackings.messages import Tracking, Trackings

LONGEST_SKU = 64


class Products(Controller):
    """Products as warehouses know them."""

    path = "/accounts/{account_id:uuid}/products"
    tags = ("Receiving",)

    @get(guards=[may("products.read")])
    async def index(
        self, account_id: FromPath[UUID], principal: Who, after: FromQuery[str | None] = None, limit: Limit = DEFAULT
    ) -> list[ProductView]:
        """List an account's products by SKU, those after one of them if it is given."""
        async with db.transaction(scope_of(principal)):
            return await product_queries.page(within(principal, account_id), after, limit)

    @put("/{sku:str}", guards=[may("products.change")])
    async def save(
        self, account_id: FromPath[UUID], sku: FromPath[str], data: JSONBody[ProductFacts], principal: Who
    ) -> ProductView:
        """Say what holds for a product: its codes, what is noted of each unit, what the operator is told."""
        owner = within(principal, account_id)
        if len(sku) > LONGEST_SKU:
            raise Malformed("sku_long", f"A SKU has at most {LONGEST_SKU} characters.")
        return await products.save(owner, sku, data, actor=principal.actor)


class Grading(Controller):
    """Grading questions."""

    path = "/accounts/{account_id:uuid}/grading"
    tags = ("Receiving",)

    @get(guards=[may("grading.read")])
    async def read(self, account_id: FromPath[UUID], principal: Who) -> GradingSetView:
        """Show the questions that hold for an account; version 0 is the hub's own set."""
        async with db.transaction(scope_of(principal)):
            return await grading.of_account(within(principal, account_id))

    @put(guards=[may("grading.publish")])
    async def publish(self, account_id: FromPath[UUID], data: JSONBody[GradingSet], principal: Who) -> GradingSetView:
        """Publish an account's questions; what was graded before keeps its version."""
        return await grading.publish(within(principal, account_id), data, actor=principal.actor)


class TrackingNumbers(Controller):
    """Tracking numbers by which a return's parcels are found."""

    path = "/returns/{reference:str}/trackings"
    tags = ("Receiving",)

    @put(guards=[may("returns.track")])
    async def save(self, reference: FromPath[str], data: JSONBody[Trackings], principal: Who) -> list[Tracking]:
        """Say by which tracking numbers a return comes back, in place of those of before."""
        async with db.transaction(scope_of(principal)):
            found = await find_return(reference, principal)
        async with db.transaction(db.account(found.account_id)):
            fresh = {each.number: each for each in data.trackings}
            return await trackings.replace(
                found.account_id, found.id, list(fresh.values()), principal.actor, clock.now()
            )


CONTROLLERS = (Products, Grading, TrackingNumbers)
