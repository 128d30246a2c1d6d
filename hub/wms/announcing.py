"""Tell the system of a return's warehouse what will come, in the transaction that decided it.

What it was told last is compared with what is true now. While it is being told, nothing more is planned: when that
ends, this is asked again. So a warehouse hears of a change after the announcement, and never before it.
"""

from uuid import UUID

import msgspec

from hub.kit import clock
from hub.operations import service as operations
from hub.operations.messages import Plan, State
from hub.returns import service as returns
from hub.returns.case import Ending
from hub.returns.messages import StoredReturn
from hub.sdk import Announcement, AnnouncementLine, Effect
from hub.wms import queries
from hub.wms.messages import Place, Told

# A warehouse keeps its receiving option and its connection, so that it is looked up once.
MOST_PLACES = 10_000
_places: dict[tuple[UUID, UUID], Place | None] = {}


async def follow(stored: StoredReturn, *, changed: bool = False) -> None:
    """Plan what the warehouse's own system is to be told of a return, if it has one.

    A return that this transaction `changed` since it was loaded is read again.
    """
    place = await _place(stored.account_id, stored.warehouse_id)
    if place is None or stored.informational is not None:
        return
    if changed:
        stored = await returns.load(stored.account_id, stored.id)
    told = await queries.told(stored.account_id, stored.id)
    is_open = not (stored.case.finalised or stored.case.over)
    if told is None:
        if is_open:
            await _plan(stored, place, Effect.ANNOUNCE, f"announce:{stored.number}", await _message(stored, place))
    elif told.fresh:
        await _correct(stored, place, told, is_open=is_open)
    elif told.state is State.DONE:
        await _change(stored, place, told, is_open=is_open)


async def _place(account_id: UUID, warehouse_id: UUID) -> Place | None:
    key = (account_id, warehouse_id)
    if key not in _places:
        if len(_places) >= MOST_PLACES:
            _places.clear()
        _places[key] = await queries.place(account_id, warehouse_id)
    return _places[key]


async def _correct(stored: StoredReturn, place: Place, told: Told, *, is_open: bool) -> None:
    """Change, or take back, what was never said."""
    if is_open:
        message = await _message(stored, place)
        if message != told.message:
            await operations.restate(stored.account_id, told.id, message)
    elif stored.case.ending is not Ending.OPEN:
        await queries.call_off(stored.account_id, told.id, clock.now())


async def _change(stored: StoredReturn, place: Place, told: Told, *, is_open: bool) -> None:
    if is_open:
        message = await _message(stored, place)
        if message.lines != told.message.lines:
            await _plan(stored, place, Effect.AMEND, f"amend:{stored.number}:{stored.version}", message)
    elif stored.case.ending is not Ending.OPEN:
        await _plan(stored, place, Effect.WITHDRAW, f"withdraw:{stored.number}", told.message)


async def _message(stored: StoredReturn, place: Place) -> Announcement:
    reasons = await queries.words(place.connection_id, stored.account_id, "reason")
    clients = await queries.words(place.connection_id, stored.account_id, "client")
    return Announcement(
        return_number=stored.number,
        order_number=stored.order_number or stored.channel_order_number,
        lines=tuple(
            AnnouncementLine(
                line=str(line.id), sku=line.sku, quantity=line.declared, name=line.name, order_line=line.order_line
            )
            for line in stored.lines
        ),
        reason=stored.reason,
        reason_code=reasons.get(stored.reason.value),
        client=next(iter(clients.values()), None),
    )


async def _plan(stored: StoredReturn, place: Place, effect: Effect, key: str, message: msgspec.Struct) -> None:
    await operations.plan(
        Plan(
            account_id=stored.account_id,
            return_id=stored.id,
            kind=stored.kind,
            connection_id=place.connection_id,
            effect=effect,
            key=key,
            request=message,
        )
    )
