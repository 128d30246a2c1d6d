"""The audit log: who changed what, when, from what to what."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from hub.api.access import Who, narrowing, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.audit import queries
from hub.audit.messages import AuditView
from hub.audit.queries import Wanted
from hub.kit import db
from tenants.messages import Principal

Actor = Annotated[str | None, QueryParameter(description="exactly who", max_length=300)]
Action = Annotated[str | None, QueryParameter(description="what, or the beginning of it, e.g. return.", max_length=100)]
Subject = Annotated[str | None, QueryParameter(description="to what, or the beginning of it", max_length=300)]
Since = Annotated[datetime | None, QueryParameter(description="from this moment on")]
Until = Annotated[datetime | None, QueryParameter(description="before this moment")]
BATCH = 500


class Audit(Controller):
    """Who changed what."""

    path = "/audit"
    tags = ("Watching",)

    @get(guards=[may("audit.read")])
    async def index(  # noqa: PLR0913, PLR0917 - one for each thing to search by
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
        actor: Actor = None,
        action: Action = None,
        subject: Subject = None,
        since: Since = None,
        until: Until = None,
    ) -> Page[AuditView]:
        """Search the log, newest first."""
        wanted = Wanted(
            account_id=narrowing(principal, account_id), actor=actor, action=action, subject=subject,
            since=since, until=until,
        )  # fmt: skip
        async with db.transaction(scope_of(principal)):
            found = await queries.newest(wanted, after(cursor), limit)
        return page([_view(*each) for each in found], limit, lambda each: each.id)

    @get("/export", guards=[may("audit.read")], media_type="application/jsonl")
    async def export(
        self,
        principal: Who,
        account_id: FromQuery[UUID | None] = None,
        actor: Actor = None,
        action: Action = None,
        subject: Subject = None,
        since: Since = None,
        until: Until = None,
    ) -> Stream:
        """Give all that a search finds, oldest first, one JSON object in each line, with its place in the chain."""
        wanted = Wanted(
            account_id=narrowing(principal, account_id), actor=actor, action=action, subject=subject,
            since=since, until=until,
        )  # fmt: skip
        return Stream(_lines(wanted, principal), media_type="application/jsonl")


async def _lines(wanted: Wanted, principal: Principal) -> AsyncIterator[bytes]:
    last: UUID | None = None
    while True:
        async with db.transaction(scope_of(principal)):
            found = await queries.oldest(wanted, last, BATCH)
        if not found:
            return
        yield b"".join(msgspec.json.encode(_view(*each)) + b"\n" for each in found)
        last = found[-1][0].id


def _view(entry: queries.Entry, digest: bytes) -> AuditView:
    given = {name: getattr(entry, name) for name in ("id", "account_id", "at", "actor", "action", "subject")}
    return AuditView(
        **given, before=entry.before, after=entry.after, previous=entry.previous.hex(), digest=digest.hex()
    )


CONTROLLERS: tuple[Any, ...] = (Audit,)
