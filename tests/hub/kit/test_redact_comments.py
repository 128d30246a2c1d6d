"""What customers and merchants write in their own words is theirs; what identifies a thing stays readable."""

import json

import pytest

from hub.kit.redact import MASK, excerpt, is_telling, redact_json

OWN_WORDS = [
    "CustomerComment", "customer_comment", "customerComment", "customercomment", "MerchantComment", "comment",
    "Comments", "Remark", "remarks", "buyer_remark", "CustomerNote", "customernote", "note", "notes", "OrderNotes",
]  # fmt: skip
ORDINARY = [
    "Reason", "Status", "MerchantReturnNo", "ChannelReturnNo", "Quantity", "AcceptedQuantity", "Lines", "Message",
    "CreatedAt", "denoted", "notebook", "notified_at", "common", "recommended", "market", "marketplace", "commission",
]  # fmt: skip
WORDS = "my neighbour Jan knows where it is"


@pytest.mark.parametrize("name", OWN_WORDS)
def test_what_people_write_is_masked_in_excerpts(name: str) -> None:
    body = json.dumps({"Lines": [{name: WORDS, "Quantity": 2}]})
    assert json.loads(excerpt(body.encode())) == {"Lines": [{name: MASK, "Quantity": 2}]}
    assert redact_json({name: WORDS}) == {name: MASK}
    assert WORDS not in excerpt(f"<{name}>{WORDS}</{name}>".encode())


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_fields_stay_readable(name: str) -> None:
    assert not is_telling(name)
    body = json.dumps({name: "DAMAGED"})
    assert excerpt(body.encode()) == body
