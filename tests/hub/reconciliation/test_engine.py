"""What differs, as a pure function of both sides: a table of states, and what holds for all of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.ids import new_id
from hub.reconciliation.engine import compare, match
from hub.reconciliation.messages import REPAIR_WORDS, Known, Manner, Pair, Repair
from hub.returns import states
from hub.returns.case import Ending, Informational, Settling, Sync
from hub.returns.messages import StoredLine, StoredReturn
from hub.sdk.messages import ChannelReturn, ChannelReturnLine, Kind, Reason

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)
MANNER = Manner(since=NOW - timedelta(days=30))
NUMBER = "R7K3Q9ZD4AN"

HERE: dict[str, dict[str, Any]] = {
    "open": {},
    "held": {"settlement": Settling.HELD},
    "sending": {"settlement": Settling.SENDING, "finalised_at": LONG_AGO},
    "settled": {"settlement": Settling.SETTLED, "finalised_at": LONG_AGO, "sync": Sync.CONFIRMED},
    "refused": {"settlement": Settling.REFUSED, "finalised_at": LONG_AGO},
    "refused late": {"settlement": Settling.REFUSED, "finalised_at": LONG_AGO, "sync": Sync.CONFLICT},
    "elsewhere": {"settlement": Settling.ELSEWHERE, "sync": Sync.CONFLICT},
    "canceled": {"ending": Ending.CHANNEL_CANCELED},
    "expired": {"ending": Ending.EXPIRED},
    "shown": {"informational": Informational.MARKETPLACE_REFUNDS, "channel_status": "IN_PROGRESS"},
}


def ours(state: str = "open", kind: Kind = Kind.CHANNEL, **more: Any) -> StoredReturn:
    line = StoredLine(
        id=new_id(), sku="SHOE", name=None, order_line="5", declared=3, received=2, accepted=1, rejected=1, settled=0
    )
    told: dict[str, Any] = {
        "account_id": new_id(), "id": new_id(), "number": NUMBER, "kind": kind, "channel_id": new_id(),
        "connection_id": new_id(), "policy_version_id": new_id(), "warehouse_id": new_id(), "external_id": "71",
        "channel_return_number": "CR-1", "order_number": "SO-1", "channel_order_number": None, "marketplace": "11",
        "reason": Reason.OTHER, "comment": None, "ending": Ending.OPEN, "sync": Sync.ACKNOWLEDGED,
        "settlement": Settling.NONE, "finalised_at": None, "version": 1, "created_at": LONG_AGO, "updated_at": LONG_AGO,
        "lines": (line,), "status": "expected", **HERE[state], **more,
    }  # fmt: skip
    held = msgspec.convert(told, StoredReturn)
    return msgspec.structs.replace(held, status=states.status(held.case))


def line(quantity: int = 3, accepted: int | None = None, rejected: int | None = None, **more: Any) -> ChannelReturnLine:
    return ChannelReturnLine(
        **{"sku": "SHOE", "order_line": "5", **more}, quantity=quantity, accepted=accepted, rejected=rejected
    )


def theirs(*lines: ChannelReturnLine, **more: Any) -> ChannelReturn:
    told: dict[str, Any] = {
        "external_id": "71", "channel_return_number": "CR-1", "order_number": "SO-1", "channel_order_number": None,
        "marketplace": "11", "raw_status": "IN_PROGRESS", "open": True, "canceled": False,
        "marketplace_fulfilled": False, "reason": Reason.OTHER, "customer_comment": None, "created_at": LONG_AGO,
        "lines": lines or (line(),), "merchant_return_number": NUMBER, **more,
    }  # fmt: skip
    return ChannelReturn(**told)


RECEIVED = {"raw_status": "RECEIVED", "open": False}
THERE: dict[str, ChannelReturn | None] = {
    "open": theirs(),
    "decided": theirs(line(accepted=1, rejected=2), **RECEIVED),
    "decided otherwise": theirs(line(accepted=2, rejected=1), **RECEIVED),
    "canceled": theirs(raw_status="CANCELLED", open=False, canceled=True),
    "absent": None,
}
CHANNEL = {
    ("open", "decided"): {"status:decided follow"},
    ("open", "decided otherwise"): {"status:decided follow"},
    ("open", "canceled"): {"status:canceled follow"},
    ("open", "absent"): {"missing:gone follow"},
    ("held", "decided"): {"status:decided follow"},
    ("held", "decided otherwise"): {"status:decided follow"},
    ("held", "canceled"): {"status:canceled follow"},
    ("held", "absent"): {"missing:gone follow"},
    ("sending", "open"): {"missing:there settle"},
    ("sending", "decided"): {"status:decided settle"},
    ("sending", "decided otherwise"): {"status:decided settle"},
    ("sending", "canceled"): {"status:canceled settle"},
    ("sending", "absent"): {"missing:gone ask"},
    ("settled", "open"): {"missing:there settle"},
    ("settled", "decided otherwise"): {"quantity:decided ask"},
    ("settled", "canceled"): {"status:canceled ask"},
    ("settled", "absent"): {"missing:gone ask"},
    ("refused", "decided"): {"status:decided follow"},
    ("refused", "decided otherwise"): {"status:decided follow"},
    ("refused", "canceled"): {"status:canceled follow"},
    ("refused", "absent"): {"missing:gone follow"},
    ("refused late", "absent"): {"missing:gone follow"},
    ("elsewhere", "open"): {"status:open ask"},
    ("canceled", "open"): {"status:open ask"},
    ("canceled", "decided"): {"status:decided ask"},
    ("canceled", "decided otherwise"): {"status:decided ask"},
    ("expired", "open"): {"status:open ask"},
    ("expired", "decided"): {"status:decided ask"},
    ("expired", "decided otherwise"): {"status:decided ask"},
    ("shown", "decided"): {"status:shown follow"},
    ("shown", "decided otherwise"): {"status:shown follow"},
    ("shown", "canceled"): {"status:shown follow"},
}
# What is created at the channel has its accepted units, and is paid with that.
CREATED: dict[str, ChannelReturn | None] = {
    "open": theirs(line(1), created_by=Kind.MERCHANT),
    "decided": theirs(line(1), created_by=Kind.MERCHANT, **RECEIVED),
    "decided otherwise": theirs(line(2), created_by=Kind.MERCHANT, **RECEIVED),
    "canceled": theirs(line(1), created_by=Kind.MERCHANT, raw_status="CANCELLED", open=False, canceled=True),
    "absent": None,
}
MERCHANT = {
    **{
        (here, there): {"extra:never_sent follow"}
        for here in ("open", "held")
        for there in ("open", "decided", "decided otherwise")
    },
    **{
        (here, there): {"extra:never_sent ask"}
        for here in ("canceled", "expired")
        for there in ("open", "decided", "decided otherwise")
    },
    ("sending", "open"): {"missing:there settle"},
    ("sending", "decided"): {"status:decided settle"},
    ("sending", "decided otherwise"): {"status:decided settle"},
    ("sending", "canceled"): {"status:canceled settle"},
    ("sending", "absent"): {"missing:there settle"},
    ("settled", "decided otherwise"): {"quantity:decided ask"},
    ("settled", "canceled"): {"status:canceled ask"},
    ("settled", "absent"): {"missing:there settle"},
    ("refused", "open"): {"status:refused settle"},
    ("refused", "decided"): {"status:refused settle"},
    ("refused", "decided otherwise"): {"status:refused ask"},
    ("shown", "decided"): {"status:shown follow"},
    ("shown", "decided otherwise"): {"status:shown follow"},
    ("shown", "canceled"): {"status:shown follow"},
}


def found(pair: Pair, manner: Manner = MANNER, now: datetime = NOW) -> set[str]:
    return {f"{each.key.rpartition(':')[0]} {each.repair}" for each in compare(pair, manner, now).found}


@pytest.mark.parametrize("there", THERE)
@pytest.mark.parametrize("here", HERE)
def test_a_channel_return_differs_in_exactly_this(here: str, there: str) -> None:
    pair = Pair(ours=Known(stored=ours(here)), theirs=THERE[there])
    assert found(pair) == CHANNEL.get((here, there), set())


@pytest.mark.parametrize("there", CREATED)
@pytest.mark.parametrize("here", HERE)
def test_a_merchant_return_differs_in_exactly_this(here: str, there: str) -> None:
    pair = Pair(ours=Known(stored=ours(here, Kind.MERCHANT)), theirs=CREATED[there])
    assert found(pair) == MERCHANT.get((here, there), set())


def test_a_created_return_that_waits_is_missing_only_where_its_receipt_pays_it() -> None:
    held = ours("settled", Kind.MERCHANT)
    assert found(Pair(ours=Known(stored=held), theirs=CREATED["open"])) == set()
    assert found(Pair(ours=Known(stored=held, paid_on_receipt=True), theirs=CREATED["open"])) == {
        "missing:there settle"
    }


sides = st.tuples(st.sampled_from(list(HERE)), st.sampled_from(list(THERE)), st.sampled_from(list(Kind)))


@given(which=sides, young_here=st.booleans(), young_there=st.booleans(), alive=st.booleans())
def test_what_is_on_its_way_is_no_difference(
    which: tuple[str, str, Kind], *, young_here: bool, young_there: bool, alive: bool
) -> None:
    here, there, kind = which
    held = ours(here, kind, updated_at=NOW - timedelta(minutes=4 if young_here else 6))
    shown = THERE[there]
    if shown is not None:
        shown = msgspec.structs.replace(shown, updated_at=NOW - timedelta(minutes=4 if young_there else 6))
    verdict = compare(Pair(ours=Known(stored=held, on_its_way=alive), theirs=shown), MANNER, NOW)
    if young_here or alive or (young_there and shown is not None):
        assert verdict.waits
        assert not verdict.found
    else:
        assert not verdict.waits


@given(sides)
def test_a_difference_has_a_cause_in_a_sentence_and_a_key_of_its_own_that_stays(which: tuple[str, str, Kind]) -> None:
    here, there, kind = which
    pair = Pair(ours=Known(stored=ours(here, kind)), theirs=THERE[there])
    verdict = compare(pair, MANNER, NOW)
    assert compare(pair, MANNER, NOW + timedelta(days=1)) == verdict
    keys = [each.key for each in verdict.found]
    assert len(set(keys)) == len(keys)
    for each in verdict.found:
        assert each.key.startswith(f"{each.kind}:")
        assert each.cause[0].isupper() or each.cause.startswith(NUMBER)
        assert each.cause.endswith(".")
        assert NUMBER in each.cause


@given(sides)
def test_no_repair_tells_the_channel_anything_of_a_return_that_it_has_decided_and_the_hub_has_not(
    which: tuple[str, str, Kind],
) -> None:
    here, there, kind = which
    if here in {"sending", "settled", "refused"} or not there.startswith("decided"):
        return
    verdict = compare(Pair(ours=Known(stored=ours(here, kind)), theirs=THERE[there]), MANNER, NOW)
    assert {each.repair for each in verdict.found} <= {Repair.FOLLOW, Repair.ASK}


def test_every_repair_is_named_before_it_is_pressed() -> None:
    assert set(REPAIR_WORDS) == set(Repair)


# acknowledgements and quantities ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sync", "number", "expected"),
    [
        (Sync.ACKNOWLEDGED, NUMBER, set()),
        (Sync.ACKNOWLEDGED, None, {"status:acknowledgement acknowledge"}),
        (Sync.LINKED, None, {"status:acknowledgement acknowledge"}),
        (Sync.LINKED, NUMBER, {"status:acknowledgement acknowledge"}),
        (Sync.ACKNOWLEDGED, "ERP-1", {"status:number ask"}),
        (Sync.LINKED, "ERP-1", {"status:number ask"}),
    ],
)
def test_the_channel_has_our_number_or_it_is_told_again(sync: Sync, number: str | None, expected: set[str]) -> None:
    pair = Pair(ours=Known(stored=ours(sync=sync)), theirs=theirs(merchant_return_number=number))
    assert found(pair) == expected
    assert found(pair, Manner(since=MANNER.since, acknowledges=False)) == set()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((line(3),), set()),
        ((line(1), line(2, order_line="6")), set()),
        ((line(2),), {"quantity:declared follow"}),
        ((line(3), line(1, sku="HAT", order_line="7")), {"quantity:declared follow"}),
        ((line(3), line(1, sku="HAT", order_line="7", marketplace_fulfilled=True)), set()),
        ((line(2, sku=None),), {"quantity:declared follow"}),
        # Of a product that nobody can name nothing can be said.
        ((line(2), line(1, sku=None, order_line=None)), set()),
    ],
)
def test_declared_units_are_compared_by_product(lines: tuple[ChannelReturnLine, ...], expected: set[str]) -> None:
    assert found(Pair(ours=Known(stored=ours()), theirs=theirs(*lines))) == expected


@pytest.mark.parametrize(
    ("accepted", "rejected", "same"), [(1, 2, True), (1, 1, True), (1, 0, False), (2, 1, False), (0, 3, False)]
)
def test_what_never_arrived_may_have_been_told_as_rejected(accepted: int, rejected: int, *, same: bool) -> None:
    pair = Pair(ours=Known(stored=ours("settled")), theirs=theirs(line(3, accepted, rejected), **RECEIVED))
    verdict = compare(pair, MANNER, NOW)
    assert verdict.verified is same
    assert bool(verdict.found) is not same


@pytest.mark.parametrize("told", [line(3), line(3, 0, 0), line(3, 1, 2, sku=None, order_line=None)])
def test_where_a_list_does_not_say_what_was_decided_the_return_is_asked_for(told: ChannelReturnLine) -> None:
    verdict = compare(Pair(ours=Known(stored=ours("settled")), theirs=theirs(told, **RECEIVED)), MANNER, NOW)
    assert (verdict.closer, verdict.verified, verdict.found) == (True, False, ())


# not here -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (theirs(), {"missing:here import"}),
        (theirs(**RECEIVED), {"missing:here import"}),
        (theirs(**RECEIVED, created_at=NOW - timedelta(days=31)), set()),
        (theirs(created_at=NOW - timedelta(days=31)), {"missing:here import"}),
        (theirs(canceled=True, open=False), set()),
        (theirs(created_by=Kind.MERCHANT, merchant_return_number="ERP-1"), {"extra:elsewhere record"}),
        (theirs(created_by=Kind.MERCHANT), {"extra:elsewhere record"}),
        (theirs(created_by=Kind.MERCHANT, canceled=True, open=False), set()),
    ],
)
def test_what_only_the_channel_has_is_imported_or_recorded(shown: ChannelReturn, expected: set[str]) -> None:
    assert found(Pair(ours=None, theirs=shown)) == expected
    waits = compare(Pair(ours=None, theirs=shown, waiting=True), MANNER, NOW)
    assert waits.waits
    assert not waits.found


def test_a_number_of_ours_that_no_return_has_is_told_from_a_strangers() -> None:
    (strange,) = compare(Pair(ours=None, theirs=theirs(created_by=Kind.MERCHANT)), MANNER, NOW).found
    assert "a number of ours" in strange.cause
    shown = theirs(created_by=Kind.MERCHANT, merchant_return_number="ERP-1")
    (other,) = compare(Pair(ours=None, theirs=shown), MANNER, NOW).found
    assert "Another system" in other.cause


# who is who ---------------------------------------------------------------------------------------------


def test_the_channels_own_id_comes_before_any_number() -> None:
    by_id, by_number = Known(stored=ours(number="R1")), Known(stored=ours(external_id="72"))
    pair = match(theirs(), [by_number, by_id])
    assert (pair.ours, pair.numbered) == (by_id, by_number)


def test_a_created_return_is_known_by_our_number_until_the_hub_has_the_channels_id() -> None:
    waiting, done = ours(kind=Kind.MERCHANT, external_id=None), ours("settled", Kind.MERCHANT, external_id="80")
    shown = theirs(line(1), created_by=Kind.MERCHANT, **RECEIVED)
    assert match(shown, [Known(stored=waiting)]).ours == Known(stored=waiting)
    pair = match(shown, [Known(stored=done)])
    assert pair.ours is None
    assert found(pair) == {"extra:twice ask"}


def test_of_two_that_look_the_same_the_later_is_one_too_many() -> None:
    first = ours(external_id="70", channel_return_number="CR-1")
    second = ours(external_id="71", channel_return_number="CR-1", number="R2")
    both = [Known(stored=first), Known(stored=second)]
    shown = theirs(merchant_return_number="R2")
    assert found(match(shown, both)) == {"extra:twin ask"}
    assert found(match(msgspec.structs.replace(shown, external_id="70", merchant_return_number=NUMBER), both)) == set()
    assert found(match(shown, both[:1])) == {"extra:twin ask"}
    other_order = msgspec.structs.replace(shown, order_number="SO-2")
    assert found(match(other_order, both[:1])) == {"missing:here import"}
    other_goods = msgspec.structs.replace(shown, lines=(line(1),))
    assert found(match(other_goods, both[:1])) == {"missing:here import"}


def test_what_the_hub_was_not_set_up_for_is_no_difference() -> None:
    for shown in (theirs(), theirs(created_by=Kind.MERCHANT), theirs(**RECEIVED)):
        assert found(Pair(ours=None, theirs=shown, covered=False)) == set()
    assert found(Pair(ours=None, theirs=theirs(line(0)))) == set()


def test_a_return_that_carries_another_ones_number_is_not_taken_for_an_echo() -> None:
    other = Known(stored=ours(external_id="72", order_number="SO-2"))
    assert found(match(theirs(), [other])) == {"missing:here ask"}
