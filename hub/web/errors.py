"""Errors as pages for people; programs, and the whole API, keep their problem+json."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request, Response
from litestar.response import Template
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from hub.web import reader
from hub.web.manners import PAGE_HEADERS
from hub.web.translations import gettext

Kind = int | type[Exception]
Answer = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def as_pages(handlers: Mapping[Kind, Answer]) -> dict[Kind, Answer]:
    """Return the application's exception handlers, each answering a person with a page instead."""
    return {kind: _as_page(answer) for kind, answer in handlers.items()}


def _as_page(answer: Answer) -> Answer:
    def choose(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        # The handler runs in either case: it logs what must be logged and knows status and sentence.
        problem = answer(request, error)
        if not for_a_person(request):
            return problem
        # An address that leads nowhere passes no middleware.
        reader.use(request)
        return page(problem)

    return choose


def for_a_person(request: Request[Any, Any, Any]) -> bool:
    """Say whether a browser asks for a page, outside of the API."""
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not (path == "/api" or path.startswith("/api/"))


def page(problem: Response[Any]) -> Response[Any]:
    """Return a problem as a page in the house style."""
    content = problem.content if isinstance(problem.content, dict) else {}
    status = problem.status_code or HTTP_500_INTERNAL_SERVER_ERROR
    return Template(
        "error.html",
        context={"status": status, "code": content.get("title", ""), "detail": gettext(content.get("detail", ""))},
        status_code=status,
        headers=PAGE_HEADERS,
    )
