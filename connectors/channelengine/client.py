"""How a request to ChannelEngine is made, and how its refusals are sorted."""

from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from connectors.channelengine.wire import Answer, Collection, Unreadable, decode, explain
from hub.sdk import ActionRequired, Context, Interrupted, Outcome, OutcomeUnknown, Refused, Retry, Sent, call
from hub.sdk.http import Manner

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
CODES = {400: "invalid", NOT_FOUND: "not_found"}
WRONG_ADDRESS = ActionRequired(
    "This address does not answer as ChannelEngine does. It should look like https://NAME.channelengine.net/api."
)


class NotUnderstood(Interrupted):
    """A read brought something else than ChannelEngine's JSON: perhaps a page for people during maintenance."""

    def __init__(self, why: str) -> None:
        super().__init__(Retry(f"ChannelEngine's answer cannot be read: {why}"))


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


async def write(context: Context, method: str, path: str, body: bytes) -> Told:
    """Change something at ChannelEngine, once; a success nobody can read is `OutcomeUnknown`."""
    headers = {**_headers(context), "Content-Type": "application/json"}
    url, endpoint = context.settings.base + path, f"{method} {path}"
    sent = await call(context, Manner.WRITE, method, url, headers=headers, body=body, endpoint=endpoint)
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
    context: Context, path: str, params: Params, kind: type[AnyAnswer], *, template: str = ""
) -> AnyAnswer | None:
    """Read one answer, or None if ChannelEngine knows no such thing; calls are counted by the path's template."""
    url = context.settings.base + path
    if len(url) + 1 + len(urlencode(params)) > LONGEST_URL:
        raise Interrupted(Refused("address_too_long", "ChannelEngine takes no address of more than 1,048 characters."))
    endpoint = f"GET {template or path}"
    sent = await call(
        context, Manner.READ, "GET", url, params=params or None, headers=_headers(context), endpoint=endpoint
    )
    try:
        told = _told(context, sent)
        if told.status == OK:
            return decode(sent.body, kind)
    except Unreadable as fault:
        raise NotUnderstood(str(fault)) from fault
    if told.status == NOT_FOUND:
        return None
    raise Interrupted(_unread(told))


async def read_all(context: Context, path: str, params: Params, kind: type[T]) -> list[T]:
    """Read all pages of a short list."""
    items: list[T] = []
    for page in range(1, MOST_PAGES + 1):
        found = await read_if_any(context, path, [*params, ("page", str(page))], Collection[kind])  # type: ignore[valid-type]  # the type is a value here
        items += (found.content or []) if found else []
        if found is None or found.ends(page):
            break
    return items


def _unread(told: Told) -> Outcome:
    if told.status in REDIRECTED:
        return WRONG_ADDRESS
    if told.status >= SERVER_FAULT:
        return Retry(f"ChannelEngine answered {told.status}")
    return _refused(told)


def _refused(told: Told) -> Refused:
    code = CODES.get(told.status, f"http_{told.status}")
    return Refused(code, told.words or f"ChannelEngine answered {told.status} and gave no reason.")


def _told(context: Context, sent: Sent) -> Told:
    return Told(*explain(sent.status, sent.body, context.settings.api_key.reveal().strip()))


def _headers(context: Context) -> dict[str, str]:
    # ChannelEngine also takes the key in the address, where every log on the way would keep it.
    return {"X-CE-KEY": context.settings.api_key.reveal().strip(), "Accept": "application/json"}
