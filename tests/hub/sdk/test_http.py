from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.kit.telemetry import log
from hub.sdk import Context, Interrupted, Manner, Sent, call
from hub.sdk.context import Forbidden, NotSent, Uncertain
from hub.sdk.http import DEFAULT_WAIT_SECONDS, LONGEST_WAIT_SECONDS, retry_after_seconds
from hub.sdk.outcomes import ActionRequired, Outcome, OutcomeUnknown, RateLimited, Retry

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Line:
    """A client with one answer, or one fault."""

    def __init__(self, answer: Sent | Exception) -> None:
        self.answer = answer
        self.requests: list[tuple[object, ...]] = []

    async def send(
        self,
        method: str,
        url: str,
        *,
        params: list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        endpoint: str = "",
    ) -> Sent:
        assert not endpoint
        self.requests.append((method, url, params, headers, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def context(line: Line) -> Context:
    return Context(http=line, settings=None, key="key", now=NOW, log=log("test"))


def sent(status: int, **headers: str) -> Sent:
    return Sent(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=b"{}")


async def outcome(answer: Sent | Exception, manner: Manner) -> Outcome:
    line = Line(answer)
    with pytest.raises(Interrupted) as caught:
        await call(context(line), manner, "POST", "https://vendor.example/v2")
    assert len(line.requests) == 1, "a connector's call never repeats anything"
    return caught.value.outcome


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 400, 402, 404, 409, 422, 428, 430, 499])
@pytest.mark.parametrize("manner", Manner)
async def test_an_answer_below_500_is_the_connectors_to_read(status: int, manner: Manner) -> None:
    answer = sent(status)
    assert await call(context(Line(answer)), manner, "GET", "https://vendor.example") is answer


async def test_the_request_is_made_as_it_was_asked_for() -> None:
    line = Line(sent(200))
    url = "https://vendor.example/x"
    await call(context(line), Manner.WRITE, "PUT", url, params=[("a", "1")], headers={"k": "v"}, body=b"1")
    assert line.requests == [("PUT", url, [("a", "1")], {"k": "v"}, b"1")]


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599])
async def test_a_fault_of_the_vendor_leaves_a_write_in_doubt_and_a_read_to_be_repeated(status: int) -> None:
    assert await outcome(sent(status), Manner.WRITE) == OutcomeUnknown(f"the vendor answered {status}")
    assert await outcome(sent(status), Manner.READ) == Retry(f"the vendor answered {status}")


async def test_a_request_that_may_have_arrived_leaves_a_write_in_doubt_and_a_read_to_be_repeated() -> None:
    assert await outcome(Uncertain("timed out"), Manner.WRITE) == OutcomeUnknown("timed out")
    assert await outcome(Uncertain("timed out"), Manner.READ) == Retry("timed out")


@pytest.mark.parametrize("manner", Manner)
async def test_a_request_that_never_left_may_be_made_again(manner: Manner) -> None:
    assert await outcome(NotSent("no route"), manner) == Retry("no route")


@pytest.mark.parametrize("manner", Manner)
async def test_a_refused_login_or_address_needs_its_owner(manner: Manner) -> None:
    assert await outcome(Forbidden("10.0.0.1 is private"), manner) == ActionRequired("10.0.0.1 is private")
    unauthorised = await outcome(sent(401), manner)
    forbidden = await outcome(sent(403), manner)
    assert isinstance(unauthorised, ActionRequired)
    assert isinstance(forbidden, ActionRequired)
    assert "does not accept the key" in unauthorised.message
    assert "no right" in forbidden.message


@pytest.mark.parametrize("manner", Manner)
async def test_a_limit_slows_down_for_as_long_as_the_vendor_says(manner: Manner) -> None:
    assert await outcome(sent(429, retry_after="120"), manner) == RateLimited(120.0)
    assert await outcome(sent(429), manner) == RateLimited(DEFAULT_WAIT_SECONDS)


async def test_a_fault_of_the_hub_itself_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError):
        await call(context(Line(ZeroDivisionError())), Manner.WRITE, "GET", "https://vendor.example")


def date(**ahead: float) -> str:
    return format_datetime(NOW + timedelta(**ahead), usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 1.0),
        ("1", 1.0),
        ("120", 120.0),
        (" 30 ", 30.0),
        ("3601", LONGEST_WAIT_SECONDS),
        ("1000000000", LONGEST_WAIT_SECONDS),
        ("9" * 400, LONGEST_WAIT_SECONDS),
        (date(seconds=90), 90.0),
        (date(days=400), LONGEST_WAIT_SECONDS),
        (date(hours=-1), 1.0),
        ("Mon, 23 Nov 2026 10:00:30 +0100", 30.0),
        ("Mon, 23 Nov 2026 09:00:30 -0000", 30.0),
        ("", DEFAULT_WAIT_SECONDS),
        ("soon", DEFAULT_WAIT_SECONDS),
        ("-5", DEFAULT_WAIT_SECONDS),
        ("1.5", DEFAULT_WAIT_SECONDS),
        ("\N{SUPERSCRIPT TWO}", DEFAULT_WAIT_SECONDS),
        ("Mon, 23 Nov 99999999999999999999 09:00:00 GMT", DEFAULT_WAIT_SECONDS),
        ("Mon, 23 Nov 2026 09:00:00 +9999999999", DEFAULT_WAIT_SECONDS),
    ],
)
def test_retry_after_is_read_in_seconds_or_as_a_date_and_never_believed_beyond_an_hour(
    text: str, seconds: float
) -> None:
    assert retry_after_seconds({"retry-after": text}, NOW) == seconds


@given(st.one_of(st.text(), st.text("0123456789 ,:+-MonTueNovJanGMT()"), st.integers().map(str)))
@example("Mon, 23 Nov 2026 09:00:00 ()")
def test_whatever_the_header_says_the_wait_is_between_a_second_and_an_hour(text: str) -> None:
    assert 1.0 <= retry_after_seconds({"retry-after": text}, NOW) <= LONGEST_WAIT_SECONDS
