"""The pages, added to the application as one plugin."""

from typing import Any

from litestar import Request, Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.plugins import InitPlugin

from hub.api.access import OnlyReading
from hub.kit.crypto import Keyring
from hub.settings import Settings
from hub.web import apps, errors, kept, keys, shell, templating, visitors
from hub.web.front import Front
from hub.web.gallery import Components
from hub.web.live.api import Events, Live
from hub.web.live.streams import Streams
from hub.web.live.watch import Watch, watching
from hub.web.manners import PAGE_HEADERS, Manners
from hub.web.people.account import Account
from hub.web.people.devices import Devices
from hub.web.people.impersonation import Looking
from hub.web.people.links import Links
from hub.web.people.members import Members
from hub.web.people.providers import Providers
from hub.web.people.sign_in import SecondFactor, SignIn
from hub.web.permissions import Permissions
from hub.web.policies import PolicyPages
from hub.web.preferences import Preferences
from hub.web.reader import Reading
from hub.web.reference import Reference

CONTROLLERS = (
    Front, Preferences, Reference, Permissions, PolicyPages, Events,
    SignIn, SecondFactor, Links, Account, Members, Devices, Providers, Looking,
)  # fmt: skip


class Pages(InitPlugin):
    """Adds pages, forms, static files and error pages; stands after whatever registers exception handlers."""

    def __init__(self, settings: Settings, keyring: Keyring, offered: tuple[apps.App, ...], stand: apps.Stand) -> None:
        self._master_keys = keys.master(settings)
        self._development = settings.development
        self._keyring = keyring
        self._apps = offered
        self._stand = stand

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add everything that is a page."""
        live = Live(streams := Streams(), Watch(streams))
        app_config.state["live"] = live
        app_config.lifespan.append(lambda _: watching(live.watch))
        app_config.route_handlers += [self._pages(), *apps.files(self._apps)]
        app_config.template_config = templating.config(apps.folders(self._apps), self._shell)
        app_config.exception_handlers = errors.as_pages(app_config.exception_handlers)
        return app_config

    def _pages(self) -> Router:
        middleware: list[Any] = [
            Manners(PAGE_HEADERS),
            visitors.OwnPages(),
            visitors.session(self._master_keys),
            visitors.forms(self._master_keys),
            visitors.Visitor,
            Reading(),
            kept.GivesBack(self._keyring),
            OnlyReading(),
        ]
        own = [*CONTROLLERS, *([Components] if self._development else [])]
        return Router(
            "/",
            route_handlers=[*own, *(apps.mount(each, self._stand) for each in self._apps)],
            middleware=middleware,
            dependencies={"apps": Provide(lambda: self._apps, sync_to_thread=False)},
            include_in_schema=False,
        )

    def _shell(self, request: Request[Any, Any, Any]) -> shell.Shell:
        # Errors before the session was read are a stranger's.
        return shell.for_visitor(
            request.scope.get("user"), request.url.path, tuple(each.place for each in self._apps),
            session=request.scope.get("auth"),
        )  # fmt: skip
