"""What a return costs, who bears it, and what need not come back at all: pure."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from tenants.policies.facts import Charge, Facts, Finding, LineFacts
from tenants.policies.matching import Subject, winner
from tenants.policies.rules import Fee, FeeKind, Payer, Per, Rules

CENT = Decimal("0.01")
NOTHING = Decimal(0)


def value(lines: Sequence[LineFacts]) -> Decimal | None:
    """Return what lines are worth together, nothing if the price of one is not known."""
    prices = [line.unit_price * line.quantity for line in lines if line.unit_price is not None]
    return sum(prices, NOTHING) if len(prices) == len(lines) else None


def fees(rules: Rules, facts: Facts, products: Sequence[Subject]) -> tuple[tuple[Charge, ...], list[Finding]]:
    """Return the fees of a return: for each line the most specific of each kind, and each by return only once."""
    wanted: dict[int, list[LineFacts]] = {}
    for kind in FeeKind:
        places = [place for place, fee in enumerate(rules.fees) if fee.kind is kind]
        of_kind = [rules.fees[place] for place in places]
        for line, product in zip(facts.lines, products, strict=True):
            best = winner(of_kind, [product])
            if best is not None:
                wanted.setdefault(places[best[0]], []).append(line)
    charges, found = [], []
    for place, lines in sorted(wanted.items()):
        fee, rule = rules.fees[place], f"fees[{place}]"
        amount = _amount(fee, lines)
        told = {"fee": fee.name, "payer": fee.payer.value, "currency": facts.currency or ""}
        if amount is None:
            found.append(Finding(code="fee_unknown", rule=rule, inputs=told))
            continue
        charges.append(Charge(name=fee.name, kind=fee.kind, payer=fee.payer, amount=amount, rule=rule))
        found.append(Finding(code=f"fee_of_{fee.payer.value}", rule=rule, inputs={**told, "amount": f"{amount:f}"}))
    return tuple(charges), found


def _amount(fee: Fee, lines: Sequence[LineFacts]) -> Decimal | None:
    times = sum(line.quantity for line in lines) if fee.per is Per.UNIT else 1
    worth = value(lines) if fee.percent else NOTHING
    if worth is None:
        return None
    return (fee.amount * times + worth * fee.percent / 100).quantize(CENT, ROUND_HALF_UP)


def customer_pays(charges: Sequence[Charge]) -> Decimal:
    """Return what of these fees the customer bears."""
    return sum((each.amount for each in charges if each.payer is Payer.CUSTOMER), NOTHING)


def kept(rules: Rules, facts: Facts, products: Sequence[Subject]) -> tuple[list[bool], list[Finding]]:
    """Return which lines customers may keep; the most specific rule of a product says how much that may be worth."""
    keeps, found = [], []
    for line, product in zip(facts.lines, products, strict=True):
        best = winner(rules.keep_item, [product])
        worth = value([line])
        keep = best is not None and worth is not None and worth <= best[1].ceiling
        keeps.append(keep)
        if best is not None and keep:
            inputs = {"sku": line.sku, "value": f"{worth:f}", "ceiling": f"{best[1].ceiling:f}", "rule": best[1].name}
            found.append(Finding(code="keep_item", rule=f"keep_item[{best[0]}]", inputs=inputs))
    return keeps, found
