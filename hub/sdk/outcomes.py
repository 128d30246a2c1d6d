"""What a connector answers: one value per way an outside effect can end."""

from typing import Generic, TypeVar

import msgspec

Result = TypeVar("Result")


class Outcome(msgspec.Struct, frozen=True):
    """The root of every answer; the hub decides what follows from its type alone."""


class Done(Outcome, Generic[Result], frozen=True):
    """The effect happened and this is what the vendor told of it."""

    result: Result


class Pending(Outcome, frozen=True):
    """The vendor took the request and will decide later."""

    check_after_seconds: float = 300.0
    reference: str | None = None


class Refused(Outcome, frozen=True):
    """The vendor said no for good; a person of the account must decide."""

    code: str
    message: str


class Retry(Outcome, frozen=True):
    """Nothing happened; the same call may be made again by the hub's schedule."""

    why: str
    after_seconds: float | None = None


class RateLimited(Outcome, frozen=True):
    """The vendor asks the whole connection to slow down; the attempt does not count."""

    after_seconds: float


class ActionRequired(Outcome, frozen=True):
    """The connection cannot work until its owner repairs it, for example a revoked key."""

    message: str


class OutcomeUnknown(Outcome, frozen=True):
    """The effect may or may not have happened; the hub looks it up and never repeats blindly."""

    why: str


class Absent(Outcome, frozen=True):
    """A look-up found no trace of the effect at the vendor."""


class Interrupted(Exception):  # noqa: N818 - it carries an outcome through the connector's code, it is no error of its own
    """Ends a connector's method early with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome
