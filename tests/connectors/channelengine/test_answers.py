import json
from typing import Any

import msgspec
import pytest

from connectors.channelengine.answers import Collection, Unreadable, decode, explain

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b'{"Content":', b'{"Content":3}', b"\xff\xfe"])
def test_what_is_not_an_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body, Collection[msgspec.Raw])


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (200, {"Success": True}, (200, "")),
        (201, {}, (201, "")),
        (200, {"Success": False, "Message": "no"}, (400, "no")),
        (200, {"Success": False, "StatusCode": 409, "Message": "no"}, (409, "no")),
        (200, {"Success": False, "StatusCode": 200, "Message": "no"}, (400, "no")),
        (400, {"Message": "m", "ValidationErrors": {"Lines": ["a", "b"], "X": None}}, (400, "Lines: a, b; X: None")),
        (400, {"Message": "m", "ValidationErrors": {}}, (400, "m")),
        (400, {"Message": "m", "ValidationErrors": ["odd"]}, (400, "m")),
        (404, {"Message": f"key {KEY} of jan@example.org\n unknown"}, (404, "key [key] of [address] unknown")),
        (400, {"ValidationErrors": {"Key": ["short-key"]}}, (400, "Key: [key]")),
        (200, {"Success": False, "StatusCode": 401, "Message": "API key is unknown: short-key"}, (401, "")),
    ],
)
def test_what_an_answer_really_says(status: int, body: dict[str, Any], means: tuple[int, str]) -> None:
    assert explain(status, json.dumps(body).encode(), "short-key") == means


@pytest.mark.parametrize("status", [200, 201, 400, 404, 500])
def test_what_is_not_channelengines_json_says_nothing_whatever_its_status(status: int) -> None:
    with pytest.raises(Unreadable):
        explain(status, b"<html>", "k")


def test_long_complaints_are_cut() -> None:
    assert len(explain(400, json.dumps({"Message": "no " * 1_000}).encode(), "k")[1]) == 500
