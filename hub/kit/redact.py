"""Removal of secrets and personal data from whatever is logged, stored as an attempt or shown.

Three nets, one behind the other: secrets we know, values that stand under a telling name (in JSON, Python
reprs, headers, forms, query strings and XML, whole or cut off), and texts that are telling by their shape.
A telling name masks all that is under it; when in doubt the value is masked.
"""

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus, unquote

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

MASK: Final = "•••"
EXCERPT_BYTES: Final = 4_096

# A shorter one would blacken half of every text and is no secret anyway.
_SHORTEST_SECRET = 4
# More than any telling shape; what a cut may have left of one is dropped with this much of the end.
_CUT_MARGIN = 256
_DEEPEST = 64
_CUT_MARK = "…".encode()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TELLING_PARTS = _words(
    "secret password passwd passphrase credential token cookie signature bearer sessionid authorizationcode "
    "codeverifier apikey privatekey accesskey xcekey email phone address street housenumber housenr postcode "
    "postalcode zipcode birth firstname lastname surname fullname givenname familyname customername consumername "
    "buyername recipientname contactname holdername comment remark customernote buyernote merchantnote ordernote"
)
_TELLING_WORDS = _words(
    "auth oauth jwt hmac sig csrf pwd pw pin otp totp cvv cvc iban bic ssn bsn passport dob mail mails tel mobile "
    "fax msisdn zip city town initials note notes"
)
_TELLING_NAMES = _words(
    "pass line1 line2 line3 customer consumer buyer recipient addressee shopper contact authorization "
    "proxyauthorization xauthorization session"
)
# "key" is a secret's name unless the word before it says it is the name of a thing.
_KEYS_OF_THINGS = _words(
    "order line item product return idempotency operation sort dedupe dedup primary foreign unique public cache "
    "partition routing translation event lock group natural business object message"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ESCAPED_CHARACTER = re.compile(r"\\+u([0-9a-fA-F]{4})")

# A quoted name and what follows it, at any depth of JSON within JSON: there each quote has 1, 3, 7 … backslashes.
_GAP = r"(?:\s|\\++[nrt])*+"
_QUOTED_NAME = re.compile(
    r"""(?P<quote>["'])(?P<name>(?:[^"'\\]++|(?!(?P=quote))["']|\\++[A-Za-z/])++)(?P<close>\\*+(?P=quote))"""
    rf"{_GAP}(?P<sign>:|=>?|,){_GAP}b?"
)
_QUOTE = re.compile(r"""(?<!\\)(\\*+)(["'])""")
_QUOTE_OR_BRACKET = re.compile(r"""(?<!\\)(\\*+)(["'])|[\[\]{}()]""")
_EMPTY_VALUE = re.compile(r"(?:null|true|false|None|True|False)\b")
_BARE_VALUE = re.compile(r"""[^\s,}\])"'\\]*""")

_HEADER_LINE = re.compile(r"^([ \t]*([A-Za-z][\w-]{0,79})[ \t]*:[ \t]*)(\S.*)$", re.MULTILINE)
_PAIR_NAME = re.compile(r"(?<![\w.%\[\]-])([\w.%\[\]-]{1,200}+)[ \t]*[:=][ \t]*")
_PAIR_VALUE = re.compile(
    r"((?:Bearer|Basic|Digest|Token)[ \t]+)?"
    r"""("(?:[^"\\]|\\.)*+"?|'(?:[^'\\]|\\.)*+'?|(?:[^\s&;"'<>\\]|\\(?!["']))+)""",
    re.IGNORECASE,
)
_ELEMENT = re.compile(
    r"(<(?:[\w-]{1,40}:)?([\w-]{1,80})(?:\s[^<>]{0,400})?>)(<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]+)", re.DOTALL
)
# Each shape is looked for only where one of its marks is in the lower-cased text, which is much cheaper.
_SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    # ChannelEngine repeats the key it was given in the message of its 401.
    (("key is unknown",), re.compile(r"(API key is unknown:?\s*)[\w-]+", re.IGNORECASE), rf"\1{MASK}"),
    (("bearer",), re.compile(r"(\bBearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{MASK}"),
    (("hub_",), re.compile(r"(\bhub_[0-9a-z]{8}_)[\w-]{20,}"), rf"\1{MASK}"),
    (("whsec_", "whsk_"), re.compile(r"(\bwhs(?:ec|k)_)[\w+/=-]{8,}"), rf"\1{MASK}"),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), MASK),
    (("-----begin",), re.compile(r"(-----BEGIN [A-Z ]{0,40}KEY-----).*?(?:-----END|\Z)", re.DOTALL), rf"\1{MASK}"),
    # Who knows the address that a vendor knocks at may knock there.
    (("/knock/",), re.compile(r"(/knock/[0-9a-f-]{36}/)[\w-]{20,}"), rf"\1{MASK}"),
    (("://",), re.compile(r"(://)[^\s/@\"'<>]{1,400}@"), rf"\1{MASK}@"),
    (("@", "%40"), re.compile(r"(?<![\w.+-])[\w.+-]++(?:@|%40)(?:[\w-]++\.)+[^\W\d_]{2,}"), MASK),
    (("+",), re.compile(r"(?<![\w+.])\+[1-9](?:[ ()./-]?\d){7,14}(?!\d)"), MASK),
)

