"""Signatures of hooks, by the test vectors of RFC 4231, and what proves nothing."""

import base64

import pytest

from hub.sdk import Secret, hmac_base64, hmac_hex, same

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
