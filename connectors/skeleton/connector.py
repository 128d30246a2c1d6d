"""The calls to Skeleton, one method per effect."""

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from connectors.skeleton import wire
from connectors.skeleton.settings import Settings
from hub.sdk import (
    Absent,
    Announcement,
    Capability,
    Changes,
    Checked,
    Connector,
    Context,
    Done,
    Effect,
    Interrupted,
    Manifest,
    Manner,
    Outcome,
    Refused,
    Sent,
    Snapshot,
    SnapshotKey,
    VendorReference,
    Warehousing,
    call,
    understood,
)

NOT_FOUND, TOO_LATE, NOT_FIT = 404, 409, 400
Answer = TypeVar("Answer")


class Skeleton(Connector):
    """Announces returns under our own number, and follows a feed of what changed."""

    manifest = Manifest(
        name="skeleton",
        title="Skeleton",
        version="0.1.0",
        capabilities=frozenset(
            {
                Capability.CHECK,
                Capability.ANNOUNCE,
                Capability.AMEND,
                Capability.WITHDRAW,
                Capability.SNAPSHOT,
                Capability.CHANGES,
            }
        ),
        settings=Settings,
        hosts=("api.skeleton.example",),
        identity=frozenset({"address"}),
        # A return is put under our number, so that a second time is the same one; otherwise have `lookup`.
        repeatable=frozenset({Effect.ANNOUNCE, Effect.AMEND, Effect.WITHDRAW}),
        poll_every_seconds=300.0,
        warehousing=Warehousing(words=wire.WORDS),
    )

    async def check(self, context: Context) -> Outcome:
        """Read the beginning of the feed; a wrong key is told by `call`."""
        _read(await _ask(context, Manner.READ, "GET", "/changes", params={"after": "0"}), wire.Page, Manner.READ)
        return Done(Checked(name=context.settings.address))

    async def announce(self, context: Context, message: Announcement) -> Outcome:
        """Put a return under our number."""
        body = wire.announcement(message)
        sent = await _ask(context, Manner.WRITE, "PUT", _path(message.return_number), body=body)
        if sent.status == TOO_LATE:
            return Done(VendorReference(message.return_number, too_late=True))
        return Done(VendorReference(_read(sent, wire.Return, Manner.WRITE).id))

    async def amend(self, context: Context, message: Announcement) -> Outcome:
        """Put it once more, as it is now."""
        return await self.announce(context, message)

    async def withdraw(self, context: Context, message: Announcement) -> Outcome:
        """Delete a return; one that is gone is withdrawn."""
        sent = await _ask(context, Manner.WRITE, "DELETE", _path(message.return_number))
        if sent.status == TOO_LATE:
            return Done(VendorReference(message.return_number, too_late=True))
        if sent.status != NOT_FOUND:
            _read(sent, wire.Return, Manner.WRITE)
        return Done(VendorReference(message.return_number))

    async def snapshot(self, context: Context, wanted: SnapshotKey) -> Outcome:
        """Read one return by its id, or by our number."""
        sent = await _ask(context, Manner.READ, "GET", _path(wanted.reference or wanted.return_number or ""))
        if sent.status == NOT_FOUND:
            return Absent()
        return Done(wire.snapshot(_read(sent, wire.Return, Manner.READ)))

    async def changes(self, context: Context, cursor: str | None) -> Outcome:
        """Read the next page of the feed."""
        sent = await _ask(context, Manner.READ, "GET", "/changes", params={"after": cursor or "0"})
        page = _read(sent, wire.Page, Manner.READ)
        items: list[Snapshot | SnapshotKey] = []
        rejected: list[tuple[str, str]] = []
        for place, element in enumerate(page.returns):
            try:
                items.append(wire.snapshot(msgspec.json.decode(element, type=wire.Return)))
            except (ValueError, msgspec.DecodeError) as fault:
                rejected.append((f"element {place} after {cursor or 0}", str(fault)))
        return Done(Changes(items=tuple(items), cursor=str(page.next), more=page.more, rejected=tuple(rejected)))


def _path(number: str) -> str:
    return f"/returns/{quote(number, safe='')}"


async def _ask(
    context: Context, manner: Manner, method: str, path: str, *, params: dict[str, str] | None = None, body: Any = None
) -> Sent:
    """Make one request; `call` sorts every fault of HTTP into an outcome."""
    settings: Settings = context.settings
    headers = {"authorization": f"Bearer {settings.api_key.reveal()}", "content-type": "application/json"}
    return await call(
        context, manner, method, settings.address + path, params=list((params or {}).items()), headers=headers,
        body=None if body is None else msgspec.json.encode(body), endpoint=f"{method} /{path.split('/')[1]}",
    )  # fmt: skip


def _read(sent: Sent, kind: type[Answer], manner: Manner) -> Answer:
    """Return an answer as what it must be; a refusal ends early, and what nobody can read leaves a write in doubt."""
    if sent.status >= NOT_FIT:
        refused = understood(sent, wire.Fault, manner, "Skeleton").error
        raise Interrupted(Refused("refused_by_warehouse", f"Skeleton says: {refused}"))
    return understood(sent, kind, manner, "Skeleton")
