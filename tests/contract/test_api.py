"""The warehouse app without a connection, and with one, and a partner's program: they deliver by the API."""

from itertools import count
from typing import Any

import httpx

from tenants.messages import Role
from tests.contract.receipts import Deliver, Delivered, ReceiptContract
from tests.support.caller import Caller
from tests.support.world import Shop, World

_once = count(1)


async def one_by_one(world: World, api: httpx.AsyncClient, shop: Shop) -> Deliver:
    """Deliver each receipt by a call of its own."""
    caller = Caller(api, await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))

    async def deliver(request: dict[str, Any]) -> Delivered:
        answer = await caller.post(f"/warehouses/{shop.warehouse}/receipts", request, once=f"contract:{next(_once)}")
        told = answer.json()
        return Delivered(refused=told["title"]) if answer.is_error else Delivered(result=told)

    return deliver


async def in_batches(world: World, api: httpx.AsyncClient, shop: Shop) -> Deliver:
    """Deliver each receipt as one of several, behind one that cannot be read."""
    caller = Caller(api, await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse))

    async def deliver(request: dict[str, Any]) -> Delivered:
        kept = {"receipts": [{"key": "garbage"}, request, 7]}
        answer = await caller.post(f"/warehouses/{shop.warehouse}/receipts/batch", kept)
        before, told, after = answer.json()["answers"]
        assert [(each["outcome"], each["code"]) for each in (before, after)] == [("refused", "request_malformed")] * 2
        if told["result"] is None:
            return Delivered(refused=told["code"])
        assert told["outcome"] == ("repeated" if told["result"]["repeated"] else "done")
        return Delivered(result=told["result"])

    return deliver


class TestOneByOne(ReceiptContract):
    """The app with a connection, and a partner's program."""

    deliverer = one_by_one


class TestInBatches(ReceiptContract):
    """The app after it had no connection."""

    deliverer = in_batches
