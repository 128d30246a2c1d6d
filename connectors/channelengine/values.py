"""Single values of ChannelEngine's JSON, both ways: texts, numbers and dates."""

from datetime import UTC, datetime

# Numbers of orders and returns look like numbers, and some JSON writers believe it.
Words = str | int | None


def text(told: Words) -> str | None:
    """Return a text, or None for one that says nothing; PostgreSQL stores no NUL."""
    return ("" if told is None else str(told)).replace("\0", "").strip() or None


def sku(told: Words) -> str | None:
    """Return a product number letter by letter, for it has to be told back as it is; None for one that is blank."""
    return None if text(told) is None else str(told)


def number(told: int | None) -> str | None:
    """Return an id as the hub keeps it, or None; 0 is .NET's way to have none."""
    return str(told) if told else None


def identity(told: str | None) -> int | None:
    """Return the id that `number` wrote, or None if it is none of ChannelEngine's."""
    return int(told) if told and told.isascii() and told.isdigit() else None


def moment(told: Words) -> datetime | None:
    """Read a date, with any offset (UTC without one) and any fraction, or None for what is none.

    The year 1 is .NET's way to have no date.
    """
    try:
        read = datetime.fromisoformat(str(told or "").strip().upper())
        return None if read.year == 1 else utc(read)
    except (ValueError, OverflowError):
        return None


def utc(read: datetime) -> datetime:
    """Return a moment in UTC; one that does not say where is there already."""
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def timestamp(at: datetime) -> str:
    """Write a moment as ChannelEngine's examples do: UTC, milliseconds, `Z`; a `+` would be a space in a URL."""
    return utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cut(words: str | None, units: int) -> str | None:
    """Cut a text to what .NET counts, which is two for a character such as an emoji; None for an empty one."""
    kept = (words or "").strip().encode("utf-16-le", "replace")[: 2 * units]
    return kept.decode("utf-16-le", "ignore") or None
