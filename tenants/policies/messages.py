"""What callers of this room say and hear."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.messages import Kind
from tenants.policies.checks import Problem
from tenants.policies.facts import Decision, Facts, require_usable
from tenants.policies.rules import Rules

Note = Annotated[str, Meta(min_length=1, max_length=1000)]


class VersionState(StrEnum):
    """How far a version is: worked on, found fit, in force, or followed by a newer one."""

    DRAFT = "draft"
    VALIDATED = "validated"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of what callers send: an unknown field is a mistake, so it is refused."""


class NewDraft(Request, frozen=True, kw_only=True):
    """A draft as it is to be from now on; `revision` is the one that was changed, missing for a first one."""

    rules: Rules
    revision: Annotated[int, Meta(ge=1)] | None = None
    note: Note | None = None


class Seen(Request, frozen=True, kw_only=True):
    """The revision of a draft that somebody looked at."""

    revision: Annotated[int, Meta(ge=1)]


class Restore(Request, frozen=True, kw_only=True):
    """Why an earlier version is published again."""

    note: Note | None = None


class Case(Request, frozen=True, kw_only=True):
    """A case to try a policy on, at a moment or now: under the draft, or under the version in force."""

    facts: Facts
    draft: bool = False
    at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a moment that cannot be reckoned with."""
        require_usable(self.at, "at")


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Which policy it is, and its version in force."""

    account_id: UUID
    id: UUID
    channel_id: UUID
    kind: Kind
    version: int


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, with everything that keeps it from being published; `base` is the version it was begun from."""

    policy_id: UUID
    revision: int
    base: int
    state: VersionState
    rules: Rules
    note: str | None
    changed_by: str
    changed_at: datetime
    problems: tuple[Problem, ...]


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was published; `restores` is the earlier one whose rules it has again."""

    number: int
    state: VersionState
    published_at: datetime
    published_by: str | None
    restores: int | None
    note: str | None


class VersionShown(VersionView, frozen=True, kw_only=True):
    """A version with what it says."""

    rules: Rules


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its reasons in the words of the merchant, the agent and the consumer."""

    decision: Decision
    merchant: list[str]
    agent: list[str]
    consumer: list[str]
