"""The page of permissions is the file of permissions, for people who read tables."""

import re
from itertools import groupby

from tenants.messages import Party
from tenants.permissions import Action, matrix
from tests.docs.book import page

GROUPS = [
    (group, list(actions))
    for group, actions in groupby(matrix().actions.values(), lambda action: action.name.partition(".")[0])
]


def roles_table() -> list[str]:
    """Return the rows of the roles, as the page has to have them."""
    return [f"| `{role}` | {role.party} | {text} |" for role, text in matrix().roles.items()]


def row(action: Action) -> str:
    """Return the row of an action, as the page has to have it."""
    cells = [
        ", ".join(f"`{role}`" for role in matrix().roles if role.party is party and role in action.roles) or "none"
        for party in Party
    ]
    return f"| `{action.name}` | {action.does} | {' | '.join(cells)} |"


def test_the_page_has_every_role_and_every_action_as_the_file_has_them() -> None:
    shown = re.findall(r"^\| `.*$", page("permissions.md"), re.MULTILINE)
    assert shown == roles_table() + [row(action) for _, actions in GROUPS for action in actions]


def test_the_page_has_a_heading_for_each_group() -> None:
    headings = re.findall(r"^### (.+)$", page("permissions.md"), re.MULTILINE)
    assert headings == [group.replace("_", " ").capitalize() for group, _ in GROUPS]
