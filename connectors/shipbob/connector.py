"""The calls to ShipBob, one method per effect."""

from typing import Any

import msgspec

from connectors.shipbob import client, wire
from connectors.shipbob.client import ask, read
from connectors.shipbob.hooks import HEADER, TOPICS, hints
from connectors.shipbob.paging import Place
from connectors.shipbob.settings import Settings
from hub.sdk import (
    Absent,
    Announcement,
    Capability,
    Catalogue,
    CatalogueItem,
    Changes,
    Checked,
    Connector,
    Context,
    Done,
    Effect,
    Hint,
    Hook,
    Hooks,
    Manifest,
    Manner,
    Outcome,
    Progress,
    Refused,
    Sent,
    Snapshot,
    SnapshotKey,
    Subscribed,
    Subscription,
    VendorReference,
    Warehousing,
    standard_webhook,
)


class ShipBob(Connector):
    """Announces returns, follows them by hooks and by reading what is open, and reads what was done with the goods.

    ShipBob takes each number once, so that a second announcement is refused and the first one looked for.
    """

    manifest = Manifest(
        name="shipbob",
        title="ShipBob",
        version="1.0.0",
        capabilities=frozenset(
            {
                Capability.CHECK,
                Capability.ANNOUNCE,
                Capability.AMEND,
                Capability.WITHDRAW,
                Capability.LOOKUP,
                Capability.SNAPSHOT,
                Capability.CHANGES,
                Capability.CATALOGUE,
                Capability.SUBSCRIBE,
            }
        ),
        settings=Settings,
        hosts=("api.shipbob.com", "sandbox-api.shipbob.com"),
        identity=frozenset({"address", "channel"}),
        poll_every_seconds=900.0,
        warehousing=Warehousing(
            words=wire.WORDS, hooks=Hooks.SIGNED, header=HEADER, catalogues=frozenset({Catalogue.WAREHOUSES})
        ),
    )

    async def check(self, context: Context) -> Outcome:
        """See that the token opens the channel, and that the fulfillment center is one that can be chosen."""
        settings: Settings = context.settings
        sent = await ask(context, Manner.READ, "GET", "/channel", endpoint="/channel")
        channels = {each.id: each.name or str(each.id) for each in read(sent, wire.Channels, Manner.READ).items}
        if settings.channel not in channels:
            return Refused("channel_unknown", _not_among("channel", settings.channel, channels))
        centers = {each.id: each.name for each in await _centers(context)}
        if settings.center not in centers:
            return Refused("center_unknown", _not_among("fulfillment center", settings.center, centers))
        return Done(Checked(name=f"{channels[settings.channel]}, {centers[settings.center]}"))

    async def announce(self, context: Context, message: Announcement) -> Outcome:
        """Make a return under our number; where there is one, that is it."""
        sent = await _put(context, message, "POST", "/return", "/return")
        if sent.status == UNFIT and (known := await client.find(context, message.return_number)):
            return Done(VendorReference(str(known.id)))
        return Done(VendorReference(str(read(sent, wire.Made, Manner.WRITE).id)))

    async def amend(self, context: Context, message: Announcement) -> Outcome:
        """Put a return right as a whole, as long as nothing of it is there."""
        known = await client.find(context, message.return_number)
        if known is None:
            return await self.announce(context, message)
        if not wire.waits(known):
            return Done(VendorReference(str(known.id), too_late=True))
        sent = await _put(context, message, "PUT", f"/return/{known.id}", "/return/{id}")
        return Done(VendorReference(str(read(sent, wire.Made, Manner.WRITE).id)))

    async def withdraw(self, context: Context, message: Announcement) -> Outcome:
        """Cancel a return of which nothing is there; one that is gone is withdrawn."""
        known = await client.find(context, message.return_number)
        if known is None or wire.progress(known.status) is Progress.CANCELED:
            return Done(VendorReference(str(known.id) if known else None))
        reference = str(known.id)
        if not wire.waits(known):
            return Done(VendorReference(reference, too_late=True))
        sent = await ask(context, Manner.WRITE, "POST", f"/return/{reference}:cancel", endpoint="/return/{id}:cancel")
        client.must(sent)
        return Done(VendorReference(reference))

    async def lookup(self, context: Context, effect: Effect, message: Announcement) -> Outcome:
        """Find the return that carries our number, and see whether it is as it was to become."""
        known = await client.find(context, message.return_number)
        gone = known is None or wire.progress(known.status) is Progress.CANCELED
        if effect is Effect.WITHDRAW:
            return Done(VendorReference()) if gone else Absent()
        if known is None or gone:
            return Absent()
        if effect is Effect.AMEND and wire.waits(known) and wire.expected(known) != wire.wanted(message):
            return Absent()
        return Done(VendorReference(str(known.id)))

    async def snapshot(self, context: Context, wanted: SnapshotKey) -> Outcome:
        """Read one return by ShipBob's id, or by our number."""
        if wanted.reference is not None:
            seen = await client.one(context, wanted.reference)
        else:
            seen = await client.find(context, wanted.return_number or "")
        return Done(wire.snapshot(seen)) if seen else Absent()

    async def changes(self, context: Context, cursor: str | None) -> Outcome:
        """Read the next page of what is open, of what was completed lately, and of what was canceled."""
        place = (msgspec.json.decode(cursor, type=Place) if cursor else Place()).started(context.now)
        sent = await ask(context, Manner.READ, "GET", "/return", params=place.query(context.now), endpoint="/return")
        page = read(sent, wire.Page, Manner.READ)
        items: list[Snapshot | SnapshotKey] = []
        rejected: list[tuple[str, str]] = []
        for element in page.items:
            try:
                items.append(wire.snapshot(msgspec.json.decode(element, type=wire.Return)))
            except (ValueError, msgspec.DecodeError) as fault:
                rejected.append((_name(element), str(fault)))
        following = place.after(more=page.next is not None and bool(page.items))
        return Done(
            Changes(
                items=tuple(items),
                cursor=msgspec.json.encode(following).decode(),
                more=following.began is not None,
                rejected=tuple(rejected),
            )
        )

    async def catalogue(self, context: Context, which: Catalogue) -> Outcome:  # noqa: ARG002 - there is one list
        """Read the fulfillment centers."""
        return Done(tuple(CatalogueItem(code=str(each.id), name=each.name) for each in await _centers(context)))

    async def subscribe(self, context: Context, wanted: Subscription) -> Outcome:
        """Have ShipBob call an address for every topic of returns; what it switched off is registered anew."""
        sent = await ask(context, Manner.READ, "GET", "/webhook", endpoint="/webhook")
        held = [each for each in read(sent, wire.Webhooks, Manner.READ).items if each.url == wanted.url]
        for each in [each for each in held if not each.enabled]:
            path = f"/webhook/{each.id}"
            client.must(await ask(context, Manner.WRITE, "DELETE", path, endpoint="/webhook/{id}"))
        missing = sorted(TOPICS - {topic for each in held if each.enabled for topic in each.topics})
        if missing:
            secret = context.settings.hook_secret.reveal()
            body = {"topics": missing, "url": wanted.url, "description": wanted.name, "secret": secret}
            client.must(await ask(context, Manner.WRITE, "POST", "/webhook", body=body, endpoint="/webhook"))
        return Done(Subscribed(repaired=f"{', '.join(missing)} was not told" if missing else None))

    def verify(self, settings: Settings, hook: Hook) -> bool:
        """Say whether ShipBob signed these bytes, and lately."""
        return standard_webhook(hook, settings.hook_secrets)

    def parse(self, hook: Hook) -> tuple[Hint, ...]:
        """Return which return it is about."""
        return hints(hook)


UNFIT = 422


async def _put(context: Context, message: Announcement, method: str, path: str, endpoint: str) -> Sent:
    products = {sku: await client.product(context, sku) for sku in wire.wanted(message)}
    body = wire.body(message, products, context.settings.center)
    return await ask(context, Manner.WRITE, method, path, body=body, endpoint=endpoint, channel=message.client)


async def _centers(context: Context) -> list[wire.Center]:
    sent = await ask(context, Manner.READ, "GET", "/fulfillment-center", endpoint="/fulfillment-center")
    return read(sent, list[wire.Center], Manner.READ)


def _not_among(what: str, given: int, known: dict[int, str]) -> str:
    there = ", ".join(f"{each} ({name})" for each, name in known.items()) or "none"
    return f"ShipBob shows no {what} {given}; there are: {there}."


def _name(element: msgspec.Raw) -> str:
    try:
        told: dict[str, Any] = msgspec.json.decode(element, type=dict[str, Any])
    except msgspec.DecodeError:
        return "without an id"
    return str(told.get("id", "without an id"))
