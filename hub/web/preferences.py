"""How a visitor wants to read: language, time zone, colours, density. It needs no sign-in and is kept in cookies.

Of who is signed in, language and time zone are their account's, which mails follow, too.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from hub.api.guards import anyone
from hub.kit import db
from hub.web import reader
from hub.web.reader import DENSITY, LANGUAGE, THEME, ZONE, Density, Language, Theme, zones
from hub.web.visitors import HOME, Visit, own_path
from tenants.people import service as people
from tenants.people.messages import Language as Locale
from tenants.people.messages import Profile
from tenants.people.sessions import engine
from tenants.people.sessions.messages import Person, Session, Stage

# A choice is good for a year, and every change begins it anew.
KEPT_SECONDS = 365 * 24 * 60 * 60
NAMES = {
    Language.ENGLISH: "English",
    Language.DUTCH: "Nederlands",
    Language.GERMAN: "Deutsch",
    Language.FRENCH: "Français",
}
FIELDS = {"language": LANGUAGE, "zone": ZONE, "theme": THEME, "density": DENSITY}


class Preferences(Controller):
    """The page, and the form that it sends."""

    path = "/preferences"
    include_in_schema = False
    guards = (anyone,)

    @get("/", sync_to_thread=False)
    def show(self, request: Visit, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - the name is part of the address
        """Ask how somebody wants to read."""
        return _page(request, own_path(next))

    @post("/")
    async def choose(self, request: Visit) -> Response[Any]:
        """Keep what was chosen and go back; a choice that there is not is told by its field."""
        form = await request.form()
        chosen = {name: _text(form, name) for name in FIELDS}
        wrong = {name for name, text in chosen.items() if not usable(name, text)}
        address = own_path(_text(form, "next"))
        if wrong:
            return _page(request, address, wrong=frozenset(wrong), status=422)
        person = _owner(request)
        if person is not None:
            await _keep(person, chosen)
        cookies = [_cookie(FIELDS[name], text) for name, text in chosen.items() if text]
        return Redirect(address, status_code=303, cookies=cookies)


def usable(name: str, text: str) -> bool:
    """Say whether a field may have this value; an empty one leaves things as they are."""
    known: Mapping[str, frozenset[str]] = {
        "language": frozenset(Language),
        "zone": zones(),
        "theme": frozenset(Theme),
        "density": frozenset(Density),
    }
    return not text or text in known[name]


def _owner(request: Visit) -> Person | None:
    """Return whose account keeps language and time zone; None where the browser does."""
    session: Session | None = request.scope.get("auth")
    if session is None or session.through is not None or engine.stage(session) is Stage.SECOND_FACTOR:
        return None
    return session.person


async def _keep(person: Person, chosen: Mapping[str, str]) -> None:
    locale = chosen["language"] or person.locale
    profile = Profile(name=person.name, locale=Locale(locale), time_zone=chosen["zone"] or person.time_zone)
    with db.only_reading(reading=False):
        await people.change_profile(person.id, profile)


def _page(request: Visit, address: str, *, wrong: frozenset[str] = frozenset(), status: int = 200) -> Template:
    context = {
        "next": address,
        "wrong": wrong,
        "own": _owner(request) is not None,
        "languages": NAMES,
        "zones": sorted(zone for zone in zones() if "/" in zone or zone == reader.UTC),
    }
    return Template("preferences.html", context=context, status_code=status)


def _cookie(name: str, text: str) -> Cookie:
    return Cookie(key=name, value=text, max_age=KEPT_SECONDS, samesite="lax")


def _text(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
