"""Every error as problem+json (RFC 9457): a stable code, a sentence, and where to read on."""

from typing import Any

import asyncpg
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsException, ProblemDetailsPlugin
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from hub.kit import db
from hub.kit.errors import HubError, Unavailable
from hub.kit.telemetry import log
from hub.sdk import ReceivingRefused

_log = log("api")

BASE = "/docs/errors#"


def _problem(error: HubError) -> ProblemDetailsException:
    return ProblemDetailsException(
        status_code=error.status,
        type_=BASE + error.code,
        title=error.code,
        detail=error.message,
        extra=error.facts or None,
    )


def _http(error: HTTPException) -> ProblemDetailsException:
    code = {400: "request_malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(
        error.status_code, f"http_{error.status_code}"
    )
    return ProblemDetailsException(
        status_code=error.status_code,
        type_=BASE + code,
        title=code,
        detail=error.detail,
        extra={"errors": error.extra} if error.extra else None,
    )


def _desk(error: ReceivingRefused) -> ProblemDetailsException:
    status = {"return_not_found": 404, "cursor_invalid": 400}.get(error.code, 422)
    return ProblemDetailsException(status_code=status, type_=BASE + error.code, title=error.code, detail=error.message)


def _lost(_: Exception) -> ProblemDetailsException:
    return _problem(Unavailable("database_unreachable", "The database is out of reach for the moment; try again."))


def plugin() -> ProblemDetailsPlugin:
    """Return the Litestar plugin that renders the hub's errors."""
    lost: dict[type[Exception], Any] = dict.fromkeys(db.Lost, _lost)
    table: dict[type[Exception], Any] = {HubError: _problem, ReceivingRefused: _desk, HTTPException: _http, **lost}
    return ProblemDetailsPlugin(ProblemDetailsConfig(exception_to_problem_detail_map=table))


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer a bug of ours without showing it."""
    _log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    if isinstance(error, asyncpg.PostgresError):
        _log.error("database refused", constraint=getattr(error, "constraint_name", None))
    body = {
        "type": BASE + "internal",
        "title": "internal",
        "status": 500,
        "detail": "The hub failed; nothing was half done.",
    }
    return Response(body, status_code=HTTP_500_INTERNAL_SERVER_ERROR, media_type="application/problem+json")
