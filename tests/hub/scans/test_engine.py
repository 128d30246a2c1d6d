"""What a scanned text may be: own numbers first, then what check digits and shapes say, and never a fault."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.scans import checks
from hub.scans.cleaning import SEPARATOR
from hub.scans.engine import LONGEST_NAME, read
from hub.scans.messages import Meaning, Reading
from tests.support.numbers import NUMBERS

AMERICAN = "1234567890qwertzyuiopasdfghjklxcvbnmQWERTZYUIOPASDFGHJKLXCVBNM-/:."
FRENCH = "&é\"'(-è_çàazertwyuiopqsdfghjklxcvbn,AZERTWYUIOPQSDFGHJKLXCVBN?)!M:"
GERMAN = "1234567890qwertyzuiopasdfghjklxcvbnmQWERTYZUIOPASDFGHJKLXCVBNMß-Ö."


def typed(text: str, layout: str) -> str:
    """What a computer shows whose layout is another than the scanner's."""
    return text.translate(str.maketrans(AMERICAN, layout))


def tracked(text: str) -> list[tuple[str, str | None]]:
    return [(each.value, each.carrier) for each in read(text) if each.meaning is Meaning.TRACKING]


@given(NUMBERS, st.sampled_from(["{}", "]Q1{}", "]C0{}", " {} \r\n", "\x02{}\x03", "\ufeff{}"]))
def test_an_own_number_is_always_the_first_reading(number: str, around: str) -> None:
    for shown in (number, number.lower(), f"{number[:4]}-{number[4:8]} {number[8:]}"):
        first = read(around.format(shown))[0]
        assert first == Reading(meaning=Meaning.RETURN, value=number, checked=True)


@given(
    NUMBERS, st.sampled_from(["https://hub.example/r/{}", "HTTPS://HUB.EXAMPLE/R/{}?a=1", "x?number={}&b", "/{}/label"])
)
def test_an_address_with_an_own_number_in_it_is_that_number(number: str, address: str) -> None:
    assert read(address.format(number))[0].value == number


@given(NUMBERS, st.sampled_from([FRENCH, GERMAN]))
def test_an_own_number_survives_a_keyboard_of_another_layout(number: str, layout: str) -> None:
    for shown in (number, number.lower()):
        # What the other layout shows may by chance be another good number, which then comes before it.
        assert number in [each.value for each in read(typed(shown, layout)) if each.meaning is Meaning.RETURN][:2]


@given(NUMBERS)
def test_an_address_survives_a_german_keyboard(number: str) -> None:
    found = read(typed(f"https://hub.example/r/{number}", GERMAN))
    assert number in [each.value for each in found if each.meaning is Meaning.RETURN]


@given(st.text(max_size=300) | st.text("0123456789()]%AZ\x1d", max_size=60) | st.binary(max_size=80).map(str))
@example("\ud800")
@example("\u0663" * 12)
@example("(01)" + "\u0660" * 14)
@example("1Z" + "²" * 16)
@example("9" * 100_000)
def test_nothing_that_is_scanned_raises_and_readings_are_told_once(text: str) -> None:
    found = read(text)
    assert len(set(found)) == len(found)
    assert all(each.value and each.value == each.value.strip() for each in found)
    if text.strip().isalnum() and text.isascii() and len(text) < LONGEST_NAME:
        assert [each.meaning for each in found[-2:]] == [Meaning.ORDER, Meaning.SKU]


@pytest.mark.parametrize(
    ("text", "value", "carrier"),
    [
        ("1Z999AA10123456784", "1Z999AA10123456784", "ups"),
        ("1z 999 aa1 01 2345 6784", "1Z999AA10123456784", "ups"),
        ("3SABCD1234567", "3SABCD1234567", "postnl"),
        ("]C13SABCD123456789", "3SABCD123456789", "postnl"),
        ("RA123456785NL", "RA123456785NL", "postnl"),
        ("RA 123 456 785 BE", "RA123456785BE", "bpost"),
        ("RA123456785XX", "RA123456785XX", None),
        ("JJD000390007882823516", "JJD000390007882823516", "dhl"),
        ("JVGL06123456001234567890", "JVGL06123456001234567890", "dhl"),
        ("323212345678901234567890", "323212345678901234567890", "bpost"),
        ("%007110601632532094400136276", "01632532094400", "dpd"),
        ("986578788855", "986578788855", "fedex"),
        ("TBC123456789012", "TBC123456789012", "amazon"),
        ("01632532094400", "01632532094400", "dpd"),
    ],
)
def test_a_tracking_code_is_told_with_its_carrier(text: str, value: str, carrier: str | None) -> None:
    assert (value, carrier) in tracked(text)


