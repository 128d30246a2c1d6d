"""Who reads a page, as far as it changes how the page reads: language, time zone, colours, density.

Who is signed in reads as their account says. Otherwise what was chosen in this browser wins, then what the browser asks
for. The choice is kept in cookies that anybody may read, one each, and whatever stands in them is checked: a value that
is not ours is as good as none.
"""

import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

import msgspec
from babel import Locale
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from tenants.people.sessions.messages import Session

Word = TypeVar("Word", bound=StrEnum)


class Language(StrEnum):
    """The languages that pages are kept in; the first one is the one they are written in."""

    ENGLISH = "en"
    DUTCH = "nl"
    GERMAN = "de"
    FRENCH = "fr"


class Theme(StrEnum):
    """Colours: the device's, or always the same."""

    DEVICE = "device"
    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """Room for thumbs, or for many rows."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


# How dates and numbers are written where a language is spoken in more than one way.
LOCALES = {
    Language.ENGLISH: Locale("en", "GB"),
    Language.DUTCH: Locale("nl", "NL"),
    Language.GERMAN: Locale("de", "DE"),
    Language.FRENCH: Locale("fr", "FR"),
}
LANGUAGE, ZONE, THEME, DENSITY = "hub_language", "hub_zone", "hub_theme", "hub_density"
UTC = "UTC"
# Nobody prefers more languages than this; a longer header is an attack on the loop that reads it.
MOST_PREFERRED = 20


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """How one person reads."""

    language: Language = Language.ENGLISH
    zone: str = UTC
    theme: Theme = Theme.DEVICE
    density: Density = Density.COMFORTABLE

    @property
    def locale(self) -> Locale:
        """How dates, numbers and money are written."""
        return LOCALES[self.language]

    @property
    def tag(self) -> str:
        """The same for a browser, as BCP 47 has it: en-GB."""
        return str(self.locale).replace("_", "-")

    @property
    def timezone(self) -> zoneinfo.ZoneInfo:
        """The zone in which moments are shown."""
        return zoneinfo.ZoneInfo(self.zone)


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones; a name that is none of these is never looked up as a file."""
    return frozenset(zoneinfo.available_timezones())


def read(cookies: Mapping[str, str], accept_language: str) -> Reader:
    """Return how somebody reads, from what their browser sent; unusable values count as not sent."""
    zone = cookies.get(ZONE, UTC).replace("%2F", "/")
    return Reader(
        language=_word(cookies.get(LANGUAGE), Language) or preferred(accept_language),
        zone=zone if zone in zones() else UTC,
        theme=_word(cookies.get(THEME), Theme) or Theme.DEVICE,
        density=_word(cookies.get(DENSITY), Density) or Density.COMFORTABLE,
    )


def _word(text: str | None, kind: type[Word]) -> Word | None:
    return kind(text) if text in set(kind) else None


def preferred(accept_language: str) -> Language:
    """Return the language of ours that an `accept-language` header (RFC 9110, 12.5.4) likes best, or English."""
    wishes = [_wish(part) for part in accept_language.split(",")[:MOST_PREFERRED]]
    for weight, tag in sorted(wishes, key=lambda wish: -wish[0]):
        found = _word(tag.partition("-")[0], Language)
        if weight > 0 and found is not None:
            return found
    return Language.ENGLISH


def _wish(part: str) -> tuple[float, str]:
    tag, _, weight = part.strip().lower().partition(";")
    try:
        return float(weight.replace(" ", "").removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0, tag


_reader: ContextVar[Reader] = ContextVar("reader", default=Reader())  # noqa: B039 - frozen


def current() -> Reader:
    """Return who reads what is rendered now; English in UTC outside of a request."""
    return _reader.get()


def use(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Render for whoever makes this request, until its task ends."""
    _reader.set(of(connection))


def of(connection: ASGIConnection[Any, Any, Any, Any]) -> Reader:
    """Return how whoever makes this request reads."""
    found = read(connection.cookies, connection.headers.get("accept-language", ""))
    session: Session | None = connection.scope.get("auth")
    return personal(found, session, connection.cookies) if session is not None else found


def personal(found: Reader, session: Session, cookies: Mapping[str, str]) -> Reader:
    """Return how somebody reads who is signed in: as their account says.

    Who came in through their company cannot change the account there, so a choice of this browser wins.
    """
    person, chosen = session.person, cookies if session.through is not None else {}
    if person is None:
        return found
    return msgspec.structs.replace(
        found,
        language=found.language if LANGUAGE in chosen else Language(person.locale),
        zone=found.zone if ZONE in chosen or person.time_zone not in zones() else person.time_zone,
    )


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Render for this reader for as long as the block runs."""
    token = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(token)


class Reading(ASGIMiddleware):
    """Makes the reader of each request known to whatever renders its page."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Let the request through, its reader set."""
        with reading(of(ASGIConnection(scope))):
            await next_app(scope, receive, send)
