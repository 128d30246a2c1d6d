"""What keeps a draft from being published, each with its field and what to do: pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar
from uuid import UUID

import msgspec

from hub.sdk.messages import Kind
from tenants.policies.matching import overlap
from tenants.policies.rules import AuthoriseBy, Fee, Question, QuestionKind, Rules, Scoped, Window

POLICY_WORDS = {Kind.CHANNEL: "Channel returns", Kind.MERCHANT: "Merchant returns"}
REJECTIONS = frozenset({"grade", "short"})
Item = TypeVar("Item")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One reason not to publish: the field, as `windows[1].days`, and a sentence that says what to do."""

    field: str
    code: str
    message: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy may name: the account's warehouses and the channel's marketplaces."""

    warehouses: frozenset[UUID]
    marketplaces: frozenset[str]


def problems(kind: Kind, rules: Rules, known: Known) -> tuple[Problem, ...]:
    """Return everything that keeps rules from being published, in the order of their fields; nothing if they may be."""
    return tuple(
        problem
        for check in (_receiving, _scopes, _groups, _reasons, _windows, _authorisation, _fees, _keeping, _questions,
            _exceptions, _acceptance)
        for problem in check(kind, rules, known)
    )  # fmt: skip


def _receiving(kind: Kind, rules: Rules, known: Known) -> Iterator[Problem]:
    if not rules.receiving:
        yield Problem(
            field="receiving", code="no_receiving_option",
            message=f"The policy {POLICY_WORDS[kind]!r} has no receiving option, so its goods have nowhere to go: "
            "name at least one warehouse under 'receiving'.",
        )  # fmt: skip
    for place, route in enumerate(rules.receiving):
        if route.warehouse_id not in known.warehouses:
            message = "There is no such warehouse of this account: take one that may receive for it."
            yield Problem(field=f"receiving[{place}].warehouse_id", code="warehouse_unknown", message=message)


def _scopes(_: Kind, rules: Rules, known: Known) -> Iterator[Problem]:
    yield from _marketplaces("marketplaces", rules.marketplaces, known)
    codes = {reason.code for reason in rules.reasons}
    for path, scoped in _every_scope(rules):
        yield from _marketplaces(f"{path}.marketplaces", scoped.marketplaces, known)
        for code in sorted(set(scoped.reasons) - codes):
            message = f"The policy has no reason {code!r}: add it to 'reasons', or take it out here."
            yield Problem(field=f"{path}.reasons", code="reason_unknown", message=message)
        if scoped.season is not None and scoped.season.last < scoped.season.first:
            message = f"The season ends on {scoped.season.last} before it begins: put its last day after its first."
            yield Problem(field=f"{path}.season", code="season_backwards", message=message)


def _marketplaces(field: str, named: Iterable[str], known: Known) -> Iterator[Problem]:
    for each in sorted(set(named) - known.marketplaces):
        there = ", ".join(sorted(known.marketplaces)) or "none"
        message = f"The channel has no marketplace {each!r}; it has: {there}."
        yield Problem(field=field, code="marketplace_unknown", message=message)


def _every_scope(rules: Rules) -> Iterator[tuple[str, Scoped]]:
    lists: dict[str, Sequence[Scoped]] = {
        "receiving": rules.receiving, "windows": rules.windows, "authorisation.rules": rules.authorisation.rules,
        "fees": rules.fees, "keep_item": rules.keep_item, "questions": rules.questions,
    }  # fmt: skip
    for name, scopes in lists.items():
        for place, scoped in enumerate(scopes):
            yield f"{name}[{place}]", scoped


def _twice(field: str, what: str, items: Sequence[Item], key: Callable[[Item], object]) -> Iterator[Problem]:
    seen = set()
    for place, item in enumerate(items):
        if key(item) in seen:
            message = f"There are two {what} {key(item)!r}: give each its own."
            yield Problem(field=f"{field}[{place}]", code="named_twice", message=message)
        seen.add(key(item))


def _groups(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    yield from _twice("groups", "groups with the tag", rules.groups, lambda each: each.tag)
    for place, group in enumerate(rules.groups):
        if not group.skus:
            message = f"The group {group.tag!r} has no products: name some under 'skus'."
            yield Problem(field=f"groups[{place}].skus", code="group_empty", message=message)


def _reasons(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    if not rules.reasons:
        yield Problem(
            field="reasons", code="no_reasons", message="Customers have no reason to choose: name at least one."
        )
    yield from _twice("reasons", "reasons with the code", rules.reasons, lambda each: each.code)
    for place, reason in enumerate(rules.reasons):
        if reason.maps_to is None:
            message = f"The reason {reason.code!r} is none that the channel knows: say which of the ten it maps to."
            yield Problem(field=f"reasons[{place}].maps_to", code="reason_unmapped", message=message)
        if not reason.texts:
            message = f"The reason {reason.code!r} has no text: give it one in at least one language."
            yield Problem(field=f"reasons[{place}].texts", code="text_missing", message=message)


def _windows(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    yield from _twice("windows", "windows with the name", rules.windows, lambda each: each.name)
    for place, window in enumerate(rules.windows):
        if window.days is None and window.last_day is None:
            message = f"The window {window.name!r} has no end: give it 'days' or a 'last_day'."
            yield Problem(field=f"windows[{place}].days", code="window_endless", message=message)
    yield from _overlapping("windows", rules.windows, "window_overlaps", _named)


def _named(window: Window) -> str:
    return f"window {window.name!r}"


def _overlapping(
    field: str, rules: Sequence[Item], code: str, name: Callable[[Item], str], *, alike: Callable[[Item], object] = bool
) -> Iterator[Problem]:
    for (_, one), (place, other) in combinations(enumerate(rules), 2):
        if isinstance(one, Scoped) and isinstance(other, Scoped) and alike(one) == alike(other) and overlap(one, other):
            message = (
                f"The {name(other)} and the {name(one)} hold for the same goods and neither is more specific: "
                "narrow one of them, or make them one."
            )
            yield Problem(field=f"{field}[{place}]", code=code, message=message)


def _authorisation(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    if rules.authorisation.by is AuthoriseBy.RULES and not rules.authorisation.rules:
        message = "Rules are to authorise, and there are none: add one, or choose 'nobody' or 'person'."
        yield Problem(field="authorisation.rules", code="no_rules", message=message)
    for place, rule in enumerate(rules.authorisation.rules):
        if rule.above is not None and rule.up_to is not None and rule.above >= rule.up_to:
            message = (
                f"No value is above {rule.above} and up to {rule.up_to}: put the upper amount above the lower one."
            )
            yield Problem(field=f"authorisation.rules[{place}].up_to", code="ceiling_impossible", message=message)


def _fees(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    yield from _overlapping("fees", rules.fees, "fee_overlaps", _fee_name, alike=lambda fee: fee.kind)
    for place, fee in enumerate(rules.fees):
        if not fee.amount and not fee.percent:
            message = f"The fee {fee.name!r} costs nothing: give it an 'amount' or a 'percent', or take it out."
            yield Problem(field=f"fees[{place}].amount", code="fee_nothing", message=message)


def _fee_name(fee: Fee) -> str:
    return f"{fee.kind} fee {fee.name!r}"


def _keeping(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    for place, keep in enumerate(rules.keep_item):
        if keep.ceiling <= 0:
            message = f"Nothing is worth as little as {keep.ceiling}: give {keep.name!r} a ceiling above zero."
            yield Problem(field=f"keep_item[{place}].ceiling", code="ceiling_impossible", message=message)


def _questions(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    yield from _twice("questions", "questions with the code", rules.questions, lambda each: each.code)
    for place, question in enumerate(rules.questions):
        if not question.texts:
            message = f"The question {question.code!r} has no text: give it one in at least one language."
            yield Problem(field=f"questions[{place}].texts", code="text_missing", message=message)
        yield from _choices(place, question)


def _choices(place: int, question: Question) -> Iterator[Problem]:
    if question.kind is QuestionKind.CHOICE and len(question.choices) < 2:  # noqa: PLR2004 - to choose takes two
        message = f"The question {question.code!r} offers no choice: give it at least two 'choices'."
        yield Problem(field=f"questions[{place}].choices", code="choices_missing", message=message)


def _exceptions(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    both = set(rules.exceptions.allow) & set(rules.exceptions.block)
    if both:
        message = f"{len(both)} customers are allowed and blocked: take each from one of the lists."
        yield Problem(field="exceptions.block", code="allowed_and_blocked", message=message)
    for place, limit in enumerate(rules.exceptions.limits):
        if limit.returns == 0:
            message = f"The limit {limit.name!r} lets nobody return anything: allow at least one return."
            yield Problem(field=f"exceptions.limits[{place}].returns", code="ceiling_impossible", message=message)


def _acceptance(_: Kind, rules: Rules, __: Known) -> Iterator[Problem]:
    for condition in sorted(rules.ask_conditions & rules.reject_conditions):
        message = f"The condition {condition.value!r} is rejected and asked about: choose one of the two."
        yield Problem(field="ask_conditions", code="rejected_and_asked", message=message)
    rejecting = {*rules.reject_conditions, *rules.reject_dispositions, *REJECTIONS}
    for name in sorted(set(rules.rejection_codes) - {str(each) for each in rejecting}):
        message = f"Nothing is rejected as {name!r}, so its code would never be used: reject it, or take the code out."
        yield Problem(field=f"rejection_codes.{name}", code="code_unused", message=message)
