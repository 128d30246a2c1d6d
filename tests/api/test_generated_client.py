"""Anybody can have a typed client: one is generated from the description of the API, and used against the hub."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import msgspec
import pytest

from hub import app
from hub.runtime import Runtime
from tests.support.world import World

# What is printed, shown or taken along is bytes to a client.
FILES = ("application/pdf", "image/svg+xml", "image/png", "image/jpeg", "application/jsonl")
CONFIG = "post_hooks: []\ncontent_type_overrides:\n" + "".join(
    f"  {each}: application/octet-stream\n" for each in FILES
)


@pytest.fixture
def client(hub: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A client as `openapi-python-client` makes it, every warning a failure."""
    document, config, out = tmp_path / "openapi.json", tmp_path / "config.yml", tmp_path / "hub_client"
    document.write_bytes(msgspec.json.encode(app.build(hub).openapi_schema.to_schema()))
    config.write_text(CONFIG, encoding="utf-8")
    words = [
        "generate", "--path", str(document), "--meta", "none", "--output-path", str(out), "--config", str(config),
        "--fail-on-warning",
    ]  # fmt: skip
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("hub_client")
    for name in [each for each in sys.modules if each.partition(".")[0] == "hub_client"]:
        del sys.modules[name]


def operations(root: Path) -> dict[str, str]:
    """Return the module of every call, by its method and path."""
    found = {}
    for path in root.glob("api/*/*.py"):
        text = path.read_text(encoding="utf-8")
        method, url = re.search(r'"method": "(\w+)"', text), re.search(r'"url": "([^"]+)"', text)
        if method and url:
            found[f"{method[1].upper()} {url[1]}"] = f"{root.name}.api.{path.parent.name}.{path.stem}"
    return found


async def test_a_generated_client_has_every_route_and_works_the_hub(
    client: ModuleType, hub: Runtime, api: httpx.AsyncClient, world: World
) -> None:
    assert client.__file__
    calls = operations(Path(client.__file__).parent)
    paths = app.build(hub).openapi_schema.to_schema()["paths"]
    assert len(calls) == sum(len(methods) for methods in paths.values())
    modules = {name: importlib.import_module(module) for name, module in calls.items()}
    typed: Any = client.AuthenticatedClient(base_url="http://hub", token=await world.api_key())
    signed = {"authorization": f"Bearer {typed.token}"}
    typed.set_async_httpx_client(httpx.AsyncClient(transport=api._transport, base_url="http://hub", headers=signed))
    models = importlib.import_module("hub_client.models")
    create, index = modules["POST /api/v1/accounts"], modules["GET /api/v1/accounts"]
    account = await create.asyncio(client=typed, body=models.NewAccount(name="Typed"), idempotency_key="1")
    assert isinstance(account, models.AccountView)
    page = await index.asyncio(client=typed)
    assert [each.id for each in page.items] == [account.id]
    refused = await create.asyncio(client=typed, body=models.NewAccount(name="Typed"), idempotency_key="2")
    assert isinstance(refused, models.Problem)
    assert (refused.title, refused.status) == ("account_exists", 409)
