"""Idempotency-Key on every call that changes something: one effect, and the same answer again.

A key belongs to the API key that sent it. While a call with it is under way, a second one is told to wait; with
another body it is refused; afterwards the stored answer is given again. Answers are sealed, because one of them
shows a new API key. A call that failed on our side may be made again with its key.
"""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from hub.kit import clock, db
from hub.kit.crypto import Keyring, place
from hub.kit.errors import Conflict, Invalid, Malformed
from hub.kit.telemetry import log
from tenants.messages import Principal

_log = log("api")

HEADER = b"idempotency-key"
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MOST_BYTES = 1_000_000
# The option of a route that takes more than that, in bytes.
MOST = "most_bytes"
LONGEST_KEY = 255
# A call takes at most this long; a key that is older and has no answer belongs to a process that died.
ABANDONED = timedelta(seconds=60)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A key, as it was found: fresh, or with what a call before it left."""

    fresh: bool
    digest: bytes
    status: int | None = None
    media_type: str | None = None
    body: bytes | None = None


class Idempotency(ASGIMiddleware):
    """Wraps every changing call of the API."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def __deepcopy__(self, _: dict[int, Any]) -> "Idempotency":
        # Litestar copies its routes; the keyring is one and is not copied.
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the first call through and keep its answer; give it again to every repeat."""
        if scope["type"] != ScopeType.HTTP or scope["method"] not in CHANGING:
            await next_app(scope, receive, send)
            return
        principal: Principal = scope["user"]
        key = _key(scope)
        body = await _whole(receive, scope["route_handler"].opt.get(MOST, MOST_BYTES))
        digest = _digest(scope, body)
        owner = str(principal.id)
        claim = await _claim(owner, key, principal.account_id, digest)
        if claim.fresh:
            await self._first(scope, _again(body), send, next_app, (owner, key))
            return
        await self._repeat(send, claim, digest, (owner, key))

    async def _first(
        self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp, mark: tuple[str, str]
    ) -> None:
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        try:
            await next_app(scope, receive, keep)
        except BaseException:
            await _forget(*mark)
            raise
        try:
            await self._store(kept, mark)
        except db.Lost as fault:
            # What was done is told all the same; a repeat waits until the key counts as abandoned.
            _log.warning("answer not kept", fault=type(fault).__name__)
        for message in kept:
            await send(message)

    async def _store(self, kept: list[Message], mark: tuple[str, str]) -> None:
        start: Any = next(message for message in kept if message["type"] == "http.response.start")
        if start["status"] >= 500:  # noqa: PLR2004 - the class of answers that are our fault
            await _forget(*mark)
            return
        body = b"".join(message["body"] for message in kept if message["type"] == "http.response.body")
        media_type = dict(start["headers"]).get(b"content-type", b"application/json").decode()
        sealed = self._keyring.seal(body, place("idempotency_keys", "body", _name(mark)))
        async with db.transaction(db.PLATFORM):
            await db.execute(
                "update idempotency_keys set status = $3, media_type = $4, body = $5 where owner = $1 and key = $2",
                *mark, start["status"], media_type, sealed,
            )  # fmt: skip

    async def _repeat(self, send: Send, claim: Claim, digest: bytes, mark: tuple[str, str]) -> None:
        if claim.digest != digest:
            raise Invalid(
                "idempotency_key_reused", "This Idempotency-Key was used for another request; take a new one."
            )
        if claim.status is None or claim.body is None:
            raise Conflict(
                "idempotency_key_busy", "A request with this Idempotency-Key is under way; try again shortly."
            )
        body = self._keyring.open(claim.body, place("idempotency_keys", "body", _name(mark)))
        start: Any = {"type": "http.response.start", "status": claim.status, "headers": []}
        headers = MutableScopeHeaders(start)
        headers["content-type"] = claim.media_type or "application/json"
        headers["content-length"] = str(len(body))
        headers["idempotency-replayed"] = "true"
        await send(start)
        await send({"type": "http.response.body", "body": body, "more_body": False})


def _digest(scope: HTTPScope, body: bytes) -> bytes:
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    return hashlib.sha256(b"\0".join((scope["method"].encode(), target, body))).digest()


def _name(mark: tuple[str, str]) -> str:
    return hashlib.sha256("\0".join(mark).encode()).hexdigest()


def _key(scope: Scope) -> str:
    text = dict(scope["headers"]).get(HEADER, b"").decode("latin-1").strip()
    if not text:
        raise Malformed("idempotency_key_missing", "Send an Idempotency-Key header, new for each thing you want done.")
    if len(text) > LONGEST_KEY:
        raise Malformed("idempotency_key_too_long", f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    return text


async def _whole(receive: Receive, most: int) -> bytes:
    chunks, size = [], 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            # Half a body must not be what the key stands for.
            raise Malformed("request_cut_off", "The connection was closed before the whole request had arrived.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise TooLarge("too_large", f"A request to this address has at most {most} bytes.")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


class TooLarge(Malformed):
    """The request is larger than the hub reads."""

    status = 413


def _again(body: bytes) -> Receive:
    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


CLAIM = """
insert into idempotency_keys (owner, key, account_id, request_digest, started_at) values ($1, $2, $3, $4, $5)
on conflict (owner, key) do update set started_at = excluded.started_at
    where idempotency_keys.status is null and idempotency_keys.request_digest = excluded.request_digest
        and idempotency_keys.started_at < $6
returning key
"""


async def _claim(owner: str, key: str, account_id: UUID | None, digest: bytes) -> Claim:
    now = clock.now()
    async with db.transaction(db.PLATFORM):
        if await db.fetch_one(CLAIM, owner, key, account_id, digest, now, now - ABANDONED) is not None:
            return Claim(fresh=True, digest=digest)
        row = await db.fetch_one(
            "select request_digest, status, media_type, body from idempotency_keys where owner = $1 and key = $2",
            owner,
            key,
        )
    if row is None:
        raise Conflict("idempotency_key_busy", "A request with this Idempotency-Key just ended; try again.")
    return Claim(
        fresh=False, digest=bytes(row["request_digest"]), status=row["status"], media_type=row["media_type"],
        body=row["body"] and bytes(row["body"]),
    )  # fmt: skip


# Long enough for any caller's retries.
KEEP = timedelta(days=7)
BATCH = 1000


async def prune() -> int:
    """Forget keys that are older than a week, a batch at a time; returns how many went."""
    async with db.transaction(db.PLATFORM):
        rows = await db.fetch(
            """delete from idempotency_keys where (owner, key) in
            (select owner, key from idempotency_keys where started_at < $1 limit $2) returning 1""",
            clock.now() - KEEP, BATCH,
        )  # fmt: skip
    return len(rows)


async def _forget(owner: str, key: str) -> None:
    async with db.transaction(db.PLATFORM):
        await db.execute("delete from idempotency_keys where owner = $1 and key = $2 and status is null", owner, key)
