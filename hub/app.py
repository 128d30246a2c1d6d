"""The web process: API, health, metrics and pages, assembled in one place."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hub import process
from hub.api import (
    audit,
    backfills,
    configuration,
    hooks,
    impersonation,
    keys,
    knocks,
    notices,
    people,
    permissions,
    photos,
    policies,
    printing,
    problems,
    products,
    receiving,
    reconciling,
    road,
    setup,
    watch,
    webhooks,
)
from hub.api.access import BearerAuthentication, OnlyReading
from hub.api.describing import DescriptionConfig
from hub.api.guards import anyone, refuse_gaps
from hub.api.idempotency import Idempotency
from hub.deadlines import service as deadlines
from hub.inbox import service as inbox
from hub.inbox.handler import Handler
from hub.kit import db
from hub.knocks.keeper import Keeper
from hub.operations import sweeper
from hub.outbox import mail
from hub.receipt.desk import Desk
from hub.receipt.parcels import service as parcels
from hub.reconciliation import service as reconciliation
from hub.runtime import Runtime
from hub.web import apps
from hub.web.pages import Pages
from hub.webhooks import service as webhook_service
from hub.work import service as work
from tenants.messages import Principal

VERSION = "0.1.0"
CONTROLLERS = (
    *setup.CONTROLLERS,
    *policies.CONTROLLERS,
    *configuration.CONTROLLERS,
    *backfills.CONTROLLERS,
    *reconciling.CONTROLLERS,
    *road.CONTROLLERS,
    *receiving.CONTROLLERS,
    *products.CONTROLLERS,
    *printing.CONTROLLERS,
    *photos.CONTROLLERS,
    *watch.CONTROLLERS,
    *audit.CONTROLLERS,
    *webhooks.CONTROLLERS,
    *keys.CONTROLLERS,
    *permissions.CONTROLLERS,
    *impersonation.CONTROLLERS,
    *people.CONTROLLERS,
    *notices.CONTROLLERS,
)
# Anybody who reaches the port may ask, and counting is work for the database.
MEASURED_FOR_SECONDS = 5.0


def build(runtime: Runtime) -> Litestar:
    """Return the application over an open runtime; whoever opened it closes it.

    Raises `PermissionsWrong` if a route and the permission matrix do not know each other.
    """

    async def principal(request: Request[Principal, Any, Any]) -> Principal:
        return request.user

    async def stand(warehouse_id: UUID, visitor: Principal) -> Desk:
        return await receiving.provide_desk(warehouse_id, visitor, runtime.photos)

    api = Router(
        "/api/v1",
        route_handlers=CONTROLLERS,
        # The answers of calls are kept outside of what a call itself may write.
        middleware=[DefineMiddleware(BearerAuthentication), Idempotency(runtime.keyring), OnlyReading()],
        dependencies={"principal": Provide(principal), "desk": Provide(receiving.provide_desk)},
        security=[{"key": []}],
    )
    keeper = Keeper(runtime.vendors, runtime.settings.public_url)
    handler = Handler(runtime.vendors, process.import_channel_return, process.take_refusal)
    application = Litestar(
        route_handlers=[api, knocks.knock, hooks.hook, notices.asked, notices.unsubscribe, health, ready, metrics],
        dependencies={
            "vendors": Provide(lambda: runtime.vendors, sync_to_thread=False),
            "runtime": Provide(lambda: runtime, sync_to_thread=False),
            "keeper": Provide(lambda: keeper, sync_to_thread=False),
            "handler": Provide(lambda: handler, sync_to_thread=False),
            "store": Provide(lambda: runtime.photos, sync_to_thread=False),
        },
        plugins=[
            problems.plugin(),
            Pages(runtime.settings, runtime.keyring, apps.offered(runtime.registry.pages), stand),
        ],
        exception_handlers={Exception: problems.unexpected},
        openapi_config=DescriptionConfig(
            title="Returns hub",
            use_handler_docstrings=True,
            version=VERSION,
            openapi_router=Router("/schema", route_handlers=[], guards=[anyone], include_in_schema=False),
            # The document only: pages that read it load code from elsewhere; ours is at /reference.
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        ),
        state=State({"bell": runtime.bell, "keyring": runtime.keyring, "gauges": Gauges()}),
        request_class=problems.ReadableRequest,
        request_max_body_size=1_000_000,
        # The process has configured its logging; Litestar is not to do it again.
        logging_config=None,
    )
    refuse_gaps(application)
    return application


@get("/health", guards=[anyone], include_in_schema=False, media_type=MediaType.TEXT, sync_to_thread=False)
def health() -> str:
    """Say that the process answers."""
    return "ok"


@get("/ready", guards=[anyone], include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    """Say whether the process can work: PostgreSQL must answer, Valkey may be away for a while."""
    checks = {"database": await _answers(_ask_database), "queue": await _answers(request.app.state.bell.ping)}
    return Response(checks, status_code=200 if checks["database"] == "ok" else 503)


async def _ask_database() -> None:
    async with db.transaction(db.PLATFORM):
        await db.fetch_one("select 1")


async def _answers(ask: Callable[[], Awaitable[Any]]) -> str:
    try:
        await ask()
    except Exception as fault:  # noqa: BLE001 - readiness reports whatever stands in the way
        return type(fault).__name__
    return "ok"


class Gauges:
    """The gauges that are counted in the database: at most once in five seconds, however often they are asked for."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._fresh_until = 0.0

    async def refresh(self) -> None:
        """Measure, unless that was done just now."""
        async with self._one:
            if time.monotonic() < self._fresh_until:
                return
            await sweeper.measure()
            await inbox.measure()
            await work.measure()
            await parcels.measure()
            await reconciliation.measure()
            await deadlines.measure()
            await mail.measure()
            await webhook_service.measure()
            self._fresh_until = time.monotonic() + MEASURED_FOR_SECONDS


@get("/metrics", guards=[anyone], include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Give the operator's gauges and counters, the gauges at most five seconds old."""
    await request.app.state.gauges.refresh()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
