"""What a fault makes of an answer; pure."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import cycle
from typing import Any

import msgspec

from connectors.channelengine.sandbox import answers
from connectors.channelengine.sandbox.answers import HTML_HEADERS, Answer
from connectors.channelengine.sandbox.faults import Fault
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.weather import Kind
from connectors.channelengine.sandbox.wire import encoder

UNDONE = frozenset(
    {
        Kind.ERROR_BEFORE,
        Kind.DROP_BEFORE,
        Kind.TIMEOUT_BEFORE,
        Kind.CONFLICT,
        Kind.FORBIDDEN,
        Kind.TOO_MANY,
        Kind.TOO_MANY_DATE,
        Kind.TOO_MANY_BARE,
    }
)
# The caller can read the answer as it is meant, or did not get the worst of it.
HARMLESS = frozenset({Kind.SLOW, Kind.OFFSET, Kind.FRACTION, Kind.UNKNOWN_FIELDS, Kind.SHIFT, Kind.GROW})
REFUSALS = {
    Kind.ERROR_BEFORE: Refusal(500, "An unexpected error occurred."),
    Kind.ERROR_AFTER: Refusal(500, "An unexpected error occurred."),
    Kind.TIMEOUT_BEFORE: Refusal(504, "The server did not answer in time."),
    Kind.TIMEOUT_AFTER: Refusal(504, "The server did not answer in time."),
    Kind.CONFLICT: Refusal(409, "The resource is in conflict with its current state."),
    Kind.FORBIDDEN: Refusal(403, "The account has no access to this resource."),
    Kind.DROP_BEFORE: Refusal(500, "The connection was closed."),
}
PAGE = b"<!doctype html><html><head><title>We'll be right back</title></head><body><h1>Maintenance</h1></body></html>"
MEGABYTE = 1_000_000
WORDS = {"Status": "UNDER_INVESTIGATION", "Reason": "NO_LONGER_NEEDED"}
# Documented as nullable, and no more than decoration.
NULLABLE = frozenset({"CustomerComment", "MerchantComment", "ReturnDate", "ExtraData", "Gtin", "Description", "LogId"})
# What is named in these are keys of the sender's, not fields.
MAPS = frozenset({"ExtraData", "ValidationErrors"})
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
reader = msgspec.json.Decoder(float_hook=Decimal)
DIGITS = ("", ".1", ".123", ".123456", ".1234567")


def spoil(fault: Fault, truth: Answer | None, now: datetime) -> Answer:
    """Return what is told instead of the truth, which is None when nothing was done."""
    if fault.kind in WAITS:
        return answers.too_many(WAITS[fault.kind](fault.argument, now))
    if fault.kind is Kind.HTML:
        return Answer(round(fault.argument), PAGE, HTML_HEADERS)
    if truth is None or fault.kind in REFUSALS:
        return answers.refusal(REFUSALS[fault.kind])
    if fault.kind is Kind.MALFORMED:
        return Answer(200, truth.body[: len(truth.body) // 2])
    if fault.kind in TURNED and truth.status < 300:  # noqa: PLR2004 - only a success tells anything
        return Answer(truth.status, TURNED[fault.kind](truth.body, fault.argument), truth.headers)
    return truth


def _date(seconds: float, now: datetime) -> str:
    return format_datetime(now + timedelta(seconds=seconds), usegmt=True)


def _huge(body: bytes, megabytes: float) -> bytes:
    padding = b'{"Padding":"' + b"x" * round(megabytes * MEGABYTE) + b'",'
    return padding + body.removeprefix(b"{")


def _offset(body: bytes, _: float) -> bytes:
    def local(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0]) + timedelta(hours=2)
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}7+02:00"

    return STAMP.sub(local, body.decode()).encode()


def _fraction(body: bytes, _: float) -> bytes:
    digits = cycle(DIGITS)
    return STAMP.sub(lambda found: f"{found[0][:19]}{next(digits)}Z", body.decode()).encode()


def _unknown_words(body: bytes, _: float) -> bytes:
    return _rewritten(body, lambda fields: {name: WORDS.get(name, value) for name, value in fields.items()})


def _unknown_fields(body: bytes, _: float) -> bytes:
    return _rewritten(body, lambda fields: {"NewSince3": {"Level": [1, None]}, **fields, "AlsoNew": "x"})


def _nulls(body: bytes, _: float) -> bytes:
    return _rewritten(body, lambda fields: {name: None if name in NULLABLE else fields[name] for name in fields})


def _no_content(body: bytes, _: float) -> bytes:
    return encoder.encode({**reader.decode(body), "Content": None})


WAITS: dict[Kind, Callable[[float, datetime], str | None]] = {
    Kind.TOO_MANY: lambda seconds, _: str(round(seconds)),
    Kind.TOO_MANY_DATE: _date,
    Kind.TOO_MANY_BARE: lambda _, __: None,
}
TURNED: dict[Kind, Callable[[bytes, float], bytes]] = {
    Kind.HUGE: _huge,
    Kind.OFFSET: _offset,
    Kind.FRACTION: _fraction,
    Kind.UNKNOWN_WORDS: _unknown_words,
    Kind.UNKNOWN_FIELDS: _unknown_fields,
    Kind.NULLS: _nulls,
    Kind.NO_CONTENT: _no_content,
}


def _rewritten(body: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Change every object of a JSON document; amounts keep every digit."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return change({name: each if name in MAPS else walk(each) for name, each in value.items()})
        return [walk(each) for each in value] if isinstance(value, list) else value

    return encoder.encode(walk(reader.decode(body)))
