"""The control API's weather and time: faults, limits, and the clock."""

from datetime import datetime
from typing import Annotated

from litestar import delete, get, put
from msgspec import Meta

from connectors.channelengine.sandbox.change import Change, ClockHands
from connectors.channelengine.sandbox.control_kit import Answer, Asking, answered, kept, wish, wrong
from connectors.channelengine.sandbox.selling import Wish
from connectors.channelengine.sandbox.vendor import FromVendor, Vendor


class Limit(Wish, frozen=True):
    """The calls allowed per endpoint and minute."""

    calls_per_minute: int


class Hands(Wish, frozen=True):
    """Where to move the clock: so many seconds forward, or to a moment, to go on from there or to stand still."""

    forward_seconds: Annotated[float, Meta(ge=0)] | None = None
    now: Annotated[datetime, Meta(tz=True)] | None = None
    stopped: bool = False


@get("/clock")
async def clock(vendor: FromVendor) -> Answer:
    """Show what time it is for the vendor."""
    return answered(_time(vendor))


@put("/clock")
async def move_clock(request: Asking, vendor: FromVendor) -> Answer:
    """Move the clock, and let happen on the way what falls due."""
    asked = await wish(request, Hands)
    if (asked.forward_seconds is None) is (asked.now is None):
        raise wrong("now", "Say either forward_seconds or now.")
    if asked.now is not None:
        return await _moved(vendor, vendor.clock.at(asked.now, stopped=asked.stopped))
    return await _moved(vendor, vendor.clock.forward(asked.forward_seconds or 0))


@delete("/clock", status_code=200)
async def real_clock(vendor: FromVendor) -> Answer:
    """Show real time again."""
    return await _moved(vendor, ClockHands())


@get("/faults")
async def faults(vendor: FromVendor) -> Answer:
    """Show the active faults and how often each has struck."""
    return answered(vendor.faults.states())


@put("/faults")
async def set_faults(request: Asking, vendor: FromVendor) -> Answer:
    """Set these faults in place of all others."""
    texts = await wish(request, list[str])
    try:
        vendor.faults.replace(texts)
    except ValueError as error:
        raise wrong("faults", str(error)) from error
    return answered(vendor.faults.states())


@delete("/faults", status_code=200)
async def clear_faults(vendor: FromVendor) -> Answer:
    """Let everything work again."""
    vendor.faults.replace(())
    return answered([])


@put("/limits")
async def set_limit(request: Asking, vendor: FromVendor) -> Answer:
    """Set how many calls an endpoint takes in a minute."""
    limit = await wish(request, Limit)
    vendor.meter.limit(limit.calls_per_minute)
    return answered({"calls_per_minute": limit.calls_per_minute})


WEATHER = (clock, move_clock, real_clock, faults, set_faults, clear_faults, set_limit)


async def _moved(vendor: Vendor, hands: ClockHands) -> Answer:
    vendor.commit(Change(tenant="", clock=hands))
    vendor.catch_up()
    return await kept(vendor, _time(vendor))


def _time(vendor: Vendor) -> dict[str, object]:
    return {"now": vendor.now(), "stopped": vendor.clock.hands.stopped_at is not None}
