"""The messages of the contract are stored as JSON, in operations and in the inbox: whatever they hold survives it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polyfactory.factories.msgspec_factory import MsgspecFactory

from hub.kit import db
from hub.sdk import Acknowledgement, Announcement, ChannelReturn, Order, Page, Settlement
from hub.sdk.receiving import ReceiptRequest

STORED = (Acknowledgement, Announcement, ChannelReturn, Order, Page, ReceiptRequest, Settlement)


@pytest.mark.parametrize("message", STORED, ids=lambda message: message.__name__)
@given(seed=st.integers(0, 2**32))
def test_a_stored_message_comes_back_as_it_was(message: type[msgspec.Struct], seed: int) -> None:
    factory = MsgspecFactory.create_factory(message)
    factory.seed_random(seed)
    made = factory.build()
    assert msgspec.json.decode(db.to_json(made), type=message) == made
    assert msgspec.convert(msgspec.to_builtins(made), message) == made
