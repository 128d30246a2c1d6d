"""Expected returns as a warehouse is shown them: with the merchant's instructions and what is noted of each unit."""

from collections.abc import Sequence
from uuid import UUID

from hub.kit import db
from hub.receipt import engine
from hub.receipt.products import queries as products
from hub.receipt.products.messages import ProductView
from hub.returns import receiving
from hub.returns.messages import StoredLine, StoredReturn
from hub.returns.states import DISPLAY
from hub.sdk.receiving import ExpectedLine, ExpectedReturn
from tenants import queries as tenants
from tenants.messages import Unchecked

Known = dict[tuple[UUID, str], ProductView]


async def of(warehouse_id: UUID, found: Sequence[tuple[str, StoredReturn]]) -> tuple[ExpectedReturn, ...]:
    """Return these returns, each given with its account's name, as a warehouse is shown them."""
    keys = {(stored.account_id, line.sku) for _, stored in found for line in stored.lines}
    known: Known = {}
    if keys:
        async with db.transaction(db.warehouse(warehouse_id)):
            known = await products.of(sorted(keys))
    unchecked = await _settling_unchecked({(stored.account_id, stored.policy_version_id) for _, stored in found})
    return tuple(_view(account, stored, known, unchecked) for account, stored in found)


async def _settling_unchecked(versions: set[tuple[UUID, UUID]]) -> set[UUID]:
    """Return those of the policy versions that settle a closed parcel as it was declared."""
    found = set()
    for account_id, version_id in versions:
        async with db.transaction(db.account(account_id)):
            rules = await tenants.rules_of(account_id, version_id)
        if rules.unchecked is Unchecked.SETTLE:
            found.add(version_id)
    return found


def _view(account: str, stored: StoredReturn, known: Known, unchecked: set[UUID]) -> ExpectedReturn:
    todo, say = engine.on_arrival(stored.case)
    return ExpectedReturn(
        return_number=stored.number,
        account=account,
        account_id=stored.account_id,
        order_number=stored.order_number,
        status=DISPLAY[stored.status],
        open=not (stored.case.finalised or stored.case.over),
        created_at=stored.created_at,
        lines=tuple(_line(line, known.get((stored.account_id, line.sku))) for line in stored.lines),
        version=receiving.version(stored.case),
        settles_unchecked=stored.policy_version_id in unchecked,
        todo=todo,
        say=say,
    )


def _line(line: StoredLine, product: ProductView | None) -> ExpectedLine:
    return ExpectedLine(
        sku=line.sku,
        name=line.name or (product.name if product else None),
        expected=line.declared,
        received=line.received,
        line=line.id,
        eans=product.eans if product else (),
        needs=product.needs if product else None,
        instructions=product.instructions if product else None,
    )
