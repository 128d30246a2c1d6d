"""The same cycle by hand: asyncpg, arq and httpx, a statement per table, and none of the hub's code."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker, func
from uuid_utils.compat import uuid7

from hub.bench import queries, vendor
from hub.bench.cycle import Shop, in_parallel, until

QUEUE = "floor"
AHEAD = timedelta(seconds=30)
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode


def _now() -> datetime:
    return datetime.now(UTC)


class Floor:
    """One cycle's hand-written counterpart."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", queue: ArqRedis, http: httpx.AsyncClient, shop: Shop, tenant: str
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._http = http
        self._shop = shop
        self._tenant = tenant
        self._base = f"/{tenant}/api/v2"
        self._key = {"x-ce-key": vendor.KEY}
        self.settled = 0
        self.acknowledged = 0

    async def run(self, returns: int) -> float:
        """Take every return from the vendor's list to settled; returns the seconds it took."""
        started = time.perf_counter()
        numbers = await self._import_all()
        await in_parallel(numbers, self._receive)
        await until(self._settled, returns)
        return time.perf_counter() - started

    async def _settled(self) -> int:
        return min(self.settled, self.acknowledged)

    async def _import_all(self) -> list[str]:
        numbers: list[str] = []
        page = 1
        while True:
            query = {"statuses": "IN_PROGRESS", "page": str(page)}
            answer = await self._http.get(f"{self._base}/returns/merchant", params=query, headers=self._key)
            body = msgspec.json.decode(answer.content)
            await self._store_page(body["Content"])
            numbers += [await self._bear(item) for item in body["Content"]]
            if page * body["ItemsPerPage"] >= body["TotalCount"]:
                return numbers
            page += 1

    async def _store_page(self, items: list[dict[str, Any]]) -> None:
        now = _now()
        values = [
            (
                self._shop.account,
                uuid7(),
                self._shop.connection,
                str(each["Id"]),
                str(each["Id"]),
                msgspec.json.encode(each).decode(),
                now,
            )
            for each in items
        ]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.executemany(
                queries.INBOX,
                values,
            )

    async def _bear(self, item: dict[str, Any]) -> str:
        shop, now = self._shop, _now()
        return_id, operation_id, number = uuid7(), uuid7(), secrets.token_hex(6)
        line, order = item["Lines"][0], item["MerchantOrderNo"]
        reference = str(line["OrderLine"]["Id"])
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                queries.ORDER_LINE,
                shop.account,
                shop.connection,
                order,
                reference,
                line["MerchantProductNo"],
                line["Quantity"],
            )
            await connection.execute(
                queries.RETURN,
                shop.account,
                return_id,
                number,
                shop.channel,
                shop.connection,
                shop.policy_version,
                shop.warehouse,
                str(item["Id"]),
                item["ChannelReturnNo"],
                order,
                now,
            )
            await connection.execute(
                queries.LINE,
                shop.account,
                uuid7(),
                return_id,
                line["MerchantProductNo"],
                reference,
                line["Quantity"],
            )
            await self._tell(connection, return_id, now, "return.initiated")
            await self._plan(connection, operation_id, return_id, "acknowledge", "initiation", number, now, item["Id"])
            await connection.execute(
                queries.HANDLED,
                shop.account,
                shop.connection,
                return_id,
                now,
                str(item["Id"]),
            )
        await self._queue.enqueue_job("floor", str(operation_id), _queue_name=QUEUE)
        return str(return_id)

    async def _tell(self, connection: Any, return_id: Any, now: datetime, *events: str) -> None:
        told = [(self._shop.account, uuid7(), return_id, now, event) for event in events]
        await connection.executemany(
            queries.TIMELINE,
            told,
        )
        await connection.executemany(queries.OUTBOX, told)

    async def _plan(
        self,
        connection: Any,
        operation_id: Any,
        return_id: Any,
        effect: str,
        phase: str,
        number: str,
        now: datetime,
        external: int,
    ) -> None:
        await connection.execute(
            queries.PLAN,
            self._shop.account,
            operation_id,
            return_id,
            self._shop.connection,
            effect,
            phase,
            f"{effect}:{return_id}",
            now,
            msgspec.json.encode({"id": external, "number": number}).decode(),
        )

    async def _receive(self, text: str) -> None:
        shop, now = self._shop, _now()
        receipt_id, operation_id = uuid7(), uuid7()
        async with self._pool.acquire() as connection, connection.transaction():
            held: Any = await connection.fetchrow(
                queries.HELD,
                shop.account,
                text,
            )
            await connection.execute(
                queries.RECEIPT,
                shop.account,
                receipt_id,
                held["id"],
                shop.warehouse,
                held["number"],
                now,
            )
            await connection.execute(
                queries.ITEM,
                shop.account,
                receipt_id,
                held["id"],
                held["line_id"],
                vendor.SKU,
                held["declared"],
            )
            await connection.execute(
                queries.LINE_RECEIVED,
                shop.account,
                held["line_id"],
            )
            await connection.execute(
                queries.RECEIVED,
                shop.account,
                held["id"],
                now,
            )
            await connection.execute(
                queries.MEMO,
                shop.account,
                held["id"],
                shop.policy_version,
                now,
            )
            await self._tell(
                connection, held["id"], now, "return.received", "return.finalised", "return.decided", "settlement.sent"
            )
            await self._plan(
                connection,
                operation_id,
                held["id"],
                "settle",
                "settlement",
                held["number"],
                now,
                int(held["external_id"]),
            )
        await self._queue.enqueue_job("floor", str(operation_id), _queue_name=QUEUE)

    async def job(self, _context: dict[Any, Any], operation_id: str) -> None:
        """Claim, call, store: one operation."""
        now = _now()
        async with self._pool.acquire() as connection:
            claimed: Any = await connection.fetchrow(
                queries.CLAIM,
                operation_id,
                now + AHEAD,
            )
        request = msgspec.json.decode(claimed["request"])
        if claimed["effect"] == "acknowledge":
            body = {"ReturnId": request["id"], "MerchantReturnNo": request["number"]}
            answer = await self._http.post(f"{self._base}/returns/merchant/acknowledge", json=body, headers=self._key)
        else:
            line = {"MerchantProductNo": vendor.SKU, "AcceptedQuantity": vendor.UNITS, "RejectedQuantity": 0}
            body = {"ReturnId": request["id"], "Lines": [line]}
            answer = await self._http.put(f"{self._base}/returns", json=body, headers=self._key)
        answer.raise_for_status()
        await self._conclude(operation_id, claimed, answer)

    async def _conclude(self, operation_id: str, claimed: Any, answer: httpx.Response) -> None:
        shop, now, return_id = self._shop, _now(), claimed["return_id"]
        settling = claimed["effect"] == "settle"
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                queries.DONE,
                shop.account,
                operation_id,
                now,
            )
            exchanges = msgspec.json.encode([{"status": answer.status_code, "response": answer.text}]).decode()
            await connection.execute(queries.ATTEMPT, shop.account, operation_id, uuid7(), now, exchanges)
            change = queries.SETTLED if settling else queries.ACKNOWLEDGED
            await connection.execute(change, shop.account, return_id, now)
            if settling:
                await connection.execute(
                    queries.LINE_SETTLED,
                    shop.account,
                    return_id,
                )
            await self._tell(connection, return_id, now, "return.settled" if settling else "return.acknowledged")
        self.settled += settling
        self.acknowledged += not settling


