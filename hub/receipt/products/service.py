"""The verbs of this room."""

from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.refusals import taken
from hub.receipt.products import queries
from hub.receipt.products.messages import ProductFacts, ProductView


async def save(account_id: UUID, sku: str, facts: ProductFacts, *, actor: str) -> ProductView:
    """Say what holds for a product from now on."""
    message = "One of these codes is another product's already, or stands here twice; a code belongs to one product."
    with taken("product_codes_pkey", "ean_taken", message):
        async with db.transaction(db.PLATFORM):
            key = (account_id, sku)
            before = (await queries.of([key])).get(key)
            await queries.save(account_id, sku, facts, clock.now())
            await record(
                actor=actor, action="product.changed", subject=sku, account_id=account_id, before=before, after=facts
            )
            return (await queries.of([key]))[key]
