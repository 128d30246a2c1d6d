"""What this room says and hears."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

Subject = Annotated[
    str,
    Meta(
        pattern=r"^[a-z_]{1,50}\.([a-z_]{1,50}|\*)$",
        description="an event such as return.settled, a kind of work item such as work.deadline_near, or work.*",
    ),
]


class How(StrEnum):
    """How soon somebody is told."""

    IMMEDIATELY = "immediately"
    DAILY = "daily"


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to hear of, and how soon."""

    subject: Subject
    how: How


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that somebody wants to hear of; what fits twice is told as soon as one of them says."""

    choices: Annotated[tuple[Choice, ...], Meta(max_length=100)]


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A choice of a member of an account."""

    membership_id: UUID
    account_id: UUID
    subject: str
    how: How


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, or that a person must decide, as it is told."""

    id: UUID
    tx: int
    account_id: UUID
    subject: str
    said: str
    at: datetime


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """News for one member, with all that writing the mail needs."""

    id: UUID
    membership_id: UUID
    said: str
    how: How
    at: datetime
    email: str
    name: str
    locale: str
    time_zone: str
    account: str
