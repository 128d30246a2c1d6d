"""Notifications: what members hear of by mail, and the link that ends it."""

from typing import Any
from uuid import UUID

from litestar import Controller, MediaType, Response, get, post, put
from litestar.params import FromPath, JSONBody

from hub.api.access import Running, Who
from hub.api.guards import anyone, may
from hub.kit import db
from hub.notices import queries, service
from hub.notices.messages import Choice, Choices
from tenants.people import service as people


class Notifications(Controller):
    """What a member hears of by mail."""

    path = "/members/{membership_id:uuid}/notifications"
    tags = ("Telling others",)

    @get(guards=[may("notifications.read")])
    async def index(self, membership_id: FromPath[UUID], principal: Who) -> list[Choice]:
        """List what a member hears of by mail, and how soon."""
        await people.visible_member(membership_id, by=principal)
        async with db.transaction(db.PLATFORM):
            return await queries.choices(membership_id)

    @put(guards=[may("notifications.change")])
    async def choose(self, membership_id: FromPath[UUID], data: JSONBody[Choices], principal: Who) -> list[Choice]:
        """Say what a member hears of by mail, in place of what it was."""
        await people.visible_member(membership_id, by=principal)
        return await service.choose(membership_id, data, actor=principal.actor)


# Programs that look through mails open every link, so that opening one changes nothing.
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Returns hub</title><body><form method="post"><p>No more mails? · Geen mails meer? · Keine Mails mehr? · Plus de
mails ?</p><button>Unsubscribe · Afmelden · Abmelden · Se désabonner</button></form></body></html>"""
DONE = "Done. · Klaar. · Erledigt. · C'est fait."


@get("/unsubscribe/{token:str}", guards=[anyone], include_in_schema=False)
async def asked(token: FromPath[str], runtime: Running) -> Response[str]:
    """Ask whether somebody wants no more mails; 404 at a link that the hub did not give."""
    service.opened(token, runtime.keyring)
    return Response(PAGE, media_type=MediaType.HTML)


@post("/unsubscribe/{token:str}", status_code=200, guards=[anyone], include_in_schema=False)
async def unsubscribe(token: FromPath[str], runtime: Running) -> Response[str]:
    """End the mails, as the button or the reader's mail program asks (RFC 8058)."""
    await service.unsubscribe(token, runtime.keyring)
    return Response(DONE, media_type=MediaType.TEXT)


CONTROLLERS: tuple[Any, ...] = (Notifications,)
