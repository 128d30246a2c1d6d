"""The front door: what this hub is, signing in and signing out."""

from collections.abc import Mapping
from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from hub.api.guards import anyone
from hub.web.apps import App
from hub.web.visitors import HELD_KEY, HOME, Visit, enter, own_path


class Front(Controller):
    """Pages that need no key."""

    include_in_schema = False
    guards = (anyone,)

    @get("/", sync_to_thread=False)
    def landing(self, apps: NamedDependency[tuple[App, ...]]) -> Template:
        """Say what this is and where to go."""
        return Template("landing.html", context={"apps": apps})

    @get("/sign-in", sync_to_thread=False)
    def ask(self, next: FromQuery[str] = HOME) -> Template:  # noqa: A002 - the name is part of the address
        """Ask for a key."""
        return _form(own_path(next))

    @post("/sign-in")
    async def sign_in(self, request: Visit) -> Response[Any]:
        """Open a session and go on; every key that does not work gets the same answer."""
        form = await request.form()
        address = own_path(_text(form, "next"))
        prefix = await enter(_text(form, "key").strip())
        if prefix is None:
            return _form(address, refused=True)
        request.set_session({HELD_KEY: prefix})
        return Redirect(address, status_code=303)

    @post("/sign-out", sync_to_thread=False)
    def sign_out(self, request: Visit) -> Redirect:
        """Close the session."""
        request.clear_session()
        return Redirect(HOME, status_code=303)


def _form(address: str, *, refused: bool = False) -> Template:
    context = {"next": address, "refused": refused}
    return Template("sign_in.html", context=context, status_code=422 if refused else 200)


def _text(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
