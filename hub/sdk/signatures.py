"""Signatures of hooks: made over the raw bytes and compared as bytes, in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable

from hub.sdk.secret import Secret


def hmac_base64(body: bytes, given: str | None, secrets: Iterable[Secret], algorithm: str = "sha256") -> bool:
    """Say whether a base64 text is the HMAC of these bytes by one of the secrets; nothing given proves nothing."""
    return _matches(body, given, secrets, algorithm, _from_base64)


def hmac_hex(body: bytes, given: str | None, secrets: Iterable[Secret], algorithm: str = "sha256") -> bool:
    """Say whether a hexadecimal text is the HMAC of these bytes by one of the secrets."""
    return _matches(body, given, secrets, algorithm, bytes.fromhex)


def same(given: str | None, secrets: Iterable[Secret]) -> bool:
    """Say whether a text is one of the secrets, in constant time."""
    return bool(given) and any(hmac.compare_digest(str(given).encode(), each.reveal().encode()) for each in secrets)


def _matches(
    body: bytes, given: str | None, secrets: Iterable[Secret], algorithm: str, decode: Callable[[str], bytes]
) -> bool:
    try:
        claimed = decode((given or "").strip())
    except (ValueError, binascii.Error):
        return False
    made = [hmac.digest(each.reveal().encode(), body, getattr(hashlib, algorithm)) for each in secrets]
    return any(hmac.compare_digest(claimed, each) for each in made)


def _from_base64(text: str) -> bytes:
    # Some vendors leave the padding out.
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
