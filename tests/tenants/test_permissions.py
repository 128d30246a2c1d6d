"""The matrix as it is read, and the decisions that follow from it; no engine is needed."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.errors import Forbidden, Invalid
from tenants import permissions
from tenants.keys.messages import KEY_ROLES
from tenants.messages import READ_ONLY, Principal, Role
from tenants.permissions import PermissionsWrong, matrix
from tests.support.people import somebody

GOOD = files("tenants").joinpath("permissions.toml").read_text(encoding="utf-8")
SETTLE = re.compile(r"\[returns\.settle\]\ndoes = .*\nroles = \[.*\]\n")

roles = st.sampled_from(Role)
scopes = st.frozensets(st.sampled_from(sorted(matrix().actions)))


def wrong(text: str) -> list[str]:
    """Return what is wrong with a matrix, which must be something."""
    with pytest.raises(PermissionsWrong) as told:
        permissions.parse(text)
    return told.value.problems


def changed(action: str) -> str:
    """Put another text in the place of `returns.settle`."""
    assert SETTLE.search(GOOD)
    return SETTLE.sub(action, GOOD)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[returns.settle]\ndoes = "x"\nroles = ["boss"]\n',
            "names the role 'boss' at returns.settle; there are: ",
        ),
        ('[returns.settle]\ndoes = "x"\nroles = ["platform", "platform"]\n', "names platform twice at returns.settle."),
        ('[returns.settle]\ndoes = "x"\nroles = []\n', "gives returns.settle no list of roles."),
        ('[returns.settle]\ndoes = "x"\nroles = "platform"\n', "gives returns.settle no list of roles."),
        ('[returns.settle]\ndoes = ""\nroles = ["platform"]\n', "does not say in a text what returns.settle does."),
        ('[returns.settle]\nroles = ["platform"]\n', "must say of returns.settle what it `does` and which `roles`"),
        (
            '[returns.settle]\ndoes = "x"\nroles = []\nwhy = "y"\n',
            "must say of returns.settle what it `does` and which",
        ),
        ('[returns.Settle]\ndoes = "x"\nroles = ["platform"]\n', "has 'returns.Settle', which is no action"),
        ("[returns]\nsettle = 1\n", "must say of returns.settle what it `does`"),
        (
            '[returns.settle]\ndoes = "x"\nroles = ["auditor"]\n',
            "lets auditor do returns.settle, but auditor changes ",
        ),
    ],
)
def test_what_is_wrong_with_an_action_is_said_in_a_sentence(text: str, sentence: str) -> None:
    assert [problem.startswith(f"permissions.toml {sentence}") for problem in wrong(changed(text))] == [True]


def test_roles_are_all_explained_and_no_other() -> None:
    assert wrong(GOOD.replace("\nauditor = ", "\nboss = ", 1)) == [
        f"permissions.toml names the role 'boss' at [roles]; there are: {', '.join(Role)}.",
        "permissions.toml does not say under [roles] what auditor is.",
    ]
    assert wrong(GOOD.replace("[roles]", "[people]", 1)) != []
    assert wrong('roles = "all"\n' + GOOD.replace("[roles]", "[people.read]", 1)) != []


def test_what_is_no_toml_is_said_to_be_none() -> None:
    (problem,) = wrong(GOOD + "\n[returns.settle\n")
    assert problem.startswith("permissions.toml cannot be read: ")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(wrong(GOOD.replace('"platform"', '"boss"'))) == len(matrix().actions) - 2


@given(role=roles, narrowed=st.none() | scopes, reading=st.booleans())
def test_nobody_may_do_more_than_their_role_their_scopes_and_their_reading(
    role: Role,
    narrowed: frozenset[str] | None,
    reading: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    who = somebody(role, scopes=narrowed, read_only=reading)
    names = permissions.allowed(who)
    for name, action in matrix().actions.items():
        may = role in action.roles and (narrowed is None or name in narrowed)
        assert (name in names) is (may and not (action.writes and (reading or role in READ_ONLY)))
        refused = permissions.refusal(who, name)
        assert (refused is None) is (name in names)
        assert refused is None or (refused.facts["action"], name in refused.message) == (name, True)


def give(maker: Principal, role: Role, wanted: frozenset[str] | None) -> None:
    """Make a key as far as the decisions go."""
    permissions.refuse_giving(maker, role, permissions.narrowed(role, wanted))


@given(giver=roles, narrowed=st.none() | scopes, role=st.sampled_from(KEY_ROLES), wanted=st.none() | scopes)
def test_a_key_may_be_given_if_it_fits_its_role_and_may_do_nothing_that_its_maker_may_not(
    giver: Role, narrowed: frozenset[str] | None, role: Role, wanted: frozenset[str] | None
) -> None:
    maker, there = somebody(giver, scopes=narrowed), matrix().of(role)
    fits = wanted is None or (wanted and wanted <= there)
    if fits and (there if wanted is None else wanted) <= permissions.allowed(maker):
        give(maker, role, wanted)
    else:
        with pytest.raises((Invalid, Forbidden)):
            give(maker, role, wanted)


@pytest.mark.parametrize(
    ("wanted", "code", "begins"),
    [
        (["returns.pay"], "scope_unknown", "There is no action 'returns.pay'; the role warehouse may: "),
        (["returns.settle"], "scope_too_wide", "A key of the role warehouse cannot have the scope returns.settle; "),
        ([], "scope_missing", "A key without a scope may do nothing: leave `scopes` out or name some; "),
    ],
)
def test_scopes_that_cannot_be_are_told_what_there_is(wanted: list[str], code: str, begins: str) -> None:
    with pytest.raises(Invalid) as refused:
        permissions.narrowed(Role.WAREHOUSE, wanted)
    assert refused.value.code == code
    assert refused.value.message.startswith(begins)
    assert refused.value.message.endswith("receiving.book, receiving.read, receiving.reopen.")


def test_a_narrowed_key_is_told_what_it_may_do() -> None:
    refused = permissions.refusal(somebody(Role.ACCOUNT, scopes=frozenset({"returns.read"})), "returns.settle")
    assert refused is not None
    assert refused.code == "scope_lacks_right"
    assert refused.message == "This key was narrowed and may not do returns.settle; it may: returns.read."
