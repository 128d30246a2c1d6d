"""The description of the API, finished: one name for one thing, errors as they are answered, keys of calls named.

Litestar writes it from the handlers. What it cannot know of is added here, so that a typed client can be generated.
"""

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

CHANGING = frozenset({"post", "put", "patch", "delete"})
# Parts of a module's name that tell its room from no other.
COMMON = frozenset({"hub", "tenants", "messages"})
PROBLEM = {
    "title": "Problem",
    "description": "Why a call was refused, as RFC 9457 says: `title` is a code that never changes its meaning.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "the code as a URN"},
        "title": {"type": "string", "description": "the code"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what went wrong, and what to do"},
    },
    "additionalProperties": True,
}
REFUSED = {
    "description": "Refused; nothing was half done",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "a new one for each thing to be done, the same one when the call is repeated",
}


class DescriptionConfig(OpenAPIConfig):
    """Litestar's configuration, with a description that is finished."""

    def to_openapi_schema(self) -> OpenAPI:
        """Return the description to fill."""
        made = super().to_openapi_schema()
        return Description(**{each.name: getattr(made, each.name) for each in fields(made)})


@dataclass
class Description(OpenAPI):
    """A description that finishes itself when it is written."""

    def to_schema(self) -> dict[str, Any]:
        """Return the document."""
        return finished(super().to_schema())


def finished(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with what Litestar cannot know of."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    _name(schemas)
    schemas["Problem"] = PROBLEM
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in CHANGING | {"get"}:
                _finish(method, operation)
    return document


def _name(schemas: dict[str, Any]) -> None:
    """Give things of one name the name of their room before it."""
    held = Counter(each.get("title") for each in schemas.values())
    for name, schema in schemas.items():
        if schema.get("title") and held[schema["title"]] > 1:
            parts = [part for part in name.split("_") if part not in COMMON]
            schema["title"] = "".join(part[:1].upper() + part[1:] for part in parts)


def _finish(method: str, operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    for status in [each for each in answers if each.startswith(("4", "5"))]:
        del answers[status]
    answers["default"] = REFUSED
    if method in CHANGING:
        operation.setdefault("parameters", []).append(ONCE)
