"""The verbs of ceremonies."""

from datetime import timedelta
from uuid import UUID

from hub.kit import clock, crypto, db
from hub.kit.crypto import Keyring
from tenants.people.ceremonies import queries
from tenants.people.ceremonies.messages import Ceremony

# Long enough to look for a phone; a form is kept for the night.
LASTS = {
    Ceremony.PROVIDER: timedelta(minutes=15),
    Ceremony.PASSKEY: timedelta(minutes=5),
    Ceremony.FORM: timedelta(hours=24),
}


async def begin(kind: Ceremony, data: bytes, keyring: Keyring, *, user_id: UUID | None = None) -> str:
    """Keep something for the browser that holds the token which this returns."""
    token = crypto.new_key("ceremony")
    sealed = keyring.seal(data, _place(token.digest))
    async with db.transaction(db.PLATFORM):
        await queries.add(token.digest, kind, user_id, sealed, clock.now() + LASTS[kind])
    return token.plain.reveal()


async def finish(kind: Ceremony, token: str | None, keyring: Keyring, *, user_id: UUID | None = None) -> bytes | None:
    """Return what was kept for a token, once; None if it is wrong, used, too old or somebody else's."""
    parts = crypto.split(token) if token else None
    if parts is None:
        return None
    digest = crypto.digest(parts[1])
    async with db.transaction(db.PLATFORM):
        sealed = await queries.take(digest, kind, user_id, clock.now())
    return keyring.open(sealed, _place(digest)) if sealed is not None else None


def _place(digest: bytes) -> str:
    return crypto.place("ceremonies", "sealed", digest.hex())
