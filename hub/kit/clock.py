"""The one source of wall-clock time, so that tests can stop it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """Return the current moment in UTC."""
    return _source()


@contextmanager
def driven_by(source: Callable[[], datetime]) -> Iterator[None]:
    """Take the time from `source` for as long as the block runs; for tests and simulations."""
    global _source  # noqa: PLW0603 - the one switch there is
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
