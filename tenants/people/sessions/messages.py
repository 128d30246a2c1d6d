"""What callers of this room say and hear."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from tenants.messages import View
from tenants.people.messages import Language, Membership


class Method(StrEnum):
    """How a session began."""

    PASSWORD = "password"  # noqa: S105 - the name of a method
    LINK = "link"
    PASSKEY = "passkey"
    PROVIDER = "provider"
    PIN = "pin"


class Stage(StrEnum):
    """How far signing in has come."""

    # a second factor is to be shown
    SECOND_FACTOR = "second_factor"
    # a second factor is to be set up
    ENROL = "enrol"
    # there is nothing that this user may act as, or more than one and none chosen
    CHOOSE = "choose"
    OPEN = "open"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from, as far as the hub can tell."""

    address: str = "unknown"
    agent: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The user of a session."""

    id: UUID
    email: str
    name: str
    locale: Language
    time_zone: str
    has_password: bool
    has_totp: bool
    has_passkey: bool

    def __repr__(self) -> str:
        return f"Person(id={self.id})"


class Through(msgspec.Struct, frozen=True, kw_only=True):
    """The provider at which a session began, and whose it is."""

    id: UUID
    account_id: UUID | None
    partner_id: UUID | None


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """The operator of a session at a shared device."""

    id: UUID
    name: str
    device_id: UUID
    warehouse_id: UUID


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, or on the way: a person, or an operator at a device."""

    id: UUID
    method: Method
    person: Person | None
    operator: Operator | None
    through: Through | None
    membership: Membership | None
    choices: tuple[Membership, ...]
    second_at: datetime | None
    # support that looks with another party's eyes for a while
    impersonation_id: UUID | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a session is or was; None for an operator's."""

    user_id: UUID | None


class SessionView(View, frozen=True):
    """A session as its owner and support see it."""

    id: UUID
    method: Method
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
