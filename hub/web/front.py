"""The front door: what this hub is."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.response import Template

from hub.api.guards import anyone
from hub.web.apps import App


class Front(Controller):
    """Pages that need no key."""

    include_in_schema = False
    guards = (anyone,)

    @get("/", sync_to_thread=False)
    def landing(self, apps: NamedDependency[tuple[App, ...]]) -> Template:
        """Say what this is and where to go."""
        return Template("landing.html", context={"apps": apps})
