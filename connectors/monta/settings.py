"""What a partner enters to connect Monta."""

from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from hub.sdk import Secret, setting


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One login at Monta's REST API."""

    user: Annotated[
        str,
        setting(
            title="User", description="The user of the REST API connection, from the portal.", pattern=r"^[!-9;-~]+$"
        ),
    ]
    password: Annotated[
        Secret, setting(title="Password", description="The password of the REST API connection, from the portal.")
    ]
    address: Annotated[
        str,
        setting(title="Address", description="Where Monta's API answers.", pattern=r"^https?://[^\s/?#@]+/?$"),
    ] = "https://api-v6.monta.nl"
    zone: Annotated[
        str, setting(title="Time zone", description="The zone of the times that Monta shows.", max_length=50)
    ] = "Europe/Amsterdam"

    def __post_init__(self) -> None:
        """Refuse what no request could be made with; raises ValueError that names the field."""
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as fault:
            raise ValueError("zone is no time zone; it looks like Europe/Amsterdam") from fault
