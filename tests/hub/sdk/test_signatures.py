"""Signatures of hooks, by the test vectors of RFC 4231, and what proves nothing."""

import base64
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.sdk import Hook, Secret, hmac_base64, hmac_hex, same, standard_webhook

# RFC 4231, test case 2.
KEY, BODY = Secret("Jefe"), b"what do ya want for nothing?"
SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
SHA512 = (
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
)
IN_BASE64 = base64.b64encode(bytes.fromhex(SHA256)).decode()
OTHER = Secret("another secret")


def test_the_published_vectors_are_matched() -> None:
    assert hmac_hex(BODY, SHA256, [KEY])
    assert hmac_hex(BODY, SHA256.upper(), [KEY])
    assert hmac_hex(BODY, SHA512, [KEY], "sha512")
    assert hmac_base64(BODY, IN_BASE64, [KEY])
    assert hmac_base64(BODY, IN_BASE64.rstrip("="), [KEY]), "some vendors leave the padding out"


def test_one_of_several_secrets_is_enough_and_another_is_not() -> None:
    assert hmac_base64(BODY, IN_BASE64, [OTHER, KEY])
    assert not hmac_base64(BODY, IN_BASE64, [OTHER])
    assert not hmac_base64(BODY, IN_BASE64, [])
    assert not hmac_base64(BODY + b" ", IN_BASE64, [KEY])


@pytest.mark.parametrize("given", [None, "", "=", "é", "AAAA", IN_BASE64[:-5], "x" * 100_000])
def test_what_is_no_signature_proves_nothing_and_raises_nothing(given: str | None) -> None:
    assert not hmac_base64(BODY, given, [KEY])
    assert not hmac_hex(BODY, given, [KEY])
    assert not same(given, [KEY])


def test_a_token_is_the_secret_itself() -> None:
    assert same("Jefe", [OTHER, KEY])
    assert not same("jefe", [OTHER, KEY])


# The vector that the libraries of Standard Webhooks are tested with.
WHSEC = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
AT = datetime.fromtimestamp(1614265330, UTC)
STANDARD = Hook(
    headers={
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE,
    },
    body=b'{"test": 2432232314}',
    now=AT,
)  # fmt: skip
FOREIGN = Secret("whsec_c2FuZGJveC1vZi1zaGlwYm9iLWhvb2tz")


def _with(**headers: str) -> Hook:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return msgspec.structs.replace(STANDARD, headers={**STANDARD.headers, **changed})


def test_the_published_vector_of_standard_webhooks_is_matched() -> None:
    assert standard_webhook(STANDARD, [WHSEC])
    assert standard_webhook(STANDARD, [FOREIGN, WHSEC])
    assert standard_webhook(_with(webhook_signature=SIGNATURE.rstrip("=")), [WHSEC]), "some leave the padding out"
    assert standard_webhook(_with(webhook_signature=f"v1,AAAA v1a,AAAA {SIGNATURE}"), [WHSEC]), "during a rotation"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_hook_within_the_tolerance_is_believed(seconds: int) -> None:
    assert standard_webhook(msgspec.structs.replace(STANDARD, now=AT + timedelta(seconds=seconds)), [WHSEC])


@pytest.mark.parametrize(
    "hook",
    [
        msgspec.structs.replace(STANDARD, now=AT + timedelta(seconds=301)),
        msgspec.structs.replace(STANDARD, now=AT - timedelta(seconds=301)),
        msgspec.structs.replace(STANDARD, body=STANDARD.body + b" "),
        msgspec.structs.replace(STANDARD, headers={}),
        _with(webhook_id="msg_another"),
        _with(webhook_id=""),
        _with(webhook_timestamp="1614265331"),
        _with(webhook_timestamp="\u0661"),
        _with(webhook_timestamp="9" * 10_000),
        _with(webhook_signature=""),
        _with(webhook_signature="v1,"),
        _with(webhook_signature="v1,\u00e9"),
        _with(webhook_signature=SIGNATURE.removeprefix("v1,")),
        _with(webhook_signature=SIGNATURE.replace("v1,", "v2,")),
    ],
)
def test_what_is_late_changed_or_unsigned_is_not_believed(hook: Hook) -> None:
    assert not standard_webhook(hook, [WHSEC])


def test_a_secret_that_is_another_or_none_signs_nothing() -> None:
    assert not standard_webhook(STANDARD, [FOREIGN])
    assert not standard_webhook(STANDARD, [])
    assert not standard_webhook(STANDARD, [Secret("whsec_"), Secret("whsec_\u00e9")])
