"""A browser before a real hub: the pages on a loopback port, and an operator who has a keyboard only."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from hub.runtime import Runtime
from tests.pages import gallery
from tests.pages.visiting import Guest, guest
from tests.support.world import World

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(application: Any, end: Callable[[], None] = lambda: None) -> AsyncIterator[str]:
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by an attribute only
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        # As the hub's own server does: a stream would not end by itself.
        end()
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
async def application(runtime: Runtime) -> Any:
    """The web application, built once for the run; it keeps nothing between tests but its routes."""
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    return app.build(runtime)


@pytest.fixture
async def browsers(hub: Runtime, application: Any) -> AsyncIterator[Callable[[], Guest]]:
    """Opens browsers without scripts before the pages of an empty hub."""
    opened: list[Guest] = []

    def open_one() -> Guest:
        opened.append(guest(hub, application))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.client.aclose()


@pytest.fixture
async def site(world: World) -> AsyncIterator[str]:
    """The address of the hub's pages."""
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    application = app.build(world.hub)
    async with listening(application, application.state.live.streams.end) as address:
        yield address


@pytest.fixture(scope="session")
async def components() -> AsyncIterator[str]:
    """The address of the page of all components, shared by the run: it remembers nothing."""
    async with listening(gallery.application()) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Where the browser is; without one the tests that need it are skipped."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}; install Debian's chromium to play an operator")
    return CHROMIUM


@pytest.fixture(scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """Chromium, for the whole run."""
    async with async_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        launched = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        await launched.close()


Open = Callable[..., Any]
# Milliseconds until a page that does not come is said not to come; a busy machine is no fault of the page.
PATIENCE = 20_000


@pytest.fixture
async def opened(browser: Browser, site: str) -> AsyncIterator[Open]:
    """Open pages of a size, in colours, with or without JavaScript; an error in a script fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    async def open_page(*, width: int = 1280, height: int = 800, **more: Any) -> Page:
        context = await browser.new_context(
            base_url=site, viewport={"width": width, "height": height}, reduced_motion="reduce", **more
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert not faults
