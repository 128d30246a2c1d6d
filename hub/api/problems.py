"""Every error as problem+json (RFC 9457): a stable code, a sentence, and where to read on."""

from typing import Any

import asyncpg
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsException, ProblemDetailsPlugin
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from hub.kit import db
from hub.kit.errors import HubError, Malformed, Unavailable
from hub.kit.telemetry import log
from hub.sdk import ReceivingRefused
from tenants.permissions import only_looks

_log = log("api")

# Names the error and is no address: docs/errors.md says of each what to do.
BASE = "urn:returns-hub:error:"


def _problem(error: HubError) -> ProblemDetailsException:
    return ProblemDetailsException(
        status_code=error.status,
        type_=BASE + error.code,
        title=error.code,
        detail=error.message,
        extra=error.facts or None,
    )


class ReadableRequest(Request[Any, Any, Any]):
    """A request whose JSON is refused if it cannot be read, however it is broken."""

    async def json(self) -> Any:
        """Return the decoded body; raises `Malformed` if it is no UTF-8 or too deep."""
        try:
            return await super().json()
        except UnicodeDecodeError as fault:
            raise Malformed("request_malformed", "The body is not UTF-8; encode it so and send it again.") from fault
        except RecursionError as fault:
            message = "The body nests lists and objects too deeply; send what the reference describes."
            raise Malformed("request_malformed", message) from fault


def _http(error: HTTPException) -> ProblemDetailsException:
    if error.status_code >= HTTP_500_INTERNAL_SERVER_ERROR:
        _log.error("request failed", status=error.status_code, exc_info=error)
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


# Whatever else the desk refuses is 422.
AT_THE_DESK = {
    "return_not_found": 404, "cursor_invalid": 400, "key_reused": 409, "return_changed": 409, "belongs_elsewhere": 409,
    "not_finalised": 409, "already_sending": 409, "more_than_booked": 409, "serial_booked": 409,
}  # fmt: skip


def _desk(error: ReceivingRefused) -> ProblemDetailsException:
    return ProblemDetailsException(
        status_code=AT_THE_DESK.get(error.code, 422), type_=BASE + error.code, title=error.code, detail=error.message,
        extra=error.facts or None,
    )  # fmt: skip


def _lost(_: Exception) -> ProblemDetailsException:
    return _problem(Unavailable("database_unreachable", "The database is out of reach for the moment; try again."))


# NUL and its like reach PostgreSQL only in texts of a caller; every other fault of data there is a bug of ours.
NOT_STORABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
# Others were at the same rows for longer than this call could wait; it was rolled back.
READS_ONLY = (asyncpg.ReadOnlySQLTransactionError,)
BUSY = (db.Stale, asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.QueryCanceledError)


def _not_storable(_: Exception) -> ProblemDetailsException:
    message = "A text in this request holds a character that cannot be stored, such as NUL; take it out, send it again."
    return _problem(Malformed("text_not_storable", message))


def _busy(error: Exception) -> ProblemDetailsException:
    _log.warning("too busy", fault=type(error).__name__)
    message = "Too many calls change the same thing at once; nothing was done, try again shortly."
    return _problem(Unavailable("busy", message))


def _reads_only(_: Exception) -> ProblemDetailsException:
    # A guard that was forgotten; PostgreSQL held, and nothing was written.
    _log.error("a write was refused to who only reads")
    return _problem(only_looks(None))


def plugin() -> ProblemDetailsPlugin:
    """Return the Litestar plugin that renders the hub's errors."""
    table: dict[type[Exception], Any] = {HubError: _problem, ReceivingRefused: _desk, HTTPException: _http}
    for faults, answer in ((db.Lost, _lost), (NOT_STORABLE, _not_storable), (BUSY, _busy), (READS_ONLY, _reads_only)):
        table |= dict.fromkeys(faults, answer)
    return ProblemDetailsPlugin(ProblemDetailsConfig(exception_to_problem_detail_map=table))


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer a bug of ours without showing it."""
    # The route, not the path: an address may carry a secret.
    route = request.scope.get("path_template", "")
    _log.error("request failed", path=route, method=request.method, exc_info=error)
    if isinstance(error, asyncpg.PostgresError):
        _log.error("database refused", constraint=getattr(error, "constraint_name", None))
    body = {
        "type": BASE + "internal",
        "title": "internal",
        "status": 500,
        "detail": "The hub failed; nothing was half done.",
    }
    return Response(body, status_code=HTTP_500_INTERNAL_SERVER_ERROR, media_type="application/problem+json")
