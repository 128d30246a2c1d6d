"""What stands around every page, as data: navigation, account chooser, banner, the visitor's menu.

A page gets its `Shell` from `for_visitor`; whoever knows more of the visitor (accounts to choose from, whose eyes
support looks with) fills in more of it, and no template changes.
"""

import msgspec

from hub.web.translations import gettext as _
from tenants.messages import Principal
from tenants.people.sessions.messages import Session
from tenants.permissions import allowed

# What fits below a phone's page without a drawer.
MOST_IN_BAR = 5


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere to go; `icon` is one of `static/icons.svg`, `count` what waits there."""

    label: str
    href: str
    icon: str = ""
    current: bool = False
    count: int = 0


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Places that belong together."""

    label: str
    places: tuple[Place, ...]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the accounts, warehouses or partners that somebody may look at."""

    label: str
    href: str
    detail: str = ""
    current: bool = False


class Chooser(msgspec.Struct, frozen=True, kw_only=True):
    """What the pages are about now, and what else they could be about.

    With `action`, a choice is posted there under `field`, with its `href` as the value.
    """

    label: str
    current: str
    choices: tuple[Choice, ...]
    action: str = ""
    field: str = ""


class Banner(msgspec.Struct, frozen=True, kw_only=True):
    """What must not be forgotten while looking, such as whose eyes one looks with; `end` is posted to stop it."""

    text: str
    end: str = ""
    end_label: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in; `links` are about them, `sign_out` is posted."""

    name: str
    detail: str = ""
    links: tuple[Place, ...] = ()
    sign_out: str = "/sign-out"


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """Everything around a page."""

    name: str = "Returns hub"
    home: str = "/"
    sections: tuple[Section, ...] = ()
    chooser: Chooser | None = None
    banner: Banner | None = None
    person: Person | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """Every place, whatever its section."""
        return tuple(place for section in self.sections for place in section.places)

    @property
    def in_bar(self) -> tuple[Place, ...]:
        """What a phone shows below the page: all of it if it fits, else what leaves room for the drawer's button."""
        return self.places if len(self.places) <= MOST_IN_BAR else self.places[: MOST_IN_BAR - 1]


def for_visitor(
    visitor: Principal | None, path: str, apps: tuple[Place, ...], *, session: Session | None = None
) -> Shell:
    """Return the shell of a page for whoever signed in, with the place marked that the path belongs to."""
    links = (mark(Place(label=_("My account"), href="/account", icon="person"), path),)
    about = links if session is not None and session.person is not None else ()
    if visitor is None:
        # Who has come in half-way may leave again.
        half = session.person if session is not None else None
        return Shell(person=Person(name=half.name, links=about) if half is not None else None)
    return Shell(
        sections=tuple(_section(label, places, path) for label, places in _places(visitor, apps)),
        chooser=_memberships(session) if session is not None else None,
        banner=_looking(visitor),
        person=Person(name=visitor.name, detail=role_name(visitor.role), links=about),
    )


def _memberships(session: Session) -> Chooser | None:
    if len(session.choices) < 2:  # noqa: PLR2004 - one is no choice
        return None
    own = session.membership
    choices = tuple(
        Choice(
            label=each.at or _("The platform"), detail=role_name(each.role), href=str(each.id),
            current=own is not None and own.id == each.id,
        )
        for each in session.choices
    )  # fmt: skip
    current = next((each.label for each in choices if each.current), _("Choose"))
    return Chooser(label=_("Act as"), current=current, choices=choices, action="/memberships", field="membership")


def _looking(visitor: Principal) -> Banner | None:
    if not visitor.impersonator:
        return None
    text = _("You look with the eyes of %(name)s and change nothing. It ends by itself.", name=visitor.name)
    return Banner(text=text, end="/impersonations/end", end_label=_("Stop looking as %(name)s", name=visitor.name))


def role_name(role: str) -> str:
    """Return a role as people read it."""
    names = {
        "platform": _("Platform"),
        "support_admin": _("Support, set-up"),
        "support_agent": _("Support"),
        "auditor": _("Auditor"),
        "account": _("Account"),
        "account_admin": _("Account, set-up"),
        "account_viewer": _("Account, looking only"),
        "partner": _("Partner"),
        "partner_admin": _("Partner, set-up"),
        "partner_operator": _("Partner, receiving"),
        "warehouse": _("Warehouse"),
        "warehouse_operator": _("Warehouse, receiving"),
    }
    return names.get(role, role.replace("_", " ").capitalize())


def _places(visitor: Principal, apps: tuple[Place, ...]) -> list[tuple[str, list[Place]]]:
    start = Place(label=_("Start"), href="/", icon="home")
    if visitor.warehouse_id is not None:
        # An app is bound to one warehouse, and whoever stands there writes no programs.
        return [(_("Work"), [start, *apps])]
    may = allowed(visitor)
    by_right = (
        ("people.read", Place(label=_("People"), href="/people", icon="people")),
        ("devices.read", Place(label=_("Devices"), href="/devices", icon="scan")),
        ("providers.read", Place(label=_("Company sign-in"), href="/providers", icon="plug")),
        ("impersonations.read", Place(label=_("Look as others"), href="/impersonations", icon="eye")),
        ("matrix.read", Place(label=_("Permissions"), href="/permissions", icon="key")),
    )
    who = [place for right, place in by_right if right in may]
    work = [start, Place(label=_("API reference"), href="/reference", icon="book")]
    return [(_("Work"), work), *([(_("Who may what"), who)] if who else [])]


def _section(label: str, places: list[Place], path: str) -> Section:
    return Section(label=label, places=tuple(mark(place, path) for place in places))


def mark(place: Place, path: str) -> Place:
    """Return a place, current if the path is its own or below it; the start page is only its own."""
    own = place.href.partition("?")[0]
    here = path.rstrip("/") == own.rstrip("/") or (own != "/" and path.startswith(own.rstrip("/") + "/"))
    return msgspec.structs.replace(place, current=here)
