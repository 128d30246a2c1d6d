"""Having ChannelEngine knock when something changed: one webhook, known by its name.

A knock carries no data and no signature, only what was asked for: the address with its secret. So it is a hint to
read, and its address is told to nobody.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec

from connectors.channelengine import bodies
from connectors.channelengine.answers import Collection, Unreadable, decode
from connectors.channelengine.client import CONFLICT, NOT_FOUND, read_if_any, write
from connectors.channelengine.values import text
from connectors.channelengine.wire import Webhook
from hub.sdk import Context, Done, Knock, Outcome, Refused, Subscribed, Subscription

HOOKS = "/v2/webhooks"
HOOK = "/v2/webhooks/{webhookName}"
LONGEST_NAME = 128
LONGEST_URL = 1_028
MISSING = "it was missing"
TOO_LONG = Refused(
    "webhook_too_long", "ChannelEngine takes a webhook's name of 128 and an address of 1,028 characters."
)
# The vendor's words for what a knock is about; others than those asked for are none of ours.
ABOUT = {"returns": Knock.RETURNS, "notifications": Knock.REFUSALS}


async def subscribe(context: Context, wanted: Subscription) -> Outcome:
    """Create the webhook, revive it, or put right what differs; says what was wrong."""
    if len(wanted.name) > LONGEST_NAME or len(wanted.url) > LONGEST_URL:
        return TOO_LONG
    found = await _standing(context, wanted.name)
    if found is None:
        return await _create(context, wanted)
    wrong = "; ".join(_differences(found, wanted))
    if not wrong:
        return Done(Subscribed())
    told = await write(context, "PUT", HOOKS, bodies.hook(wanted))
    return told.failure or Done(Subscribed(repaired=wrong))


async def _create(context: Context, wanted: Subscription) -> Outcome:
    told = await write(context, "POST", HOOKS, bodies.hook(wanted))
    if told.status == CONFLICT:
        # Somebody was faster, or it is kept out of the list.
        told = await write(context, "PUT", HOOKS, bodies.hook(wanted))
    return told.failure or Done(Subscribed(repaired=MISSING))


async def unsubscribe(context: Context, wanted: Subscription) -> Outcome:
    """Remove the webhook; one that is gone already is gone."""
    told = await write(context, "DELETE", HOOK, webhookName=wanted.name)
    return Done(Subscribed()) if told.status == NOT_FOUND else told.failure or Done(Subscribed())


async def _standing(context: Context, name: str) -> Webhook | None:
    found = await read_if_any(context, HOOKS, [], Collection[msgspec.Raw])
    for raw in (found.content if found else None) or ():
        with suppress(Unreadable):
            hook = decode(raw, Webhook)
            if text(hook.name) == name:
                return hook
    return None


def _differences(found: Webhook, wanted: Subscription) -> Iterator[str]:
    if text(found.url) != wanted.url:
        yield "it knocked at another address"
    if set(found.events or ()) != set(bodies.EVENTS):
        yield "it knocked for other events"
    if found.is_active is False:
        yield "it was switched off"
    if (found.request_type or bodies.KNOCKS_WITH) != bodies.KNOCKS_WITH:
        yield f"it knocked with {found.request_type}"


def hear(knock: Mapping[str, str]) -> Knock:
    """Say what a knock is about; one that does not say may be about returns, for reading them does no harm."""
    said = {name.lower(): value for name, value in knock.items()}.get("type", "")
    return ABOUT.get(said.strip().lower(), Knock.OTHER) if said else Knock.RETURNS
