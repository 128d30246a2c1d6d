"""The messages of the contract are stored as JSON, in operations and in the inbox: whatever they hold survives it."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyfactory.factories.msgspec_factory import MsgspecFactory

from hub.kit import db
from hub.sdk import Acknowledgement, Announcement, ChannelReturn, Order, Page, Settlement
from hub.sdk.receiving import Level, ReceiptKind, ReceiptRequest, ReceivedItem

# What a receipt says fits together, which chance alone would not.
PLAIN = {
    "parcel": None, "return_number": "R1", "observed_at": datetime(2026, 11, 23, 9, tzinfo=UTC),
    "kind": ReceiptKind.RECEIPT,
    "items": (ReceivedItem(sku="SHOE", quantity=2, answers={"use": "sealed"}, photos=("1",), lot="L1"),),
}  # fmt: skip
STORED = (Acknowledgement, Announcement, ChannelReturn, Order, Page, ReceiptRequest, Settlement)


@pytest.mark.parametrize("message", STORED, ids=lambda message: message.__name__)
@given(seed=st.integers(0, 2**32))
def test_a_stored_message_comes_back_as_it_was(message: type[msgspec.Struct], seed: int) -> None:
    factory = MsgspecFactory.create_factory(message)
    factory.seed_random(seed)
    made = factory.build(**(PLAIN | {"level": Level.PRODUCT} if message is ReceiptRequest else {}))
    assert msgspec.json.decode(db.to_json(made), type=message) == made
    assert msgspec.convert(msgspec.to_builtins(made), message) == made
