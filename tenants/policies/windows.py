"""Until when goods may come back: pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import msgspec

from tenants.policies.facts import Facts, Finding
from tenants.policies.matching import Subject, winner
from tenants.policies.rules import Answer, CountedFrom, Rules, Window

FAR = datetime.max.replace(tzinfo=UTC)


class Ending(msgspec.Struct, frozen=True):
    """The end of the window that won for one product, nothing if it has none, and what it was found by."""

    until: datetime | None
    finding: Finding


def window(rules: Rules, facts: Facts, subject: Subject, now: datetime) -> Ending:
    """Return the most specific window of a product; between equals the one that ends last wins.

    Goods may come back up to and including its end. Without a window, or before anybody knows when it began, they may.
    """
    found = winner(rules.windows, [subject], lambda each: _preference(each, rules, facts))
    if found is None:
        return Ending(None, Finding(code="no_window", rule="windows", inputs={"sku": subject.sku}))
    place, rule = found
    began = begin(rule.counted_from, rules, facts)
    until = end(rule, began[1] if began else None)
    inputs = {"sku": subject.sku, "window": rule.name, **_told(rule, began)}
    if until is None:
        return Ending(None, Finding(code="window_not_begun", rule=f"windows[{place}]", inputs=inputs))
    inputs |= {"until": _moment(until)}
    if now <= until:
        return Ending(until, Finding(code="window_open", rule=f"windows[{place}]", inputs=inputs))
    return Ending(until, Finding(code="window_over", rule=f"windows[{place}]", answer=Answer.REFUSE, inputs=inputs))


def _preference(rule: Window, rules: Rules, facts: Facts) -> float:
    began = begin(rule.counted_from, rules, facts)
    return (end(rule, began[1] if began else None) or FAR).timestamp()


def _told(rule: Window, began: tuple[str, datetime] | None) -> dict[str, str]:
    told = {"counted_from": rule.counted_from.value}
    if rule.days is not None:
        told["days"] = str(rule.days)
    if rule.last_day is not None:
        told["last_day"] = rule.last_day.isoformat()
    if began is not None:
        told |= {"began": _moment(began[1]), "began_by": began[0]}
    return told


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def begin(counted_from: CountedFrom, rules: Rules, facts: Facts) -> tuple[str, datetime] | None:
    """Return from when a window is counted and by which moment, the one before it where it is not known.

    A delivery that nobody told is reckoned from the shipment or the order, with the days that a parcel takes.
    """
    for name, at in _moments(counted_from, timedelta(days=rules.delivery_days), facts):
        if at is not None:
            return name, at.astimezone(UTC)
    return None


def _moments(counted_from: CountedFrom, travel: timedelta, facts: Facts) -> Iterator[tuple[str, datetime | None]]:
    if counted_from is CountedFrom.DELIVERY:
        yield "delivery", facts.delivered_at
        yield "shipment", facts.shipped_at + travel if facts.shipped_at else None
        yield "order", facts.ordered_at + travel if facts.ordered_at else None
        return
    if counted_from is CountedFrom.SHIPMENT:
        yield "shipment", facts.shipped_at
    yield "order", facts.ordered_at


def end(rule: Window, began: datetime | None) -> datetime | None:
    """Return when a window ends, the later of its two ends; nothing if that is not known."""
    if rule.days is not None and began is None:
        return None
    ends = []
    if rule.days is not None and began is not None:
        ends.append(began + timedelta(days=rule.days))
    if rule.last_day is not None:
        ends.append(datetime.combine(rule.last_day, time.max, UTC))
    return max(ends) if ends else None
