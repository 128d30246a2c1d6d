import base64
import copy
import json
import pickle
import secrets as random_source

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.crypto import CannotOpen, Keyring, Secret, digest, matches, new_key, place, split
from hub.kit.redact import MASK

CANARY = "canary-7f3a-9c1e"
HERE = place("connection", "secrets", 41)
KEY_TEXT = f"hub_a1234567_{43 * 'A'}"
RING = Keyring.parse(Keyring.generate_text())


# -- sealing


@given(st.binary(max_size=2_000), st.text(min_size=1, max_size=60))
def test_a_sealed_value_opens_at_its_own_place(plaintext: bytes, context: str) -> None:
    assert RING.open(RING.seal(plaintext, context), context) == plaintext


def test_a_sealed_value_moved_to_another_place_does_not_open() -> None:
    sealed = RING.seal(CANARY.encode(), HERE)
    for elsewhere in ("connection/secrets/42", "connection/notes/41", "tenant/secrets/41"):
        with pytest.raises(CannotOpen):
            RING.open(sealed, elsewhere)


def test_every_flipped_bit_and_every_cut_is_found() -> None:
    sealed = RING.seal(b"0123", HERE)
    for place_of_bit in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[place_of_bit // 8] ^= 1 << place_of_bit % 8
        with pytest.raises(CannotOpen):
            RING.open(bytes(damaged), HERE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            RING.open(sealed[:length], HERE)


def test_half_of_one_envelope_does_not_fit_half_of_another() -> None:
    one, other = RING.seal(b"one!", HERE), RING.seal(b"two!", HERE)
    middle = len(one) - 12 - 4 - 16
    with pytest.raises(CannotOpen):
        RING.open(one[:middle] + other[middle:], HERE)


def test_sealing_twice_gives_different_values_that_hold_no_plaintext() -> None:
    one, two = RING.seal(CANARY.encode(), HERE), RING.seal(CANARY.encode(), HERE)
    assert one != two
    assert CANARY.encode() not in one
    assert one[0] == 1


def test_the_layout_of_version_one_is_fixed() -> None:
    key = bytes(range(32))
    head = b"\x01\x02k1"
    data_key, first, second = b"D" * 32, b"n" * 12, b"m" * 12
    wrapped = AESGCM(key).encrypt(first, data_key, b"key\0" + head + HERE.encode())
    payload = AESGCM(data_key).encrypt(second, b"stored long ago", b"secret\0\x01" + HERE.encode())
    assert Keyring([("k1", key)]).open(head + first + wrapped + second + payload, HERE) == b"stored long ago"


def test_a_rotated_ring_opens_old_values_and_rewraps_them_without_touching_the_payload() -> None:
    old_text = Keyring.generate_text()
    old = Keyring.parse(old_text)
    sealed = old.seal(CANARY.encode(), HERE)
    rotated = Keyring.parse(Keyring.generate_text() + ",\n " + old_text)
    assert rotated.open(sealed, HERE) == CANARY.encode()
    assert not rotated.is_current(sealed)

    rewrapped = rotated.rewrap(sealed, HERE)
    assert rotated.is_current(rewrapped)
    assert rotated.open(rewrapped, HERE) == CANARY.encode()
    assert rewrapped[-(12 + len(CANARY) + 16) :] == sealed[-(12 + len(CANARY) + 16) :]
    assert rotated.rewrap(rewrapped, HERE) is rewrapped
    with pytest.raises(CannotOpen, match="no key"):
        old.open(rewrapped, HERE)
    with pytest.raises(CannotOpen):
        rotated.rewrap(sealed, place("connection", "secrets", 42))


def test_a_new_key_under_an_old_id_does_not_open_old_values() -> None:
    sealed = Keyring([("k1", b"a" * 32)]).seal(b"x", HERE)
    with pytest.raises(CannotOpen):
        Keyring([("k1", b"b" * 32)]).open(sealed, HERE)


def test_a_failure_to_open_shows_neither_key_nor_secret() -> None:
    key = random_source.token_bytes(32)
    ring = Keyring([("main", key)])
    with pytest.raises(CannotOpen) as caught:
        ring.open(ring.seal(CANARY.encode(), HERE), "elsewhere")
    shown = f"{caught.value!r} {ring!r} {ring}"
    assert CANARY not in shown
    assert base64.b64encode(key).decode() not in shown
    assert caught.value.__suppress_context__
    assert repr(ring) == "Keyring(main)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        CANARY,
        f"{CANARY}:",
        f"a:{CANARY}",
        "a:" + base64.b64encode(b"x" * 16).decode(),
        "a:" + base64.b64encode(b"x" * 32).decode() + ",",
        f"{CANARY} {CANARY}:" + base64.b64encode(b"x" * 32).decode(),
        ",".join(["a:" + base64.b64encode(b"x" * 32).decode()] * 2),
    ],
)
def test_a_bad_keyring_text_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="keyring") as caught:
        Keyring.parse(text)
    assert CANARY not in str(caught.value)
    assert "eHh4" not in str(caught.value)


