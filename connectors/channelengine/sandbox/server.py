"""The server: the vendor's API under `/{tenant}/api`, the development tool under `/_sandbox`, a page at `/`."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.enums import MediaType, ScopeType
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope, LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send

from connectors.channelengine.sandbox import wire
from connectors.channelengine.sandbox.api import MERCHANT_API
from connectors.channelengine.sandbox.api_webhooks import WEBHOOK_API
from connectors.channelengine.sandbox.control import CONTROL
from connectors.channelengine.sandbox.gate import Gate
from connectors.channelengine.sandbox.knock import knock_on
from connectors.channelengine.sandbox.page import front_page
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.vendor import Vendor, provide_book, utc_now

BULK_BYTES = 256 * 1024 * 1024


class Server(Litestar):
    """A Litestar application whose vendor calls pass the gate first, where a connection can still be dropped."""

    gate: Gate

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        """Answer one call."""
        knock = None
        if scope["type"] == ScopeType.HTTP:
            knock = await knock_on(cast("HTTPScope", scope), cast("Receive", receive), cast("Send", send))
        if knock is None:
            await super().__call__(scope, receive, send)
        else:
            await self.gate.handle(knock, super().__call__)


def create_app(
    *,
    tenants: Mapping[str, str] | None = None,
    journal: Path | None = None,
    clock: Callable[[], datetime] = utc_now,
    faults: Iterable[str] = (),
    calls_per_minute: int = 1_000_000,
    seed: int = 0,
) -> Litestar:
    """Build the sandbox; `tenants` maps a tenant's name to its API key, `faults` are texts such as `settle=409/3`.

    With a journal everything survives a restart but faults, limits, and the logs of calls, exchanges and deliveries.
    What is left to chance is chosen by `seed`. Raises ValueError for a
    fault that cannot be read and for a journal that is damaged anywhere but in its last line.
    """
    vendor = Vendor(
        tenants=tenants or {},
        journal=journal,
        clock=clock,
        faults=faults,
        calls_per_minute=calls_per_minute,
        seed=seed,
    )

    async def catch_up(_: Request[Any, Any, Any]) -> None:
        vendor.catch_up()

    app = Server(
        route_handlers=[
            Router(path="/{tenant:str}/api", route_handlers=[*MERCHANT_API, *WEBHOOK_API]),
            Router(path="/_sandbox", route_handlers=CONTROL, before_request=catch_up),
            front_page,
        ],
        dependencies={
            "vendor": Provide(lambda: vendor, use_cache=True, sync_to_thread=False),
            "book": Provide(provide_book, sync_to_thread=False),
        },
        exception_handlers={Refusal: _refused, HTTPException: _no_such_call},
        lifespan=[lambda _: vendor.living()],
        on_shutdown=[vendor.close],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BULK_BYTES,
    )
    app.gate = Gate(vendor)
    return app


def _refused(_: Request[Any, Any, Any], error: Refusal) -> Response[bytes]:
    return Response(wire.refusal(error), status_code=error.status, media_type=MediaType.JSON)


def _no_such_call(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return _refused(request, Refusal(error.status_code, error.detail))
