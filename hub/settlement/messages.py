"""What this room says and hears."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.profiles import Profile
from hub.sdk.receiving import MOST_UNITS
from tenants.policies.rules import Rules


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One reason behind a decision, with the quantity it covers; `code` is how the merchant calls a rejection."""

    rule: str
    quantity: int
    verdict: str
    code: str | None = None


class MemoLine(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on one line, in units; `surplus` arrived beyond what was declared and is not refunded."""

    line: UUID
    sku: str
    accepted: int
    rejected: int
    missing: int
    surplus: int
    why: tuple[Why, ...]


class Memo(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to store: by the policy, or by the person who is named, who said why."""

    policy_version_id: UUID
    profile: Profile | None
    lines: tuple[MemoLine, ...]
    decided_by: str | None = None
    why: str | None = None


class MemoView(msgspec.Struct, frozen=True, kw_only=True):
    """A return's settlement memo: what was decided, and under which rules and profile.

    `profile` is missing while nobody knew how the marketplace treats returns. Where a person decided, `decided_by` and
    `why` say so; `draft` is what the policy had decided, if that was something else.
    """

    policy_version_id: UUID
    policy_version: int
    rules: Rules
    profile: Profile | None
    drafted_at: datetime
    lines: tuple[MemoLine, ...]
    decided_by: str | None
    decided_at: datetime | None
    why: str | None
    draft: tuple[MemoLine, ...] | None


Units = Annotated[int, Meta(ge=0, le=MOST_UNITS)]


class DecidedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's decision on one line, named by its id or, where only one line has it, by its product.

    Without `rejected`, whatever arrived and is not accepted is rejected.
    """

    line: UUID | None = None
    sku: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    accepted: Units
    rejected: Units | None = None


Reasoned = Annotated[str, Meta(min_length=1, max_length=1000)]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person decides in place of the policy: every line of the return, and why."""

    lines: Annotated[tuple[DecidedLine, ...], Meta(min_length=1, max_length=200)]
    why: Reasoned


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says about a return, and why it is so."""

    why: Reasoned
