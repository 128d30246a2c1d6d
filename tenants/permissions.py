"""Who may do what: `permissions.toml`, read strictly, and the decisions that follow from it; pure but for that file."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from hub.kit.errors import Forbidden, Invalid
from tenants.messages import READ_ONLY, Principal, Role

_NAME = re.compile(r"[a-z]+(_[a-z]+)*")
_FIELDS = {"does", "roles"}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be done, and the roles that may do it."""

    name: str
    does: str
    roles: frozenset[Role]

    @property
    def writes(self) -> bool:
        """Whether it changes something: every verb but `read` does."""
        return not self.name.endswith(".read")


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Roles with what each is, and actions by name, both in the order of the file."""

    roles: dict[Role, str]
    actions: dict[str, Action]

    def of(self, role: Role) -> frozenset[str]:
        """Return the names of what a role may do."""
        return frozenset(name for name, action in self.actions.items() if role in action.roles)


class PermissionsWrong(Exception):  # noqa: N818 - it says the fact
    """The matrix cannot be used; `problems` has one sentence for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@cache
def matrix() -> Matrix:
    """Return the matrix that this hub was built with; raises `PermissionsWrong`."""
    return parse(files("tenants").joinpath("permissions.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Matrix:
    """Read a matrix; raises `PermissionsWrong` with everything that is wrong at once."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise PermissionsWrong([f"permissions.toml cannot be read: {fault}."]) from fault
    roles = tables.pop("roles", {})
    problems = [*_wrong_roles(roles), *_wrong_actions(tables)]
    if problems:
        raise PermissionsWrong([f"permissions.toml {problem}" for problem in problems])
    return Matrix(
        roles={Role(name): text for name, text in roles.items()},
        actions={name: _action(name, fields) for name, fields in _named(tables)},
    )


def _action(name: str, fields: dict[str, Any]) -> Action:
    return Action(name=name, does=fields["does"], roles=frozenset(map(Role, fields["roles"])))


def _named(tables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for group, verbs in tables.items():
        for verb, fields in verbs.items() if isinstance(verbs, dict) else [("", verbs)]:
            yield f"{group}.{verb}", fields


def _wrong_roles(roles: Any) -> list[str]:
    if not isinstance(roles, dict) or not all(isinstance(text, str) and text for text in roles.values()):
        return ["needs a table [roles] that says in a text what each role is."]
    unknown = [_unknown_role(name, "[roles]") for name in roles if name not in set(Role)]
    return unknown + [f"does not say under [roles] what {role} is." for role in Role if role not in roles]


def _unknown_role(name: object, where: str) -> str:
    return f"names the role {name!r} at {where}; there are: {', '.join(Role)}."


def _wrong_actions(tables: dict[str, Any]) -> list[str]:
    return [problem for name, fields in _named(tables) for problem in _wrong_action(name, fields)]


def _wrong_action(name: str, fields: Any) -> Iterator[str]:
    group, _, verb = name.partition(".")
    if not _NAME.fullmatch(group) or not _NAME.fullmatch(verb):
        yield f"has {name!r}, which is no action: write [group.verb] in small letters."
        return
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        yield f"must say of {name} what it `does` and which `roles` may do it, and nothing else."
        return
    does, roles = fields["does"], fields["roles"]
    if not isinstance(does, str) or not does:
        yield f"does not say in a text what {name} does."
    if not isinstance(roles, list) or not roles:
        yield f"gives {name} no list of roles."
        return
    yield from (_unknown_role(role, name) for role in roles if role not in set(Role))
    yield from (f"names {role} twice at {name}." for role in sorted({str(r) for r in roles if roles.count(r) > 1}))
    if verb != "read":
        yield from (f"lets {role} do {name}, but {role} changes nothing." for role in roles if role in READ_ONLY)


def allowed(principal: Principal) -> frozenset[str]:
    """Return what a principal may do: its role's actions, as far as nothing narrows them."""
    known = matrix()
    names = known.of(principal.role)
    if principal.scopes is not None:
        names &= principal.scopes
    return names if principal.may_write else frozenset(name for name in names if not known.actions[name].writes)


def refusal(principal: Principal, name: str) -> Forbidden | None:
    """Return why a principal may not do this action, None if it may."""
    if name in allowed(principal):
        return None
    action = matrix().actions[name]
    if principal.role not in action.roles:
        able = _listed(role for role in matrix().roles if role in action.roles)
        message = f"The role {principal.role} may not do {name} ({_small(action.does)}); these may: {able}."
        return Forbidden("role_lacks_right", message, action=name)
    if principal.scopes is not None and name not in principal.scopes:
        message = f"This key was narrowed and may not do {name}; it may: {_listed(sorted(principal.scopes))}."
        return Forbidden("scope_lacks_right", message, action=name)
    return only_looks(principal.impersonator, name)


def only_looks(impersonator: str | None, name: str | None = None) -> Forbidden:
    """Return the refusal of a change to who only reads."""
    what = f"{name} is refused" if name else "This change is refused"
    why = "you look with another party's eyes; stop that first" if impersonator else "you may read and change nothing"
    return Forbidden("read_only", f"{what}: {why}.", **({"action": name} if name else {}))


def narrowed(role: Role, scopes: Iterable[str] | None) -> frozenset[str] | None:
    """Return the scopes of a new key; raises `Invalid` that names what there is."""
    if scopes is None:
        return None
    wanted, there = frozenset(scopes), matrix().of(role)
    choice = f"the role {role} may: {_listed(sorted(there))}."
    if not wanted:
        raise Invalid(
            "scope_missing", f"A key without a scope may do nothing: leave `scopes` out or name some; {choice}"
        )
    for name in sorted(wanted - there):
        if name not in matrix().actions:
            raise Invalid("scope_unknown", f"There is no action {name!r}; {choice}", scope=name)
        raise Invalid("scope_too_wide", f"A key of the role {role} cannot have the scope {name}; {choice}", scope=name)
    return wanted


def refuse_giving(giver: Principal, role: Role, scopes: frozenset[str] | None) -> None:
    """Raise `Forbidden` if a key of this role and these scopes may do what its maker may not."""
    more = sorted((matrix().of(role) if scopes is None else scopes) - allowed(giver))
    if more:
        message = f"This key might do {more[0]}, which you may not; narrow its `scopes` to what you may do yourself."
        raise Forbidden("key_too_wide", message, action=more[0])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
