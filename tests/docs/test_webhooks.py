"""The page for receivers of webhooks says what the code does, and its example checks real signatures."""

import re
from datetime import UTC, datetime
from typing import Any

from hub.kit.crypto import Secret
from hub.webhooks import engine
from tests.docs.book import page

PAGE = page("webhooks.md")
UNITS = {"second": 1, "minute": 60, "hour": 3600}


def test_the_schedule_on_the_page_is_the_one_that_is_kept() -> None:
    (line,) = re.findall(r"^5 seconds, .*$", PAGE, re.MULTILINE)
    told = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+) (second|minute|hour)", line)]
    assert told == list(engine.SCHEDULE)


def test_the_receiver_on_the_page_believes_the_hub_and_nobody_else() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    old, new, other = (engine.new_secret() for _ in range(3))
    body = engine.payload("return.settled", datetime(2026, 11, 23, tzinfo=UTC), {"ü": 1})
    headers = engine.signed("1", body, datetime(2026, 11, 23, tzinfo=UTC), [Secret(new), Secret(old)])
    believes = names["is_from_the_hub"]
    assert [believes(secret, headers, body.encode()) for secret in (old, new, other)] == [True, True, False]
    assert not believes(new, headers, body.encode() + b" ")
    assert not believes(new, headers | {"webhook-id": "2"}, body.encode())
