"""The calls to Monta, one method per effect."""

from typing import Any

import msgspec

from connectors.monta import client, wire
from connectors.monta.client import ask, read
from connectors.monta.settings import Settings
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
    Manifest,
    Manner,
    Outcome,
    Refused,
    Snapshot,
    SnapshotKey,
    VendorReference,
    Warehousing,
)

CANNOT_BE_TOLD = "Monta's API changes and deletes no forecast: tell the warehouse by phone or in its portal"


class Monta(Connector):
    """Announces returns as forecasts, and reads what came back since a day.

    What a second forecast with the same code does is not documented, so that one is looked for before it is made.
    """

    manifest = Manifest(
        name="monta",
        title="Monta",
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
            }
        ),
        settings=Settings,
        hosts=("api-v6.monta.nl",),
        identity=frozenset({"address", "user"}),
        poll_every_seconds=300.0,
        warehousing=Warehousing(
            words=wire.WORDS, reasons=wire.REASONS, flags=True, catalogues=frozenset({Catalogue.REASONS})
        ),
    )

    async def check(self, context: Context) -> Outcome:
        """Read the account's reasons."""
        await self._reasons(context)
        settings: Settings = context.settings
        return Done(Checked(name=f"Monta, {settings.user}"))

    async def announce(self, context: Context, message: Announcement) -> Outcome:
        """Make a forecast under our number, unless there is one."""
        try:
            body = wire.forecast(message)
        except ValueError as missing:
            return Refused("order_line_unknown", f"{missing}.")
        if await client.forecast(context, message.return_number) is None:
            sent = await ask(
                context, Manner.WRITE, "POST", "/returnforecast", body=body, endpoint="POST /returnforecast"
            )
            read(sent, wire.Forecast, Manner.WRITE)
        return Done(VendorReference(message.return_number))

    async def amend(self, context: Context, message: Announcement) -> Outcome:  # noqa: ARG002 - Monta cannot be told
        """Say that a person has to tell the warehouse."""
        return Refused("not_possible", f"{CANNOT_BE_TOLD} what of {message.return_number} will come.")

    async def withdraw(self, context: Context, message: Announcement) -> Outcome:  # noqa: ARG002 - Monta cannot be told
        """Say that a person has to tell the warehouse."""
        return Refused("not_possible", f"{CANNOT_BE_TOLD} that {message.return_number} will not come.")

    async def lookup(self, context: Context, effect: Effect, message: Announcement) -> Outcome:
        """Look for a forecast under our number; what Monta cannot be told has not happened."""
        found = await client.forecast(context, message.return_number) if effect is Effect.ANNOUNCE else None
        return Done(VendorReference(found.code)) if found else Absent()

    async def snapshot(self, context: Context, wanted: SnapshotKey) -> Outcome:
        """Find one return among those of the last months, or its forecast while nothing came."""
        zone = context.settings.zone
        for element in await client.updated_since(context, client.first_day(context)):
            try:
                seen = msgspec.json.decode(element, type=wire.Return)
            except msgspec.DecodeError:
                continue
            if _is_it(seen, wanted):
                return Done(wire.snapshot(seen, zone))
        code = wanted.return_number or (wanted.reference or "").removeprefix("forecast ")
        forecast = await client.forecast(context, code)
        return Done(wire.announced(forecast)) if forecast else Absent()

    async def changes(self, context: Context, cursor: str | None) -> Outcome:
        """Read everything that changed since a day; Monta has no pages here."""
        day = cursor or client.first_day(context)
        items: list[Snapshot | SnapshotKey] = []
        rejected: list[tuple[str, str]] = []
        newest = ""
        for element in await client.updated_since(context, day):
            try:
                seen = msgspec.json.decode(element, type=wire.Return)
                items.append(wire.snapshot(seen, context.settings.zone))
                newest = max(newest, seen.updated_at)
            except (ValueError, msgspec.DecodeError) as fault:
                rejected.append((_name(element), str(fault)))
        following = max(day, wire.since(newest)) if newest else day
        return Done(Changes(items=tuple(items), cursor=following, more=False, rejected=tuple(rejected)))

    async def catalogue(self, context: Context, which: Catalogue) -> Outcome:  # noqa: ARG002 - there is one list
        """Read the account's reasons."""
        return Done(await self._reasons(context))

    async def _reasons(self, context: Context) -> tuple[CatalogueItem, ...]:
        sent = await ask(context, Manner.READ, "GET", "/returnreasons", endpoint="GET /returnreasons")
        found = read(sent, list[wire.ReasonItem], Manner.READ)
        return tuple(CatalogueItem(code=str(each.id), name=each.description) for each in found)


def _is_it(seen: wire.Return, wanted: SnapshotKey) -> bool:
    if wanted.reference is not None and str(seen.id) == wanted.reference:
        return True
    return wanted.return_number is not None and seen.forecast_code == wanted.return_number


def _name(element: msgspec.Raw) -> str:
    try:
        told: dict[str, Any] = msgspec.json.decode(element, type=dict[str, Any])
    except msgspec.DecodeError:
        return "without an id"
    return str(told.get("Id", "without an id"))
