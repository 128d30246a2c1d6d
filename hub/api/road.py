"""The road: returns and their settlement."""

import math
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from hub import persons, process
from hub.api.access import Calling, Who, narrowing, scope_of
from hub.api.guards import may
from hub.api.pages import DEFAULT, Cursor, Limit, Page, after, page
from hub.initiation.messages import NewReturn
from hub.kit import db
from hub.kit.errors import Invalid, NotFound, Unavailable
from hub.kit.numbers import normalise
from hub.returns import queries
from hub.returns.case import Status
from hub.returns.messages import StoredReturn, TimelineEntry
from hub.sdk import Absent, Done, Kind, Order, RateLimited, Refused
from hub.settlement import queries as settlement_queries
from hub.settlement.messages import Decision, MemoView, Said
from hub.why import service as whys
from hub.why.messages import ExplainedReturn, Explanation
from tenants import queries as tenants
from tenants.messages import Party, Principal
from tenants.policies.facts import Facts
from tenants.policies.messages import Explained
from tenants.policies.service import explained
from tenants.service import reach_of
from tenants.vendors import Vendors


async def find_order(vendors: Vendors, connection: tenants.StoredConnection, number: str) -> Order:
    """Look an order up at the channel; raises `Invalid` that says why there is none."""
    called = await vendors.call(reach_of(connection), "find_order", number, key=f"order:{number}")
    match called.outcome:
        case Done(result=Order() as order):
            return order
        case Absent():
            raise Invalid("order_unknown", f"The channel knows no order {number!r}.", order_number=number)
        case Refused(code=code, message=message):
            raise Invalid(code, message, order_number=number)
        # An answer of 503 is not kept under the Idempotency-Key, so the same call may be made again.
        case RateLimited(after_seconds=seconds):
            raise Unavailable(
                "connection_limited", f"The vendor asks to wait {math.ceil(seconds)} seconds; try again then."
            )
        case other:
            message = f"The channel could not be asked ({type(other).__name__}); try again."
            raise Unavailable("channel_unreachable", message)


