"""Parties with a row of everything they can have: merchants, and partners that receive for them."""

from datetime import datetime
from uuid import UUID

import msgspec

from hub.kit import db
from hub.kit.ids import new_id
from hub.receipt.parcels import queries as parcel_queries
from hub.receipt.parcels import service as parcels
from hub.receipt.parcels.messages import Claim, ParcelView
from hub.sdk.receiving import ReceiptRequest, UnknownParcel
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.messages import NewConnection, NewPartner, NewWarehouse, ReceivingOption, Role, Route, Rules
from tests.support.people import impersonate
from tests.support.staff import staff
from tests.support.world import ACTOR, Shop, World

NOW = "2026-11-23T09:00:00Z"
QUESTIONS = {
    "questions": [{"id": "use", "text": "Used?", "answers": [{"id": "no", "text": "No"}, {"id": "yes", "text": "Yes"}]}]
}
# An endpoint, what it was told, and how; they name each other by the id of their owner.
OF_A_LISTENER: dict[str, dict[str, object]] = {
    "webhook_endpoints": {
        "url": "https://shop.example",
        "description": "",
        "events": "{}",
        "state": "active",
        "sealed": "\\x00",
        "tx": "0",
        "last": str(UUID(int=0)),
        "notices": 0,
        "created_at": NOW,
        "created_by": "test",
    },
    "webhook_deliveries": {
        "place": 1,
        "flow": str(UUID(int=0)),
        "type": "hub.ping",
        "body": "{}",
        "state": "delivered",
        "attempt": 1,
        "event_at": NOW,
        "created_at": NOW,
        "finished_at": NOW,
    },
    "webhook_attempts": {
        "number": 1,
        "started_at": NOW,
        "duration_ms": 1,
        "status": 200,
        "outcome": "delivered",
        "request": "",
        "response": "",
    },
}
LEFT_OUT_BY_THE_ROAD: dict[str, dict[str, object]] = {
    "refusals": {"key": "1", "return_number": "R1", "message": "no balance", "at": NOW, "taken_at": NOW},
    "deadlines": {"kind": "cancel", "at": NOW, "warn_at": NOW},
    "line_links": {
        "external_id": "1",
        "position": 1,
        "shown": "",
        "sku": "SHOE",
        "linked_by": "test",
        "linked_at": NOW,
    },
    "backfills": {
        "since": NOW,
        "state": "running",
        "next_at": NOW,
        "started_at": NOW,
        "read": 0,
        "born": 0,
        "failures": 0,
    },
    "reconciliations": {
        "since": NOW,
        "state": "running",
        "next_at": NOW,
        "started_at": NOW,
        "started_by": "test",
        "compared": 0,
        "found": 0,
        "failures": 0,
    },
    "products": {"sku": "SHOE", "changed_at": NOW},
    "product_codes": {"ean": "4006381333931", "key": "4006381333931", "sku": "SHOE"},
    "grading_sets": {"version": 1, "body": QUESTIONS, "published_by": "test", "published_at": NOW},
    "return_trackings": {"number": "3SABCD1234567", "added_by": "test", "added_at": NOW},
    "comparisons": {"compared_at": NOW, "closer": False, "verified": False},
    "policy_drafts": {"revision": 1, "base": 1, "rules": {"receiving": []}, "changed_by": "test", "changed_at": NOW},
    "simulations": {
        "rules": {"receiving": []},
        "since": NOW,
        "until": NOW,
        "state": "running",
        "next_at": NOW,
        "total": 1,
        "compared": 0,
        "changed": 0,
        "figures": {},
        "failures": 0,
        "started_by": "test",
        "started_at": NOW,
    },
    "simulated_changes": {"kinds": ["answer"], "before": {}, "after": {}},
    "wms_returns": {"reference": "1", "booked": [], "doubts": [], "revision": 0},
    "wms_words": {"kind": "state", "word": "good", "means": {}, "said_by": "test", "said_at": NOW},
    "photos": {
        "subject": "product",
        "sha256": "\\x" + "00" * 32,
        "received_digest": "\\x00",
        "object": "1",
        "size": 1,
        "width": 1,
        "height": 1,
        "added_at": NOW,
        "added_by": "test",
        "remove_at": NOW,
    },
    "photo_retentions": {"days": 30, "changed_by": "test", "changed_at": NOW},
    **OF_A_LISTENER,
    "differences": {"key": "1", "kind": "extra", "cause": "", "found_at": NOW, "seen_at": NOW, "repair": "none"},
}

OF_A_SYSTEM: dict[str, dict[str, object]] = {
    "wms_returns": {"reference": "2", "booked": [], "doubts": [], "revision": 0},
    "wms_words": {"kind": "state", "word": "good", "means": {}, "said_by": "test", "said_at": NOW},
    "wms_readings": {"next_at": NOW, "failures": 0},
    "wms_hints": {"key": "1", "about": {}, "state": "waiting", "attempt": 0, "next_at": NOW, "received_at": NOW},
}


