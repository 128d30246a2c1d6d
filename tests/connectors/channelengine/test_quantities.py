import json
from typing import Any

from connectors.channelengine import quantities
from connectors.channelengine.answers import decode
from connectors.channelengine.wire import VendorReturn
from hub.sdk import Kind
from tests.support.channelengine import line_there, settlement

MESSAGE = settlement(Kind.CHANNEL, ("A", 1, 0, 0))


def there(*lines: dict[str, Any]) -> VendorReturn:
    return decode(json.dumps({"Id": 71, "Lines": lines}).encode(), VendorReturn)


def ordered(line: dict[str, Any], **order_line: object) -> dict[str, Any]:
    return line | {"OrderLine": {"Id": 5, "Quantity": 3} | order_line}


def test_what_was_decided_there_is_known_only_if_a_line_says_so() -> None:
    assert quantities.reported(there(line_there("A", 1), line_there("A", 1)), MESSAGE) is None
    assert quantities.reported(there(line_there("A", 1, 1), line_there("A", 2, None, 2)), MESSAGE) == {"A": (1, 2)}
    assert quantities.reported(there(line_there("A", 1, 0, 0)), MESSAGE) == {}


def test_lines_of_one_product_are_compared_by_their_sum() -> None:
    told = there(line_there("A", 2, 2, 0), line_there("B", 1, 0, 1), line_there("A", 1, 0, 1))
    assert quantities.reported(told, MESSAGE) == {"A": (2, 1), "B": (0, 1)}


def test_what_the_marketplace_takes_back_itself_is_not_compared() -> None:
    theirs = ordered(line_there("A", 4, 4, 0), IsFulfillmentByMarketplace=True)
    told = there(theirs, line_there("A", 1, 1, 0))
    assert quantities.reported(told, MESSAGE) == {"A": (1, 0)}
    assert quantities.declared(told, MESSAGE) == {"A": (1, 0)}


def test_a_product_the_marketplace_takes_back_itself_is_left_out_of_a_decision() -> None:
    theirs = [ordered(line_there(sku, 1), IsFulfillmentByMarketplace=True) for sku in "AB"]
    told = there(*theirs, line_there("A", 1))
    message = settlement(Kind.CHANNEL, ("A", 1, 0, 0), ("B", 0, 1, 0), ("C", 1, 1, 0))
    assert quantities.decided_of(told, message) == {"A": (1, 0), "C": (1, 1)}


def test_a_line_without_a_product_number_is_known_by_its_order_line() -> None:
    nameless = ordered(line_there("", 1, 1, 0))
    assert quantities.reported(there(nameless), MESSAGE) == {"A": (1, 0)}
    stranger = ordered(line_there("", 1, 1, 0), Id=6)
    assert quantities.reported(there(stranger), MESSAGE) == {"": (1, 0)}


def test_a_difference_names_each_product_that_differs() -> None:
    said = quantities.difference({"A": (2, 0), "C": (1, 0)}, {"A": (1, 1), "B": (0, 1), "C": (1, 0)})
    assert said == (
        "A: 2 accepted and 0 rejected there, 1 accepted and 1 rejected here; "
        "B: 0 accepted and 0 rejected there, 0 accepted and 1 rejected here"
    )
