"""Calls webhooks in the background: once each, without repeating what failed."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx
import msgspec

from connectors.channelengine.sandbox.faults import Fault, FaultPlan
from connectors.channelengine.sandbox.tenancy import Webhook
from connectors.channelengine.sandbox.weather import Effect, Kind
from connectors.channelengine.sandbox.webhooks import Event, address

KEPT = 1_000
MOST_AT_ONCE = 8
PATIENCE_SECONDS = 5.0
OK = range(200, 300)


class Delivery(msgspec.Struct, kw_only=True):
    """One call of a webhook; `outcome` is a status, `lost` by a fault, why it failed, or None while under way."""

    at: datetime
    webhook: str
    url: str
    method: str
    fault: str | None = None
    outcome: str | None = None


class Courier:
    """Carries events to webhooks; `failed` is told of the tenant, the webhook and why."""

    def __init__(self, faults: FaultPlan, failed: Callable[[str, str, str], None]) -> None:
        self._faults = faults
        self._failed = failed
        self._http: httpx.AsyncClient | None = None
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}
        self._deliveries: dict[str, deque[Delivery]] = {}

    def send(self, event: Event, webhooks: Iterable[Webhook], at: datetime) -> None:
        """Start to call every active webhook that wants this event; needs a running loop."""
        for webhook in webhooks:
            if webhook.is_active and event.kind in webhook.events:
                self._start(event, webhook, at)

    def deliveries(self, tenant: str) -> list[Delivery]:
        """Return a tenant's latest deliveries, oldest first."""
        return list(self._deliveries.get(tenant, ()))

    async def settle(self, tenant: str) -> int:
        """Return how many deliveries there are once none of the tenant's is under way."""
        while self._under_way.get(tenant):
            await asyncio.wait(self._under_way[tenant])
        return len(self.deliveries(tenant))

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = [task for tasks in self._under_way.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    def _start(self, event: Event, webhook: Webhook, at: datetime) -> None:
        fault = self._faults.draw(event.tenant, Effect.WEBHOOK)
        times = 2 if fault is not None and fault.kind is Kind.DOUBLE else 1
        for _ in range(times):
            delivery = Delivery(
                at=at,
                webhook=webhook.name,
                url=address(webhook, event),
                method=webhook.request_type,
                fault=fault.text if fault else None,
            )
            self._deliveries.setdefault(event.tenant, deque(maxlen=KEPT)).append(delivery)
            if fault is not None and fault.kind is Kind.LOSE:
                delivery.outcome = "lost"
                continue
            tasks = self._under_way.setdefault(event.tenant, set())
            task = asyncio.get_running_loop().create_task(self._deliver(event.tenant, delivery, _delay(fault)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _deliver(self, tenant: str, delivery: Delivery, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        async with self._places:
            try:
                answer = await self._client().request(delivery.method, delivery.url)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                delivery.outcome = f"failed: {type(error).__name__}"
            else:
                delivery.outcome = str(answer.status_code)
                if answer.status_code in OK:
                    return
        self._failed(tenant, delivery.webhook, f"The call of {delivery.webhook} was answered with {delivery.outcome}.")

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            # No connection is kept, so that nothing is left open when a test or a merchant's server ends.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits, trust_env=False)
        return self._http


def _delay(fault: Fault | None) -> float:
    return fault.argument / 1000 if fault is not None and fault.kind is Kind.LATE else 0.0
