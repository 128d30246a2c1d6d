"""The guard of every route: which action of the permission matrix it is, or that it is anyone's."""

from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from hub.kit.errors import Unauthorised
from tenants.messages import Principal
from tenants.permissions import PermissionsWrong, matrix, refusal

Connection = ASGIConnection[Any, Principal | None, Any, Any]
READING = frozenset({"GET", "HEAD"})


class May:
    """Lets those through who may do an action; with `changing`, methods that change something are another one."""

    def __init__(self, action: str, changing: str | None = None) -> None:
        self.action = action
        self.changing = changing

    def action_of(self, method: str) -> str:
        """Return the action that a call with this method is."""
        return self.changing if self.changing is not None and method not in READING else self.action

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Raise `Forbidden` that names the missing action."""
        if connection.user is None:
            raise Unauthorised("key_required", "Sign in, or send a working API key.")
        refused = refusal(connection.user, self.action_of(str(connection.scope.get("method", ""))))
        if refused is not None:
            raise refused


def may(action: str, *, changing: str | None = None) -> May:
    """Return the guard of a route; the hub does not start if the matrix has no such action."""
    return May(action, changing)


async def anyone(_: Connection, __: BaseRouteHandler) -> None:
    """Guard a route that needs no right: the front door and what monitors ask for."""


def actions(app: Litestar) -> Iterator[tuple[str, str, list[str] | None]]:
    """Walk every method of every route, with the actions its guards name; None if it is anyone's."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, _) in sorted(route.route_handler_map.items()):
            if method != "OPTIONS":
                yield method, route.path_format, _named(handler, method)


def _named(handler: HTTPRouteHandler, method: str) -> list[str] | None:
    guards = handler.resolve_guards()
    named = [guard.action_of(method) for guard in guards if isinstance(guard, May)]
    return None if not named and anyone in guards else named


def refuse_gaps(app: Litestar) -> None:
    """Raise `PermissionsWrong` unless every route names one action of the matrix and every action has a route."""
    found = list(actions(app))
    used = {name for _, _, names in found for name in names or ()}
    problems = [*_gaps(found), *(f"No route is {name}: take it out of permissions.toml." for name in _unused(used))]
    if problems:
        raise PermissionsWrong(problems)


def _unused(used: set[str]) -> Iterable[str]:
    return (name for name in matrix().actions if name not in used)


def _gaps(found: Iterable[tuple[str, str, list[str] | None]]) -> Iterator[str]:
    for method, path, names in found:
        if names is None:
            continue
        if len(names) != 1:
            yield f'{method} {path} must name one action: give it guards=[may("…")], or guards=[anyone].'
        yield from (
            f"{method} {path} is {name}, which permissions.toml does not know: add it there."
            for name in names
            if name not in matrix().actions
        )
