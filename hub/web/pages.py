"""The pages, added to the application as one plugin."""

from typing import Any

from litestar import Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.plugins import InitPlugin

from hub.api.access import OnlyReading
from hub.kit.crypto import Keyring
from hub.settings import Settings
from hub.web import apps, errors, kept, keys, templating, visitors
from hub.web.front import Front
from hub.web.manners import PAGE_HEADERS, Manners
from hub.web.people.account import Account
from hub.web.people.devices import Devices
from hub.web.people.impersonation import Looking
from hub.web.people.links import Links
from hub.web.people.members import Members
from hub.web.people.providers import Providers
from hub.web.people.sign_in import SecondFactor, SignIn
from hub.web.permissions import Permissions
from hub.web.reference import Reference

CONTROLLERS = (
    Front, Reference, Permissions, SignIn, SecondFactor, Links, Account, Members, Devices, Providers, Looking,
)  # fmt: skip


class Pages(InitPlugin):
    """Adds pages, forms, static files and error pages; stands after whatever registers exception handlers."""

    def __init__(self, settings: Settings, keyring: Keyring, offered: tuple[apps.App, ...], stand: apps.Stand) -> None:
        self._master_keys = keys.master(settings)
        self._keyring = keyring
        self._apps = offered
        self._stand = stand

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add everything that is a page."""
        app_config.route_handlers += [self._pages(), *apps.files(self._apps)]
        app_config.template_config = templating.config(apps.folders(self._apps))
        app_config.exception_handlers = errors.as_pages(app_config.exception_handlers)
        return app_config

    def _pages(self) -> Router:
        middleware: list[Any] = [
            Manners(PAGE_HEADERS),
            visitors.OwnPages(),
            visitors.session(self._master_keys),
            visitors.forms(self._master_keys),
            visitors.Visitor,
            kept.GivesBack(self._keyring),
            OnlyReading(),
        ]
        return Router(
            "/",
            route_handlers=[*CONTROLLERS, *(apps.mount(each, self._stand) for each in self._apps)],
            middleware=middleware,
            dependencies={"apps": Provide(lambda: self._apps, sync_to_thread=False)},
            include_in_schema=False,
        )
