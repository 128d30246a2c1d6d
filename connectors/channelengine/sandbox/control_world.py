"""The control API's creation: a whole world at once."""

from typing import Annotated

from litestar import post
from msgspec import Meta

from connectors.channelengine.sandbox import creation, world
from connectors.channelengine.sandbox.control_kit import Answer, Asking, kept, wish
from connectors.channelengine.sandbox.control_shop import NewTenant
from connectors.channelengine.sandbox.selling import Wish
from connectors.channelengine.sandbox.vendor import FromVendor
from connectors.channelengine.sandbox.world import MARKETPLACES, Shop

Some = Annotated[int, Meta(ge=1, le=100)]
Many = Annotated[int, Meta(ge=0, le=100_000)]


class NewWorld(Wish, frozen=True):
    """What to make: tenants and marketplaces by number or by name, and returns and orders for each tenant."""

    seed: int
    tenants: Some | tuple[NewTenant, ...] = 1
    marketplaces: Some | tuple[str, ...] = 6
    returns: Many = 40
    merchant_orders: Many = 10


@post("/world")
async def make_world(request: Asking, vendor: FromVendor) -> Answer:
    """Make tenants with orders and returns, and tell what has to become of each return."""
    asked = await wish(request, NewWorld)
    names = MARKETPLACES[: asked.marketplaces] if isinstance(asked.marketplaces, int) else asked.marketplaces
    made = [
        creation.make(vendor, shop, asked.seed, names, asked.returns, asked.merchant_orders) for shop in _shops(asked)
    ]
    return await kept(vendor, {"seed": asked.seed, "tenants": made}, status=201)


WORLD = (make_world,)


def _shops(asked: NewWorld) -> list[Shop]:
    if isinstance(asked.tenants, int):
        return world.shops(asked.seed, asked.tenants)
    return [Shop(tenant.name, tenant.key) for tenant in asked.tenants]
