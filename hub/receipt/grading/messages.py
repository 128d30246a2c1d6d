"""What this room says besides the contract of `hub.sdk.grading`."""

import msgspec

from hub.sdk.receiving import Condition, Disposition, Grade


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from answers."""

    grade: Grade
    condition: Condition
    disposition: Disposition
