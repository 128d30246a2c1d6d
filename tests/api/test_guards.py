"""The hub does not start while a route and the permission matrix do not know each other."""

from typing import Any

import pytest
from litestar import Litestar, get, post

from hub.api import guards
from hub.api.guards import anyone, may
from tenants.permissions import PermissionsWrong, matrix


def gaps(*handlers: Any) -> list[str]:
    """Return what stops an application of these routes, besides the actions that it has no route for."""
    with pytest.raises(PermissionsWrong) as told:
        guards.refuse_gaps(Litestar(route_handlers=list(handlers), openapi_config=None))
    return [problem for problem in told.value.problems if not problem.startswith("No route is ")]


def route(*named: Any, method: Any = get) -> Any:
    def things() -> None: ...

    return method("/things", guards=list(named), sync_to_thread=False)(things)


def test_a_route_that_names_no_action_stops_the_start() -> None:
    assert gaps(route()) == ['GET /things must name one action: give it guards=[may("…")], or guards=[anyone].']


def test_a_route_that_names_two_actions_stops_the_start() -> None:
    (problem,) = gaps(route(may("returns.read"), may("memos.read")))
    assert problem.startswith("GET /things must name one action")


def test_an_action_that_nobody_knows_stops_the_start() -> None:
    assert gaps(route(may("returns.pay"), method=post)) == [
        "POST /things is returns.pay, which permissions.toml does not know: add it there."
    ]


def test_a_route_for_anyone_or_for_an_action_is_fine_and_an_action_besides_is_the_one_that_counts() -> None:
    assert gaps(route(anyone)) == []
    assert gaps(route(may("returns.read"))) == []
    (problem,) = gaps(route(anyone, may("returns.pay")))
    assert "returns.pay" in problem


def test_one_guard_may_be_two_actions_by_method() -> None:
    guard = may("receiving.read", changing="receiving.book")
    assert [guard.action_of(method) for method in ("GET", "HEAD", "POST", "PUT", "")] == [
        *["receiving.read"] * 2,
        *["receiving.book"] * 3,
    ]


def test_an_action_without_a_route_stops_the_start() -> None:
    with pytest.raises(PermissionsWrong) as told:
        guards.refuse_gaps(Litestar(route_handlers=[route(may("returns.read"))], openapi_config=None))
    missing = [f"No route is {name}: take it out of permissions.toml." for name in matrix().actions]
    assert told.value.problems == [problem for problem in missing if "returns.read:" not in problem]