class AskedFor(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy said to a return when it was asked for; `override` is why it was created all the same."""

    facts: Facts
    explained: Explained
    override: str | None


class Returns(Controller):
    """Returns of both kinds."""

    path = "/returns"
    tags = ("Returns",)

    @post(guards=[may("returns.create")])
    async def create(
        self, data: JSONBody[NewReturn], request: Request[Principal, Any, Any], vendors: Calling
    ) -> ExplainedReturn:
        """Create a merchant return against an order of the channel."""
        principal = request.user
        async with db.transaction(scope_of(principal)):
            channel = await tenants.channel(data.channel_id)
            connection = await tenants.connection(channel.connection_id)
        order = await find_order(vendors, connection, data.order_number)
        key = f"api:{principal.id}:{request.headers['idempotency-key']}"
        stored = await process.create_merchant_return(channel.account_id, data, order, key=key, actor=principal.actor)
        return await _shown(stored, principal)

    @get(guards=[may("returns.read")])
    async def index(
        self,
        principal: Who,
        cursor: Cursor = None,
        limit: Limit = DEFAULT,
        account_id: FromQuery[UUID | None] = None,
        status: FromQuery[Status | None] = None,
        kind: FromQuery[Kind | None] = None,
        order_number: FromQuery[str | None] = None,
    ) -> Page[ExplainedReturn]:
        """List the returns you may see, oldest first, each with why it is not settled."""
        wanted = narrowing(principal, account_id)
        async with db.transaction(scope_of(principal)):
            found = await queries.page(
                account_id=wanted, partner_id=principal.partner_id, state=status, kind=kind, order_number=order_number,
                after=after(cursor), limit=limit,
            )  # fmt: skip
        return page(await _explained(found, principal), limit, lambda each: each.id)

    @get("/{reference:str}", guards=[may("returns.read")])
    async def read(self, reference: FromPath[str], principal: Who) -> ExplainedReturn:
        """Show one return, by its id or its number."""
        return await _shown(await self._found(reference, principal), principal)

    @get("/{reference:str}/why", guards=[may("returns.read")])
    async def why(self, reference: FromPath[str], principal: Who) -> Explanation:
        """Say why a return is not settled: who acts next, since when, and by which call."""
        return (await _shown(await self._found(reference, principal), principal)).why

    @get("/{reference:str}/timeline", guards=[may("returns.read")])
    async def timeline(self, reference: FromPath[str], principal: Who) -> list[TimelineEntry]:
        """Show what happened to a return, oldest first."""
        found = await self._found(reference, principal)
        async with db.transaction(scope_of(principal)):
            return await queries.timeline(found.account_id, found.id)

    @get("/{reference:str}/memo", guards=[may("memos.read")])
    async def memo(self, reference: FromPath[str], principal: Who) -> MemoView:
        """Show what was decided on each line, and why."""
        found = await self._found(reference, principal)
        async with db.transaction(scope_of(principal)):
            memo = await settlement_queries.memo(found.account_id, found.id)
        if memo is None:
            raise NotFound(
                "memo_not_found", "Nothing was decided yet; the memo is drafted when receiving is finalised."
            )
        return memo

    @get("/{reference:str}/policy", guards=[may("memos.read")])
    async def policy(self, reference: FromPath[str], principal: Who) -> AskedFor:
        """Show what the policy said when the return was asked for: by which facts, rules and version, in words."""
        found = await self._found(reference, principal)
        async with db.transaction(scope_of(principal)):
            decided = await queries.decided(found.account_id, found.id)
        if decided is None:
            raise NotFound("decision_not_found", "Of this return it was not kept what the policy said when it began.")
        return AskedFor(facts=decided.facts, override=decided.override, explained=explained(decided.decision))

    @post("/{reference:str}/settle", status_code=200, guards=[may("returns.settle")])
    async def settle(self, reference: FromPath[str], principal: Who) -> ExplainedReturn:
        """Let a held settlement go; the first one of an unknown marketplace confirms it."""
        found = await self._found(reference, principal)
        return await _shown(await persons.settle(found.account_id, found.id, actor=principal.actor), principal)

    @post("/{reference:str}/decision", status_code=200, guards=[may("returns.decide")])
    async def decide(self, reference: FromPath[str], data: JSONBody[Decision], principal: Who) -> ExplainedReturn:
        """Decide in place of the policy on a settlement that is held or was refused, and send it."""
        found = await self._found(reference, principal)
        decided = await persons.decide(found.account_id, found.id, data, actor=principal.actor)
        return await _shown(decided, principal)

    @post("/{reference:str}/settled-elsewhere", status_code=200, guards=[may("returns.end")])
    async def settled_elsewhere(
        self, reference: FromPath[str], data: JSONBody[Said], principal: Who
    ) -> ExplainedReturn:
        """End a return that was decided past the hub, without a call to the channel."""
        found = await self._found(reference, principal)
        ended = await persons.settled_elsewhere(found.account_id, found.id, data.why, actor=principal.actor)
        return await _shown(ended, principal)

    @post("/{reference:str}/paid", status_code=200, guards=[may("returns.confirm")])
    async def paid(self, reference: FromPath[str], data: JSONBody[Said], principal: Who) -> ExplainedReturn:
        """Say that a return which the marketplace refused afterwards was paid after all."""
        found = await self._found(reference, principal)
        paid = await persons.paid(found.account_id, found.id, data.why, actor=principal.actor)
        return await _shown(paid, principal)

    @post("/{reference:str}/cancel", status_code=200, guards=[may("returns.cancel")])
    async def cancel(self, reference: FromPath[str], principal: Who) -> ExplainedReturn:
        """Call a merchant return off."""
        found = await self._found(reference, principal)
        return await _shown(await persons.cancel(found.account_id, found.id, actor=principal.actor), principal)

    async def _found(self, reference: str, principal: Principal) -> StoredReturn:
        async with db.transaction(scope_of(principal)):
            return await find_return(reference, principal)


async def _explained(found: list[StoredReturn], principal: Principal) -> list[ExplainedReturn]:
    """Explain returns that a principal may see; a partner hears of its own part and not of the account's."""
    partner = principal.party is Party.PARTNER
    async with db.transaction(db.PLATFORM if partner else scope_of(principal)):
        return await whys.explained(found, to_partner=partner)


async def _shown(stored: StoredReturn, principal: Principal) -> ExplainedReturn:
    return (await _explained([stored], principal))[0]


async def find_return(reference: str, principal: Principal) -> StoredReturn:
    """Return one return that a principal may see, by its number or, but for a warehouse, its id; raises `NotFound`."""
    number = normalise(reference)
    if principal.warehouse_id is not None:
        at_it = await queries.at_warehouse(principal.warehouse_id, number) if number else None
        found = at_it[1] if at_it else None
    elif number is not None:
        found = await queries.find(principal.account_id, number, partner_id=principal.partner_id)
    else:
        try:
            found = await queries.read(principal.account_id, UUID(reference), partner_id=principal.partner_id)
        except ValueError:
            found = None
    if found is None:
        raise NotFound("return_not_found", "There is no such return.")
    return found


CONTROLLERS = (Returns,)
