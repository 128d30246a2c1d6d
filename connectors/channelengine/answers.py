"""The envelope around everything that ChannelEngine answers, and how it is read.

What comes in is read leniently: unknown fields are ignored, nearly every field may be null, and a number may come as
a text. What goes out (`bodies`) is written strictly.
"""

import re
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

PAGE_SIZE = 100
LONGEST_WORDS = 500
UNAUTHORIZED = 401


class Unreadable(ValueError):  # noqa: N818 - it states a fact about the answer
    """What came is not what ChannelEngine documents; the message says where, without any value of it."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The root of what ChannelEngine says."""


class Answer(Vendor, frozen=True, kw_only=True):
    """The envelope of every answer, and all there is of the answer to a write."""

    status_code: int | None = None
    success: bool | None = None
    message: str | None = None
    validation_errors: Any = None


class Single(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of one object."""

    content: T | None = None


class Collection(Answer, Generic[T], frozen=True, kw_only=True):
    """The envelope of one page."""

    content: list[T] | None = None
    total_count: int | None = None
    items_per_page: int | None = None

    @property
    def size(self) -> int:
        """How many elements a full page has; 100 is documented, and a larger claim is not believed."""
        claimed = self.items_per_page or 0
        return claimed if 0 < claimed < PAGE_SIZE else PAGE_SIZE


# An escaped backslash, a whole surrogate pair, or half a pair; only the last is no character.
_ESCAPES = re.compile(rb"\\\\|\\u[dD][89aAbB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_KEY_LIKE = re.compile(r"[0-9a-fA-F]{32,}")


def decode(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Read JSON; raises `Unreadable`.

    .NET can cut a comment in the middle of a character; the half is replaced, for it would spoil its whole page.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except msgspec.ValidationError as fault:
        raise Unreadable(str(fault)) from fault
    except (ValueError, RecursionError):
        return _decode_mended(bytes(body), kind)


def _decode_mended(body: bytes, kind: type[T]) -> T:
    mended = _ESCAPES.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
    try:
        return msgspec.json.decode(mended, type=kind, strict=False)
    except UnicodeDecodeError as fault:
        raise Unreadable("A text is not UTF-8") from fault
    except (ValueError, RecursionError) as fault:
        raise Unreadable(str(fault)) from fault


def explain(status: int, body: bytes, secret: str) -> tuple[int, str]:
    """Return what an answer really says: its status and the vendor's words, fit to be shown.

    `Success: false` counts, whatever HTTP says. Raises `Unreadable` for what is not ChannelEngine's JSON: a proxy or a
    page for people during maintenance, whose status means nothing.
    """
    answer = decode(body, Answer)
    if status < 300 and answer.success is False:  # noqa: PLR2004 - only a success can be taken back
        status = max(answer.status_code or 0, 400)
    # Of a refused key ChannelEngine says which key it was.
    return status, "" if status == UNAUTHORIZED else _complaint(answer, secret)


def _complaint(answer: Answer, secret: str) -> str:
    found = answer.validation_errors
    entries = found.items() if isinstance(found, dict) else ()
    said = "; ".join(f"{field}: {_joined(texts)}" for field, texts in entries) or answer.message or ""
    return shown(said, secret)


def _joined(texts: object) -> str:
    return ", ".join(map(str, texts)) if isinstance(texts, list) else str(texts)


def shown(said: str, secret: str) -> str:
    """Return the vendor's words without the key, which some of its messages repeat, and without addresses."""
    said = said.replace(secret, "[key]") if secret else said
    said = _EMAIL.sub("[address]", _KEY_LIKE.sub("[key]", said))
    return " ".join(said.replace("\0", "").split())[:LONGEST_WORDS]
