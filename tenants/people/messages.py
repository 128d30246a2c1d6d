"""What callers of this room say and hear."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from tenants.messages import Party, Request, Role, View

# No control characters: a name stands in mails, logs and pages.
PersonName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]


class Language(StrEnum):
    """The languages that mails are written in."""

    ENGLISH = "en"
    DUTCH = "nl"
    GERMAN = "de"
    FRENCH = "fr"


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The party that a role is held at: one of the three, or none for the platform."""

    account_id: UUID | None = None
    partner_id: UUID | None = None
    warehouse_id: UUID | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Whose people somebody sees: everybody's, or those of one account or partner and of the warehouses it runs."""

    everything: bool = False
    account_id: UUID | None = None
    partner_id: UUID | None = None
    warehouse_ids: tuple[UUID, ...] = ()


class PartyView(View, frozen=True):
    """A party that people can be invited to."""

    kind: Party
    id: UUID
    name: str


class User(View, frozen=True):
    """A person, without anything secret."""

    id: UUID
    email: str
    name: str
    locale: Language
    time_zone: str
    verified_at: datetime | None
    created_at: datetime

    def __repr__(self) -> str:
        return f"User(id={self.id})"


class Profile(Request, frozen=True):
    """What people say about themselves."""

    name: PersonName
    locale: Language = Language.ENGLISH
    time_zone: str = "Europe/Amsterdam"


class Membership(View, frozen=True):
    """What a user may act as."""

    id: UUID
    role: Role
    account_id: UUID | None
    partner_id: UUID | None
    warehouse_id: UUID | None
    # the name of the account, partner or warehouse; none for the platform
    at: str | None
    provider_id: UUID | None
    # whether it was chosen before
    used: bool


class Member(View, frozen=True):
    """A user as a member of a party."""

    membership_id: UUID
    user_id: UUID
    email: str
    name: str
    role: Role
    account_id: UUID | None
    partner_id: UUID | None
    warehouse_id: UUID | None
    at: str | None
    second_factor: bool

    def __repr__(self) -> str:
        return f"Member(membership_id={self.membership_id})"


class NewInvitation(Request, frozen=True):
    """Somebody to invite, and as what."""

    email: Annotated[str, Meta(max_length=254)]
    role: Role
    account_id: UUID | None = None
    partner_id: UUID | None = None
    warehouse_id: UUID | None = None
    locale: Language = Language.ENGLISH


class NewRole(Request, frozen=True):
    """The role that a member gets instead."""

    role: Role


class Invitation(View, frozen=True):
    """An invitation that waits for an answer."""

    id: UUID
    email: str
    role: Role
    account_id: UUID | None
    partner_id: UUID | None
    warehouse_id: UUID | None
    at: str | None
    mailed: bool
    invited_by: str
    created_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Invitation(id={self.id})"


class Invited(View, frozen=True):
    """A new invitation; `link` is shown this once, and only where no mail could be sent."""

    id: UUID
    link: str | None
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Invited(id={self.id})"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to write: a template of `hub/outbox/mails`, in the reader's language, with the facts it needs."""

    to: str
    template: str
    locale: Language
    facts: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Letter(template={self.template})"


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """How a room sends mail: `send` queues a letter in the caller's transaction; None where no mail is set up.

    `address` is where people reach the pages, without a slash at its end; links begin with it.
    """

    address: str
    send: Callable[[Letter], Awaitable[None]] | None = None


class Purpose(StrEnum):
    """What a single-use link of a user is for."""

    SIGN_IN = "sign_in"
    PASSWORD = "password"  # noqa: S105 - the name of a purpose


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The people that somebody sees, who is invited, and the parties to invite to."""

    members: list[Member]
    invitations: list[Invitation]
    parties: list[PartyView]
