import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine import bodies, quantities
from connectors.channelengine.answers import decode
from connectors.channelengine.wire import VendorReturn
from hub.sdk import Kind, Reason, Settlement, SettlementLine, Subscription
from tests.support.description import MISSING, description, require_documented


def settlement(*lines: SettlementLine, **changes: object) -> Settlement:
    told: dict[str, Any] = {
        "kind": Kind.MERCHANT,
        "return_number": "RMA-7",
        "order_number": "SO-1001",
        "marketplace": "12",
        "reason": Reason.WRONG_SIZE,
        "comment": "fine",
        "returned_at": datetime(2025, 2, 12, 9, 30, tzinfo=UTC),
        "lines": lines,
    }
    told.update(changes)
    return Settlement(**told)


def line(
    sku: str = "SHOE-42", accepted: int = 0, rejected: int = 0, missing: int = 0, at: str | None = None
) -> SettlementLine:
    return SettlementLine(sku=sku, order_line=at, accepted=accepted, rejected=rejected, missing=missing)


def test_what_never_arrived_is_told_as_rejected_so_that_the_sum_is_what_was_declared() -> None:
    decided = quantities.decided([line("A", accepted=1, rejected=1, missing=1), line("B", missing=2), line("C")])
    assert decided == {"A": (1, 2), "B": (0, 2)}


def test_lines_of_one_product_are_one_line_of_the_update() -> None:
    body = json.loads(
        bodies.update(71, quantities.decided([line("A", accepted=1, at="5"), line("A", rejected=2, at="6")]))
    )
    assert body == {
        "ReturnId": 71,
        "Lines": [{"MerchantProductNo": "A", "AcceptedQuantity": 1, "RejectedQuantity": 2}],
    }


def test_a_creation_holds_what_was_accepted_and_nothing_else() -> None:
    lines = [
        line("A", accepted=1, rejected=1, at="555"),
        line("A", accepted=1, at="556"),
        line("A", accepted=2, at="555"),
        line("B", rejected=1),
        line("C", accepted=1, at="x-1"),
    ]
    assert json.loads(bodies.create(settlement(*lines, reason=Reason.PRODUCT_DEFECT))) == {
        "MerchantOrderNo": "SO-1001",
        "MerchantReturnNo": "RMA-7",
        "Reason": "PRODUCT_DEFECT",
        "ReturnDate": "2025-02-12T09:30:00.000Z",
        "MerchantComment": "fine",
        "Lines": [
            {"MerchantProductNo": "A", "Quantity": 3, "OrderLineId": 555},
            {"MerchantProductNo": "A", "Quantity": 1, "OrderLineId": 556},
            {"MerchantProductNo": "C", "Quantity": 1},
        ],
    }


@pytest.mark.parametrize("comment", [None, "", "   "])
def test_an_empty_comment_is_not_sent(comment: str | None) -> None:
    assert "MerchantComment" not in json.loads(bodies.create(settlement(line(accepted=1), comment=comment)))


@given(st.text(max_size=20), st.sampled_from(["a", "é", "\U0001f600"]))
def test_a_comment_is_cut_to_4001_characters_as_dotnet_counts_them(before: str, filling: str) -> None:
    body = json.loads(bodies.create(settlement(line(accepted=1), comment=before + filling * 4_100)))
    units = len(body["MerchantComment"].encode("utf-16-le")) // 2
    assert 4_000 <= units <= 4_001


counts = st.integers(0, 3)
lines = st.builds(line, st.sampled_from("ABC"), counts, counts, counts, st.sampled_from([None, "1", "2", "x"]))
numbers = st.text(min_size=1, max_size=50)


def require_body(method: str, path: str, body: bytes) -> None:
    require_documented(method, path, [], json.loads(body), f"{method} {path}")


@given(
    decided=st.lists(lines, min_size=1, max_size=5),
    reason=st.sampled_from(Reason),
    comment=st.none() | st.text(max_size=30),
    number=numbers,
)
def test_every_body_is_what_the_description_asks_for(
    decided: list[SettlementLine], reason: Reason, comment: str | None, number: str
) -> None:
    if description() is None:
        pytest.skip(MISSING)
    if sums := quantities.decided(decided):
        require_body("PUT", "/v2/returns", bodies.update(71, sums))
    if quantities.accepted(decided):
        message = settlement(*decided, reason=reason, comment=comment, return_number=number, order_number=number)
        require_body("POST", "/v2/returns/merchant", bodies.create(message))
    require_body("POST", "/v2/returns/merchant/acknowledge", bodies.acknowledge(71, number))
    require_body("POST", "/v2/webhooks", bodies.hook(Subscription(name=number, url="https://hub.example/knock/t")))


@given(st.lists(lines, max_size=5))
def test_what_was_created_is_what_was_accepted(decided: list[SettlementLine]) -> None:
    message = settlement(*decided)
    created = json.loads(bodies.create(message))["Lines"]
    told = decode(json.dumps({"Id": 1, "Lines": created}).encode(), VendorReturn)
    assert quantities.declared(told, message) == quantities.accepted(decided)
    assert all(entry["Quantity"] for entry in created)
