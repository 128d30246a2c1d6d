"""Reading forms, and showing them again with a sentence by the field that was wrong."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar.response import Redirect, Template

from hub.kit.crypto import Secret
from hub.kit.errors import HubError, NotFound
from hub.web import cookies
from hub.web.people import agents, sentences
from hub.web.preferences import NAMES
from hub.web.translations import gettext as _
from hub.web.translations import marked as N_  # noqa: N812 - the name by which catalogues know a text that is said later
from hub.web.visitors import Visit
from tenants.people.entry.messages import Arrival, Door
from tenants.people.errors import FieldWrong
from tenants.people.messages import PartyView

Shape = TypeVar("Shape")
_FIELD = re.compile(r"at `\$\.(\w+)")
EMPTY = N_("This must be filled in.")
UNUSABLE = N_("This cannot be taken as it is.")
UNLISTED = N_("Choose one from the list.")
_WORDS = {
    "length >=": EMPTY,
    "length <=": N_("This is too long."),
    "pattern": N_("This holds characters that cannot be used here, such as line ends."),
    "uuid": UNLISTED,
    "UUID": UNLISTED,
    "enum": UNLISTED,
}


def text(form: Mapping[str, Any], name: str) -> str:
    """Return a field as it was typed, empty if it is not there."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


async def typed(request: Visit) -> dict[str, str]:
    """Return every text of the form that was sent."""
    form = await request.form()
    return {name: text(form, name) for name in form}


def read(kind: type[Shape], values: Mapping[str, Any]) -> Shape:
    """Return a form's values as a struct; raises `FieldWrong` that names the first field that cannot be taken."""
    try:
        return msgspec.convert({name: value for name, value in values.items() if value != ""}, kind, strict=False)
    except msgspec.ValidationError as fault:
        said = str(fault)
        missing = re.search(r"missing required field `(\w+)`", said)
        place = missing or _FIELD.search(said)
        sentence = next((words for part, words in _WORDS.items() if part in said), UNUSABLE)
        if missing:
            sentence = EMPTY
        raise FieldWrong(place[1] if place else "", "field_invalid", sentence) from fault


def identifier(given: str, fault: NotFound) -> UUID:
    """Return an id from a form; raises the `NotFound` that any other unknown id gets."""
    try:
        return UUID(given)
    except ValueError:
        raise fault from None


def wrong(fault: HubError, field: str) -> dict[str, str]:
    """Return the sentence of a refusal by the field it belongs to, `field` where it names none."""
    return {getattr(fault, "field", "") or field: sentences.of(fault)}


def show(template: str, fault: HubError | None = None, *, field: str = "", **context: Any) -> Template:
    """Return a page; with a fault the sentence stands by its field, and the status is the fault's."""
    context = {
        "languages": NAMES,
        "agent_name": agents.name_of,
        "wrong": wrong(fault, field) if fault else {},
        **context,
    }
    return Template(f"people/{template}.html", context=context, status_code=fault.status if fault else 200)


def places(parties: Iterable[PartyView]) -> dict[str, dict[str, str]]:
    """Return the parties to choose from by kind, none of a kind first; a kind that has no party is left out."""
    found: dict[str, dict[str, str]] = {}
    for each in parties:
        found.setdefault(each.kind, {"": _("none")})[str(each.id)] = each.name
    return found


# coming in ----------------------------------------------------------------------------------------------


def door(request: Visit) -> Door:
    """Return where somebody knocks."""
    known = request.cookies.get(cookies.KNOWN)
    return Door(
        address=request.client.host if request.client else "unknown",
        agent=request.headers.get("user-agent", ""),
        known=Secret(known) if known else None,
    )


def arrive(request: Visit, arrival: Arrival, address: str) -> Redirect:
    """Let somebody in: the browser gets the session's new token, and no notes of whoever was here before."""
    request.clear_session()
    held = [cookies.cookie(cookies.SESSION, arrival.session.reveal())]
    if arrival.known is not None:
        held.append(cookies.cookie(cookies.KNOWN, arrival.known.reveal()))
    return Redirect(address, status_code=303, cookies=held)
