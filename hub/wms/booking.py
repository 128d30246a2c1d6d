"""What the differences of two snapshots are at the receiving desk."""

from collections.abc import Iterable

from hub.returns.messages import StoredReturn
from hub.sdk import ReceiptKind, ReceiptRequest, ReceivedItem
from hub.wms.messages import Delivery, Movement
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter


def receipt(held: StoredReturn, delivery: Delivery) -> ReceiptRequest | None:
    """Return the receipt of what arrived, and whether that is all; nothing if there is nothing to book."""
    items = tuple(_item(each) for each in delivery.movements if each.kind is ReceiptKind.RECEIPT)
    finalise = delivery.finalise and _may_be_finalised(held, items)
    if not items and not finalise:
        return None
    return ReceiptRequest(key=delivery.key, return_number=held.number, items=items, finalise=finalise)


def _item(movement: Movement) -> ReceivedItem:
    state = movement.state
    return ReceivedItem(
        sku=movement.sku,
        quantity=movement.quantity,
        grade=state.grade,
        condition=state.condition,
        disposition=state.disposition,
    )


def _may_be_finalised(held: StoredReturn, items: tuple[ReceivedItem, ...]) -> bool:
    case = held.case
    return not case.over and not case.finalised and (case.arrived or bool(items))


async def ask_about_changes(held: StoredReturn, delivery: Delivery) -> None:
    """Ask a person about what a warehouse took back, or sees otherwise than it was booked."""
    changed = [each for each in delivery.movements if each.kind is not ReceiptKind.RECEIPT]
    if not changed:
        return
    settled = " The refund stands: nothing is claimed back." if held.case.over else ""
    matter = Matter(
        key=f"taken_back:{delivery.key}",
        kind="receipt_taken_back",
        owner=Owner.ACCOUNT,
        return_id=held.id,
        summary=f"{held.number}: the warehouse changed what it had received: {_told(changed)}.{settled}",
        detail={
            "movements": [
                {"kind": each.kind, "sku": each.sku, "quantity": each.quantity, "key": each.key} for each in changed
            ]
        },
    )
    await raise_matter(held.account_id, matter)


def _told(changed: Iterable[Movement]) -> str:
    return ", ".join(
        f"{each.quantity} of {each.sku} are now {each.state.disposition.value}"
        if each.kind is ReceiptKind.REGRADE
        else f"{-each.quantity} of {each.sku} did not come"
        for each in changed
    )
