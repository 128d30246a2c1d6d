"""Identifiers that sort by the time they were made."""

from typing import NewType
from uuid import UUID

import uuid_utils.compat

AccountId = NewType("AccountId", UUID)
ReturnId = NewType("ReturnId", UUID)
OperationId = NewType("OperationId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
WarehouseId = NewType("WarehouseId", UUID)


def new_id() -> UUID:
    """Return a fresh UUID of version 7 (RFC 9562), so that later rows land at the end of an index."""
    return uuid_utils.compat.uuid7()
