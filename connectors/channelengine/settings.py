"""What the owner of a ChannelEngine account enters to connect it."""

from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from hub.sdk import Secret, setting

VENDOR = ".channelengine.net"
NORMAL: Literal["v2"] = "v2"
BETA: Literal["v2.1"] = "v2.1"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One ChannelEngine account: where its API is, the key that opens it, and which returns it has."""

    address: Annotated[
        str,
        setting(
            title="API address",
            description="The address of your ChannelEngine account, followed by /api.",
            examples=("https://demo.channelengine.net/api",),
            pattern=r"^\s*https?://[^\s/?#@]+(/[^\s?#]*)?\s*$",
            max_length=200,
        ),
    ]
    api_key: Annotated[
        Secret,
        setting(
            title="Merchant API key",
            description="In ChannelEngine: Settings, Merchant API keys. A channel's own key does not work here.",
        ),
    ]
    returns_api: Annotated[
        Literal["v2", "v2.1"],
        setting(
            title="Returns",
            description="v2, unless ChannelEngine has switched the closed beta of returns and refunds v2.1 on for you.",
        ),
    ] = NORMAL

    def __post_init__(self) -> None:
        """Refuse what no request could be made with; raises ValueError that names the field."""
        key = self.api_key.reveal().strip()
        if not (key.isascii() and key.isprintable()):
            raise ValueError("api_key holds a character that no key has; copy it again")
        try:
            _ = self.base
        except ValueError as fault:
            raise ValueError("address is no web address; it looks like https://NAME.channelengine.net/api") from fault

    @property
    def base(self) -> str:
        """The address that paths such as `/v2/returns` are added to, however it was typed.

        People paste the address of the web pages: ChannelEngine's own hosts get `https` and `/api` by themselves.
        """
        typed = urlsplit(self.address.strip())
        path = typed.path.rstrip("/").removesuffix("/v2")
        if not (typed.hostname or "").endswith(VENDOR):
            return urlunsplit((typed.scheme, typed.netloc, path, "", ""))
        return urlunsplit(("https", typed.netloc, path or "/api", "", ""))
