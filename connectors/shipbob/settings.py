"""What is entered to connect ShipBob."""

from typing import Annotated

import msgspec
from msgspec import Meta

from hub.sdk import Secret, setting

Id = Annotated[int, Meta(ge=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One merchant's access to ShipBob, and one of its fulfillment centers."""

    token: Annotated[
        Secret, setting(title="Access token", description="In ShipBob: Integrations, API tokens; returns and webhooks.")
    ]
    channel: Annotated[Id, setting(title="Channel", description="The id of the channel that the token belongs to.")]
    center: Annotated[
        Id, setting(title="Fulfillment center", description="The id of the fulfillment center that receives returns.")
    ]
    hook_secret: Annotated[
        Secret,
        setting(title="Webhook secret", description="whsec_ and 32 letters and digits; the hub registers with it."),
    ]
    former_hook_secret: Annotated[
        Secret | None,
        setting(title="Webhook secret before", description="Still accepted; remove it when all hooks are renewed."),
    ] = None
    address: Annotated[
        str,
        setting(title="Address", description="Where ShipBob's API answers.", pattern=r"^https?://[^\s/?#@]+/?$"),
    ] = "https://api.shipbob.com"

    def __post_init__(self) -> None:
        """Refuse what no request could be made with; raises ValueError that names the field."""
        token = self.token.reveal()
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise ValueError("token holds a character that no token has; copy it again")
        for name, secret in (("hook_secret", self.hook_secret), ("former_hook_secret", self.former_hook_secret)):
            if secret and not _is_hook_secret(secret.reveal()):
                msg = f"{name} is whsec_ and 32 letters, digits, + or / behind it"
                raise ValueError(msg)

    @property
    def hook_secrets(self) -> tuple[Secret, ...]:
        """The secrets that a hook may be signed with."""
        return (self.hook_secret, self.former_hook_secret) if self.former_hook_secret else (self.hook_secret,)


def _is_hook_secret(text: str) -> bool:
    key = text.removeprefix("whsec_")
    letters = key.replace("+", "").replace("/", "")
    return key != text and len(key) == 32 and letters.isascii() and letters.isalnum()  # noqa: PLR2004 - ShipBob's length
