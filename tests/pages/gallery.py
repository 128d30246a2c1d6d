"""The page of all components on a loopback port, without a hub behind it."""

from typing import Any

from litestar import Controller, Litestar, Router

from hub.web import apps, templating
from hub.web.gallery import Components
from hub.web.manners import PAGE_HEADERS, Manners
from hub.web.preferences import Preferences
from hub.web.reader import Reading


def application(*more: type[Controller]) -> Any:
    """The components, with the manners of every page."""
    pages = Router("/", route_handlers=[Components, Preferences, *more], middleware=[Manners(PAGE_HEADERS), Reading()])
    return Litestar([pages, *apps.files(())], template_config=templating.config({}))
