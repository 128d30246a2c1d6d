"""A sandbox that was killed knows again what it was told, and goods with a key arrive once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from connectors.sandboxes.journal import Journal
from connectors.shipbob.sandbox import SETTINGS, create_app

HEADERS = {"authorization": f"Bearer {SETTINGS['token']}", "shipbob_channel_id": str(SETTINGS["channel"])}


@asynccontextmanager
async def started(file: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Start a sandbox that keeps its journal here."""
    journal = Journal(file)
    app = journal.around(create_app())
    await journal.replay(app)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar and httpx describe the same ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=HEADERS) as client:
        yield client


async def announce(client: httpx.AsyncClient, number: str) -> int:
    await client.post("/_sandbox/products", json=["SHOE"])
    (product,) = (await client.get("/2026-01/inventory")).json()["items"]
    line = {"id": product["inventory_id"], "quantity": 2, "requested_action": "Default"}
    body = {"reference_id": number, "fulfillment_center": {"id": 135}, "inventory": [line]}
    return (await client.post("/2026-01/return", json=body)).status_code


async def held(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return what was done with the goods of each return, and that nothing else is there."""
    items = (await client.get("/2026-01/return?Limit=100")).json()["items"]
    return {each["reference_id"]: [line["action_taken"] for line in each["inventory"]] for each in items}


async def test_a_new_process_holds_what_the_one_before_held(tmp_path: Path) -> None:
    arrival = {"key": "1", "return_number": "R-1", "lines": [{"sku": "SHOE", "quantity": 1, "word": "restock"}]}
    async with started(tmp_path / "journal") as first:
        assert await announce(first, "R-1") == 201
        for _ in range(2):
            assert (await first.post("/_sandbox/receive", json=arrival)).is_success
        before = await held(first)
    assert before["R-1"][0][0]["quantity_processed"] == 1, "goods with a key arrive once"
    async with started(tmp_path / "journal") as second:
        assert await held(second) == before
        assert (await second.post("/_sandbox/receive", json=arrival)).is_success
        assert await held(second) == before, "also in another process"


async def test_what_a_fault_answered_in_the_apis_place_is_not_made_later(tmp_path: Path) -> None:
    async with started(tmp_path / "journal") as first:
        for place, (kind, acted) in enumerate({"500-before": 0, "html": 0, "429": 0, "500-after": 1, "cut": 1}.items()):
            await first.put("/_sandbox/faults", json=[f"POST /2026-01/return={kind}"])
            await announce(first, f"R-{place}")
            assert (f"R-{place}" in await held(first)) is bool(acted), kind
        before = await held(first)
    with (tmp_path / "journal").open("a") as file:
        file.write('{"method": "POST", "ur')
    async with started(tmp_path / "journal") as second:
        assert await held(second) == before
