"""The calls to Picqer, one method per effect."""

from typing import Any

import msgspec

from connectors.picqer import client, paging, wire
from connectors.picqer.client import ask, read
from connectors.picqer.hooks import EVENTS, HEADER, hints
from connectors.picqer.paging import Place
from connectors.picqer.settings import Settings
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
    Refused,
    Snapshot,
    SnapshotKey,
    Subscribed,
    Subscription,
    VendorReference,
    Warehousing,
    hmac_base64,
)

LISTS = {
    Catalogue.REASONS: ("/return_reasons", "idreturn_reason"),
    Catalogue.STATUSES: ("/return_statuses", "idreturn_status"),
    Catalogue.TEMPLATES: ("/templates", "idtemplate"),
    Catalogue.WAREHOUSES: ("/warehouses", "idwarehouse"),
}


class Picqer(Connector):
    """Announces returns, follows what happens to them by hooks and polls, and reads what arrived.

    Picqer knows no idempotency keys and takes any text as a reference: a return is looked for before it is made.
    """

    manifest = Manifest(
        name="picqer",
        title="Picqer",
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
        hosts=("*.picqer.com",),
        identity=frozenset({"address"}),
        poll_every_seconds=900.0,
        warehousing=Warehousing(words=wire.WORDS, hooks=Hooks.SIGNED, header=HEADER, catalogues=frozenset(LISTS)),
    )

    async def check(self, context: Context) -> Outcome:
        """Read the statuses that returns can have, and see that the reason is one of the account's."""
        settings: Settings = context.settings
        reasons = await self._list(context, Catalogue.REASONS)
        if str(settings.reason) not in {each.code for each in reasons}:
            known = ", ".join(f"{each.code} ({each.name})" for each in reasons) or "none"
            return Refused("reason_unknown", f"Picqer has no return reason {settings.reason}; there are: {known}.")
        return Done(Checked(name=settings.address))

    async def announce(self, context: Context, message: Announcement) -> Outcome:
        """Make a return that carries our number, unless there is one."""
        known = await client.find(context, message.return_number)
        if known is not None:
            return Done(VendorReference(str(known.idreturn)))
        settings: Settings = context.settings
        products = {sku: await client.product(context, sku) for sku in wire.wanted(message)}
        body: dict[str, Any] = {
            "idreturn_status": await client.default_status(context),
            "idtemplate": settings.template,
            "reference": message.return_number,
            "returned_products": wire.rows(message, products, _reason(context, message)),
        }
        if message.tracking:
            body["tracking_code"] = message.tracking[0]
        if message.client:
            body["idfulfilment_customer"] = int(message.client)
        sent = await ask(context, Manner.WRITE, "POST", "/returns", body=body, endpoint="POST /returns")
        made = read(sent, wire.Return, Manner.WRITE)
        return Done(VendorReference(str(made.idreturn)))

    async def amend(self, context: Context, message: Announcement) -> Outcome:
        """Put the lines of a return right, as long as nothing of it is there."""
        known = await client.find(context, message.return_number)
        if known is None:
            return await self.announce(context, message)
        reference = str(known.idreturn)
        if wire.has_arrived(known):
            return Done(VendorReference(reference, too_late=True))
        await self._put_right(context, message, known)
        return Done(VendorReference(reference))

    async def _put_right(self, context: Context, message: Announcement, known: wire.Return) -> None:
        wanted, path = wire.wanted(message), f"/returns/{known.idreturn}/returned_products"
        endpoint = "/returns/{id}/returned_products"
        for row in known.returned_products or []:
            code = row.product.productcode if row.product else ""
            units = wanted.pop(code, 0)
            place = f"{path}/{row.idreturn_product}"
            if not units:
                client.must(await ask(context, Manner.WRITE, "DELETE", place, endpoint=f"DELETE {endpoint}"))
            elif units != row.amount:
                change = {"amount": units}
                client.must(await ask(context, Manner.WRITE, "PUT", place, body=change, endpoint=f"PUT {endpoint}"))
        products = {sku: await client.product(context, sku) for sku in wanted}
        for body in wire.rows(message, products, _reason(context, message)):
            client.must(await ask(context, Manner.WRITE, "POST", path, body=body, endpoint=f"POST {endpoint}"))

    async def withdraw(self, context: Context, message: Announcement) -> Outcome:
        """Delete a return of which nothing is there; one that is gone is withdrawn."""
        known = await client.find(context, message.return_number)
        if known is None:
            return Done(VendorReference())
        reference = str(known.idreturn)
        if wire.has_arrived(known):
            return Done(VendorReference(reference, too_late=True))
        sent = await ask(context, Manner.WRITE, "DELETE", f"/returns/{reference}", endpoint="DELETE /returns/{id}")
        if sent.status != client.NOT_FOUND:
            client.must(sent)
        return Done(VendorReference(reference))

    async def lookup(self, context: Context, effect: Effect, message: Announcement) -> Outcome:
        """Find the return that carries our number, and see whether it is as it was to become."""
        known = await client.find(context, message.return_number)
        if effect is Effect.WITHDRAW:
            return Absent() if known else Done(VendorReference())
        if known is None:
            return Absent()
        if effect is Effect.AMEND and wire.expected(known) != wire.wanted(message) and not wire.has_arrived(known):
            return Absent()
        return Done(VendorReference(str(known.idreturn)))

    async def snapshot(self, context: Context, wanted: SnapshotKey) -> Outcome:
        """Read one return by Picqer's id, or by our number."""
        if wanted.reference is not None:
            seen = await client.one(context, wanted.reference)
        else:
            seen = await client.find(context, wanted.return_number or "")
        if seen is None:
            return Absent()
        return Done(wire.snapshot(seen, context.settings.zone))

    async def changes(self, context: Context, cursor: str | None) -> Outcome:
        """Read the next page of returns that were changed; the first walk reads all there are."""
        zone = context.settings.zone
        place = msgspec.json.decode(cursor, type=Place) if cursor else Place()
        params = {"offset": str(place.offset)} | ({"updated_after": place.since} if place.since else {})
        sent = await ask(context, Manner.READ, "GET", "/returns", params=params, endpoint="GET /returns")
        elements = read(sent, list[msgspec.Raw], Manner.READ)
        items: list[Snapshot | SnapshotKey] = []
        rejected: list[tuple[str, str]] = []
        newest = place.newest
        for element in elements:
            try:
                seen = msgspec.json.decode(element, type=wire.Return)
                items.append(_listed(seen, zone))
                newest = max(filter(None, (newest, seen.updated_at)), default=None)
            except (ValueError, msgspec.DecodeError) as fault:
                rejected.append((_name(element), str(fault)))
        following = place.after(len(elements), newest, zone)
        more = len(elements) >= paging.PAGE
        return Done(
            Changes(
                items=tuple(items), cursor=msgspec.json.encode(following).decode(), more=more, rejected=tuple(rejected)
            )
        )

    async def catalogue(self, context: Context, which: Catalogue) -> Outcome:
        """Read one of the account's own lists."""
        return Done(await self._list(context, which))

    async def _list(self, context: Context, which: Catalogue) -> tuple[CatalogueItem, ...]:
        path, code = LISTS[which]
        sent = await ask(context, Manner.READ, "GET", path, endpoint=f"GET {path}")
        return tuple(
            CatalogueItem(code=str(each[code]), name=str(each.get("name", "")))
            for each in read(sent, list[dict[str, Any]], Manner.READ)
            if code in each
        )

    async def subscribe(self, context: Context, wanted: Subscription) -> Outcome:
        """Have Picqer call an address for every event of returns; what it switched off runs again."""
        sent = await ask(context, Manner.READ, "GET", "/hooks", endpoint="GET /hooks")
        held = [each for each in read(sent, list[wire.Webhook], Manner.READ) if each.address == wanted.url]
        repaired: list[str] = []
        for each in held:
            if not each.active:
                path = f"/hooks/{each.idhook}/reactivate"
                client.must(await ask(context, Manner.WRITE, "POST", path, endpoint="POST /hooks/{id}/reactivate"))
                repaired.append(f"{each.event} had been switched off")
        for event in sorted(EVENTS - {each.event for each in held}):
            secret = context.settings.hook_secret.reveal()
            body = {"name": wanted.name, "event": event, "address": wanted.url, "secret": secret}
            client.must(await ask(context, Manner.WRITE, "POST", "/hooks", body=body, endpoint="POST /hooks"))
            repaired.append(f"{event} was not registered")
        return Done(Subscribed(repaired="; ".join(repaired) or None))

    def verify(self, settings: Settings, hook: Hook) -> bool:
        """Say whether Picqer signed these bytes; it leaves the header out where a hook has no secret."""
        return hmac_base64(hook.body, hook.headers.get(HEADER), settings.hook_secrets)

    def parse(self, hook: Hook) -> tuple[Hint, ...]:
        """Return which return it is about."""
        return hints(hook.body)


def _reason(context: Context, message: Announcement) -> int:
    return int(message.reason_code) if message.reason_code else int(context.settings.reason)


def _listed(seen: wire.Return, zone: str) -> Snapshot | SnapshotKey:
    if seen.returned_products is None:
        return SnapshotKey(reference=str(seen.idreturn), return_number=seen.reference)
    return wire.snapshot(seen, zone)


def _name(element: msgspec.Raw) -> str:
    try:
        return str(msgspec.json.decode(element, type=dict[str, Any]).get("idreturn", "without an id"))
    except msgspec.DecodeError:
        return "without an id"
