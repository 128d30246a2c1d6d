"""Tokens of links as pure functions."""

from hub.kit import crypto
from hub.kit.errors import NotFound


def digest_of(token: str) -> bytes:
    """Return the digest that a link's token is found by; raises `NotFound` if it is none of ours."""
    parts = crypto.split(token)
    if parts is None:
        raise gone()
    return crypto.digest(parts[1])


def gone() -> NotFound:
    """Return the one refusal of links that are wrong, used, withdrawn or too old."""
    message = "This link is not complete, was used before, or is too old. Ask for a new one."
    return NotFound("link_not_found", message)
