"""What callers of this room hear."""

from datetime import datetime
from uuid import UUID

import msgspec

from tenants.messages import View


class PasskeyView(View, frozen=True):
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime | None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser is asked: the options as JSON, and the token under which the answer is awaited."""

    options: str
    token: str

    def __repr__(self) -> str:
        return "Question()"