def test_a_key_of_the_wrong_length_or_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring([("a", b"short")])
    with pytest.raises(ValueError, match="at least one"):
        Keyring([])


def test_a_place_cannot_be_written_two_ways() -> None:
    assert HERE == "connection/secrets/41"
    for parts in (("a/b", "c", "1"), ("a", "b/c", "1"), ("a", "b", "1/2"), ("", "b", "1"), ("a", "b", "")):
        with pytest.raises(ValueError, match="slash"):
            place(*parts)
    with pytest.raises(ValueError, match="nowhere"):
        RING.seal(b"x", "")


# -- secrets that do not print


def test_a_secret_never_prints_itself() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>40}",
        f"{secret!r}",
        "%s" % secret,  # noqa: UP031 - the old way must be masked too
        repr({"a": [secret]}),
    ]
    assert all(CANARY not in text and MASK in text for text in shown)
    assert secret.reveal() == CANARY
    assert json.dumps(secret, default=str) == json.dumps(MASK)


class Holder(msgspec.Struct):
    secret: Secret


@pytest.mark.parametrize(
    "value", [Secret(CANARY), {"a": [Secret(CANARY)]}, Holder(Secret(CANARY)), {Secret(CANARY): 1}]
)
def test_msgspec_refuses_to_encode_a_secret(value: object) -> None:
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            encode(value)
        assert CANARY not in str(caught.value)


def test_a_secret_is_not_pickled_and_copies_are_the_same_object() -> None:
    secret = Secret(CANARY)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(secret)
    assert copy.deepcopy(secret) is secret
    assert not hasattr(secret, "__dict__")


@given(st.text(), st.text())
def test_secrets_are_equal_exactly_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert bool(Secret(one)) is bool(one)


def test_a_secret_does_not_equal_its_text_and_bears_lone_surrogates() -> None:
    assert Secret(CANARY) != CANARY
    assert {Secret("\ud800"): 1}[Secret("\ud800")] == 1


# -- API keys


def test_an_api_key_shows_its_prefix_and_matches_only_its_digest() -> None:
    key = new_key("account")
    parts = split(key.plain.reveal())
    assert parts is not None
    prefix, secret = parts
    assert prefix == key.prefix
    assert (len(prefix), len(secret), prefix[:5]) == (12, 43, "hub_a")
    assert matches(secret, key.digest)
    assert not matches(secret, new_key("account").digest)
    assert not matches(secret[:-1] + ("A" if secret[-1] != "A" else "B"), key.digest)
    assert secret not in repr(key)
    assert digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_api_keys_with_dashes_and_underscores_in_their_secret_part_are_parted_rightly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(random_source, "token_urlsafe", lambda _: "_-" * 21 + "_")
    key = new_key("partner")
    assert split(key.plain.reveal()) == (key.prefix, "_-" * 21 + "_")


@pytest.mark.parametrize("key_text", ["", "hub_", "hub_a1234567_short", f"HUB_a1234567_{43 * 'A'}", KEY_TEXT + "\n"])
def test_what_is_no_api_key_is_not_parted(key_text: str) -> None:
    assert split(KEY_TEXT) is not None
    assert split(key_text) is None


@pytest.mark.parametrize("kind", ["", "Account", "9", "é"])
def test_a_kind_of_key_begins_with_a_small_letter(kind: str) -> None:
    with pytest.raises(ValueError, match="small letter"):
        new_key(kind)
