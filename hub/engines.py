"""Where the database and the queue are: the operator's own, or the hub's in its data folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from hub.kit.embedded import Engines, engines
from hub.settings import Settings


@contextmanager
def reachable(settings: Settings) -> Iterator[Engines]:
    """Return the addresses from the settings, or start the hub's own engines for as long as the block runs."""
    if settings.database_url is not None and settings.redis_url is not None:
        yield Engines(database_url=settings.database_url, redis_url=settings.redis_url)
        return
    with engines(settings.data) as own:
        yield own
