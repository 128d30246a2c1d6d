"""How the vendor says no."""

from collections.abc import Mapping


class Refusal(ValueError):  # noqa: N818 - a refusal is an answer of the vendor, not an error of this server
    """The vendor says no: an HTTP status, a message and, per field, what is wrong with it."""

    def __init__(self, status: int, message: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = dict(errors or {})


def invalid(errors: Mapping[str, list[str]]) -> Refusal:
    """Return the refusal of a request whose fields are wrong: 400 with one list of messages per field."""
    return Refusal(400, "One or more validation errors occurred.", errors)
