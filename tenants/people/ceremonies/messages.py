"""What callers of this room say."""

from enum import StrEnum


class Ceremony(StrEnum):
    """What is awaited from a browser."""

    PROVIDER = "provider"
    PASSKEY = "passkey"
    # what was typed in a session that had ended
    FORM = "form"
