"""The hub's users, through its API: support sets up, customers return, operators receive.

Every changing call carries an Idempotency-Key made from what it does, so that a second run of the demonstration
repeats the calls of a first one that was cut short, and nothing happens twice.
"""

import asyncio
from typing import Any

import httpx
import msgspec

from hub.demo.plan import MARKETPLACES, Case, Merchant, Part, deliveries
from hub.demo.sandbox import key_of
from hub.sdk.messages import Kind

# Operators and customers act at the same time, but not by the hundred.
AT_ONCE = 8
PATIENCE_SECONDS = 60.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one merchant's returns run in the hub, with the keys that open it."""

    account_id: str
    channel_id: str
    connection_id: str
    warehouse_id: str
    # The partner that runs the warehouse, if one does.
    partner_id: str | None = None
    account_key: str
    warehouse_key: str


class Refused(Exception):  # noqa: N818 - it says the fact
    """The hub refused a call of the demonstration."""


class Driver:
    """Acts on one hub."""

    def __init__(self, http: httpx.AsyncClient, *, key: str, vendor: str) -> None:
        self._http = http
        self._key = key
        self._vendor = vendor
        self._room = asyncio.Semaphore(AT_ONCE)

    async def set_up(self, merchant: Merchant) -> Place:
        """Set a merchant up: account, connection, warehouse, channel with both policies, keys."""
        mark = merchant.tenant
        account = await self._do(f"{mark}:account", "/accounts", {"name": merchant.name})
        address = f"{self._vendor}/{merchant.tenant}/api"
        connection = await self._do(
            f"{mark}:connection",
            "/connections",
            {
                "account_id": account["id"],
                "connector": "channelengine",
                "name": "ChannelEngine",
                "settings": {"address": address, "api_key": key_of(merchant.tenant)},
            },
        )
        owner = await self._who_runs(merchant, account["id"])
        warehouse = await self._do(
            f"{mark}:warehouse",
            "/warehouses",
            {"name": merchant.warehouse, "receiving_option": merchant.receiving, **owner},
        )
        rules = {"receiving": [{"warehouse_id": warehouse["id"]}]}
        channel = await self._do(
            f"{mark}:channel",
            "/channels",
            {
                "account_id": account["id"],
                "name": "Marketplaces",
                "connection_id": connection["id"],
                "marketplaces": [str(number) for number in MARKETPLACES],
                "policies": {"channel": rules, "merchant": rules},
            },
        )
        return Place(
            account_id=account["id"],
            channel_id=channel["id"],
            connection_id=connection["id"],
            warehouse_id=warehouse["id"],
            partner_id=owner.get("partner_id"),
            account_key=await self._make_key(mark, "account", account_id=account["id"]),
            warehouse_key=await self._make_key(mark, "warehouse", warehouse_id=warehouse["id"]),
        )

    async def _who_runs(self, merchant: Merchant, account_id: str) -> dict[str, str]:
        """Name the party that runs a merchant's warehouse, a partner set up first if it is one."""
        if merchant.receiving == "merchant_warehouse":
            return {"account_id": account_id}
        if merchant.receiving == "partner_app":
            partner = await self._do(f"{merchant.tenant}:partner", "/partners", {"name": merchant.warehouse})
            return {"partner_id": partner["id"]}
        return {}

    async def _make_key(self, mark: str, role: str, **owner: str) -> str:
        made = await self._do(f"{mark}:key:{role}", "/api-keys", {"name": f"{mark} {role}", "role": role, **owner})
        return str(made["key"])

    async def ask_for_news(self, place: Place, number: int) -> None:
        """Let the hub ask the channel for new returns now, as a user who presses the button does."""
        await self._do(f"poll:{place.connection_id}:{number}", f"/connections/{place.connection_id}/poll", None)

    async def create_returns(self, merchant: Merchant, place: Place) -> dict[str, str]:
        """Create the merchant returns; returns their numbers by order."""
        cases = [case for case in merchant.cases if case.kind is Kind.MERCHANT]
        made = await asyncio.gather(*(self._create(place, case) for case in cases))
        return dict(made)

    async def _create(self, place: Place, case: Case) -> tuple[str, str]:
        body = {
            "channel_id": place.channel_id,
            "order_number": case.order,
            "reason": "product_unsatisfactory",
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in case.story.declared.items()],
        }
        made = await self._do(f"return:{case.order}", "/returns", body, key=place.account_key)
        return case.order, str(made["number"])

    async def returns(self, place: Place) -> list[dict[str, Any]]:
        """Read every return of an account, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
            page = await self._get("/returns", place.account_key, query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def receive(self, place: Place, case: Case, number: str, box: int) -> None:
        """Book one delivery of a return, counted from 0; the last one finalises it."""
        boxes = deliveries(case.story)
        body = {
            "key": f"{number}:{box}",
            "return_number": number,
            "items": [_item(part) for part in boxes[box]],
            "finalise": box == len(boxes) - 1,
        }
        path = f"/warehouses/{place.warehouse_id}/receipts"
        await self._do(f"receipt:{number}:{box}", path, body, key=place.warehouse_key)

    async def _get(self, path: str, key: str, query: dict[str, str]) -> Any:
        answer = await self._send("GET", path, key, params=query)
        return answer.json()

    async def _do(self, mark: str, path: str, body: Any, *, key: str | None = None) -> Any:
        answer = await self._send("POST", path, key or self._key, json=body, mark=f"demo:{mark}")
        return answer.json() if answer.content else None

    async def _send(
        self, method: str, path: str, key: str, *, mark: str | None = None, json: Any = None, params: Any = None
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}", **({"idempotency-key": mark} if mark else {})}
        end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        async with self._room:
            while True:
                answer = await self._try(method, f"/api/v1{path}", headers=headers, json=json, params=params)
                if answer is not None and not _passing(answer):
                    break
                if asyncio.get_running_loop().time() > end:
                    raise Refused(f"{method} {path}: no answer for {PATIENCE_SECONDS:.0f} seconds")
                await asyncio.sleep(0.25)
        if answer.is_error:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.json().get('detail', answer.text)}")
        return answer

    async def _try(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        try:
            return await self._http.request(method, path, **request)
        except httpx.TransportError:
            return None


def _passing(answer: httpx.Response) -> bool:
    """Say whether the same call may succeed in a moment: the web process restarts, or the first try is under way."""
    busy = answer.status_code == httpx.codes.CONFLICT and "idempotency_key_busy" in answer.text
    vendor_away = answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "unreachable" in answer.text
    return answer.is_server_error or busy or vendor_away


def _item(part: Part) -> dict[str, Any]:
    disposition = "restock" if part.grade in {"A", "B"} else "quarantine"
    return {
        "sku": part.sku,
        "quantity": part.quantity,
        "grade": part.grade,
        "condition": part.condition,
        "disposition": disposition,
    }
