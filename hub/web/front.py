"""The front door: what this hub is."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Template

from hub.api.guards import anyone
from hub.web.apps import App
from hub.web.visitors import NEXT_STEP, Visit
from tenants.people.sessions import engine


class Front(Controller):
    """Pages that need no key."""

    include_in_schema = False
    guards = (anyone,)

    @get("/", sync_to_thread=False)
    def landing(self, request: Visit, apps: NamedDependency[tuple[App, ...]]) -> Template:
        """Say what this is and where to go."""
        step = NEXT_STEP.get(engine.stage(request.auth)) if request.auth is not None else None
        return Template("landing.html", context={"apps": apps, "step": step})
