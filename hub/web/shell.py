"""What stands around every page, as data: navigation, account chooser, banner, the visitor's menu.

A page gets its `Shell` from `for_visitor`; whoever knows more of the visitor (accounts to choose from, whose eyes
support looks with) fills in more of it, and no template changes.
"""

import msgspec

from hub.web.translations import gettext as _
from tenants.messages import Principal
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
    """What the pages are about now, and what else they could be about."""

    label: str
    current: str
    choices: tuple[Choice, ...]


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


def for_visitor(visitor: Principal | None, path: str, apps: tuple[Place, ...]) -> Shell:
    """Return the shell of a page for whoever signed in, with the place marked that the path belongs to."""
    if visitor is None:
        return Shell()
    return Shell(
        sections=tuple(_section(label, places, path) for label, places in _places(visitor, apps)),
        person=Person(name=visitor.name, detail=role_name(visitor.role)),
    )


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
    places = [start, Place(label=_("API reference"), href="/reference", icon="book")]
    if "matrix.read" in allowed(visitor):
        places.append(Place(label=_("Permissions"), href="/permissions", icon="key"))
    return [(_("Work"), places)]


def _section(label: str, places: list[Place], path: str) -> Section:
    return Section(label=label, places=tuple(mark(place, path) for place in places))


def mark(place: Place, path: str) -> Place:
    """Return a place, current if the path is its own or below it; the start page is only its own."""
    own = place.href.partition("?")[0]
    here = path.rstrip("/") == own.rstrip("/") or (own != "/" and path.startswith(own.rstrip("/") + "/"))
    return msgspec.structs.replace(place, current=here)