_Clean = Callable[[str], str]
_PLAIN_TYPES = (
    bool,
    int,
    float,
    decimal.Decimal,
    uuid.UUID,
    dt.date,
    dt.time,
    dt.timedelta,
    enum.Enum,
)


class Redactor:
    """A redaction that knows some secrets; make one and use it for many texts.

    Known secrets are found as they are and as they look in URLs, JSON and base64; ones under four characters are not.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _forms(secret)}
        self._known = sorted(forms, key=len, reverse=True)
        self._margin = max(_CUT_MARGIN, *map(len, self._known), 0)

    def text(self, text: str) -> str:
        """Mask secrets and personal data in any text; safe to repeat."""
        text = self._without_known(text.replace("\0", ""))
        lowered = text.lower()
        for marks, shape, replacement in _SHAPES:
            if any(mark in lowered for mark in marks):
                text = shape.sub(replacement, text)
        if "<" in text:
            text = _ELEMENT.sub(_masked_if_telling, text)
        text = _mask_quoted(text)
        return _mask_pairs(_HEADER_LINE.sub(_masked_if_telling, text))

    def json(self, value: object) -> object:
        """Mask the same in decoded JSON, and in structs; what JSON has no type for becomes its masked repr."""
        return _clean(value, self.text, 0)

    def excerpt(self, body: bytes | bytearray, *, limit: int = EXCERPT_BYTES) -> str:
        """Give the masked beginning of a body as text of at most `limit` bytes; `…` marks a cut."""
        window = body[: limit + self._margin]
        text = window.decode("utf-8", "replace")
        if text.count("\ufffd") > len(text) // 8 + 1:
            return f"({len(body)} bytes that are not text)"
        masked = self.text(text).encode("utf-8", "replace")
        if len(window) < len(body):
            masked = masked[: -self._margin] + _CUT_MARK
        if len(masked) > limit:
            masked = masked[: limit - len(_CUT_MARK)] + _CUT_MARK
        return masked.decode("utf-8", "ignore")

    def _without_known(self, text: str) -> str:
        for form in self._known:
            text = text.replace(form, MASK)
        return text


_ANY = Redactor()


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask secrets and personal data in any text: JSON, reprs, headers, forms, URLs, XML, prose."""
    return (Redactor(secrets) if secrets else _ANY).text(text)


def redact_json(value: object, secrets: Iterable[str] = ()) -> object:
    """Mask secrets and personal data in decoded JSON; the given value is not changed."""
    return (Redactor(secrets) if secrets else _ANY).json(value)


def excerpt(body: bytes | bytearray, limit: int = EXCERPT_BYTES, *, secrets: Iterable[str] = ()) -> str:
    """Give the masked beginning of a body as text of at most `limit` bytes, without NUL; `…` marks a cut."""
    return (Redactor(secrets) if secrets else _ANY).excerpt(body, limit=limit)


def redacting_processor(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
    """Mask a log entry; the last structlog processor before the renderer, for our own and foreign records alike.

    An exception that no earlier processor has turned into text is turned into text here, so that it is masked too.
    """
    formatted = structlog.processors.format_exc_info(logger, method_name, event_dict)
    inner = {name: value for name, value in formatted.items() if name.startswith("_")}
    outer = {name: value for name, value in formatted.items() if not name.startswith("_")}
    return {**{name: _clean_entry(name, value, _ANY.text, 0) for name, value in outer.items()}, **inner}


@lru_cache(maxsize=4_096)
def is_telling(name: str) -> bool:
    """Say whether a field of this name holds a secret or personal data."""
    decoded = unquote(_ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), name))
    words = [word.lower() for word in _WORD.findall(decoded)]
    joined = "".join(words)
    if any(part in joined for part in _TELLING_PARTS) or joined in _TELLING_NAMES:
        return True
    if words and words[-1] in {"key", "keys"}:
        return len(words) == 1 or words[-2] not in _KEYS_OF_THINGS
    return not _TELLING_WORDS.isdisjoint(words)


