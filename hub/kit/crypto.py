"""Sealing of secrets at rest, secrets that do not print, and API keys.

A sealed value is an envelope: a data key of its own encrypts the secret, and a master key encrypts the data key.
Both layers are AES-256-GCM and both are bound to the secret's place, so a sealed value copied to another row,
column or table does not open. Layout, version 1::

    1 byte    version
    1 byte    length of the master key's id
    n bytes   master key's id, ASCII
    12 bytes  nonce of the data key       }  replaced by `Keyring.rewrap`
    48 bytes  data key, encrypted         }
    12 bytes  nonce of the secret
    n bytes   secret, encrypted, with 16 bytes of tag
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import NamedTuple, NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.kit.redact import MASK

_VERSION = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_API_KEY = re.compile(r"(hub_[a-z][0-9a-z]{7})_([A-Za-z0-9_-]{43})")
_VISIBLE_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_HASH_KEY = secrets.token_bytes(16)


class CannotOpen(Exception):  # noqa: N818 - the name says the fact
    """A sealed value was damaged, moved from its place, or its master key is not in the keyring.

    The message names the reason and at most a key's id, never key or secret.
    """


class Secret:
    """A text that shows itself only through `reveal`; everywhere else it is `•••`.

    msgspec and pickle refuse it with TypeError, so it enters no response, queue or log by accident.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_utf8(self._text), _utf8(other._text))

    def __hash__(self) -> int:
        digest = hashlib.blake2b(_utf8(self._text), key=_HASH_KEY, digest_size=8).digest()
        return int.from_bytes(digest, "big")

    def __deepcopy__(self, _: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


class Keyring:
    """The master keys: the first one seals, all of them open."""

    def __init__(self, keys: Iterable[tuple[str, bytes]]) -> None:
        entries = list(keys)
        for number, (key_id, key) in enumerate(entries, start=1):
            _check_entry(number, key_id, key)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in entries}
        if not entries or len(self._ciphers) != len(entries):
            raise ValueError("a keyring needs at least one key, each with an id of its own")
        self.current_id = entries[0][0]

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`, the current key first.

        Raises ValueError that names the entry by its number and shows none of its text.
        """
        return cls(_parse_entry(number, entry) for number, entry in enumerate(text.split(","), start=1))

    @staticmethod
    def generate_text() -> str:
        """Make one new key as text; put it with a comma in front of the old text to rotate."""
        key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        return f"k{secrets.token_hex(4)}:{key}"

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt for one place, given as `place` gives it; sealing twice gives two different values."""
        data_key = secrets.token_bytes(_KEY_BYTES)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, plaintext, _bound_secret(context))
        return self._wrap(data_key, context) + nonce + ciphertext

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value sealed for this very place under any key of the ring; raises `CannotOpen`."""
        envelope = _split(sealed)
        data_key = self._unwrap(envelope, context)
        nonce, ciphertext = envelope.payload[:_NONCE_BYTES], envelope.payload[_NONCE_BYTES:]
        try:
            return AESGCM(data_key).decrypt(nonce, ciphertext, _bound_secret(context))
        except InvalidTag:
            raise CannotOpen("the sealed value is damaged") from None

    def rewrap(self, sealed: bytes, context: str) -> bytes:
        """Put the data key under the current master key; the secret itself is not decrypted.

        Safe to repeat: a value already under the current key comes back as it is. Raises `CannotOpen`.
        """
        envelope = _split(sealed)
        if envelope.key_id == self.current_id:
            return sealed
        return self._wrap(self._unwrap(envelope, context), context) + envelope.payload

    def is_current(self, sealed: bytes) -> bool:
        """Say whether a value is under the current master key; older keys may go once all are. Raises `CannotOpen`."""
        return _split(sealed).key_id == self.current_id

    def _wrap(self, data_key: bytes, context: str) -> bytes:
        head = _head(self.current_id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._ciphers[self.current_id].encrypt(nonce, data_key, _bound_key(head, context))

    def _unwrap(self, envelope: "_Envelope", context: str) -> bytes:
        cipher = self._ciphers.get(envelope.key_id)
        if cipher is None:
            raise CannotOpen(f"the keyring has no key {envelope.key_id!r}")
        nonce, wrapped = envelope.wrapped[:_NONCE_BYTES], envelope.wrapped[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, wrapped, _bound_key(_head(envelope.key_id), context))
        except InvalidTag:
            raise CannotOpen("the sealed value is damaged or was sealed for another place") from None


def place(table: str, column: str, row_id: object) -> str:
    """Name the place a secret is sealed for; raises ValueError if two places could share the name."""
    parts = (table, column, str(row_id))
    if any(not part or "/" in part for part in parts):
        raise ValueError("table, column and row id are each needed and hold no slash")
    return "/".join(parts)


class NewKey(NamedTuple):
    """A fresh API key: the text shown once, the visible part to find it by, the digest to keep."""

    plain: Secret
    prefix: str
    digest: bytes


def new_key(kind: str) -> NewKey:
    """Make an API key `hub_<8 visible>_<43>`; the first visible character is the kind's, a-z.

    Only prefix and digest are stored. The secret part has 256 random bits, so a plain SHA-256 protects it.
    """
    initial = kind[:1]
    if not ("a" <= initial <= "z"):
        raise ValueError("a kind of key begins with a small letter")
    prefix = f"hub_{initial}" + "".join(secrets.choice(_VISIBLE_ALPHABET) for _ in range(7))
    secret = secrets.token_urlsafe(_KEY_BYTES)
    return NewKey(plain=Secret(f"{prefix}_{secret}"), prefix=prefix, digest=digest(secret))


def split(plain: str) -> tuple[str, str] | None:
    """Part an API key into prefix, as `new_key` gives it, and secret; None if it is no key of ours."""
    match = _API_KEY.fullmatch(plain)
    return (match[1], match[2]) if match else None


def digest(secret: str) -> bytes:
    """Give the SHA-256 that is stored in place of an API key's secret part."""
    return hashlib.sha256(_utf8(secret)).digest()


def matches(secret: str, stored_digest: bytes) -> bool:
    """Compare an API key's secret part with a stored digest, in constant time."""
    return hmac.compare_digest(digest(secret), stored_digest)


class _Envelope(NamedTuple):
    key_id: str
    wrapped: bytes
    payload: bytes


def _split(sealed: bytes) -> _Envelope:
    if len(sealed) < 2:  # noqa: PLR2004 - version and length, the two bytes of the layout
        raise CannotOpen("the sealed value is cut off")
    if sealed[0] != _VERSION:
        raise CannotOpen("the sealed value is of an unknown version")
    start = 2 + sealed[1]
    end = start + _WRAPPED_BYTES
    if len(sealed) < end + _NONCE_BYTES + _TAG_BYTES:
        raise CannotOpen("the sealed value is cut off")
    key_id = sealed[2:start].decode("ascii", "replace")
    if not _KEY_ID.fullmatch(key_id):
        raise CannotOpen("the sealed value is damaged")
    return _Envelope(key_id, sealed[start:end], sealed[end:])


def _head(key_id: str) -> bytes:
    return bytes((_VERSION, len(key_id))) + key_id.encode("ascii")


# The two layers say which they are, so that neither can stand in for the other.
def _bound_key(head: bytes, context: str) -> bytes:
    return b"key\0" + head + _context_bytes(context)


def _bound_secret(context: str) -> bytes:
    return b"secret\0" + bytes((_VERSION,)) + _context_bytes(context)


def _context_bytes(context: str) -> bytes:
    if not context:
        raise ValueError("a secret is sealed for a place, not for nowhere")
    return _utf8(context)


def _utf8(text: str) -> bytes:
    # Lone surrogates can come out of JSON; they must compare, not crash.
    return text.encode("utf-8", "surrogatepass")


def _parse_entry(number: int, entry: str) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.strip().partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not colon or len(key) != _KEY_BYTES:
        raise ValueError(f"entry {number} of the keyring is not id:base64 of {_KEY_BYTES} bytes")
    return key_id, key


def _check_entry(number: int, key_id: str, key: bytes) -> None:
    if not _KEY_ID.fullmatch(key_id):
        raise ValueError(f"entry {number} of the keyring needs an id of 1 to 32 letters, digits, - or _")
    if len(key) != _KEY_BYTES:
        raise ValueError(f"entry {number} of the keyring is not a key of {_KEY_BYTES} bytes")
