"""ChannelEngine's own OpenAPI description as the judge of requests; where it is not at hand it finds no fault."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own

REFERENCE = Path(os.environ.get("HUB_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))
FILE = REFERENCE / "channelengine" / "merchant-openapi.json"
MISSING = "ChannelEngine's OpenAPI description is not here; set HUB_REFERENCE to the folder that holds it"
# The one way of writing a moment that no address and no reader can misunderstand.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@cache
def description() -> dict[str, Any] | None:
    """The description, or None where it is not at hand."""
    return json.loads(FILE.read_text()) if FILE.is_file() else None


def require_documented(method: str, path: str, query: list[tuple[str, str]], body: Any, endpoint: str) -> None:
    """Raise AssertionError unless this request is documented in its every part and labelled with its template."""
    found = description()
    if found is None:
        return
    described = template(found, method, path)
    assert endpoint == f"{method} {described}"
    operation = found["paths"][described][method.lower()]
    parameters = {each["name"]: each["schema"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    for name, value in query:
        assert name in parameters, f"{endpoint} documents no {name}"
        _validate(found, _typed(value, parameters[name]), parameters[name])
    if "requestBody" not in operation:
        assert body is None
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    _validate(found, body, schema)
    _require_documented_names(found, body, schema)
    _require_moments(body)


def template(found: dict[str, Any], method: str, path: str) -> str:
    """The path as the description writes it; raises AssertionError for one that it does not have."""
    if method.lower() in found["paths"].get(path, {}):
        return path
    for described, methods in found["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", described)
        if method.lower() in methods and re.fullmatch(pattern, path):
            return str(described)
    raise AssertionError(f"undocumented: {method} {unquote(path)}")


def _typed(value: str, schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "array":
            return [_typed(value, schema["items"])]
        case "integer":
            return int(value)
        case "boolean":
            return {"true": True, "false": False}[value]
    if schema.get("format") == "date-time":
        assert MOMENT.fullmatch(value), f"{value} is not in UTC with Z"
    return value


def _validate(found: dict[str, Any], value: Any, schema: dict[str, Any]) -> None:
    whole = {"allOf": [schema], "components": found["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def _require_documented_names(found: dict[str, Any], body: Any, schema: dict[str, Any]) -> None:
    """Raise for names that the description does not have, at any depth; it does not forbid them everywhere."""
    schema = _resolved(found, schema)
    if isinstance(body, list):
        for each in body:
            _require_documented_names(found, each, schema["items"])
    if isinstance(body, dict):
        assert body.keys() <= schema["properties"].keys()
        for name, value in body.items():
            _require_documented_names(found, value, schema["properties"][name])


def _resolved(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(found["components"]["schemas"][name]) if name else schema


def _require_moments(body: Any) -> None:
    for name, value in body.items():
        if name.endswith(("Date", "At")) and isinstance(value, str):
            assert MOMENT.fullmatch(value), f"{name} is not in UTC with Z"
