from uuid import UUID

import pytest

from hub.web import shell, templating
from hub.web.shell import MOST_IN_BAR, Place, Section, Shell, for_visitor, mark
from tenants.messages import Principal, PrincipalKind, Role

APP = Place(label="Warehouse app", href="/apps/warehouse_app/", icon="box")


def visitor(role: Role, warehouse: UUID | None = None) -> Principal:
    return Principal(kind=PrincipalKind.KEY, id=UUID(int=1), name="dock 4", role=role, warehouse_id=warehouse)


def test_a_stranger_sees_no_places_and_a_terminal_its_own_app() -> None:
    assert for_visitor(None, "/", (APP,)) == Shell()
    terminal = for_visitor(visitor(Role.WAREHOUSE, UUID(int=2)), "/apps/warehouse_app/returns/R1", (APP,))
    assert [(place.label, place.current) for place in terminal.places] == [
        ("Start", False), ("Warehouse app", True),
    ]  # fmt: skip
    assert terminal.person is not None
    assert (terminal.person.name, terminal.person.detail) == ("dock 4", "Warehouse")
    platform = [place.label for place in for_visitor(visitor(Role.PLATFORM), "/", (APP,)).places]
    assert platform == [
        "Start", "API reference", "People", "Devices", "Company sign-in", "Look as others", "Permissions",
    ]  # fmt: skip


def test_a_role_that_the_shell_does_not_know_reads_as_words() -> None:
    assert shell.role_name("merchant_viewer") == "Merchant viewer"
    assert all("_" not in shell.role_name(role) for role in Role)


@pytest.mark.parametrize(
    ("href", "path", "current"),
    [
        ("/", "/", True),
        ("/", "/reference", False),
        ("/returns", "/returns/R1/memo", True),
        ("/returns", "/returns-of-others", False),
        ("/returns/?status=open", "/returns", True),
    ],
)
def test_the_place_that_a_page_belongs_to_is_marked(href: str, path: str, current: bool) -> None:  # noqa: FBT001 - given by pytest
    assert mark(Place(label="x", href=href), path).current is current


@pytest.mark.parametrize("many", [1, MOST_IN_BAR, MOST_IN_BAR + 1, 12])
def test_a_phones_bar_holds_all_places_or_leaves_room_for_the_drawers_button(many: int) -> None:
    places = tuple(Place(label=str(place), href="/") for place in range(many))
    shown = Shell(sections=(Section(label="", places=places),)).in_bar
    assert len(shown) == (many if many <= MOST_IN_BAR else MOST_IN_BAR - 1)


def test_all_components_are_to_be_had_under_one_name() -> None:
    environment = templating.bare({})
    ui = environment.get_template("macros.html").module
    own = {"icon": "ui", "shell": "", "navigation": ""}
    for path in (templating.HERE / "templates" / "components").glob("*.html"):
        module = environment.get_template(f"components/{path.name}").module
        macros = [name for name in vars(module) if not name.startswith("_")]
        if path.stem not in own:
            assert [name for name in macros if not hasattr(ui, name)] == [], path.name
