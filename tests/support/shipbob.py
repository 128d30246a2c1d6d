"""ShipBob's own OpenAPI description as the judge of requests and of the sandbox's answers."""

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own

from hub.sdk.testing.wire import Request
from tests.support.description import REFERENCE, template

FILE = REFERENCE / "wms" / "shipbob-openapi-2026-01.json"
MISSING = "ShipBob's OpenAPI description is not here; set HUB_REFERENCE to the folder that holds it"


@cache
def description() -> dict[str, Any]:
    """The description, as its schemas mean it."""
    found: dict[str, Any] = _plain(json.loads(FILE.read_text()))
    return found


def _plain(node: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as one that a validator of today reads: nothing beside `$ref`, null as a type."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"anyOf": [{"$ref": node["$ref"]}, {"type": "null"}]} if node.get("nullable") else {"$ref": node["$ref"]}
    plain = {name: _plain(value) for name, value in node.items()}
    if plain.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def require_documented(request: Request) -> None:
    """Raise AssertionError unless a request is documented in its every part and labelled with its template."""
    found = description()
    address = urlsplit(request.url)
    described = template(found, request.method, address.path)
    assert request.endpoint == f"{request.method} {described}"
    operation = found["paths"][described][request.method.lower()]
    asked = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert {name for name, _ in parse_qsl(address.query)} <= asked
    needed = {
        each["name"] for each in operation.get("parameters", ()) if each["in"] == "header" and each.get("required")
    }
    assert needed <= request.headers.keys()
    if "requestBody" in operation:
        _valid(operation["requestBody"]["content"]["application/json"]["schema"], json.loads(request.body))
    else:
        assert not request.body


def require_answer(method: str, path: str, status: int, body: bytes) -> None:
    """Raise AssertionError unless the description knows this answer."""
    found = description()
    operation = found["paths"][template(found, method, path)][method.lower()]
    assert str(status) in operation["responses"], f"{method} {path} documents no {status}"
    content = operation["responses"][str(status)].get("content", {}).get("application/json")
    if content and status < 300:
        _valid(content["schema"], json.loads(body))


def _valid(schema: dict[str, Any], value: Any) -> None:
    jsonschema.Draft202012Validator({"allOf": [schema], "components": description()["components"]}).validate(value)
