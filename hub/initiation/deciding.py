"""What the policy says to a return before it is born, with the facts that are known of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from hub.initiation.messages import NewReturn
from hub.kit import clock
from hub.kit.errors import Invalid
from hub.returns import queries as stored_returns
from hub.returns.messages import BornLine, Decided
from hub.sdk.messages import ChannelReturn, Kind, Order
from tenants.policies.engine import decide
from tenants.policies.facts import MOMENTS, Facts, LineFacts, usable
from tenants.policies.rules import MOST_AMOUNT, Answer
from tenants.policies.words import Audience, explain
from tenants.queries import RoutingPolicy

# No limit looks back further.
LONGEST = timedelta(days=400)


def of_channel_return(
    policy: RoutingPolicy, seen: ChannelReturn, lines: Sequence[BornLine], order: Order | None
) -> Decided:
    """Decide on a return that its marketplace let begin: what the policy would have said is kept beside it."""
    facts = Facts(kind=Kind.CHANNEL, lines=_lines(lines), marketplace=seen.marketplace, reason=seen.reason)
    return _decided(policy, _with_order(facts, order) if order else facts)


async def of_merchant_return(
    account_id: UUID, policy: RoutingPolicy, new: NewReturn, lines: Sequence[BornLine], order: Order
) -> Decided:
    """Decide on a return that somebody asks for; raises `Invalid` if the policy refuses it and nobody overrides it."""
    earlier = await _earlier(account_id, new.customer)
    asked = Facts(
        kind=Kind.MERCHANT, lines=_lines(lines), marketplace=order.marketplace, reason=new.reason_code or new.reason,
        customer=new.customer, earlier=earlier,
    )  # fmt: skip
    known = _with_order(asked, order)
    facts = msgspec.structs.replace(known, country=new.country or known.country)
    decided = _decided(policy, facts, new.override)
    if decided.decision.answer is Answer.REFUSE and new.override is None:
        why = explain(decided.decision, Audience.AGENT)
        raise Invalid(
            "policy_refuses",
            f"The policy refuses this return: {' '.join(why[1:])} To create it all the same, say why in 'override'.",
            findings=[each for each in decided.decision.findings if each.answer is Answer.REFUSE],
            version=policy.version,
        )
    return decided


def warehouse_of(decided: Decided) -> UUID:
    """Return where the goods go; a policy without a receiving option cannot be published, so there is a place."""
    if decided.decision.warehouse_id is None:
        raise Invalid("no_receiving_option", "The policy has no receiving option, so its goods have nowhere to go.")
    return decided.decision.warehouse_id


def _decided(policy: RoutingPolicy, facts: Facts, override: str | None = None) -> Decided:
    decision = decide(policy.rules, policy.version, facts, clock.now())
    overridden = override if decision.answer is Answer.REFUSE else None
    return Decided(facts=facts, decision=decision, override=overridden)


def _lines(lines: Sequence[BornLine]) -> tuple[LineFacts, ...]:
    return tuple(
        LineFacts(sku=line.sku, quantity=line.quantity, order_line=line.order_line, unit_price=_price(line.unit_price))
        for line in lines
    )


def _price(told: Decimal | None) -> Decimal | None:
    """Return a price that a policy can reckon with; what a channel says beyond is as good as unknown."""
    return told if told is not None and told.is_finite() and 0 <= told <= MOST_AMOUNT else None


def _with_order(facts: Facts, order: Order) -> Facts:
    return msgspec.structs.replace(
        facts, country=order.country, currency=order.currency,
        **{name: _moment(getattr(order, name)) for name in MOMENTS},
    )  # fmt: skip


def _moment(told: datetime | None) -> datetime | None:
    """Return a moment that a policy can reckon with; what a vendor says beyond is as good as unknown."""
    return told if told is not None and usable(told) else None


async def _earlier(account_id: UUID, customer: str | None) -> tuple[datetime, ...]:
    if customer is None:
        return ()
    return await stored_returns.begun_by(account_id, customer, clock.now() - LONGEST)
