"""The live page of the demonstration: the road of all returns as they go, on this machine only.

It stands beside the hub, in the demonstration's own process, and knows no more than the hub's API and the vendor's
ledger tell. It shows keys, so it answers to the names of this machine and to no other.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from litestar import Controller, Litestar, Request, Router, get
from litestar.config.allowed_hosts import AllowedHostsConfig
from litestar.response import Stream, Template

from hub.demo.board import ORDER
from hub.demo.doors import Door
from hub.demo.follower import Follower
from hub.serving import listen
from hub.web import apps, templating
from hub.web.apps import App
from hub.web.live import wire
from hub.web.live.streams import Streams
from hub.web.manners import PAGE_HEADERS, Manners
from hub.web.preferences import Preferences
from hub.web.reader import Reading
from hub.web.shell import Shell

HERE = Path(__file__).parent
PACKAGE = "demo"
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 1_000


class Face(msgspec.Struct, kw_only=True):
    """What the page shows besides the road; it is filled in as the demonstration goes on. `agrees` is the verdict."""

    hub: str
    doors: Sequence[Door] = ()
    agrees: bool | None = None


class Showing(msgspec.Struct, frozen=True):
    """What the page's handlers share."""

    follower: Follower
    streams: Streams
    face: Face


class Live(Controller):
    """The page, and its stream."""

    @get("/", sync_to_thread=False)
    def show(self, request: Request[Any, Any, Any]) -> Template:
        """Show where every return is now."""
        showing: Showing = request.app.state.showing
        context = {"board": showing.follower.board, "face": showing.face, "stages": ORDER}
        return Template("demo/road.html", context=context)

    @get("/events")
    async def follow(self, request: Request[Any, Any, Any]) -> Stream:
        """Tell that the picture changed, each time it does."""
        body = changes(request.app.state.showing.streams)
        return Stream(body, media_type=wire.MEDIA_TYPE)


async def changes(streams: Streams) -> AsyncIterator[bytes]:
    """Yield a stream that ends with the process."""
    with streams.enter("page"):
        yield wire.retry(RETRY_MILLISECONDS)
        while not streams.ending:
            turn = streams.turn
            yield wire.message({"type": "changed"}) if await streams.moved(turn, HEARTBEAT_SECONDS) else wire.HEARTBEAT


def application(showing: Showing, port: int) -> Litestar:
    """Return the page as an application of its own."""
    app = App(name=PACKAGE, package=PACKAGE, folder=HERE, controllers=())
    pages = Router("/", route_handlers=[Live, Preferences], middleware=[Manners(PAGE_HEADERS), Reading()])
    built = Litestar(
        [pages, *apps.files((app,))],
        template_config=templating.config(apps.folders((app,)), lambda _: Shell(name="Returns hub, live")),
        # Another name for this machine is somebody else's page that wants to read ours.
        allowed_hosts=AllowedHostsConfig(allowed_hosts=[f"{name}:{port}" for name in ("127.0.0.1", "localhost")]),
        openapi_config=None,
        logging_config=None,
    )
    built.state["showing"] = showing
    return built


@asynccontextmanager
async def shown(showing: Showing, *, host: str, port: int) -> AsyncIterator[None]:
    """Follow the hub and serve the page for as long as the block runs."""
    following = asyncio.create_task(showing.follower.run())
    try:
        async with served(showing, host=host, port=port):
            yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


@asynccontextmanager
async def served(showing: Showing, *, host: str, port: int) -> AsyncIterator[None]:
    """Serve the page for as long as the block runs."""
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        listen(
            application(showing, port),
            host=host,
            port=port,
            stop=stop,
            end_streams=showing.streams.end,
            ready=ready,
        )
    )
    try:
        await ready.wait()
        yield
    finally:
        stop.set()
        await serving