@pytest.mark.parametrize("text", ["1Z999AA10123456785", "RA123456784NL", "3SABCD12", "TBC12"])
def test_a_code_with_a_wrong_check_digit_or_shape_is_no_tracking_code(text: str) -> None:
    assert tracked(text) == []


def test_a_shape_that_carriers_share_gives_every_one_of_them() -> None:
    assert {carrier for _, carrier in tracked("986578788855")} == {"fedex", "gls", "dhl"}
    assert tracked("986578788855")[0] == ("986578788855", "fedex")


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("4006381333931", ["4006381333931"]),
        ("96385074", ["96385074"]),
        ("036000291452", ["0036000291452", "036000291452"]),
        ("0036000291452", ["0036000291452", "036000291452"]),
        ("04006381333931", ["4006381333931", "04006381333931"]),
        ("]E04006381333931", ["4006381333931"]),
        ("978-3-16-148410-0", ["9783161484100"]),
    ],
)
def test_a_products_number_is_given_in_the_forms_in_which_it_is_kept(text: str, forms: list[str]) -> None:
    found = [each.value for each in read(text) if each.meaning is Meaning.PRODUCT and each.checked]
    assert found == forms


def test_a_products_number_with_a_wrong_check_digit_is_only_a_name() -> None:
    assert {each.meaning for each in read("4006381333932")} == {Meaning.ORDER, Meaning.SKU}


ELEMENTS = "0104006381333931{gs1}21S/N 7{gs2}10LOT-9{gs3}17271231"


@pytest.mark.parametrize(
    "text",
    [
        "]C1" + ELEMENTS.format(gs1="", gs2=SEPARATOR, gs3=SEPARATOR),
        "]d2" + ELEMENTS.format(gs1="", gs2="{GS}", gs3="<GS>"),
        "(01)04006381333931(21)S/N 7(10)LOT-9(17)271231",
    ],
)
def test_an_element_string_is_a_product_with_its_serial_lot_and_day(text: str) -> None:
    first = read(text)[0]
    assert (first.meaning, first.value, first.checked) == (Meaning.PRODUCT, "4006381333931", True)
    assert (first.serial, first.lot, first.expires) == ("S/N 7", "LOT-9", "271231")


@pytest.mark.parametrize("text", ["(00)106141412345678908", "]C100106141412345678908", "106141412345678908"])
def test_a_serial_shipping_container_code_is_a_licence_plate(text: str) -> None:
    assert read(text)[0] == Reading(meaning=Meaning.LICENCE_PLATE, value="106141412345678908", checked=True)


def test_an_element_string_may_name_an_order() -> None:
    found = read("(02)04006381333931(37)12(400)PO-77")
    assert Reading(meaning=Meaning.ORDER, value="PO-77") in found


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_never_passes_for_a_key_of_gs1(body: str, place: int, off: int) -> None:
    whole = next(f"{body}{last}" for last in range(10) if checks.gs1(f"{body}{last}"))
    wrong = whole[:place] + str((int(whole[place]) + off) % 10) + whole[place + 1 :]
    assert not checks.gs1(wrong)


def test_check_digits_agree_with_published_examples() -> None:
    assert checks.mod_37_36("A12425GABC1234002M")
    assert not checks.mod_37_36("A12425GABC1234002N")
    assert checks.dhl_express("1234567891"[:9] + str(123456789 % 7))
    assert checks.fedex("986578788855")
    assert not checks.fedex("986578788856")


@given(st.text(st.characters(codec="ascii", categories=["Lu", "Nd"]), min_size=1, max_size=30))
def test_an_order_number_and_a_sku_keep_the_case_in_which_they_were_scanned(text: str) -> None:
    values = {each.meaning: each.value for each in read(text.lower())}
    assert values[Meaning.ORDER] == values[Meaning.SKU] == text.lower()
