"""What a partner enters to connect Skeleton."""

from typing import Annotated

import msgspec

from hub.sdk import Secret, setting


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One login at Skeleton; this struct is also the form that the partner fills in."""

    address: Annotated[
        str, setting(title="Address", description="Where its API answers.", pattern=r"^https?://[^\s/?#@]+$")
    ] = "https://api.skeleton.example"
    api_key: Annotated[Secret, setting(title="API key", description="In Skeleton: Settings, API keys.")]
