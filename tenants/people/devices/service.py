"""The verbs of shared devices and operators.

A PIN's hash is sealed besides: with so few digits, a reader of the database would find it from the hash alone.
"""

from datetime import timedelta
from uuid import UUID

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.crypto import Keyring
from hub.kit.errors import Forbidden, NotFound
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from tenants.messages import Party, Principal
from tenants.people import engine
from tenants.people import queries as people
from tenants.people import service as members
from tenants.people.devices import queries
from tenants.people.devices.messages import (
    Device,
    DeviceShown,
    DeviceView,
    NewDevice,
    NewOperator,
    OperatorView,
    Overview,
)
from tenants.people.factors import engine as factors_engine
from tenants.people.factors import service as factors
from tenants.people.links.engine import digest_of, gone
from tenants.people.messages import Owner
from tenants.people.sessions import queries as sessions

LINK_LASTS = timedelta(hours=1)
TOUCH_EVERY = timedelta(minutes=1)


async def add_device(new: NewDevice, *, address: str, by: Principal) -> DeviceShown:
    """Prepare a device; the browser that opens its link is one from then on."""
    token, now = crypto.new_key("device"), clock.now()
    async with db.transaction(db.PLATFORM):
        warehouse = await _require_warehouse(new.warehouse_id, by)
        device = DeviceView(
            id=new_id(), warehouse_id=new.warehouse_id, warehouse=warehouse, name=new.name, created_at=now,
            enrolled_at=None, seen_at=None,
        )  # fmt: skip
        await queries.add_device(device, token.digest, now + LINK_LASTS)
        await record(actor=by.actor, action="device.added", subject=str(device.id), after=new)
    link = f"{address}/enrol/{token.plain.reveal()}"
    return DeviceShown(id=device.id, link=link, expires_at=now + LINK_LASTS)


async def waiting(token: str) -> DeviceView:
    """Return the device that a link enrols; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        found = await queries.waiting(digest_of(token), clock.now())
    if found is None:
        raise gone()
    return found


async def enrol(token: str) -> str:
    """Use a link up and return what the device's cookie holds; raises `NotFound`."""
    made = crypto.new_key("device")
    async with db.transaction(db.PLATFORM):
        if not await queries.enrol(digest_of(token), made.digest, clock.now()):
            raise gone()
    return made.plain.reveal()


async def device_of(token: str | None) -> Device | None:
    """Return the device of a cookie, with the operators who may sign in at it."""
    parts = crypto.split(token) if token else None
    if parts is None:
        return None
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        found = await queries.device_by_digest(crypto.digest(parts[1]))
        if found is None:
            return None
        if found.seen_at is None or found.seen_at < now - TOUCH_EVERY:
            await queries.touch(found.id, now)
        operators = await queries.operators([found.warehouse_id])
    return Device(
        id=found.id, name=found.name, warehouse_id=found.warehouse_id, warehouse=found.warehouse,
        operators=tuple(operators),
    )  # fmt: skip


async def revoke(device_id: UUID, *, by: Principal) -> None:
    """Let a device be one no more; who is signed in at it is out. Raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        found = await queries.device(device_id)
        if found is None or not await members.stewards(by, Owner(warehouse_id=found.warehouse_id)):
            raise NotFound("device_not_found", "There is no such device.")
        await queries.revoke(device_id, clock.now())
        await sessions.end_of_device(device_id, clock.now())
        await record(actor=by.actor, action="device.revoked", subject=str(device_id))


async def overview(by: Principal) -> Overview:
    """Return the devices and operators that somebody sees, and the warehouses they are at."""
    async with db.transaction(db.PLATFORM):
        reach = await members.reach_of(by)
        at = None if reach.everything else list(reach.warehouse_ids)
        return Overview(
            warehouses=[each for each in await people.parties(reach) if each.kind is Party.WAREHOUSE],
            devices=await queries.devices(at),
            operators=await queries.operators(at),
        )


# operators ----------------------------------------------------------------------------------------------


def _place(operator_id: UUID) -> str:
    return crypto.place("operators", "pin", operator_id)


async def _sealed(operator_id: UUID, pin: str, keyring: Keyring) -> bytes:
    digest = await factors.hashed(factors_engine.check_pin(pin))
    return keyring.seal(digest.encode(), _place(operator_id))


async def add_operator(new: NewOperator, keyring: Keyring, *, by: Principal) -> OperatorView:
    """Add an operator; the name is theirs alone in the warehouse, for receipts carry it."""
    operator_id = new_id()
    pin = await _sealed(operator_id, new.pin, keyring)
    with taken("operators_name", "operator_exists", "This warehouse has an operator of this name already."):
        async with db.transaction(db.PLATFORM):
            warehouse = await _require_warehouse(new.warehouse_id, by)
            operator = OperatorView(id=operator_id, warehouse_id=new.warehouse_id, warehouse=warehouse, name=new.name)
            await queries.add_operator(operator, pin, clock.now())
            await record(actor=by.actor, action="operator.added", subject=str(operator_id), after={"name": new.name})
    return operator


async def set_pin(operator_id: UUID, pin: str, keyring: Keyring, *, by: Principal) -> None:
    """Give an operator another PIN."""
    sealed = await _sealed(operator_id, pin, keyring)
    async with db.transaction(db.PLATFORM):
        await _require_operator(operator_id, by)
        await queries.set_pin(operator_id, sealed)
        await record(actor=by.actor, action="operator.pin_set", subject=str(operator_id))


async def remove_operator(operator_id: UUID, *, by: Principal) -> None:
    """Let an operator sign in no more; receipts keep the name."""
    async with db.transaction(db.PLATFORM):
        await _require_operator(operator_id, by)
        await queries.remove_operator(operator_id, clock.now())
        await record(actor=by.actor, action="operator.removed", subject=str(operator_id))


async def is_right_pin(operator_id: UUID, warehouse_id: UUID, pin: str, keyring: Keyring) -> bool:
    """Compare a PIN with that of an operator of this warehouse; one who is not there takes as long."""
    async with db.transaction(db.PLATFORM):
        sealed = await queries.pin_of(operator_id, warehouse_id)
    digest = keyring.open(sealed, _place(operator_id)).decode() if sealed is not None else None
    return await factors.is_right(digest, pin)


async def _require_operator(operator_id: UUID, by: Principal) -> OperatorView:
    found = await queries.operator(operator_id)
    if found is None or not await members.stewards(by, Owner(warehouse_id=found.warehouse_id)):
        raise NotFound("operator_not_found", "There is no such operator.")
    return found


async def _require_warehouse(warehouse_id: UUID, by: Principal) -> str:
    owner = Owner(warehouse_id=warehouse_id)
    if not engine.is_steward(by):
        raise Forbidden("role_lacks_right", "Devices and operators are for admins.")
    name = await people.name_of(owner)
    if name is None or not await members.stewards(by, owner):
        raise NotFound("warehouse_not_found", "There is no such warehouse.")
    return name
