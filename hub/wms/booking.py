"""What the differences of two snapshots are at the receiving desk."""

from hub.returns.messages import StoredReturn
from hub.sdk import Meaning, ReceiptKind, ReceiptRequest, ReceivedItem, State
from hub.wms.messages import Delivery, Movement

# What was booked before is put right before anything is added to it.
ORDER = (ReceiptKind.CORRECTION, ReceiptKind.REGRADE, ReceiptKind.RECEIPT)
WHY = "the warehouse's system says so now"


def requests(held: StoredReturn, delivery: Delivery) -> list[ReceiptRequest]:
    """Return the receipts of a delivery, one of each kind that it has; the last one says whether that is all."""
    found = [_request(held, delivery, kind) for kind in ORDER]
    return [each for each in found if each.items or each.finalise]


def _request(held: StoredReturn, delivery: Delivery, kind: ReceiptKind) -> ReceiptRequest:
    items = tuple(_item(each) for each in delivery.movements if each.kind is kind)
    plain = kind is ReceiptKind.RECEIPT
    return ReceiptRequest(
        key=f"{delivery.key}:{kind}",
        return_number=held.number,
        items=items,
        kind=kind,
        finalise=plain and delivery.finalise and _may_be_finalised(held, items),
        why=None if plain else WHY,
    )


def _item(movement: Movement) -> ReceivedItem:
    state, was = movement.state, movement.was
    return ReceivedItem(
        sku=movement.sku,
        quantity=movement.quantity,
        grade=state.grade,
        condition=state.condition,
        disposition=state.disposition,
        was=_state(was) if was else None,
    )


def _state(meaning: Meaning) -> State:
    return State(grade=meaning.grade, condition=meaning.condition, disposition=meaning.disposition)


def _may_be_finalised(held: StoredReturn, items: tuple[ReceivedItem, ...]) -> bool:
    case = held.case
    return not case.over and not case.finalised and (case.arrived or bool(items))
