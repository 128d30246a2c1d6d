"""What every test may ask for: real engines, an empty hub, a stopped clock, a world with a vendor in it."""

import asyncio
import io
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from hub import migrations
from hub.kit import clock, db
from hub.kit.embedded import Engines, engines
from hub.kit.telemetry import configure_logging
from hub.runtime import Runtime, open_runtime
from hub.settings import Settings
from tests.support.market import Stall
from tests.support.people import Crowd
from tests.support.vendor import Vendor
from tests.support.world import World

hypothesis_settings.register_profile(
    "hub",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("hub")


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        # A microsecond per look keeps the order of things visible, as a real clock would.
        self.moment += timedelta(microseconds=1)
        return self.moment

    def forward(self, **span: float) -> None:
        """Let time pass, e.g. `forward(seconds=30)`."""
        self.moment += timedelta(**span)


@pytest.fixture
def stopped() -> Iterator[Clock]:
    """A clock that stands still until the test moves it."""
    frozen = Clock()
    with clock.driven_by(frozen):
        yield frozen


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, at the lowest level, as the hub would write it."""
    before, written = structlog.get_config(), io.StringIO()
    configure_logging(level="debug", style="json")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    yield written
    structlog.configure(**before)


@pytest.fixture(scope="session")
def own_engines() -> Iterator[Engines]:
    """PostgreSQL and Valkey for this run: the ones named in the environment, or embedded ones."""
    database, redis = os.environ.get("HUB_TEST_DATABASE_URL"), os.environ.get("HUB_TEST_REDIS_URL")
    if database and redis:
        yield Engines(database_url=database, redis_url=redis)
        return
    # Not in pytest's own folder: another run of pytest closes that to all but its owner, and as root PostgreSQL runs
    # as somebody else.
    with (
        tempfile.TemporaryDirectory(prefix="hub-tests-", ignore_cleanup_errors=True) as folder,
        engines(Path(folder)) as own,
    ):
        yield own


@pytest.fixture(scope="session")
async def runtime(own_engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Runtime]:
    """An open runtime on a migrated database, shared by the run; `hub` empties it for each test."""
    await db.connect(own_engines.database_url, most=2)
    await migrations.migrate()
    await db.disconnect()
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        egress_allow="127.0.0.1",
        plugins=Path(__file__).parents[1] / "plugins.toml",
        pool_size=20,
        public_url="http://hub",
    )
    async with open_runtime(settings, database_url=own_engines.database_url, redis_url=own_engines.redis_url) as opened:
        yield opened


TABLES = "accounts, partners, audit, idempotency_keys, api_keys, users, guesses, ceremonies, mails, photo_objects"


@pytest.fixture
async def hub(runtime: Runtime) -> Runtime:
    """The same hub, empty."""
    async with db.transaction(db.PLATFORM):
        await db.execute(f"truncate {TABLES} cascade")
    await runtime.bell.forget_everything()
    return runtime


@pytest.fixture(scope="session")
async def vendor_server() -> AsyncIterator[Vendor]:
    """ChannelEngine's sandbox on a loopback port, shared by the run."""
    vendor = Vendor()
    async with vendor.serving():
        yield vendor


@pytest.fixture
async def vendor(vendor_server: Vendor) -> Vendor:
    """The sandbox without faults and at real time; each test takes tenants of its own."""
    await vendor_server.calm()
    return vendor_server


@pytest.fixture
async def world(hub: Runtime, vendor: Vendor, stopped: Clock) -> AsyncIterator[World]:
    """A hub, a vendor and a stopped clock, with the verbs of their users."""
    async with World.opened(hub, vendor, stopped) as opened:
        yield opened


@pytest.fixture
async def stall(hub: Runtime, stopped: Clock) -> AsyncIterator[Stall]:
    """A hub with a marketplace in memory whose every answer the test chooses, and a stopped clock."""
    async with Stall.opened(hub, stopped) as opened:
        yield opened


@pytest.fixture
async def market_api(stall: Stall) -> AsyncIterator[httpx.AsyncClient]:
    """The web application of the stall's hub, without a socket."""
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    # Litestar and httpx describe the same ASGI with different types.
    application: Any = app.build(stall.hub)
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


@pytest.fixture
async def api(hub: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The web application of an empty hub, without a socket; `world.api` comes with keys."""
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    # Litestar and httpx describe the same ASGI with different types.
    application: Any = app.build(hub)
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


@pytest.fixture
def crowd(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Callers of every role."""
    made = Crowd(api)
    monkeypatch.setattr("hub.api.access.principal_of", made.principal_of)
    return made


def pytest_configure() -> None:
    """Use the same loop as production where it is there."""
    try:
        import uvloop  # noqa: PLC0415 - absent on some systems
    except ImportError:
        return
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
