import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from connectors.channelengine.sandbox import control, create_app
from connectors.channelengine.sandbox.__main__ import arguments
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.page import draw
from connectors.channelengine.sandbox.vendor import Vendor, utc_now
from connectors.channelengine.sandbox.weather import ALL, Effect, Kind

KEY = {"X-CE-KEY": "right"}
SALE: dict[str, Any] = {
    "merchant_order_no": "SO-1",
    "channel_id": 1,
    "global_channel_name": "Kaufland",
    "lines": [{"merchant_product_no": "SHOE", "quantity": 3, "unit_price_incl_vat": "24.95"}],
}
BACK: dict[str, Any] = {
    "channel_return_no": "C-1",
    "merchant_order_no": "SO-1",
    "lines": [{"merchant_product_no": "SHOE", "quantity": 2}],
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(tenants={"noordzee": "right"})
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=KEY) as made:
        yield made


async def test_health_names_the_tenants(client: httpx.AsyncClient) -> None:
    assert (await client.get("/_sandbox/health")).json() == {"status": "ok", "tenants": ["noordzee"]}


async def test_a_tenant_is_added_repeated_and_given_another_key(client: httpx.AsyncClient) -> None:
    tenants = [{"name": "zuidzee", "key": key} for key in ("first", "first", "second")]
    answers = [await client.post("/_sandbox/tenants", json=tenant) for tenant in tenants]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    url = "/zuidzee/api/v2/settings"
    assert (await client.get(url, headers={"X-CE-KEY": "first"})).status_code == 401
    assert (await client.get(url, headers={"X-CE-KEY": "second"})).json()["Content"]["Name"] == "zuidzee"


@pytest.mark.parametrize("name", ["", "_sandbox", "Zee", "a/b", "faults", "-a"])
async def test_a_tenants_name_is_a_subdomain(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.post("/_sandbox/tenants", json={"name": name, "key": "k"})).status_code == 400
    with pytest.raises(ValueError, match="cannot be a tenant's name"):
        create_app(tenants={name: "k"})


async def test_an_order_that_is_repeated_is_the_same_order(client: httpx.AsyncClient) -> None:
    first = await client.post("/_sandbox/noordzee/orders", json=SALE)
    again = await client.post("/_sandbox/noordzee/orders", json={**SALE, "lines": [{"quantity": 9}]})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert (first.json()["status"], first.json()["lines"][0]["shipped"]) == ("SHIPPED", 3)


async def test_a_list_of_orders_is_placed_at_once(client: httpx.AsyncClient) -> None:
    sales = [{**SALE, "merchant_order_no": f"SO-{number}"} for number in (1, 2, 1)]
    answer = await client.post("/_sandbox/noordzee/orders", json=sales)
    assert [order["id"] for order in answer.json()] == [1, 2, 1]


