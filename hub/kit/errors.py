"""The errors a caller can mend, each with a stable code and an HTTP status.

HubError
 ├── Invalid        422  the request is well-formed, but cannot be carried out as it stands
 ├── Malformed      400  the request cannot be read
 ├── Unauthorised   401  no usable key
 ├── Forbidden      403  a usable key without the right
 ├── NotFound       404  not there, or not yours
 ├── Conflict       409  true of an earlier state of things
 └── Unavailable    503  a part of the hub is out of reach; try again
"""

from typing import Any


class HubError(Exception):
    """What went wrong, and what its reader can do; `code` never changes its meaning."""

    status = 500

    def __init__(self, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts


class Invalid(HubError):  # noqa: N818 - it says the fact
    """The request is well-formed, but cannot be carried out as it stands."""

    status = 422


class Malformed(HubError):  # noqa: N818 - it says the fact
    """The request cannot be read."""

    status = 400


class Unauthorised(HubError):  # noqa: N818 - it says the fact
    """There is no usable key."""

    status = 401


class Forbidden(HubError):  # noqa: N818 - it says the fact
    """The key is good and has no right to this."""

    status = 403


class NotFound(HubError):  # noqa: N818 - it says the fact
    """It is not there, or it belongs to somebody else; the two look the same."""

    status = 404


class Conflict(HubError):  # noqa: N818 - it says the fact
    """The request fits an earlier state of things."""

    status = 409


class Unavailable(HubError):  # noqa: N818 - it says the fact
    """A part of the hub is out of reach for the moment."""

    status = 503
