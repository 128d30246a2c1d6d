"""What a partner enters to connect its Picqer."""

from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from hub.sdk import Secret, setting

Id = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One Picqer account of a 3PL."""

    address: Annotated[
        str,
        setting(
            title="Address",
            description="Where you open Picqer.",
            examples=("https://example.picqer.com",),
            pattern=r"^https?://[^\s/?#@]+/?$",
            max_length=200,
        ),
    ]
    api_key: Annotated[Secret, setting(title="API key", description="In Picqer: Settings, API.")]
    contact: Annotated[
        str,
        setting(
            title="Contact",
            description="An e-mail address at which Picqer can reach you about this connection; Picqer insists on one.",
            pattern=r"^[!-~]+@[!-~]+$",
            max_length=100,
        ),
    ]
    template: Annotated[Id, setting(title="Template", description="The id of the template that returns are made with.")]
    reason: Annotated[
        Id, setting(title="Reason", description="The id of the return reason for returns whose reason has none.")
    ]
    hook_secret: Annotated[
        Secret,
        setting(title="Webhook secret", description="At least 20 characters that only this hub and Picqer know."),
    ]
    former_hook_secret: Annotated[
        Secret | None,
        setting(title="Webhook secret before", description="Still accepted; remove it when all hooks are renewed."),
    ] = None
    zone: Annotated[
        str, setting(title="Time zone", description="The zone of the times that Picqer shows.", max_length=50)
    ] = "Europe/Amsterdam"

    def __post_init__(self) -> None:
        """Refuse what no request could be made with; raises ValueError that names the field."""
        key = self.api_key.reveal()
        if not (key.isascii() and key.isprintable() and ":" not in key):
            raise ValueError("api_key holds a character that no key has; copy it again")
        if len(self.hook_secret.reveal()) < 20:  # noqa: PLR2004 - the description says it
            raise ValueError("hook_secret is shorter than 20 characters")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as fault:
            raise ValueError("zone is no time zone; it looks like Europe/Amsterdam") from fault

    @property
    def base(self) -> str:
        """The address that paths of the API are added to."""
        return f"{self.address.rstrip('/')}/api/v1"

    @property
    def hook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that a hook may be signed with."""
        return (self.hook_secret, self.former_hook_secret) if self.former_hook_secret else (self.hook_secret,)
