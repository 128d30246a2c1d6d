"""Times as vendors write them: without a zone, and with any number of digits behind the second."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_FRACTION = re.compile(r"\.(\d+)")
_LONGEST = 6


def moment(text: str, zone: str) -> datetime:
    """Return a written time as UTC; one without an offset is wall time of this zone. Raises ValueError.

    Of an hour that a clock shows twice the earlier one is meant; one that it leaves out is read as if it did not.
    """
    cut = _FRACTION.sub(lambda found: f".{found[1][:_LONGEST]:0<6}", text.strip(), count=1)
    read = datetime.fromisoformat(cut)
    if read.tzinfo is None:
        read = read.replace(tzinfo=ZoneInfo(zone), fold=0)
    return read.astimezone(UTC)


def wall(at: datetime, zone: str) -> datetime:
    """Return a moment as this zone's clocks show it, without an offset."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
