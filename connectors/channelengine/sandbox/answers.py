"""Answers of the gate itself, complete and ready to be sent, spoilt or withheld."""

import msgspec

from connectors.channelengine.sandbox import wire
from connectors.channelengine.sandbox.refusals import Refusal

Headers = tuple[tuple[bytes, bytes], ...]
JSON_HEADERS: Headers = ((b"content-type", b"application/json; charset=utf-8"),)
HTML_HEADERS: Headers = ((b"content-type", b"text/html; charset=utf-8"),)


class Answer(msgspec.Struct, frozen=True):
    """A complete answer."""

    status: int
    body: bytes
    headers: Headers = JSON_HEADERS


def refusal(error: Refusal) -> Answer:
    """Return the vendor's no."""
    return Answer(error.status, wire.refusal(error))


def too_many(retry_after: str | None) -> Answer:
    """Return the answer to one call too many, which says when to come back, or does not."""
    headers = JSON_HEADERS if retry_after is None else (*JSON_HEADERS, (b"retry-after", retry_after.encode()))
    return Answer(429, wire.refusal(Refusal(429, "API calls quota exceeded.")), headers)


def unknown_key(key: str) -> Answer:
    """Return the answer to a wrong key."""
    return Answer(401, wire.unknown_key(key))
