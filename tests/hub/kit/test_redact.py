import base64
import datetime as dt
import json
import logging
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.redact import MASK, Redactor, excerpt, is_telling, redact, redact_json, redacting_processor

CANARY = "canary-7f3a-9c1e"
TELLING = [
    "key", "Key", "token", "access_token", "secret", "clientSecret", "password", "Authorization", "apikey", "apiKey",
    "api_key", "X-CE-KEY", "x_api_key", "email", "customerEmail", "e-mail", "phone", "PhoneNumber", "shipping_address",
    "BillingAddress", "StreetName", "HouseNr", "ZipCode", "city", "Line1", "firstName", "LAST_NAME", "Set-Cookie",
    "webhook_signature", "iban", "customer",
]  # fmt: skip
PLAIN = [
    "order", "orderNo", "MerchantOrderNo", "sku", "keyboard", "monkey", "order_key", "idempotency_key", "operationKey",
    "reason", "status", "productName", "name", "quantity", "lines", "keys_total", "return_authorization_number",
]  # fmt: skip

names = st.sampled_from(TELLING)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
trees = st.recursive(
    leaves,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)


@st.composite
def planted(draw: st.DrawFn) -> object:
    """A tree with the canary somewhere below a telling name: as a value, in a longer text, as a name, deeper down."""
    hidden: object = draw(
        st.sampled_from([CANARY, f'x "{CANARY}" \\', f"{CANARY}'s", {CANARY: 1}, [CANARY], {"a": [1, {"b": CANARY}]}])
    )
    tree: object = {**draw(st.dictionaries(st.text(max_size=8), trees, max_size=3)), draw(names): hidden}
    for _ in range(draw(st.integers(0, 3))):
        around: list[object] = [[tree], [1, tree, "x"], {"data": tree, "z": 'say "hi": \\'}, {"'": tree, "a:": ":"}]
        tree = draw(st.sampled_from(around))
    return tree


def is_clean(text: str) -> bool:
    return "canary" not in text and "-7f3a" not in text


@pytest.mark.parametrize("name", TELLING)
def test_a_telling_name_is_known_in_every_spelling(name: str) -> None:
    assert is_telling(name)


@pytest.mark.parametrize("name", PLAIN)
def test_an_ordinary_name_is_not_telling(name: str) -> None:
    assert not is_telling(name)


@given(planted())
def test_a_canary_below_a_telling_name_does_not_survive_in_decoded_json(tree: object) -> None:
    assert is_clean(repr(redact_json(tree)))


