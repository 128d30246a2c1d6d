"""Two accounts with one of everything, and the calls that would be good for their owners."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import msgspec
from litestar.routes import HTTPRoute

from hub import app
from hub.evidence import service as evidence
from hub.evidence.messages import NewPhoto
from hub.kit import db
from hub.kit.ids import new_id
from hub.runtime import Runtime
from hub.sdk.photos import Subject
from hub.simulations import service as simulations
from hub.simulations.messages import NewSimulation
from hub.webhooks import service as webhooks
from hub.webhooks.messages import NewEndpoint
from tenants import queries as tenant_queries
from tenants import service as tenants
from tenants.keys import service as keys
from tenants.keys.messages import NewKey
from tenants.messages import NewWarehouse, PolicyView, ReceivingOption, Role
from tenants.policies import service as policies
from tenants.policies.messages import NewDraft
from tests.isolation.routes import API
from tests.support.parties import unknown_parcel
from tests.support.people import impersonate
from tests.support.photos import photo
from tests.support.staff import staff
from tests.support.world import ACTOR, Shop, World

numbers = count(1)


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """One merchant, everything it owns, and the key of its people."""

    shop: Shop
    key: str
    return_id: str
    number: str
    everything: dict[str, list[str]]

    def addresses(self, template: str) -> list[str]:
        """Fill a path with every id of this estate that fits."""
        (name, *more) = [part[1:-1] for part in template.split("/") if part.startswith("{")]
        filled = [template.replace(f"{{{name}}}", each) for each in self.everything[name]]
        for other in more:
            filled = [path.replace(f"{{{other}}}", each) for path in filled for each in self.everything[other]]
        return filled

    @property
    def traces(self) -> set[str]:
        """Every text by which this estate would be recognised in another's answer."""
        # Every account names its marketplaces and products alike.
        own = (ids for name, ids in self.everything.items() if name not in {"marketplace", "sku", "version"})
        return {each for ids in own for each in ids} | {self.shop.tenant}


async def estate(world: World, name: str) -> Estate:
    """Set a merchant up with one of everything: a parked message, a work item and a dead operation included."""
    shop = await world.shop(name, arrive_within_days=30)
    await world.merchant_return(shop, f"MO-{name}", {"SHIRT": 1})
    stored = await world.channel_return(shop, f"SO-{name}", {"SHOE": 2})
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 2, "A")])
    await world.work()
    await world.receive(shop, stored.number, [("SHOE", 1, "A")])
    own = await tenants.create_warehouse(
        NewWarehouse(
            name=f"Own {name}", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=shop.account
        ),
        actor=ACTOR,
    )  # fmt: skip
    async with db.transaction(db.PLATFORM):
        await db.execute("update operations set state = 'dead' where account_id = $1", shop.account)
        await db.execute("update inbox set state = 'parked', why = 'parked' where account_id = $1", shop.account)
        (channel,) = await tenant_queries.channels(shop.account)
        messages = await db.fetch("select id from inbox where account_id = $1", shop.account)
        difference = new_id()
        await db.execute(
            """insert into differences (account_id, id, connection_id, key, kind, cause, external_id, found_at, seen_at,
                repair) values ($1, $2, $3, 'missing:here:9', 'missing', 'It is gone.', '9', now(), now(), 'import')""",
            shop.account, difference, shop.connection,
        )  # fmt: skip
    hook, told = await endpoint(world, shop)
    made = await keys.create_key(NewKey(name=name, role=Role.ACCOUNT, account_id=shop.account), actor=ACTOR)
    people = await staff(own.id, field="account_id", owner=shop.account)
    taken = NewPhoto(
        key=name, warehouse_id=shop.warehouse, account_id=shop.account, return_id=stored.id, subject=Subject.PRODUCT,
        content=photo(), taken_at=None, by=ACTOR,
    )  # fmt: skip
    everything: dict[str, list[Any]] = {
        "photo_id": [(await evidence.add(world.hub.photos, taken)).id],
        "account_id": [shop.account],
        "endpoint_id": [hook],
        "delivery_id": [told],
        "connection_id": [shop.connection],
        "channel_id": [shop.channel],
        "policy_id": [policy.id for policy in channel.policies],
        "warehouse_id": [shop.warehouse, own.id],
        "key_id": [made.id],
        "marketplace": ["11"],
        "version": ["1"],
        "simulation_id": [await _draft(world, policy) for policy in channel.policies],
        "reference": [stored.id, stored.number],
        "number": [stored.number],
        "sku": ["SHOE"],
        "parcel_id": [(await unknown_parcel(shop.warehouse, stored.number)).id],
        "operation_id": [each.id for each in await world.operations(shop)],
        "difference_id": [difference],
        "item_id": [each.id for each in await world.work_items(shop) if each.kind != "unknown_parcel"],
        "message_id": [row["id"] for row in messages],
        "impersonation_id": [(await impersonate(shop.account)).id],
        "membership_id": [people.membership],
        "invitation_id": [people.invitation],
        "session_id": [people.session],
    }
    assert all(everything.values()), everything
    return Estate(
        shop=shop, key=made.key, return_id=str(stored.id), number=stored.number,
        everything={name: [str(each) for each in ids] for name, ids in everything.items()},
    )  # fmt: skip


