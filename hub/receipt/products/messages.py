"""What this room says and hears."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from hub.sdk.receiving import Code, Need

Instructions = Annotated[str, Meta(min_length=1, max_length=1000)]


class ProductFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for a product from now on: the codes on it, what is noted of each unit, what the operator is told."""

    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    eans: Annotated[tuple[Code, ...], Meta(max_length=20)] = ()
    needs: Need | None = None
    instructions: Instructions | None = None


class ProductView(msgspec.Struct, frozen=True, kw_only=True):
    """A product of an account."""

    account_id: UUID
    sku: str
    name: str | None
    eans: tuple[str, ...]
    needs: Need | None
    instructions: str | None