def _forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield from (secret, secret.upper(), secret.lower(), quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="))


def _masked_if_telling(match: re.Match[str]) -> str:
    value, tail = _parted(match[3])
    return match[1] + MASK + tail if value and is_telling(match[2]) else match[0]


def _mask_pairs(text: str) -> str:
    parts: list[str] = []
    done = 0
    for match in _PAIR_NAME.finditer(text):
        if match.start() < done or not is_telling(match[1]):
            continue
        found = _PAIR_VALUE.match(text, match.end())
        if not found:
            continue
        value, tail = _parted(found[2])
        parts += (text[done : match.end()], found[1] or "", MASK if value else "", tail)
        done = found.end()
    return "".join((*parts, text[done:])) if parts else text


def _parted(value: str) -> tuple[str, str]:
    """Part a value from the punctuation of the sentence it ends."""
    kept = value.rstrip("),.]} \t\r\n")
    return kept, value[len(kept) :]


def _mask_quoted(text: str) -> str:
    parts: list[str] = []
    done = at = 0
    while match := _QUOTED_NAME.search(text, at):
        # What closes this text may open the next name: in JSON both look alike, so every pair of quotes is tried.
        at = match.start("close")
        if not _names_a_value(match, text) or _EMPTY_VALUE.match(text, match.end()):
            continue
        end = _value_end(text, match.end())
        parts += (text[done : match.end()], match["close"], MASK, match["close"])
        done = at = end
    return "".join((*parts, text[done:])) if parts else text


def _names_a_value(match: re.Match[str], text: str) -> bool:
    if match["sign"] == ",":  # a pair of a name and a value, as headers look in a repr
        before = text[max(match.start() - 2, 0) : match.start()]
        if not before.removesuffix("b").endswith("("):
            return False
    return is_telling(match["name"])


def _value_end(text: str, start: int) -> int:
    opening = _QUOTE.match(text, start)
    if opening:
        return _string_end(text, opening.end(), run=len(opening[1]), quote=opening[2])
    if text[start : start + 1] in {"{", "[", "("}:
        return _container_end(text, start)
    bare = _BARE_VALUE.match(text, start)
    return bare.end() if bare else start


def _string_end(text: str, start: int, *, run: int, quote: str) -> int:
    for match in _QUOTE.finditer(text, start):
        if match[2] == quote and _closes(len(match[1]), run):
            return match.end()
    return len(text)


def _container_end(text: str, start: int) -> int:
    depth = 0
    inside: tuple[int, str] | None = None
    for match in _QUOTE_OR_BRACKET.finditer(text, start):
        if match[2] and inside is None:
            inside = (len(match[1]), match[2])
        elif match[2] and inside and match[2] == inside[1] and _closes(len(match[1]), inside[0]):
            inside = None
        elif inside is None:
            depth += 1 if match[0] in "[{(" else -1
            if depth == 0:
                return match.end()
    return len(text)


def _closes(run: int, opening_run: int) -> bool:
    # A quote written with n backslashes closes at 2(n+1)k + n of them: k escaped backslashes, then itself.
    return run % (2 * (opening_run + 1)) == opening_run


def _clean_entry(name: object, value: object, clean_text: _Clean, depth: int) -> object:
    if isinstance(name, str) and is_telling(name):
        return value if value is None or isinstance(value, bool) else MASK
    return _clean(value, clean_text, depth)


def _clean(value: object, clean_text: _Clean, depth: int) -> object:
    if value is None or isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bytes | bytearray):
        return clean_text(bytes(value).decode("utf-8", "replace"))
    return _clean_container(value, clean_text, depth + 1) if depth < _DEEPEST else MASK


def _clean_container(value: object, clean_text: _Clean, depth: int) -> object:
    fields = _fields(value)
    if fields is not None:
        return {
            clean_text(name) if isinstance(name, str) else name: _clean_entry(name, item, clean_text, depth)
            for name, item in fields.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item, clean_text, depth) for item in value]
    return clean_text(repr(value))


def _fields(value: object) -> Mapping[object, object] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None
