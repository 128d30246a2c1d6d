"""All SQL of devices and operators; each query runs in the caller's platform transaction."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from tenants.people.devices.messages import DeviceView, OperatorView

DEVICE = """
select devices.id, devices.warehouse_id, warehouses.name as warehouse, devices.name, devices.created_at,
    devices.enrolled_at, devices.seen_at
from devices join warehouses on warehouses.id = devices.warehouse_id
"""
OPERATOR = """
select operators.id, operators.warehouse_id, warehouses.name as warehouse, operators.name
from operators join warehouses on warehouses.id = operators.warehouse_id
"""


async def add_device(device: DeviceView, link_digest: bytes, expires_at: datetime) -> None:
    """Store a device that waits for its browser."""
    await db.execute(
        """insert into devices (id, warehouse_id, name, link_digest, link_expires_at, created_at)
        values ($1, $2, $3, $4, $5, $6)""",
        device.id, device.warehouse_id, device.name, link_digest, expires_at, device.created_at,
    )  # fmt: skip


async def waiting(link_digest: bytes, now: datetime) -> DeviceView | None:
    """Return the device that a link enrols."""
    row = await db.fetch_one(
        f"{DEVICE} where link_digest = $1 and link_expires_at > $2 and revoked_at is null", link_digest, now
    )
    return msgspec.convert(dict(row), DeviceView) if row else None


async def enrol(link_digest: bytes, digest: bytes, now: datetime) -> bool:
    """Let a browser be a device; returns whether the link was good, which it is once."""
    row = await db.fetch_one(
        """update devices set digest = $2, link_digest = null, enrolled_at = $3, seen_at = $3
        where link_digest = $1 and link_expires_at > $3 and revoked_at is null returning id""",
        link_digest, digest, now,
    )  # fmt: skip
    return row is not None


async def device_by_digest(digest: bytes) -> DeviceView | None:
    """Return the device of a cookie."""
    row = await db.fetch_one(f"{DEVICE} where devices.digest = $1 and devices.revoked_at is null", digest)
    return msgspec.convert(dict(row), DeviceView) if row else None


async def device(device_id: UUID) -> DeviceView | None:
    """Return a device that was not revoked."""
    row = await db.fetch_one(f"{DEVICE} where devices.id = $1 and devices.revoked_at is null", device_id)
    return msgspec.convert(dict(row), DeviceView) if row else None


async def devices(warehouse_ids: list[UUID] | None) -> list[DeviceView]:
    """List the devices of some warehouses, or of all."""
    rows = await db.fetch(
        f"""{DEVICE} where devices.revoked_at is null and ($1::uuid[] is null or devices.warehouse_id = any($1))
        order by devices.id desc limit 200""",
        warehouse_ids,
    )
    return [msgspec.convert(dict(row), DeviceView) for row in rows]


async def touch(device_id: UUID, now: datetime) -> None:
    """Note that a device was used."""
    await db.execute("update devices set seen_at = $2 where id = $1", device_id, now)


async def revoke(device_id: UUID, now: datetime) -> None:
    """Let a device be one no more."""
    await db.execute("update devices set revoked_at = $2 where id = $1", device_id, now)


async def add_operator(operator: OperatorView, pin: bytes, now: datetime) -> None:
    """Store an operator; a clash of names raises asyncpg's error for `operators_name`."""
    await db.execute(
        "insert into operators (id, warehouse_id, name, pin, created_at) values ($1, $2, $3, $4, $5)",
        operator.id, operator.warehouse_id, operator.name, pin, now,
    )  # fmt: skip


async def operator(operator_id: UUID) -> OperatorView | None:
    """Return an operator who was not removed."""
    row = await db.fetch_one(f"{OPERATOR} where operators.id = $1 and operators.removed_at is null", operator_id)
    return msgspec.convert(dict(row), OperatorView) if row else None


async def operators(warehouse_ids: list[UUID] | None) -> list[OperatorView]:
    """List the operators of some warehouses, or of all, by name."""
    rows = await db.fetch(
        f"""{OPERATOR} where operators.removed_at is null and ($1::uuid[] is null or operators.warehouse_id = any($1))
        order by warehouses.name, lower(operators.name) limit 500""",
        warehouse_ids,
    )
    return [msgspec.convert(dict(row), OperatorView) for row in rows]


async def pin_of(operator_id: UUID, warehouse_id: UUID) -> bytes | None:
    """Return the sealed hash of the PIN of an operator of this warehouse."""
    row = await db.fetch_one(
        "select pin from operators where id = $1 and warehouse_id = $2 and removed_at is null",
        operator_id, warehouse_id,
    )  # fmt: skip
    return bytes(row["pin"]) if row else None


async def set_pin(operator_id: UUID, pin: bytes) -> None:
    """Store another PIN's sealed hash."""
    await db.execute("update operators set pin = $2 where id = $1", operator_id, pin)


async def remove_operator(operator_id: UUID, now: datetime) -> None:
    """Let an operator sign in no more."""
    await db.execute("update operators set removed_at = $2 where id = $1", operator_id, now)
    await db.execute("update sessions set ended_at = $2 where operator_id = $1 and ended_at is null", operator_id, now)
