"""Cursor paging: a page, and where the next one begins."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar
from uuid import UUID

import msgspec
from litestar.params import QueryParameter

from hub.kit.errors import Malformed

Item = TypeVar("Item")

Cursor = Annotated[str | None, QueryParameter(description="next_cursor of the page before")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="items per page")]
DEFAULT = 50


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some items in a stable order; without `next_cursor` there are no more."""

    items: list[Item]
    next_cursor: str | None


def after(cursor: str | None) -> UUID | None:
    """Return the id that a cursor stands for; raises `Malformed`."""
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError as fault:
        raise Malformed("cursor_invalid", "This cursor is not one that the hub gave.") from fault


def page(items: list[Item], limit: int, key: Callable[[Item], UUID]) -> Page[Item]:
    """Return a page of items that were read with this limit."""
    more = len(items) == limit
    return Page(items=items, next_cursor=str(key(items[-1])) if more and items else None)
