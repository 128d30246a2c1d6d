"""What callers of this room say and hear."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from tenants.messages import Request, View
from tenants.people.messages import PartyView, PersonName


class NewDevice(Request, frozen=True):
    """A shared device to enrol for a warehouse."""

    warehouse_id: UUID
    name: PersonName


class DeviceShown(View, frozen=True):
    """A new device; `link`, shown this once, enrols the browser that opens it."""

    id: UUID
    link: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"DeviceShown(id={self.id})"


class DeviceView(View, frozen=True):
    """A shared device."""

    id: UUID
    warehouse_id: UUID
    warehouse: str
    name: str
    created_at: datetime
    enrolled_at: datetime | None
    seen_at: datetime | None


class NewOperator(Request, frozen=True):
    """An operator to add to a warehouse, with a PIN of four to six digits."""

    warehouse_id: UUID
    name: PersonName
    pin: Annotated[str, Meta(max_length=20)]

    def __repr__(self) -> str:
        return f"NewOperator(warehouse_id={self.warehouse_id})"


class OperatorView(View, frozen=True):
    """An operator of a warehouse."""

    id: UUID
    warehouse_id: UUID
    warehouse: str
    name: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that asks, with the operators who may sign in at it."""

    id: UUID
    name: str
    warehouse_id: UUID
    warehouse: str
    operators: tuple[OperatorView, ...]


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouses that somebody decides for, with their devices and operators."""

    warehouses: list[PartyView]
    devices: list[DeviceView]
    operators: list[OperatorView]
