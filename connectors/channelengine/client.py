"""How a request to ChannelEngine is made, and how its refusals are sorted.

A path is a template, such as `/v2/returns/merchant/{merchantOrderNo}`: with its method it names the endpoint, and
ChannelEngine counts calls by endpoint.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from connectors.channelengine.answers import Answer, Collection, Unreadable, decode, explain
from connectors.channelengine.paging import Paging
from hub.sdk import ActionRequired, Context, Interrupted, Outcome, OutcomeUnknown, Refused, Retry, Sent, call
from hub.sdk.http import NO_KEY, NO_RIGHT, Manner

T = TypeVar("T")
AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
Params = list[tuple[str, str]]

LONGEST_URL = 1_048
MOST_PAGES = 20
OK = 200
CREATED = 201
REDIRECTED = range(300, 400)
NOT_FOUND = 404
CONFLICT = 409
SERVER_FAULT = 500
NO_LOGIN = {401: NO_KEY, 403: NO_RIGHT}
CODES = {400: "invalid", NOT_FOUND: "not_found"}
WRONG_ADDRESS = ActionRequired(
    "This address does not answer as ChannelEngine does. It should look like https://NAME.channelengine.net/api."
)
TOO_LONG = Refused("address_too_long", "ChannelEngine takes no address of more than 1,048 characters.")


class NotUnderstood(Interrupted):
    """A read brought something else than ChannelEngine's JSON: perhaps a page for people during maintenance."""

    def __init__(self, why: str) -> None:
        super().__init__(Retry(f"ChannelEngine's answer cannot be read: {why}"))


class TooMany(Interrupted):
    """A list goes on for longer than anybody waits for."""

    def __init__(self) -> None:
        super().__init__(Refused("too_many", f"ChannelEngine's list has more than {MOST_PAGES} pages."))


class Told(NamedTuple):
    """What an answer to a write says: its status, and words that may be shown."""

    status: int
    words: str

    @property
    def failure(self) -> Outcome | None:
        """What the status means for a write, or None if it was done.

        409 means that an effect stands in the way, perhaps the very same one: that is to be looked up.
        """
        if self.status in {OK, CREATED}:
            return None
        if self.status in REDIRECTED:
            return WRONG_ADDRESS
        if self.status == CONFLICT or self.status >= SERVER_FAULT or self.status < REDIRECTED.start:
            return OutcomeUnknown(f"ChannelEngine answered {self.status}: {self.words}".removesuffix(": "))
        return _refused(self)


async def write(context: Context, method: str, path: str, body: bytes | None = None, **names: str) -> Told:
    """Change something at ChannelEngine, once; an answer nobody can read is `OutcomeUnknown`."""
    url, headers = _url(context, path, names), _headers(context)
    if body is not None:
        headers["Content-Type"] = "application/json"
    sent = await call(
        context, Manner.WRITE, method, url, headers=headers, body=body, endpoint=f"{method} {path}"
    )  # fmt: skip
    try:
        return _told(context, sent)
    except Unreadable as fault:
        raise Interrupted(OutcomeUnknown(f"ChannelEngine answered {sent.status} and unreadably: {fault}")) from fault


async def read(context: Context, path: str, params: Params, kind: type[AnyAnswer]) -> AnyAnswer:
    """Read one answer; raises `Interrupted` for everything that is not one."""
    found = await read_if_any(context, path, params, kind)
    if found is None:
        # These addresses always exist; what does not exist is the account or its `/api`.
        raise Interrupted(WRONG_ADDRESS)
    return found


async def read_if_any(
    context: Context, path: str, params: Params, kind: type[AnyAnswer], **names: str
) -> AnyAnswer | None:
    """Read one answer, or None if ChannelEngine knows no such thing; `names` fill the path."""
    url = _url(context, path, names)
    if room(url, params) < 0:
        raise Interrupted(TOO_LONG)
    sent = await call(
        context, Manner.READ, "GET", url, params=params or None, headers=_headers(context), endpoint=f"GET {path}"
    )  # fmt: skip
    try:
        told = _told(context, sent)
        if told.status == OK:
            return decode(sent.body, kind)
    except Unreadable as fault:
        raise NotUnderstood(str(fault)) from fault
    if told.status == NOT_FOUND:
        return None
    raise Interrupted(_unread(told))


async def pages(context: Context, path: str, params: Params, kind: type[T]) -> AsyncIterator[Collection[T]]:
    """Read a list page by page to its end, none of it if ChannelEngine knows no such list; may raise `TooMany`."""
    paging = Paging()
    for _ in range(MOST_PAGES):
        found = await read_if_any(context, path, [*params, *paging.params], Collection[kind])  # type: ignore[valid-type]  # the type is a value here
        if found is None:
            return
        yield found
        following = paging.after(found).following
        if following is None:
            return
        paging = following
    raise TooMany


def room(url: str, params: Params) -> int:
    """Return how many characters may still be added to an address; negative if it is too long."""
    return LONGEST_URL - len(url) - sum(map(_written, params))


def split(context: Context, path: str, params: Params, field: str, values: Iterable[str]) -> Iterator[list[str]]:
    """Split a filter of many values, so that each request with its part of them keeps to the limit of an address.

    A value that fits into no request is left out.
    """
    most = room(context.settings.base + path, params)
    part: list[str] = []
    left = most
    for value in values:
        length = _written((field, value))
        if length > most:
            continue
        if length > left:
            yield part
            part, left = [], most
        part.append(value)
        left -= length
    if part:
        yield part


def _written(param: tuple[str, str]) -> int:
    name, value = param
    return len(quote(name, safe="")) + len(quote(value, safe="")) + 2


def _url(context: Context, path: str, names: dict[str, str]) -> str:
    filled = path.format_map({name: quote(value, safe="") for name, value in names.items()})
    url: str = context.settings.base + filled
    if len(url) > LONGEST_URL:
        raise Interrupted(TOO_LONG)
    return url


def _unread(told: Told) -> Outcome:
    if told.status in REDIRECTED:
        return WRONG_ADDRESS
    if told.status >= SERVER_FAULT:
        return Retry(f"ChannelEngine answered {told.status}")
    return _refused(told)


def _refused(told: Told) -> Outcome:
    # ChannelEngine can answer 200 and say in the body that it refuses the key.
    if told.status in NO_LOGIN:
        return NO_LOGIN[told.status]
    code = CODES.get(told.status, f"http_{told.status}")
    return Refused(code, told.words or f"ChannelEngine answered {told.status} and gave no reason.")


def _told(context: Context, sent: Sent) -> Told:
    if sent.status in REDIRECTED:
        return Told(sent.status, "")
    return Told(*explain(sent.status, sent.body, secret(context)))


def secret(context: Context) -> str:
    """Return the key, which no word of the vendor's may repeat to anybody."""
    key: str = context.settings.api_key.reveal().strip()
    return key


def _headers(context: Context) -> dict[str, str]:
    # ChannelEngine also takes the key in the address, where every log on the way would keep it.
    return {"X-CE-KEY": secret(context), "Accept": "application/json"}
