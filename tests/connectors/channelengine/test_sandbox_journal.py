import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.channelengine.sandbox import create_app
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.journal import Journal
from connectors.channelengine.sandbox.records import Customer, Order, OrderStatus

ROOT = Path(__file__).resolve().parents[3]
KEY = {"X-CE-KEY": "secret"}
NOON = datetime(2025, 2, 10, 12, tzinfo=UTC)
SALE = {
    "merchant_order_no": "SO-1",
    "channel_id": 1,
    "global_channel_name": "Kaufland",
    "lines": [{"merchant_product_no": "SHOE", "quantity": 3, "unit_price_incl_vat": "24.95"}],
}


def started(path: Path) -> httpx.AsyncClient:
    app = create_app(tenants={"noordzee": "secret"}, journal=path)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=cast("Any", app)), base_url="http://sandbox", headers=KEY
    )


async def a_history(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/noordzee/orders", json=SALE)
    back = {"merchant_order_no": "SO-1", "lines": [{"merchant_product_no": "SHOE", "quantity": 1}]}
    for number in ("C-1", "C-2"):
        await client.post("/_sandbox/noordzee/channel-returns", json={**back, "channel_return_no": number})
    known = {"ReturnId": 1, "MerchantReturnNo": "M-1"}
    await client.post("/noordzee/api/v2/returns/merchant/acknowledge", json=known)
    lines = [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 1, "RejectedQuantity": 0}]
    await client.put("/noordzee/api/v2/returns", json={"ReturnId": 1, "Lines": lines})
    await client.post("/_sandbox/noordzee/returns/2/cancel")


async def everything(client: httpx.AsyncClient) -> list[Any]:
    paths = ("ledger", "returns")
    shown = [(await client.get(f"/_sandbox/noordzee/{path}")).json() for path in paths]
    return [*shown, (await client.get("/noordzee/api/v2/orders?merchantOrderNos=SO-1")).json()["Content"]]


async def test_a_restarted_sandbox_has_the_same_returns_orders_and_refunds(tmp_path: Path) -> None:
    before = started(tmp_path / "journal")
    await a_history(before)
    after = started(tmp_path / "journal")
    known = await everything(after)
    assert known == await everything(before)
    assert known[0]["total_amount"] == "24.95"


async def test_a_restarted_sandbox_does_not_settle_again(tmp_path: Path) -> None:
    await a_history(started(tmp_path / "journal"))
    after = started(tmp_path / "journal")
    lines = [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 1, "RejectedQuantity": 0}]
    answer = await after.put("/noordzee/api/v2/returns", json={"ReturnId": 1, "Lines": lines})
    assert answer.status_code == 409


async def test_a_tenant_that_is_named_again_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    started(path)
    size = path.stat().st_size
    started(path)
    assert path.stat().st_size == size > 0


@pytest.fixture(scope="module")
async def history(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("history") / "journal"
    await a_history(started(path))
    return path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_journal_cut_anywhere_keeps_every_whole_line_and_takes_new_ones(
    history: bytes, tmp_path: Path, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(history)))
    path = tmp_path / "journal"
    path.write_bytes(history[:cut])
    kept = replayed(path, Change(tenant="added"))
    assert len(kept) == history[:cut].count(b"\n")
    assert [change.tenant for change in replayed(path)][len(kept) :] == ["added"]


def test_a_last_line_of_rubbish_is_dropped(history: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(history + b"\x00\x00\x00\n")
    assert len(replayed(path)) == history.count(b"\n")
    assert path.read_bytes() == history


def test_a_damaged_line_in_the_middle_stops_the_start(history: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"{half a line\n" + history)
    with pytest.raises(ValueError, match="line 1 is damaged"):
        create_app(journal=path)
    assert path.read_bytes().endswith(history)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(Change(tenant="first"))
    write, room = os.write, [5, 0]

    def fill(file: int, line: memoryview) -> int:
        left = room.pop(0)
        if left:
            return write(file, line[:left])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OSError, match="No space left"):
        journal.append(Change(tenant="second"))
    monkeypatch.undo()
    journal.append(Change(tenant="third"))
    journal.close()
    assert [change.tenant for change in replayed(path)] == ["first", "third"]