async def test_a_channel_order_number_may_be_used_by_two_channels(client: httpx.AsyncClient) -> None:
    sale = {**SALE, "merchant_order_no": None, "channel_order_no": "X"}
    answer = await client.post(
        "/_sandbox/noordzee/orders", json=[{**sale, "channel_id": channel} for channel in (1, 2)]
    )
    assert [order["id"] for order in answer.json()] == [1, 2]


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"merchant_order_no": None},
        {"lines": [{"unit_price_incl_vat": "-1"}]},
        {"mispelt": 1},
        {"status": "LOST"},
        {"order_date": "2025-02-10T12:00:00"},
    ],
)
async def test_a_wrong_order_is_refused(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    assert (await client.post("/_sandbox/noordzee/orders", json={**SALE, **change})).status_code == 400


async def test_a_channel_return_that_is_repeated_is_answered_as_it_stands(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/noordzee/orders", json=SALE)
    first = await client.post("/_sandbox/noordzee/channel-returns", json=BACK)
    await client.post(f"/_sandbox/noordzee/returns/{first.json()['id']}/cancel")
    again = await client.post("/_sandbox/noordzee/channel-returns", json=BACK)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "CANCELLED")


async def test_a_channel_return_needs_an_order_and_shipped_units(client: httpx.AsyncClient) -> None:
    assert (await client.post("/_sandbox/noordzee/channel-returns", json=BACK)).status_code == 404
    await client.post("/_sandbox/noordzee/orders", json=SALE)
    many = {**BACK, "lines": [{"merchant_product_no": "SHOE", "quantity": 4}]}
    assert (await client.post("/_sandbox/noordzee/channel-returns", json=many)).status_code == 400


async def a_refund(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/noordzee/orders", json=SALE)
    await client.post("/_sandbox/noordzee/channel-returns", json=BACK)
    lines = [{"MerchantProductNo": "SHOE", "AcceptedQuantity": 2, "RejectedQuantity": 0}]
    (await client.put("/noordzee/api/v2/returns", json={"ReturnId": 1, "Lines": lines})).raise_for_status()


async def test_the_ledger_names_what_was_refunded_and_why(client: httpx.AsyncClient) -> None:
    await a_refund(client)
    ledger = (await client.get("/_sandbox/noordzee/ledger")).json()
    (entry,) = ledger["entries"]
    assert (ledger["total_units"], ledger["total_amount"]) == (2, "49.90")
    del entry["at"]
    assert entry == {
        "tenant": "noordzee",
        "return_id": 1,
        "merchant_return_no": None,
        "channel_return_no": "C-1",
        "order_no": "SO-1",
        "sku": "SHOE",
        "order_line_id": 1,
        "quantity": 2,
        "unit_price": "24.95",
        "amount": "49.90",
        "currency_code": "EUR",
        "cause": "update",
    }
    assert (await client.get("/_sandbox/noordzee/ledger?return_id=2")).json()["entries"] == []


async def test_returns_are_counted_by_status_and_narrowed(client: httpx.AsyncClient) -> None:
    await a_refund(client)
    shown = (await client.get("/_sandbox/noordzee/returns")).json()
    assert (shown["total"], shown["by_status"]) == (1, {"IN_PROGRESS": 0, "RECEIVED": 1, "CANCELLED": 0})
    assert (await client.get("/_sandbox/noordzee/returns?status=IN_PROGRESS")).json()["returns"] == []


async def test_every_call_is_logged_without_its_key_whatever_became_of_it(client: httpx.AsyncClient) -> None:
    await client.put("/_sandbox/faults", json=["check=500-after/2"])
    for _ in range(2):
        await client.get("/noordzee/api/v2/settings?apiKey=right&x=1")
    await client.get("/noordzee/api/v2/settings", headers={"X-CE-KEY": "wrong"})
    await client.get("/noordzee/api/v2/unknown")
    log = (await client.get("/_sandbox/noordzee/calls")).json()
    assert [(call["query"], call["done"], call["told"]) for call in log["calls"]] == [
        ("x=1", 200, "200"),
        ("x=1", 200, "500"),
        ("", None, "401"),
        ("", 404, "404"),
    ]
    assert log["summary"] == {"check": {"200": 1, "401": 1, "500": 1}, "GET /v2/unknown": {"404": 1}}


async def test_faults_are_set_shown_and_cleared(client: httpx.AsyncClient) -> None:
    url = "/noordzee/api/v2/settings"
    await client.put("/_sandbox/faults", json=["check=500-before+5"])
    assert (await client.get(url)).status_code == 500
    assert (await client.get("/_sandbox/faults")).json() == [{"text": "check=500-before+5", "struck": 1, "left": 4}]
    assert (await client.put("/_sandbox/faults", json=["check=nonsense"])).status_code == 400
    assert (await client.delete("/_sandbox/faults")).json() == []
    assert (await client.get(url)).status_code == 200


@pytest.mark.parametrize("path", ["ledger", "returns", "calls"])
async def test_an_unknown_tenant_has_no_control_api(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/_sandbox/nowhere/{path}")).status_code == 404


async def test_the_page_shows_tenants_refunds_and_faults(client: httpx.AsyncClient) -> None:
    await a_refund(client)
    await client.put("/_sandbox/faults", json=["settle=409/3"])
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for shown in ("noordzee", "49.90", "settle=409/3"):
        assert f">{shown}<" in page.text


def test_the_page_escapes_what_comes_from_outside() -> None:
    vendor = Vendor(tenants={}, journal=None, clock=utc_now, faults=(), calls_per_minute=1)
    vendor.books["<script>"] = Book("<script>")
    assert "&lt;script&gt;" in draw(vendor)
    assert "<script>" not in draw(vendor)


async def test_the_command_line_reads_tenants_and_faults() -> None:
    read = arguments(["--port", "9", "--tenant", "a=k=1", "--tenant", "b=k2", "--fault", "settle=409/3"])
    assert (read.port, dict(read.tenant), read.fault) == (9, {"a": "k=1", "b": "k2"}, ["settle=409/3"])


@pytest.mark.parametrize("words", [["--tenant", "nokey"], ["--tenant", "A=k"], ["--fault", "settle=boom"]])
async def test_the_command_line_refuses_what_it_cannot_read(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(words)
    assert words[1] in capsys.readouterr().err


def test_the_sandbox_imports_nothing_of_the_hub_or_the_connector() -> None:
    folder = Path(create_app.__code__.co_filename).parent
    found = [
        line
        for file in sorted(folder.glob("*.py"))
        for line in file.read_text().splitlines()
        if line.startswith(("import ", "from ")) and ("hub" in line or "connectors" in line)
    ]
    assert found
    assert [line for line in found if not line.startswith("from connectors.channelengine.sandbox")] == []


def routes() -> set[str]:
    app = create_app()
    under = [route for route in app.routes if route.path.startswith("/_sandbox")]
    return {f"{method} {route.path}" for route in under for method in cast("Any", route).methods - {"OPTIONS"}}


def written(path: str) -> str:
    path = path.replace("/TENANT", "/{tenant:str}")
    for before, kind in (("orders", "order_id:int"), ("returns", "return_id:int")):
        path = path.replace(f"/{before}/ID", f"/{before}/{{{kind}}}")
    for name in ("MARKETPLACE", "NAME"):
        path = path.replace(f"/{name}", "/{name:str}")
    return f"/_sandbox{path}"


def test_every_call_of_the_control_api_is_in_its_table_and_in_the_readme() -> None:
    table = re.findall(r"^    (GET|POST|PUT|DELETE) +(/\S+)", control.__doc__ or "", re.MULTILINE)
    assert {f"{method} {written(path)}" for method, path in table} == routes()
    readme = (Path(control.__file__).parents[1] / "README.md").read_text()
    for _, path in table:
        assert f"{path}`" in readme, path


def test_every_fault_and_effect_is_in_the_readme_and_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(control.__file__).parents[1] / "README.md").read_text()
    with pytest.raises(SystemExit):
        arguments(["--help"])
    shown = capsys.readouterr().out
    for word in (*Kind, *Effect):
        assert f"`{word}`" in readme, word
        assert re.search(rf"(?<![\w-]){word}(?![\w-])", shown), word
    assert f"stands for {len(ALL)} faults" in shown
    assert "PUT    /clock" in shown
