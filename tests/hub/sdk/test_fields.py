from typing import Annotated

import msgspec
import pytest

from connectors.channelengine import ChannelEngine
from hub.sdk import Secret, setting
from hub.sdk.fields import form


class Plain(msgspec.Struct, kw_only=True):
    """What a vendor's owner enters."""

    address: Annotated[
        str,
        setting(
            title="Address", description="Where it is.", examples=("https://a.example",), pattern="^https://",
            min_length=8, max_length=100,
        ),
    ]  # fmt: skip
    key: Annotated[Secret, setting(title="Key", description="What opens it.")]
    spare_key: Secret | None = None
    pages: int = 10


def test_a_field_becomes_its_words_and_limits() -> None:
    assert form(Plain)["properties"]["address"] == {
        "type": "string",
        "title": "Address",
        "description": "Where it is.",
        "examples": ["https://a.example"],
        "pattern": "^https://",
        "minLength": 8,
        "maxLength": 100,
    }


def test_a_secret_becomes_a_password_that_is_never_shown() -> None:
    assert form(Plain)["properties"]["key"] == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
        "title": "Key",
        "description": "What opens it.",
    }
    spare = form(Plain)["properties"]["spare_key"]["anyOf"]
    assert {"type": "string", "format": "password", "writeOnly": True} in spare


def test_what_has_a_default_need_not_be_entered() -> None:
    schema = form(Plain)
    assert schema["required"] == ["address", "key"]
    assert schema["properties"]["pages"] == {"type": "integer", "default": 10}
    assert schema["description"] == "What a vendor's owner enters."


def test_words_that_are_not_given_leave_no_trace() -> None:
    made = setting(title="Key", description="What opens it.")
    assert (made.examples, made.pattern, made.min_length, made.max_length) == (None, None, None, None)


def test_a_type_that_no_form_can_ask_for_is_refused() -> None:
    class Odd(msgspec.Struct):
        number: complex

    with pytest.raises(TypeError, match="not supported"):
        form(Odd)


def test_the_form_of_the_shipped_connector_hides_its_key() -> None:
    schema = form(ChannelEngine.manifest.settings)
    assert schema["required"] == ["address", "api_key"]
    assert schema["properties"]["api_key"]["format"] == "password"
    assert all({"title", "description"} <= set(field) for field in schema["properties"].values())
