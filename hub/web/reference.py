"""The API reference as a page of our own, made from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Controller, Request, get
from litestar.response import Template

from hub.api.guards import anyone

METHODS = ("get", "post", "put", "patch", "delete")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the API, as it is read."""

    method: str
    path: str
    summary: str
    text: str
    parameters: list[dict[str, Any]]
    body: str | None
    answer: str | None


class Reference(Controller):
    """The page, rendered with the house's own templates, so that nothing is loaded from elsewhere."""

    include_in_schema = False
    guards = (anyone,)

    @get("/reference", sync_to_thread=False)
    def read(self, request: Request[Any, Any, Any]) -> Template:
        """Show every call of the API."""
        document = request.app.openapi_schema.to_schema()
        schemas = [
            (name, msgspec.json.format(msgspec.json.encode(schema), indent=2).decode())
            for name, schema in sorted(document.get("components", {}).get("schemas", {}).items())
        ]
        return Template("reference.html", context={"groups": groups(document), "schemas": schemas})


def groups(document: dict[str, Any]) -> dict[str, list[Call]]:
    """Return the document's calls by tag, in the order of their paths."""
    found: dict[str, list[Call]] = {}
    for tag, call in sorted(_calls(document), key=lambda pair: (pair[0], pair[1].path)):
        found.setdefault(tag, []).append(call)
    return found


def _calls(document: dict[str, Any]) -> Iterator[tuple[str, Call]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield (item[method].get("tags") or ["Other"])[0], _call(method, path, item[method])


def _call(method: str, path: str, operation: dict[str, Any]) -> Call:
    good: dict[str, Any] = next(
        (answer for status, answer in operation["responses"].items() if status.startswith("2")), {}
    )
    return Call(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        text=operation.get("description", ""),
        parameters=operation.get("parameters") or [],
        body=_schema(operation.get("requestBody") or {}),
        answer=_schema(good),
    )


def _schema(part: dict[str, Any]) -> str | None:
    media = part.get("content", {}).get("application/json", {}).get("schema", {})
    reference = media.get("$ref") or media.get("items", {}).get("$ref")
    return reference.rsplit("/", 1)[-1] if reference else None