async def full_road(world: World, name: str) -> Shop:
    """Leave a row of this shop in every table there is."""
    shop = await world.shop(name)
    stored = await world.channel_return(shop, f"SO-{name}", {"SHOE": 2})
    created = await world.merchant_return(shop, f"MO-{name}", {"SHIRT": 1})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.receive(shop, created.number, [("SHIRT", 1, "A")])
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    await world.api_key(Role.ACCOUNT, account_id=shop.account)
    own = NewWarehouse(
        name=f"Own {name}", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account
    )  # fmt: skip
    place = await tenants.create_warehouse(own, actor=ACTOR)
    await world.api_key(Role.WAREHOUSE, warehouse_id=place.id)
    await impersonate(shop.account)
    await staff(place.id, field="account_id", owner=shop.account)
    parcel = await unknown_parcel(shop.warehouse, stored.number)
    await parcels.claim(parcel, Claim(return_number=stored.number), shop.account, actor=ACTOR)
    async with db.transaction(db.PLATFORM):
        (channel,) = await tenant_queries.channels(shop.account)
        await db.execute(
            """insert into idempotency_keys (owner, key, account_id, request_digest, started_at)
            values ('test', $1, $2, 'digest', now())""",
            name, shop.account,
        )  # fmt: skip
        await db.execute("insert into photo_objects (name) values ($1)", f"photo of {name}")
        simulation = new_id()
        for table in LEFT_OUT_BY_THE_ROAD:
            await leave(table, shop, stored.id, policy_id=channel.policies[0].id, simulation_id=simulation)
        await db.execute(
            """insert into notices select gen_random_uuid(), id, account_id, 'return.settled', '', 'daily', $2, $2
            from memberships where account_id = $1 limit 1""",
            shop.account, datetime.fromisoformat(NOW),
        )  # fmt: skip
        await db.execute(
            """insert into notice_choices select id, 'return.settled', 'daily' from memberships
            where account_id = $1 limit 1""",
            shop.account,
        )
    return shop


async def unknown_parcel(warehouse: UUID, *numbers: str) -> ParcelView:
    """Register a parcel that nobody announced, with these numbers on it."""
    seen = UnknownParcel(numbers=numbers)
    request = ReceiptRequest(key=f"parcel:{new_id()}", parcel=seen)
    told = await parcels.register(warehouse, request, seen, operator="operator")
    async with db.transaction(db.PLATFORM):
        (found,) = await parcel_queries.at(warehouse, [told.parcel_id or new_id()])
    return found


async def leave(table: str, shop: Shop, return_id: UUID, **ids: UUID) -> None:
    """Leave a row of a shop's return in a table that the road leaves empty, in the caller's transaction."""
    row = {"account_id": shop.account, "connection_id": shop.connection, "warehouse_id": shop.warehouse,
        "return_id": return_id, "key": str(own := new_id()), **ids,
        "id": ids["simulation_id"] if table == "simulations" else own, **LEFT_OUT_BY_THE_ROAD[table],
        **(_listener(shop.account) if table in OF_A_LISTENER else {})}  # fmt: skip
    insert = f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)"
    await db.execute(insert, db.to_json(row))


def _listener(owner: UUID) -> dict[str, UUID]:
    return dict.fromkeys(("id", "endpoint_id", "delivery_id"), owner)


async def reroute(shop: Shop, warehouse: UUID) -> None:
    """Let a shop's goods go to another warehouse from now on."""
    async with db.transaction(db.account(shop.account)):
        channel = await tenant_queries.channel(shop.channel)
    rules = Rules(receiving=(Route(warehouse_id=warehouse),))
    for policy in channel.policies:
        await tenants.publish_policy(shop.account, policy.id, rules, actor=ACTOR)


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A 3PL with one warehouse, a login and keys; `numbers` are the returns it is to receive, by shop."""

    id: UUID
    warehouse: UUID
    connection: UUID
    key: str
    key_id: UUID
    numbers: dict[str, str]


async def partner_of(world: World, name: str, *shops: Shop) -> Partner:
    """Set a partner up that receives for these shops from now on, and has received one of two products of each."""
    made = await tenants.create_partner(NewPartner(name=name), actor=ACTOR)
    place = await tenants.create_warehouse(
        NewWarehouse(name=f"Place of {name}", receiving_option=ReceivingOption.PARTNER_APP, partner_id=made.id),
        actor=ACTOR,
    )
    tenant, key = await world.vendor.tenant(name.lower())
    login = NewConnection(
        connector="channelengine", name="WMS", partner_id=made.id,
        settings={"address": f"{world.vendor.address}/{tenant}/api", "api_key": key},
    )  # fmt: skip
    connection = await tenants.create_connection(login, world.hub.vendors, actor=ACTOR)
    async with db.transaction(db.PLATFORM):
        for table, given in OF_A_SYSTEM.items():
            await db.execute(
                f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)",
                db.to_json({"connection_id": connection.id, "id": new_id(), **given}),
            )
        for table, given in OF_A_LISTENER.items():
            await db.execute(
                f"insert into {table} select * from jsonb_populate_record(null::{table}, $1::jsonb)",
                db.to_json({"partner_id": made.id, **_listener(made.id), **given}),
            )
    numbers = {}
    for shop in shops:
        await reroute(shop, place.id)
        stored = await world.channel_return(shop, f"{name}-{shop.tenant}", {"SHOE": 2})
        there = msgspec.structs.replace(shop, warehouse=place.id)
        await world.receive(there, stored.number, [("SHOE", 1, "A")], finalise=False)
        numbers[shop.tenant] = stored.number
        await unknown_parcel(place.id, stored.number)
    await world.api_key(Role.WAREHOUSE, warehouse_id=place.id)
    await staff(place.id, field="partner_id", owner=made.id)
    own = await world.made_key(Role.PARTNER, partner_id=made.id)
    return Partner(
        id=made.id, warehouse=place.id, connection=connection.id, key=own.key, key_id=own.id, numbers=numbers
    )