async def test_nothing_is_durable_before_the_disk_has_it_and_waiting_changes_share_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fsync

    def watched(file: int) -> None:
        size = os.fstat(file).st_size
        sync(file)
        synced.append(size)

    monkeypatch.setattr(os, "fsync", watched)
    journal = Journal(tmp_path / "journal")

    async def change() -> None:
        journal.append(Change(tenant="noordzee"))
        mine = os.fstat(journal._file).st_size
        await journal.durable()
        assert max(synced) >= mine

    await asyncio.gather(*(change() for _ in range(50)))
    assert 1 <= len(synced) <= 2
    journal.close()


async def test_an_answer_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    client = started(path)
    sync, synced = os.fsync, [0]

    def slowly(file: int) -> None:
        size = os.fstat(file).st_size
        time.sleep(0.01)
        sync(file)
        synced.append(size)

    monkeypatch.setattr(os, "fsync", slowly)
    await client.post("/_sandbox/noordzee/orders", json=SALE)
    assert synced[-1] == path.stat().st_size
    line = {"MerchantProductNo": "SHOE", "Quantity": 1}
    made = {"MerchantOrderNo": "SO-1", "MerchantReturnNo": "M-1", "Lines": [line]}
    await client.post("/noordzee/api/v2/returns/merchant", json=made)
    # What follows is the memory of having told it, which can only be written after the answer.
    assert b'"refunds"' in path.read_bytes()[: synced[-1]].splitlines()[-1]


@contextmanager
def a_process(path: Path, *words: str) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "connectors.channelengine.sandbox", "--port", str(port), "--journal", str(path)]
    with subprocess.Popen([*command, *words], cwd=ROOT) as process:
        try:
            wait_for_a_listener(port)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=KEY) as client:
                yield client
        finally:
            process.kill()


def wait_for_a_listener(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("the sandbox did not start")


def test_a_refund_whose_answer_was_lost_is_still_there_after_the_process_was_killed(tmp_path: Path) -> None:
    line = {"MerchantProductNo": "SHOE", "Quantity": 1}
    made = {"MerchantOrderNo": "SO-1", "MerchantReturnNo": "M-1", "Lines": [line]}
    with a_process(tmp_path / "journal", "--tenant", "noordzee=secret", "--fault", "create=drop-after") as client:
        client.post("/_sandbox/noordzee/orders", json=SALE).raise_for_status()
        with pytest.raises(httpx.TransportError):
            client.post("/noordzee/api/v2/returns/merchant", json=made)
    with a_process(tmp_path / "journal") as client:
        assert client.post("/noordzee/api/v2/returns/merchant", json=made).status_code == 409
        assert client.get("/_sandbox/noordzee/ledger").json()["total_units"] == 1


def test_a_change_survives_the_journal_unchanged(tmp_path: Path) -> None:
    order = Order(
        id=1, merchant_order_no=None, channel_order_no="CO-1", commercial_order_no="CO-1", channel_id=1,
        channel_name="bol 1", global_channel_id=2, global_channel_name="bol", status=OrderStatus.SHIPPED,
        currency_code="EUR", customer=Customer(city="Zürich"), order_date=NOON, created_at=NOON, lines=(),
    )  # fmt: skip
    change = Change(tenant="noordzee", orders=(order,))
    assert replayed(tmp_path / "journal", change) == []
    assert replayed(tmp_path / "journal") == [change]


def replayed(path: Path, *added: Change) -> list[Change]:
    journal = Journal(path)
    changes: list[Change] = []
    journal.replay(changes.append)
    for change in added:
        journal.append(change)
    journal.close()
    return changes
