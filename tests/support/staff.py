"""People of a party with a row in every table about people, written as the database takes them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import msgspec

from hub.kit import db

ROLES = {"account_id": "account_admin", "partner_id": "partner_admin"}


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """A member, an invited one, a provider, a device and an operator of a party, with all that hangs on them."""

    field: str
    owner: UUID
    place: UUID
    user: UUID = msgspec.field(default_factory=uuid4)
    membership: UUID = msgspec.field(default_factory=uuid4)
    invitation: UUID = msgspec.field(default_factory=uuid4)
    provider: UUID = msgspec.field(default_factory=uuid4)
    session: UUID = msgspec.field(default_factory=uuid4)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return every row, with its table."""
        digest, name, role = uuid4().bytes, uuid4().hex, ROLES[self.field]
        own = {self.field: self.owner, "role": role}
        its = {"user_id": self.user, "digest": digest}
        yield "users", {"id": self.user, "email": f"{name}@x.example", "name": "A", "locale": "en", "time_zone": "UTC"}
        yield "credentials", {"user_id": self.user, "password": "hash"}
        login = {"name": "Login", "issuer": "https://x", "client_id": "hub", "sealed": b"x"}
        yield "identity_providers", {"id": self.provider, **own, **login}
        yield "identity_domains", {"domain": f"{name}.example", "provider_id": self.provider}
        yield "identities", {"provider_id": self.provider, "subject": "one", "user_id": self.user}
        yield "memberships", {"id": self.membership, **own, "user_id": self.user}
        asked = {"email": "x@y.example", "digest": digest, "mailed": False, "invited_by": "A"}
        yield "invitations", {"id": self.invitation, **own, **asked, "expires_at": None}
        yield "links", {**its, "purpose": "sign_in", "mailed": False, "expires_at": None}
        yield "recovery_codes", its
        made = {"user_id": self.user, "credential_id": digest, "credential": digest, "sign_count": 0}
        yield "passkeys", {"id": uuid4(), "name": "Key", **made}
        yield "known_browsers", {**its, "seen_at": None}
        waits = {"name": "Terminal", "link_digest": digest, "link_expires_at": None}
        yield "devices", {"id": uuid4(), "warehouse_id": self.place, **waits}
        yield "operators", {"id": uuid4(), "warehouse_id": self.place, "name": name, "pin": b"sealed"}
        where = {"method": "password", "address": "x", "agent": "x", "seen_at": None, "ends_at": None}
        yield "sessions", {"id": self.session, **its, **where}
        yield "guesses", {"key": digest, "failures": 1, "last_at": None, "wait_until": None}
        yield "ceremonies", {"digest": digest, "kind": "form", "sealed": b"x", "expires_at": None}
        yield "mails", {"id": uuid4(), "template": "x", "sealed": b"x", "state": "waiting", "next_at": None}


CREATED = {
    "users", "identity_providers", "memberships", "invitations", "links", "passkeys", "known_browsers", "devices",
    "operators", "sessions", "mails",
}  # fmt: skip


async def staff(place: UUID, *, field: str, owner: UUID) -> Staff:
    """Write the staff of a party; moments that a test does not care about are now."""
    made = Staff(field=field, owner=owner, place=place)
    async with db.transaction(db.PLATFORM):
        for table, given in made.rows():
            row = {**given, "created_at": None} if table in CREATED else given
            values = [value for value in row.values() if value is not None]
            numbers = iter(range(1, len(values) + 1))
            places = ", ".join(f"${next(numbers)}" if value is not None else "now()" for value in row.values())
            await db.execute(f"insert into {table} ({', '.join(row)}) values ({places})", *values)
    return made
