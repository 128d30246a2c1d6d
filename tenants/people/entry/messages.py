"""What callers of this room hear."""

from uuid import UUID

import msgspec

from hub.kit.crypto import Secret


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody came in: what the session's cookie holds from now on, and what the browser is known by, if it is new."""

    session: Secret
    known: Secret | None = None


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody knocks: the network address, the browser's name for itself, and the cookie it may be known by."""

    address: str = "unknown"
    agent: str = ""
    known: Secret | None = None


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticator app was set up: the session's new token, and recovery codes that are shown this once."""

    arrival: Arrival
    codes: tuple[Secret, ...]


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody came back from a provider, and where they wanted to go."""

    arrival: Arrival
    next: str
    user_id: UUID
