"""The two ways in which an account of ChannelEngine has its returns, of which it never mixes both."""

from datetime import datetime
from typing import Protocol

from connectors.channelengine.beta import Beta
from connectors.channelengine.settings import BETA
from connectors.channelengine.v2 import V2
from hub.sdk import Acknowledgement, Context, Outcome, Page, ReturnKey, Settlement


class ReturnsApi(Protocol):
    """What the connector needs of either; a method may raise `Interrupted` to answer early."""

    @property
    def open_words(self) -> frozenset[str]:
        """The statuses of a return that waits for goods, as far as they are documented."""
        ...

    async def check(self, context: Context) -> None:
        """Prove that the account has it."""
        ...

    async def poll(self, context: Context, cursor: str | None) -> Page:
        """Read one page of the open returns that marketplaces made."""
        ...

    async def history(self, context: Context, since: datetime, cursor: str | None) -> Page:
        """Read one page of all returns since a moment, whoever created them."""
        ...

    async def fetch(self, context: Context, wanted: ReturnKey) -> Outcome:
        """Read one return."""
        ...

    async def acknowledge(self, context: Context, message: Acknowledgement) -> Outcome:
        """Give a return the hub's number."""
        ...

    async def settle(self, context: Context, message: Settlement) -> Outcome:
        """Tell the decision, once."""
        ...

    async def look(self, context: Context, message: Acknowledgement | Settlement) -> Outcome:
        """Read what stands there, and compare it with an effect."""
        ...


_V2, _BETA = V2(), Beta()


def returns_api(context: Context) -> ReturnsApi:
    """Return the one that the owner of the connection chose."""
    return _BETA if context.settings.returns_api == BETA else _V2
