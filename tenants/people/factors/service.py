"""The verbs of factors. Secrets are sealed for their user's row; hashing runs beside the loop, two at a time."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import cache
from typing import TypeVar
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.kit import clock, crypto, db
from hub.kit.crypto import Keyring, Secret
from hub.kit.errors import Conflict
from tenants.people.factors import engine, queries
from tenants.people.factors.messages import TotpSetUp

# OWASP's first choice for argon2id where 19 MiB per sign-in are to be had: about 30 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_AT_ONCE = 2
Result = TypeVar("Result")


class _Slots:
    """Bounds how many hashes a process makes at once, and so the memory they take; one bound per loop."""

    def __init__(self) -> None:
        self._of: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    def here(self) -> asyncio.Semaphore:
        """Return the bound of the loop that runs."""
        return self._of.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))


_slots = _Slots()


async def _beside(work: Callable[[], Result]) -> Result:
    async with _slots.here():
        return await asyncio.to_thread(work)


async def hashed(text: str) -> str:
    """Return the argon2id hash of a password or PIN, with its parameters (PHC format)."""
    return await _beside(lambda: _HASHER.hash(text))


async def is_right(digest: str | None, text: str) -> bool:
    """Compare with a stored hash; where there is none it takes as long and is never right."""
    return await _beside(lambda: _verify(digest or _nobody(), text)) and digest is not None


@cache
def _nobody() -> str:
    """Return what is compared where there is nothing to compare with, so that both take as long."""
    return _HASHER.hash("nobody")


def _verify(digest: str, text: str) -> bool:
    try:
        return _HASHER.verify(digest, text)
    except (VerificationError, InvalidHashError):
        return False


async def freshen(user_id: UUID, digest: str, password: str) -> None:
    """Hash a right password again if the parameters have changed since."""
    if _HASHER.check_needs_rehash(digest):
        anew = await hashed(password)
        async with db.transaction(db.PLATFORM):
            await queries.set_password(user_id, anew)


# authenticator app --------------------------------------------------------------------------------------


def _place(user_id: UUID) -> str:
    return crypto.place("credentials", "totp", user_id)


async def begin_totp(user_id: UUID, email: str, keyring: Keyring) -> TotpSetUp:
    """Return the secret to take over into an app; the same again until its first code has come. Raises `Conflict`."""
    async with db.transaction(db.PLATFORM):
        held = await queries.credentials(user_id)
        if held is not None and held.totp_at is not None:
            raise Conflict("totp_set_up", "An authenticator app is set up already; remove it first.")
        if held is not None and held.totp is not None:
            secret = keyring.open(held.totp, _place(user_id)).decode()
        else:
            secret = engine.new_totp_secret()
            await queries.set_totp(user_id, keyring.seal(secret.encode(), _place(user_id)))
    shown = engine.qr(engine.totp_address(secret, email), "QR code for an authenticator app")
    return TotpSetUp(secret=Secret(secret), qr=Secret(shown))


async def take_totp(user_id: UUID, code: str, keyring: Keyring) -> bool:
    """Say whether a code is the app's of now, and use it up; the first right one completes the set-up."""
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        held = await queries.credentials(user_id)
        if held is None or held.totp is None:
            return False
        secret = keyring.open(held.totp, _place(user_id)).decode()
        step = engine.totp_step(secret, code, now, held.totp_step)
        return step is not None and await queries.take_step(user_id, step, now, held.totp)


async def drop_totp(user_id: UUID) -> None:
    """Forget a user's authenticator app and its recovery codes."""
    async with db.transaction(db.PLATFORM):
        await queries.drop_totp(user_id)


# recovery codes -----------------------------------------------------------------------------------------


def _code_digest(user_id: UUID, code: str) -> bytes:
    return hashlib.sha256(user_id.bytes + engine.normalise_recovery_code(code).encode()).digest()


async def new_recovery_codes(user_id: UUID) -> tuple[str, ...]:
    """Make new recovery codes, shown this once; the old ones stand for nothing any more."""
    codes = engine.new_recovery_codes()
    async with db.transaction(db.PLATFORM):
        await queries.replace_recovery_codes(user_id, [_code_digest(user_id, code) for code in codes])
    return codes


async def take_recovery_code(user_id: UUID, code: str) -> bool:
    """Say whether this is one of a user's recovery codes, and use it up."""
    async with db.transaction(db.PLATFORM):
        return await queries.use_recovery_code(user_id, _code_digest(user_id, code), clock.now())


async def recovery_codes_left(user_id: UUID) -> int:
    """Count the recovery codes that are left."""
    async with db.transaction(db.PLATFORM):
        return await queries.count_recovery_codes(user_id)


# known browsers -----------------------------------------------------------------------------------------


async def know_browser(user_id: UUID) -> str:
    """Remember a browser and return what its cookie holds."""
    token = crypto.new_key("known")
    async with db.transaction(db.PLATFORM):
        await queries.add_known_browser(token.digest, user_id, clock.now())
    return token.plain.reveal()


async def is_known(token: str | None, email: str) -> bytes | None:
    """Return the digest of a browser's cookie if whoever has this address signed in with it before."""
    parts = crypto.split(token) if token else None
    if parts is None:
        return None
    digest = crypto.digest(parts[1])
    async with db.transaction(db.PLATFORM):
        return digest if await queries.know_browser(digest, email, clock.now()) else None
