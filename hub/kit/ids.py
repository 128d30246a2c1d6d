"""Identifiers that sort by the time they were made."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a fresh UUID of version 7 (RFC 9562), so that later rows land at the end of an index."""
    return uuid_utils.compat.uuid7()
