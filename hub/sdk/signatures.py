"""Signatures of hooks: made over the raw bytes and compared as bytes, in constant time."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable

from hub.sdk.secret import Secret
from hub.sdk.wms import Hook

# How far the clocks of a vendor and of the hub may be apart, by the published specification of Standard Webhooks.
TOLERANCE_SECONDS = 300
# No time of the next thirty thousand years has more digits, and no text without end is made a number.
LONGEST_STAMP = 12


def hmac_base64(body: bytes, given: str | None, secrets: Iterable[Secret], algorithm: str = "sha256") -> bool:
    """Say whether a base64 text is the HMAC of these bytes by one of the secrets; nothing given proves nothing."""
    return _matches(body, given, secrets, algorithm, _from_base64)


def hmac_hex(body: bytes, given: str | None, secrets: Iterable[Secret], algorithm: str = "sha256") -> bool:
    """Say whether a hexadecimal text is the HMAC of these bytes by one of the secrets."""
    return _matches(body, given, secrets, algorithm, bytes.fromhex)


def standard_webhook(hook: Hook, secrets: Iterable[Secret]) -> bool:
    """Say whether a hook was signed as Standard Webhooks says, by one of the secrets and within five minutes.

    A secret is `whsec_` and its key in base64; a header may hold several signatures, each after its version.
    """
    identity, sent_at = hook.headers.get("webhook-id", ""), hook.headers.get("webhook-timestamp", "")
    if not identity or not (sent_at.isascii() and sent_at.isdecimal()) or len(sent_at) > LONGEST_STAMP:
        return False
    if abs(hook.now.timestamp() - int(sent_at)) > TOLERANCE_SECONDS:
        return False
    signed = f"{identity}.{sent_at}.".encode() + hook.body
    made = [hmac.digest(key, signed, hashlib.sha256) for key in _keys(secrets)]
    given = [_bytes(each.removeprefix("v1,")) for each in hook.headers.get("webhook-signature", "").split()
             if each.startswith("v1,")]  # fmt: skip
    return any(hmac.compare_digest(claimed, each) for claimed in given for each in made)


def _keys(secrets: Iterable[Secret]) -> list[bytes]:
    # An empty key signs what anybody can sign.
    return [key for key in (_bytes(each.reveal().removeprefix("whsec_")) for each in secrets) if key]


def _bytes(text: str) -> bytes:
    try:
        return _from_base64(text)
    except (ValueError, binascii.Error):
        return b""


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
