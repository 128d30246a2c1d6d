"""What was said over the wire, both ways, held against ChannelEngine's own description of it."""

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import jsonschema  # type: ignore[import-untyped]  # it has no types of its own

from tests.support.description import FILE, description, require_documented, template


def described() -> bool:
    """Whether the description is here."""
    return description() is not None


def complaints(answer: object, method: str, path: str, status: int) -> list[str]:
    """Say how an answer breaks the description."""
    whole = _with_null()
    content = whole["paths"][path][method.lower()]["responses"][str(status)]["content"]
    errors = _validator(json.dumps(content["application/json"]["schema"])).iter_errors(answer)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def objections(exchange: dict[str, Any]) -> list[str]:
    """Say how an exchange breaks the description: its request always, its answer where no fault spoilt it."""
    found = description()
    if found is None:
        return []
    method, path, status = exchange["method"], exchange["path"], exchange["status"]
    try:
        path = template(found, method, path)
        query = parse_qsl(exchange["query"], keep_blank_values=True)
        require_documented(method, exchange["path"], query, exchange["request"], f"{method} {path}")
    except (AssertionError, KeyError, jsonschema.ValidationError) as broken:
        return [f"{method} {path} was asked wrongly: {str(broken).splitlines()[0]}"]
    spoilt = exchange["fault"] is not None or str(status) not in found["paths"][path][method.lower()]["responses"]
    said = [] if spoilt else complaints(exchange["response"], method, path, status)
    return [f"{method} {path} was answered wrongly: {each}" for each in said]


@cache
def _with_null() -> dict[str, Any]:
    """The description with `null` the way JSON Schema says it, because OpenAPI 3.0 has a word of its own."""
    read: dict[str, Any] = _nullable(json.loads(FILE.read_text()))
    return read


def _nullable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _nullable(value) for name, value in schema.items() if name != "nullable"}
    return {**plain, "type": [plain["type"], "null"]} if schema.get("nullable") is True else plain


@cache
def _validator(schema: str) -> Any:
    # Draft 4 is the one OpenAPI 3.0 is built on; its `$ref` hides siblings, so the schema goes into `allOf`.
    return jsonschema.Draft4Validator({"allOf": [json.loads(schema)], "components": _with_null()["components"]})
