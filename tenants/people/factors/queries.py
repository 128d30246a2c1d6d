"""All SQL of factors; each query runs in the caller's platform transaction."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a user can prove themselves with, as hashes and sealed."""

    user_id: UUID
    password: str | None
    totp: bytes | None
    totp_at: datetime | None
    totp_step: int

    def __repr__(self) -> str:
        return f"Credentials(user_id={self.user_id})"


COLUMNS = "user_id, password, totp, totp_at, totp_step"


async def credentials(user_id: UUID) -> Credentials | None:
    """Return a user's credentials."""
    row = await db.fetch_one(f"select {COLUMNS} from credentials where user_id = $1", user_id)
    return msgspec.convert(dict(row), Credentials) if row else None


async def credentials_by_email(email: str) -> Credentials | None:
    """Return the credentials of whoever has this normalised address."""
    row = await db.fetch_one(
        f"select {COLUMNS} from credentials join users on users.id = user_id where users.email = $1", email
    )
    return msgspec.convert(dict(row), Credentials) if row else None


async def set_password(user_id: UUID, digest: str) -> None:
    """Store a password's hash."""
    await db.execute("update credentials set password = $2 where user_id = $1", user_id, digest)


async def set_totp(user_id: UUID, sealed: bytes) -> None:
    """Store a secret that counts once its first code has come; one that counts already stays."""
    await db.execute(
        "update credentials set totp = $2, totp_step = 0 where user_id = $1 and totp_at is null", user_id, sealed
    )


async def take_step(user_id: UUID, step: int, now: datetime, sealed: bytes) -> bool:
    """Note the step of a code that was right; returns whether nobody took it or a later one before."""
    row = await db.fetch_one(
        """update credentials set totp_step = $2, totp_at = coalesce(totp_at, $3)
        where user_id = $1 and totp_step < $2 and totp = $4 returning user_id""",
        user_id, step, now, sealed,
    )  # fmt: skip
    return row is not None


async def drop_totp(user_id: UUID) -> None:
    """Forget a user's authenticator app and recovery codes."""
    await db.execute("update credentials set totp = null, totp_at = null, totp_step = 0 where user_id = $1", user_id)
    await db.execute("delete from recovery_codes where user_id = $1", user_id)


async def drop_all(user_id: UUID) -> None:
    """Forget everything that a user proves themselves with, known browsers included."""
    await drop_totp(user_id)
    await db.execute("update credentials set password = null where user_id = $1", user_id)
    await db.execute("delete from passkeys where user_id = $1", user_id)
    await db.execute("delete from known_browsers where user_id = $1", user_id)


async def replace_recovery_codes(user_id: UUID, digests: Iterable[bytes]) -> None:
    """Store new recovery codes' hashes; the old ones go."""
    await db.execute("delete from recovery_codes where user_id = $1", user_id)
    await db.execute(
        "insert into recovery_codes (user_id, digest) select $1, unnest($2::bytea[])", user_id, list(digests)
    )


async def use_recovery_code(user_id: UUID, digest: bytes, now: datetime) -> bool:
    """Use a recovery code up; returns whether it was one of the user's and unused."""
    row = await db.fetch_one(
        """update recovery_codes set used_at = $3 where user_id = $1 and digest = $2 and used_at is null
        returning user_id""",
        user_id, digest, now,
    )  # fmt: skip
    return row is not None


async def count_recovery_codes(user_id: UUID) -> int:
    """Count the recovery codes that are left."""
    row = await db.fetch_one(
        "select count(*) as left_over from recovery_codes where user_id = $1 and used_at is null", user_id
    )
    return int(row["left_over"]) if row else 0


async def add_known_browser(digest: bytes, user_id: UUID, now: datetime) -> None:
    """Remember a browser that a user signed in with."""
    await db.execute(
        "insert into known_browsers (digest, user_id, created_at, seen_at) values ($1, $2, $3, $3)",
        digest, user_id, now,
    )  # fmt: skip


async def know_browser(digest: bytes, email: str, now: datetime) -> bool:
    """Say whether whoever has this address signed in with a browser before, and note that it was seen."""
    row = await db.fetch_one(
        """update known_browsers set seen_at = $3 from users
        where digest = $1 and users.id = known_browsers.user_id and users.email = $2 returning users.id""",
        digest, email, now,
    )  # fmt: skip
    return row is not None


async def drop_known_browsers(user_id: UUID) -> None:
    """Know none of a user's browsers any more."""
    await db.execute("delete from known_browsers where user_id = $1", user_id)
