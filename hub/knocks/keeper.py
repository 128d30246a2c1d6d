"""Keep the registrations of the hub's addresses at vendors: made once, checked daily, put right where they are not."""

import secrets
from datetime import timedelta
from uuid import UUID

from hub.audit.service import record
from hub.inbox import service as inbox
from hub.kit import clock, crypto, db, queue
from hub.kit.crypto import place
from hub.kit.errors import Conflict
from hub.kit.redact import redact
from hub.kit.telemetry import log
from hub.knocks import queries
from hub.knocks.messages import Held
from hub.sdk import ActionRequired, Capability, Done, Phase, RateLimited, Refused, Retry, Subscribed, Subscription
from hub.sdk.outcomes import Outcome
from hub.work.service import pause_connection
from tenants import queries as tenants
from tenants.queries import StoredConnection
from tenants.vendors import Vendors

JOB = "subscribe"
DAILY = timedelta(days=1)
AGAIN = timedelta(minutes=15)
TOKEN_BYTES = 32
NO_ADDRESS = "The hub has no public address (HUB_PUBLIC_URL), so nobody can knock; it polls all the same."

_log = log("knocks")


class Keeper:
    """Registers and checks the addresses of connections whose connector can subscribe."""

    def __init__(self, vendors: Vendors, public_url: str | None) -> None:
        self._vendors = vendors
        self._public_url = public_url.rstrip("/") if public_url else None
        self._connectors = sorted(
            name
            for name, connector in vendors.connectors.items()
            if Capability.SUBSCRIBE in connector.manifest.capabilities
        )

    async def sweep(self) -> int:
        """Ring for every registration that is due; without a public address, say so at the connections."""
        if not self._connectors:
            return 0
        async with db.transaction(db.PLATFORM):
            if self._public_url is None:
                await queries.note_all(self._connectors, NO_ADDRESS)
                return 0
            found = await queries.due(self._connectors, clock.now(), again=AGAIN, daily=DAILY)
        for each in found:
            text = str(each.id)
            token = f"{JOB}:{text}:{each.checked_at.timestamp() if each.checked_at else 0}"
            await queue.ring(Phase.INITIATION, JOB, (text,), flow=f"{JOB}:{text}", token=token)
        return len(found)

    async def keep(self, connection_id: str) -> None:
        """Make or check one registration that is due; what fails is noted and tried again."""
        if self._public_url is None or not self._connectors:
            await self.sweep()
            return
        async with db.transaction(db.PLATFORM):
            held = await queries.claim(UUID(connection_id), self._connectors, clock.now(), again=AGAIN, daily=DAILY)
        if held is None:
            return
        token = await self._token(held)
        if token is not None:
            await self._note(held, await self._subscribe(held, token))

    async def check_soon(self, connection_id: UUID) -> None:
        """Look at one registration now, whenever it was looked at before."""
        async with db.transaction(db.PLATFORM):
            await queries.expect_check(connection_id)
        await self.keep(str(connection_id))

    async def rotate(self, held: StoredConnection, *, actor: str) -> None:
        """Give a connection another address; the one before is dead at once. Raises `Conflict` where nobody knocks."""
        if self._public_url is None:
            raise Conflict("knocks_not_possible", "The hub has no public address: set HUB_PUBLIC_URL first.")
        if held.account_id is None or held.connector not in self._connectors:
            raise Conflict("knocks_not_possible", "This connection's vendor does not knock.")
        token = _new_token()
        async with db.transaction(db.PLATFORM):
            stored = await tenants.connection(held.id)
            await self._store(held.id, token, stored.knock_sealed)
            await record(actor=actor, action="knock.rotated", subject=held.name, account_id=held.account_id)
        await self.check_soon(held.id)
        # What changed while the vendor still knocked at the old address is looked for now.
        await inbox.hasten(held.id)

    async def _token(self, held: Held) -> str | None:
        """Return the secret of a connection's address, made now if there is none; nothing if somebody else makes it."""
        if held.knock_sealed is not None:
            return self._vendors.keyring.open(held.knock_sealed, _place(held.id)).decode()
        token = _new_token()
        async with db.transaction(db.PLATFORM):
            return token if await self._store(held.id, token, None) else None

    async def _store(self, connection_id: UUID, token: str, before: bytes | None) -> bool:
        sealed = self._vendors.keyring.seal(token.encode(), _place(connection_id))
        return await queries.store_address(connection_id, crypto.digest(token), sealed, before)

    async def _subscribe(self, held: Held, token: str) -> Outcome:
        wanted = Subscription(name=f"returns-hub-{held.id}", url=f"{self._public_url}/knock/{held.id}/{token}")
        try:
            called = await self._vendors.call(held.reach, "subscribe", wanted, key=f"{JOB}:{held.id}")
        except Exception as fault:  # noqa: BLE001 - the job's boundary: a connector's bug is noted and tried again
            _log.error("connector failed", connector=held.connector, method=JOB, exc_info=True)
            return Retry(f"the connector failed ({type(fault).__name__})")
        return called.outcome

    async def _note(self, held: Held, outcome: Outcome) -> None:
        stands, why = _standing(outcome)
        async with db.transaction(db.PLATFORM):
            await queries.note(held.id, stands=stands, why=why, now=clock.now())
            if isinstance(outcome, ActionRequired):
                await pause_connection(held.account_id, held.id, redact(outcome.message), held.sealed)
        if isinstance(outcome, Done) and isinstance(outcome.result, Subscribed) and outcome.result.repaired:
            _log.info("registration repaired", connection=str(held.id), what=outcome.result.repaired)


def _standing(outcome: Outcome) -> tuple[bool | None, str | None]:
    """Return whether a registration stands, if anybody knows, and why it does not.

    A vendor's words may repeat the address, which is a secret.
    """
    match outcome:
        case Done():
            return True, None
        case Refused(message=why):
            return False, f"The vendor refused the registration: {redact(why)}"
        case RateLimited():
            return None, "The vendor asks to wait; it is tried again."
        case ActionRequired(message=why) | Retry(why=why):
            return None, f"The registration could not be checked: {redact(why)}"
        case other:
            return None, f"The registration could not be checked ({type(other).__name__})."


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _place(connection_id: UUID) -> str:
    return place("connections", "knock_sealed", connection_id)
