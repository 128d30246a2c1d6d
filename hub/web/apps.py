"""Plugins' pages: each plugin's controllers live under `/apps/<plugin name>`, for people who signed in.

What a plugin may count on, besides `hub.sdk`:

* its `templates/` are found as `<package>/file.html` and may extend `base.html` and import `macros.html`;
* its `static/` is served under `/static/<package>/`, and `static("<package>/file.css")` is a file's address;
* its `locales/<language>.po` translate what its templates mark with `_(…)`;
* `desk: ReceivingDesk` is a dependency, bound to the warehouse whose key signed in;
* what was typed into a form in a session that had ended is in `request.scope["kept"]` when its page is shown again;
* `request.session` is kept between requests, and forms carry `{{ csrf_input | safe }}`.

The package is the last part of the name of the package that holds the controllers, whatever the operator calls the
plugin; the two folders stand beside them.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from litestar import Controller, Router
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.static_files import create_static_files_router

from hub.api.guards import anyone, may
from hub.kit.errors import Forbidden
from hub.sdk import ReceivingDesk
from hub.web.manners import FILE_HEADERS, Manners
from hub.web.shell import Place
from hub.web.templating import HERE, OWN
from hub.web.visitors import Stranger, Visit, signed_in, to_sign_in
from tenants.messages import Principal

Stand = Callable[[UUID, Principal], Awaitable[ReceivingDesk]]
# The address of a file changes with its content.
FILES_KEEP = CacheControlHeader(public=True, max_age=86_400)


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin's pages."""

    name: str
    package: str
    folder: Path
    controllers: tuple[type[Controller], ...]

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/apps/{self.name}"

    @property
    def title(self) -> str:
        """Its name as people read it."""
        return self.name.replace("_", " ").capitalize()

    @property
    def place(self) -> Place:
        """Its entry in the navigation."""
        return Place(label=self.title, href=f"{self.path}/", icon="box")


class AppsClash(Exception):  # noqa: N818 - it says the fact
    """Two plugins with pages have the same package name."""


def offered(pages: Mapping[str, Sequence[type[Controller]]]) -> tuple[App, ...]:
    """Return the plugins that offer pages, by the name the operator gave them; raises `AppsClash`."""
    apps = tuple(_app(name, controllers) for name, controllers in pages.items() if controllers)
    packages = [OWN, *(app.package for app in apps)]
    for package in packages:
        if packages.count(package) > 1:
            raise AppsClash(f"Two plugins with pages are packages named {package!r}; rename one of them.")
    return apps


def _app(name: str, controllers: Sequence[type[Controller]]) -> App:
    module = sys.modules[controllers[0].__module__]
    return App(
        name=name,
        package=(module.__package__ or module.__name__).rpartition(".")[2],
        folder=Path(str(module.__file__)).parent,
        controllers=tuple(controllers),
    )


def folders(apps: tuple[App, ...]) -> dict[str, Path]:
    """Return each app's folder by its package."""
    return {app.package: app.folder for app in apps}


def mount(app: App, stand: Stand) -> Router:
    """Return one plugin's pages under its path."""

    async def desk(request: Visit) -> ReceivingDesk:
        return await _desk(request.user, stand)

    return Router(
        app.path,
        route_handlers=list(app.controllers),
        guards=[signed_in, may("receiving.read", changing="receiving.book")],
        exception_handlers={Stranger: to_sign_in},
        dependencies={"desk": Provide(desk)},
        include_in_schema=False,
    )


async def _desk(visitor: Principal | None, stand: Stand) -> ReceivingDesk:
    if visitor is None:
        raise Stranger
    if visitor.warehouse_id is None:
        raise Forbidden(
            "warehouse_key_needed",
            f"You are signed in with “{visitor.name}”, a key of the role {visitor.role}. "
            "These pages belong to one warehouse: sign in with a key of the role warehouse.",
        )
    return await stand(visitor.warehouse_id, visitor)


def files(apps: tuple[App, ...]) -> list[Router]:
    """Return the routes of the static files, the hub's own and each app's."""
    served = {OWN: HERE, **folders(apps)}
    return [
        Router(
            # The digest is for browsers: during an upgrade a process answers for another's files as well as it can.
            f"/static/{name}/{{version:str}}",
            route_handlers=[
                create_static_files_router(
                    "/", directories=[folder / "static"], name=f"static:{name}", cache_control=FILES_KEEP
                )
            ],
            guards=[anyone],
            middleware=[Manners(FILE_HEADERS)],
        )
        for name, folder in served.items()
        if (folder / "static").is_dir()
    ]
