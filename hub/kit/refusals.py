"""PostgreSQL's refusals, sorted by the name of the constraint that spoke."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from hub.kit.errors import Conflict


@contextmanager
def taken(constraint: str, code: str, message: str) -> Iterator[None]:
    """Turn a clash with one unique constraint into a `Conflict`; the transaction is lost either way."""
    try:
        yield
    except asyncpg.UniqueViolationError as fault:
        if fault.constraint_name != constraint:
            raise
        raise Conflict(code, message) from fault