styles = st.sampled_from([{"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])


@given(planted(), styles, st.integers(0, 3))
def test_a_canary_below_a_telling_name_does_not_survive_in_json_text_at_any_depth(
    tree: object, style: dict[str, Any], depth: int
) -> None:
    text = json.dumps(tree, **style)
    for _ in range(depth):
        text = json.dumps({"Message": f"vendor said {text}", "n": [1, text]}, **style)
    assert is_clean(redact(text))
    assert is_clean(redact(f'5" pipe: it\'s {text} and "more'))


@given(planted())
def test_a_canary_below_a_telling_name_does_not_survive_in_a_python_repr(tree: object) -> None:
    assert is_clean(redact(repr(tree)))


@given(planted(), st.data())
def test_no_cut_through_json_lets_a_piece_of_the_canary_out(tree: object, data: st.DataObject) -> None:
    text = json.dumps({"a": "b", "tree": json.dumps(tree)})
    cut = redact(text[: data.draw(st.integers(0, len(text)))])
    assert not any(CANARY[:length] in cut for length in range(4, len(CANARY)))


@given(planted())
def test_redacting_twice_changes_nothing_more(tree: object) -> None:
    once = redact(json.dumps(tree))
    assert redact(once) == once


@given(trees)
def test_redacted_json_text_is_still_json(tree: object) -> None:
    json.loads(redact(json.dumps({"a": tree, "token": tree})))


skus = st.from_regex(r"[A-Z]{1,4}[-/][0-9]{1,9}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(PLAIN), st.integers() | skus))
def test_order_numbers_and_skus_under_ordinary_names_are_unchanged(values: dict[str, int | str]) -> None:
    assert redact(json.dumps(values)) == json.dumps(values)
    assert redact(repr(values)) == repr(values)
    assert redact(urlencode(values)) == urlencode(values)
    assert redact_json(values) == values


@given(st.text())
def test_any_text_can_be_redacted(text: str) -> None:
    assert "\0" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "ORD-2026-000123 R7K3Q9ZD4AM SKU-TSHIRT-M/42 8712345678906 CE-100045",
        "return 4711 of order 302-1234567-1234567: 2 x T-shirt M, 19.95 EUR, reason SIZE",
        "2026-03-02T09:20:44.1234567+0200 status 409 after 1520 ms",
        "https://demo.channelengine.net/api/v2/returns?statuses=IN_PROGRESS&fromDate=2026-03-02T00:00:00Z",
        '{"MerchantOrderNo": "A-1", "Lines": [{"MerchantProductNo": "SKU 1", "Quantity": 2, "ok": true}], "x": null}',
        '{"order_key": "K-1", "token": null, "password": false}',
        "idempotency_key=0192f3c1-7d4c-7e51-a9c6-000000000001&page=2",
        "Content-Type: application/json\nX-RateLimit-Remaining: 12",
        "Object missing required field `token` - at `$.lines[0]`",
        "<Return><OrderNo>A-1</OrderNo><Qty>2</Qty></Return>",
        "git@main 1+1=2 +49 a@b",
    ],
)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"X-CE-KEY: {CANARY} and more\r\nHost: a", f"X-CE-KEY: {MASK}\r\nHost: a"),
        (f"GET /v2/returns?apikey={CANARY}&page=2 HTTP/1.1", f"GET /v2/returns?apikey={MASK}&page=2 HTTP/1.1"),
        (f"api%5Fkey={CANARY}&x=1", f"api%5Fkey={MASK}&x=1"),
        (f"user[password]={CANARY}", f"user[password]={MASK}"),
        (f"sent Authorization: Basic {CANARY} to a", f"sent Authorization: Basic {MASK} to a"),
        (f"Bearer {CANARY} was refused", f"Bearer {MASK} was refused"),
        (f"password = '{CANARY} x' ok", f"password = {MASK} ok"),
        (f"Client(token={CANARY}), next", f"Client(token={MASK}), next"),
        (f'{{"token": "{CANARY}\\\\", "b": "x"}}', f'{{"token": "{MASK}", "b": "x"}}'),
        (f'{{"token": "a\\" {CANARY}", "b": "x"}}', f'{{"token": "{MASK}", "b": "x"}}'),
        (f'"{{\\"token\\": \\"{CANARY}\\\\\\\\\\", \\"b\\": 1}}"', f'"{{\\"token\\": \\"{MASK}\\", \\"b\\": 1}}"'),
        (f'5" pipe {{":token":"{CANARY}","y":2}}', f'5" pipe {{":token":"{MASK}","y":2}}'),
        (f'{{"x":":","token":{{"a":"}}","b":["{CANARY}"]}},"y":2}}', f'{{"x":":","token":"{MASK}","y":2}}'),
        (f"for 10: 'refused token={CANARY}'", f"for 10: 'refused token={MASK}'"),
        (f"a=b=key={CANARY}", f"a=b=key={MASK}"),
        (f"x: token ={CANARY}", f"x: token ={MASK}"),
        (f"{{'token': '{CANARY}'}}", f"{{'token': '{MASK}'}}"),
        (f"[(b'X-CE-KEY', b'{CANARY}'), (b'a', b'b')]", f"[(b'X-CE-KEY', b'{MASK}'), (b'a', b'b')]"),
        (f'{{"pin": 1234, "city": {{"a": "{CANARY}"}}, "z": 1}}', f'{{"pin": "{MASK}", "city": "{MASK}", "z": 1}}'),
        (f'{{"to\\u006ben": "{CANARY}"}}', f'{{"to\\u006ben": "{MASK}"}}'),
        (f"<soap:Password>{CANARY}</soap:Password>", f"<soap:Password>{MASK}</soap:Password>"),
        (f"<Token><![CDATA[{CANARY}]]></Token>", f"<Token>{MASK}</Token>"),
        (f"<Token>{CANARY}", f"<Token>{MASK}"),
        ("postgres://hub:pa55@db:5432/x", f"postgres://{MASK}@db:5432/x"),
        ("mail jan.de-vries+x@example.co.uk now", f"mail {MASK} now"),
        ("?q=jan%40example.com", f"?q={MASK}"),
        ("call +31 6 1234 5678.", f"call {MASK}."),
        (f"key hub_a1234567_{43 * 'A'}", f"key hub_a1234567_{MASK}"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"whsec_{MASK}"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", f"jwt {MASK}"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n", f"-----BEGIN PRIVATE KEY-----{MASK}"),
    ],
)
def test_a_value_is_masked_where_it_stands_and_nothing_else(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_the_key_that_channelengine_repeats_in_its_401_is_masked() -> None:
    # documented in ChannelEngine's help: the body of a call with a key of another tenant
    body = b'{"StatusCode":401,"LogId":null,"Success":false,"Message":"API key is unknown: %s"}' % (b"0a1b2c3d" * 5)
    assert "0a1b2c3d" not in excerpt(body)
    assert '"StatusCode":401' in excerpt(body)
    assert MASK in excerpt(body)


@pytest.mark.parametrize("secret", ["s3cr3t/with+signs&=", 'quo"te\\back', "Ünïcode-gehéim", "plain-secret-value"])
def test_a_known_secret_is_found_in_every_form_it_travels_in(secret: str) -> None:
    forms = [
        secret,
        f"https://host/hooks/{quote(secret, safe='')}/end",
        urlencode({"q": secret}),
        json.dumps({"note": secret}),
        json.dumps({"note": secret}, ensure_ascii=False),
        repr({"note": secret}),
        base64.b64encode(secret.encode()).decode(),
        secret.upper(),
    ]
    for form in forms:
        masked = redact(form, [secret])
        assert MASK in masked
        assert secret not in masked
        assert len(masked) < len(form)


def test_a_known_secret_is_masked_in_decoded_json_too_and_as_a_name() -> None:
    assert redact_json({CANARY: [f"<{CANARY}>"]}, [CANARY]) == {MASK: [f"<{MASK}>"]}


def test_the_longer_of_two_known_secrets_goes_first() -> None:
    assert redact("abcd-efgh", ["abcd", "abcd-efgh"]) == MASK


def test_a_very_short_known_secret_does_not_blacken_everything() -> None:
    assert redact("a return of a shirt", ["a", ""]) == "a return of a shirt"


class Login(msgspec.Struct):
    user: str
    password: str


@dataclass
class Buyer:
    email: str
    order: int


class Odd:
    def __repr__(self) -> str:
        return f"<Odd token={CANARY}>"


def test_structs_dataclasses_bytes_and_strange_objects_are_masked() -> None:
    value = {"a": Login("bob", CANARY), "b": Buyer(CANARY, 7), "c": Odd(), "d": f"token={CANARY}".encode()}
    assert redact_json(value) == {
        "a": {"user": "bob", "password": MASK},
        "b": {"email": MASK, "order": 7},
        "c": f"<Odd token={MASK}>",
        "d": f"token={MASK}",
    }


def test_numbers_dates_and_ids_pass_as_they_are() -> None:
    value = {"a": 1, "b": Decimal("1.10"), "c": dt.date(2026, 3, 2), "d": UUID(int=7), "e": 1.5, "f": [None, True]}
    assert redact_json(value) == value


def test_something_nested_without_end_is_masked_below_a_depth() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert MASK in repr(redact_json(loop))


# -- excerpts


def test_a_short_body_is_kept_whole_and_without_nul() -> None:
    assert excerpt(b'{"a\0": "b"}') == '{"a": "b"}'
    assert excerpt("é".encode() * 2_048) == "é" * 2_048


@pytest.mark.parametrize("size", [500, 2_048, 4_096, 4_097, 5_000, 100_000])
@pytest.mark.parametrize("character", ["x ", "é", "•", "\N{PACKAGE}"])
def test_an_excerpt_is_never_longer_than_its_limit_and_marks_the_cut(size: int, character: str) -> None:
    body = (character * size).encode()
    text = excerpt(body)
    assert len(text.encode()) <= 4_096
    assert len(text.encode()) > min(len(body), 4_096) - 8
    assert text.endswith("…") is (len(body) > 4_096)


@given(st.integers(0, 700), st.sampled_from([CANARY, "canary-" * 60, "jan.canary-7f3a@example.com"]))
def test_a_secret_that_a_cut_goes_through_leaves_no_piece(before: int, secret: str) -> None:
    # the words before are much shorter when masked, which pulls the end of the window into sight
    body = ("token=" + "z" * 300 + " ") * 2 + "x " * (before // 2) + secret + " tail" * 400
    text = Redactor([secret]).excerpt(body.encode(), limit=300)
    assert "canary" not in text
    assert "jan." not in text


def test_a_body_that_is_not_text_is_only_measured() -> None:
    pdf = b"%PDF-1.7\n" + bytes(range(128, 256)) * 40
    assert excerpt(pdf) == f"({len(pdf)} bytes that are not text)"


def test_ten_megabytes_cost_no_more_than_their_beginning() -> None:
    started = time.perf_counter()
    excerpt(b'{"token": "' + b"x" * 10_000_000)
    assert time.perf_counter() - started < 0.1


HOSTILE = [
    "\\",
    '"',
    '"a',
    '"token":',
    '"token":{',
    "a@",
    "a=",
    "<a>",
    "<a ",
    "://",
    'key="\\',
    "\\n",
    "+1 ",
    "key=key=",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_costs_time_in_proportion_to_its_length(piece: str) -> None:
    started = time.perf_counter()
    redact(piece * (40_000 // len(piece)))
    # quadratic work on 40 kB takes seconds; linear work takes some milliseconds
    assert time.perf_counter() - started < 0.5


# -- logs


def test_a_log_entry_is_masked_in_text_values_and_traceback() -> None:
    try:
        int(f"refused token={CANARY}")
    except ValueError:
        entry = {"event": f"login with key={CANARY}", "api_key": CANARY, "order": "A-1", "exc_info": True}
        masked = redacting_processor(None, "error", entry)
    assert is_clean(repr(masked))
    assert masked["order"] == "A-1"
    assert "ValueError: invalid literal" in masked["exception"]


def test_records_of_foreign_loggers_are_masked_by_the_same_processor() -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redacting_processor,
            structlog.processors.JSONRenderer(),
        ]
    )
    record = logging.LogRecord("vendor", logging.INFO, __file__, 1, "GET /x?apikey=%s", (CANARY,), None)
    assert json.loads(formatter.format(record)) == {"event": f"GET /x?apikey={MASK}"}


def test_what_structlog_keeps_for_itself_passes_through() -> None:
    record = logging.LogRecord("a", logging.INFO, __file__, 1, "m", (), None)
    assert redacting_processor(None, "info", {"event": "x", "_record": record})["_record"] is record
