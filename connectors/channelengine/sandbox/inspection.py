"""What of a call a correct client does not send; pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from connectors.channelengine.sandbox import manual
from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.knock import LONGEST_URL, Knock
from connectors.channelengine.sandbox.records import Return
from connectors.channelengine.sandbox.units import theirs
from connectors.channelengine.sandbox.weather import Effect

DATE = re.compile(r"^(?:from|to)[a-z]*date$|^(?:from|to)deliveredat$", re.IGNORECASE)
ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


class Finding(NamedTuple):
    """What is wrong: a code, a sentence, and the return it is about if it is about one."""

    code: str
    why: str
    return_id: int | None = None


def inspect(knock: Knock, book: Book) -> Iterator[Finding]:
    """Yield everything that is wrong with a call of a tenant whose key is right."""
    if len(knock.url) > LONGEST_URL:
        yield Finding("url_too_long", f"The URL is {len(knock.url)} characters long.")
    yield from _query(knock)
    if knock.endpoint in manual.BODIES:
        yield from _body(knock, book)


def _query(knock: Knock) -> Iterator[Finding]:
    known = {name.lower() for name in manual.QUERIES.get(knock.endpoint, ())} | {manual.KEY}
    for pair in knock.query.decode("latin-1").split("&") if knock.query else ():
        raw_name, _, raw = pair.partition("=")
        name = unquote_plus(raw_name)
        if name.lower() == manual.KEY:
            yield Finding("key_in_query", "The key stands in the address, where every log on the way keeps it.")
        elif name.lower() not in known:
            yield Finding("unknown_query", f"{knock.endpoint} knows no parameter '{name}'.")
        elif DATE.match(name):
            yield from _date(name, raw)


def _date(name: str, raw: str) -> Iterator[Finding]:
    if "+" in raw:
        yield Finding("date_raw_plus", f"The + in {name} is not escaped, so it is a space.")
    elif not ZONED.search(unquote_plus(raw)):
        yield Finding("date_without_zone", f"{name}={raw} does not say its zone.")


def _body(knock: Knock, book: Book) -> Iterator[Finding]:
    body = read(knock)
    for field in _unknown(body, manual.BODIES[knock.endpoint], ""):
        yield Finding("unknown_field", f"{knock.endpoint} knows no field '{field}'.")
    moment = body.get("ReturnDate")
    if isinstance(moment, str) and not ZONED.search(moment):
        yield Finding("date_without_zone", f"ReturnDate {moment} does not say its zone.")
    if knock.effect is Effect.SETTLE:
        yield from _update(body, book)
    if knock.effect is Effect.CREATE and created(body) in book.terms.told:
        yield Finding("created_twice", f"{body.get('MerchantReturnNo')} was created before, and that was told.")


def _unknown(value: Any, known: Mapping[str, Any], place: str) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        for name, inner in each.items() if isinstance(each, dict) else ():
            if name not in known:
                yield f"{place}{name}"
            elif known[name] is not None:
                yield from _unknown(inner, known[name], f"{place}{name}.")


def _update(body: Mapping[str, Any], book: Book) -> Iterator[Finding]:
    return_id = body.get("ReturnId")
    found = book.returns.get(return_id) if isinstance(return_id, int) else None
    if found is None:
        return
    if settled(body) in book.terms.told:
        yield Finding("settled_twice", f"Return {found.id} was settled before, and that was told.", found.id)
    if found.export is not None and found.export.cause is None:
        yield Finding("informational_updated", f"Return {found.id} is for information only.", found.id)
    if _accepts_theirs(body, found, book):
        yield Finding("marketplace_fulfilled_updated", f"The marketplace handles return {found.id} itself.", found.id)


def _accepts_theirs(body: Mapping[str, Any], found: Return, book: Book) -> bool:
    """Say whether an update is of the marketplace's lines alone, or accepts units that only those have."""
    not_ours = theirs(book.order_of(found))
    ours = {line.merchant_product_no for line in found.lines if line.order_line_id not in not_ours}
    lines = body.get("Lines")
    accepted = {
        line.get("MerchantProductNo")
        for line in (lines if isinstance(lines, list) else ())
        if isinstance(line, dict) and line.get("AcceptedQuantity")
    }
    return not ours or bool({line.merchant_product_no for line in found.lines} & (accepted - ours))


def settled(body: Mapping[str, Any]) -> str:
    """Return the name under which the success of an update is remembered."""
    return f"settle:{body.get('ReturnId')}"


def created(body: Mapping[str, Any]) -> str:
    """Return the name under which the success of a creation is remembered."""
    return f"create:{body.get('MerchantReturnNo')}"


def read(knock: Knock) -> Mapping[str, Any]:
    """Return the body as an object; one that is not is empty here, and refused by the API itself."""
    try:
        return msgspec.json.decode(knock.body, type=dict[str, Any])
    except (ValueError, RecursionError):
        return {}