@asynccontextmanager
async def floor(
    database_url: str, redis_url: str, vendor_url: str, shop: Shop, tenant: str, *, pool_size: int, max_jobs: int
) -> AsyncIterator[Floor]:
    """Open the floor's pool, queue, client and worker."""
    settings = RedisSettings.from_dsn(redis_url)
    queue = await create_pool(settings, job_serializer=_encode, job_deserializer=_decode)
    options = {"hub.platform": "on"}
    async with (
        asyncpg.create_pool(database_url, min_size=1, max_size=pool_size, server_settings=options, reset=_keep) as pool,
        httpx.AsyncClient(base_url=vendor_url, timeout=20, limits=httpx.Limits(max_connections=8)) as http,
    ):
        made = Floor(pool, queue, http, shop, tenant)
        worker = Worker(
            functions=[func(_job(made), name="floor")],
            queue_name=QUEUE,
            redis_settings=settings,
            handle_signals=False,
            max_jobs=max_jobs,
            keep_result=0,
            poll_delay=0.02,
            job_serializer=_encode,
            job_deserializer=_decode,
            log_results=False,
        )
        task = asyncio.create_task(worker.async_run())
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await worker.close()
            await queue.aclose()


def _job(made: Floor) -> Any:
    return made.job


async def _keep(_connection: Any) -> None:
    """Keep the session's settings."""