async def endpoint(world: World, shop: Shop) -> tuple[UUID, UUID]:
    """Set a webhook endpoint up that was sent a ping; nobody listens there."""
    new = NewEndpoint(url=f"{world.vendor.address}/{shop.tenant}", account_id=shop.account)
    shown = await webhooks.create(new, world.hub.egress, world.hub.keyring, actor=ACTOR)
    return shown.endpoint.id, (await webhooks.ping(shown.endpoint.id, actor=ACTOR)).id


async def _draft(world: World, policy: PolicyView) -> UUID:
    """Begin a draft of a policy, and a simulation of it."""
    held = await policies.find(policy.id, db.PLATFORM)
    await policies.save_draft(held, NewDraft(rules=policy.rules), actor=ACTOR)
    return (await simulations.start(held, NewSimulation(revision=1), actor=ACTOR)).id


def routes(hub: Runtime) -> Iterator[tuple[str, str]]:
    """Walk every method of every route of the API."""
    for route in app.build(hub).routes:
        if isinstance(route, HTTPRoute) and route.path_format.startswith(API):
            for method in sorted(set(route.methods) - {"OPTIONS"}):
                yield method, route.path_format.removeprefix(API)


def headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "idempotency-key": f"tenants:{next(numbers)}"}


SENT = {
    "marketplace}": {"partial": "allowed"},
    "decision": {"lines": [{"sku": "SHOE", "accepted": 2}], "why": "I looked"},
    "paid": {"why": "I asked them"},
    "settled-elsewhere": {"why": "I asked them"},
    "close": {"resolution": "done"},
    "rotate": {},
    "recover": {"since": "2026-01-01T00:00:00Z"},
    "backfills": {"since": "2026-01-01T00:00:00Z"},
    "reconciliations": {},
    "photo-retention": {"days": 30},
    "photos": photo(),
    "link": {"lines": [{"position": 1, "sku": "SHOE"}]},
    "restore": {},
    "validate": {"revision": 2},
    "publish": {"revision": 2},
    "simulations": {"revision": 2},
    "decisions": {"facts": {"kind": "merchant", "lines": [{"sku": "SHOE", "quantity": 1}]}},
    "reopen": {"why": "another box came"},
    "batch": {"receipts": [{}]},
}
# What a good call carries in its address; the draft is at another revision, so that it is there for the next call.
QUERIES = {("DELETE", "/policies/{policy_id}/draft"): "?revision=9"}
PUT: dict[str, Any] = {
    "grading": {"questions": [{"id": "worn", "text": "Worn?", "answers": [
        {"id": "no", "text": "No"}, {"id": "yes", "text": "Yes", "at_best": "C"}]}]},
    "sku}": {"eans": ["4006381333931"]},
    "words": {"client": "17"},
    "notifications": {"choices": [{"subject": "return.settled", "how": "daily"}]},
    "trackings": {"trackings": [{"number": "3SABCD1234567"}]},
    "account_id}": None,
}  # fmt: skip


def body(method: str, template: str, owner: Estate) -> Any:  # noqa: PLR0911 - a table of one rule per line
    """Return what a good call of this route would carry."""
    last = template.rpartition("/")[2].lstrip("{")
    if template.endswith("/configuration"):
        return {"account": owner.shop.tenant}
    if method == "PUT" and last in PUT:
        return PUT[last]
    if last == "claim":
        return {"return_number": owner.number}
    rules = {"receiving": [{"warehouse_id": str(owner.shop.warehouse)}]}
    if method == "PUT" and last == "draft":
        return {"rules": rules, "revision": 1}
    if template.endswith("{policy_id}"):
        return rules
    if template.startswith("/members"):
        return {"role": "account_viewer"}
    if method == "PATCH" and "endpoint_id" in template:
        return {"description": "mine"}
    if method == "PATCH" and "connection_id" in template:
        return {"api_key": owner.shop.key}
    if template.endswith("/receipts"):
        items = [{"sku": "SHOE", "quantity": 1, "grade": "A"}]
        return {"key": f"k{next(numbers)}", "return_number": owner.number, "items": items}
    return SENT.get(last)


async def call(api: httpx.AsyncClient, key: str, method: str, path: str, sent: Any = None) -> httpx.Response:
    if isinstance(sent, bytes):
        return await api.request(method, API + path, headers=headers(key), content=sent)
    return await api.request(method, API + path, headers=headers(key), json=sent)
