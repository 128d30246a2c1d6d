"""What this room says and hears."""

from datetime import datetime
from uuid import UUID

import msgspec


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """One reason behind a decision, with the quantity it covers."""

    rule: str
    quantity: int
    verdict: str


class MemoLine(msgspec.Struct, frozen=True, kw_only=True):
    """The decision on one line, in units; `surplus` arrived beyond what was declared and is not refunded."""

    line: UUID
    sku: str
    accepted: int
    rejected: int
    missing: int
    surplus: int
    why: tuple[Why, ...]


class MemoView(msgspec.Struct, frozen=True, kw_only=True):
    """A return's settlement memo."""

    policy_version_id: UUID
    drafted_at: datetime
    lines: tuple[MemoLine, ...]
