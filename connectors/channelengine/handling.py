"""What is left to do with the lines of a v2.1 return, and whether it fits what was decided: pure."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from connectors.channelengine.beta_wire import HANDLED, OPEN, REFUND, REJECT, BetaLine, BetaReturn
from connectors.channelengine.values import number, sku
from hub.sdk import Kind, Outcome, OutcomeUnknown, Refused, Settlement

Key = tuple[str, str]


class Step(NamedTuple):
    """Units of one line, and what is still to be done with them."""

    line_id: int
    quantity: int
    action: str


class Share(NamedTuple):
    """What is to become of one line's units."""

    line: BetaLine
    accepted: int
    rejected: int


def left_to_do(told: BetaReturn, message: Settlement) -> tuple[Step, ...] | Outcome:
    """Return the steps that are left, none if all is done, or why nothing may be done.

    All rejections come before the first refund: then the units that are still open are those that are to be refunded,
    and a refund whose answer was lost cannot be made a second time.
    """
    if told.canceled:
        return Refused("canceled_by_channel", "The marketplace canceled this return; nothing can be settled on it.")
    if told.status not in {*OPEN, HANDLED}:
        return OutcomeUnknown(f"The return has the status {told.status!r}, which this connector does not know")
    shares = _shares(told, message)
    if shares is None:
        return Refused("quantities_differ", "The return's lines there are not those that were decided here.")
    if any(share.line.others or _too_many(share) for share in shares):
        return Refused("settled_elsewhere", f"The return is handled otherwise: {_described(shares)}.")
    steps = tuple(_steps(shares, REJECT)) + tuple(_steps(shares, REFUND))
    if steps and told.status == HANDLED:
        return Refused("settled_elsewhere", f"The return is handled otherwise: {_described(shares)}.")
    return steps


def _too_many(share: Share) -> bool:
    return share.line.units(REFUND) > share.accepted or share.line.units(REJECT) > share.rejected


def _steps(shares: Iterable[Share], action: str) -> Iterable[Step]:
    for line, accepted, rejected in shares:
        left = (accepted if action == REFUND else rejected) - line.units(action)
        if left:
            yield Step(line.id, left, action)


def _shares(told: BetaReturn, message: Settlement) -> list[Share] | None:
    """Divide the decision over the lines, accepted units first; None where a unit is left over or unaccounted for."""
    accepted, rejected = _decision(message)
    shares = []
    for line in told.lines or ():
        key = _key(line, accepted.keys() | rejected.keys())
        good = min(line.quantity, accepted[key])
        bad = min(line.quantity - good, rejected[key])
        accepted[key] -= good
        rejected[key] -= bad
        if good + bad != line.quantity:
            return None
        shares.append(Share(line, good, bad))
    return None if accepted.total() or rejected.total() else shares


def _decision(message: Settlement) -> tuple[Counter[Key], Counter[Key]]:
    """Sum the decision by order line, or by product where there is none; of a merchant return only what is accepted."""
    accepted, rejected = Counter[Key](), Counter[Key]()
    for line in message.lines:
        key = ("line", line.order_line) if line.order_line else ("product", line.sku)
        accepted[key] += line.accepted
        rejected[key] += 0 if message.kind is Kind.MERCHANT else line.rejected + line.missing
    return accepted, rejected


def _key(line: BetaLine, known: Iterable[Key]) -> Key:
    by_order_line = ("line", number(line.order_line_id) or "")
    return by_order_line if by_order_line in known else ("product", sku(line.merchant_product_no) or "")


def _described(shares: Iterable[Share]) -> str:
    return "; ".join(
        f"{sku(line.merchant_product_no) or line.id}: {line.units(REFUND)} refunded, {line.units(REJECT)} rejected and "
        f"{line.others} handled otherwise there, {accepted} accepted and {rejected} rejected here"
        for line, accepted, rejected in shares
    )
