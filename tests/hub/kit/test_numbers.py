import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.numbers import ALPHABET, LENGTH, new_return_number, normalise

SAMPLES = [new_return_number() for _ in range(40)]
DOTLESS_I = "R\N{LATIN SMALL LETTER DOTLESS I}23456789A"
numbers = st.builds(new_return_number)


def test_a_new_number_is_already_in_its_stored_form() -> None:
    for number in SAMPLES:
        assert normalise(number) == number
        assert re.fullmatch(r"R[0-9A-HJKMNP-TV-Z]{10}", number)
        assert re.fullmatch(r"[A-Za-z0-9-]{1,50}", number)


def test_every_wrong_character_at_every_place_is_found() -> None:
    for number, place in itertools.product(SAMPLES, range(LENGTH)):
        for wrong in set(ALPHABET) - {number[place]}:
            assert normalise(number[:place] + wrong + number[place + 1 :]) is None


def test_swapping_any_two_different_characters_is_found() -> None:
    for number in SAMPLES:
        for left, right in itertools.combinations(range(LENGTH), 2):
            swapped = list(number)
            swapped[left], swapped[right] = number[right], number[left]
            assert number[left] == number[right] or normalise("".join(swapped)) is None


def test_the_check_tells_all_pairs_of_neighbours_apart_by_algebra() -> None:
    # The sum is linear, so swapping a and b at two places is found exactly if (weight + weight') * (a + b) != 0.
    # One sample number per pair of values and per place covers every case of a real number.
    for place, (first, second) in itertools.product(range(1, 9), itertools.permutations(ALPHABET, 2)):
        body = ["0"] * 9
        body[place - 1], body[place] = first, second
        number = next(n for c in ALPHABET if (n := normalise("R" + "".join(body) + c)))
        swapped = number[:place] + second + first + number[place + 2 :]
        assert normalise(swapped) is None


def test_a_pair_of_equal_characters_typed_as_another_pair_is_found() -> None:
    for place, (old, new) in itertools.product(range(1, 9), itertools.permutations(ALPHABET, 2)):
        body = ["7"] * 9
        body[place - 1] = body[place] = old
        number = next(n for c in ALPHABET if (n := normalise("R" + "".join(body) + c)))
        assert normalise(number[:place] + new + new + number[place + 2 :]) is None


def test_exactly_one_check_character_fits_a_body() -> None:
    assert sum(normalise("R123456789" + check) is not None for check in ALPHABET) == 1


@given(numbers)
def test_case_spaces_and_any_dash_do_not_matter(number: str) -> None:
    spaced = f" {number[:4].lower()} -\N{EN DASH}\N{NO-BREAK SPACE}{number[4:8]}\N{MINUS SIGN}{number[8:]}\r\n"
    assert normalise(spaced) == number


@given(numbers)
def test_letters_that_look_like_digits_are_read_as_digits(number: str) -> None:
    assert normalise(number.replace("1", "I").replace("0", "O")) == number
    assert normalise(number.replace("1", "l").replace("0", "o")) == number


@given(numbers)
def test_a_missing_or_doubled_character_is_not_a_number(number: str) -> None:
    for place in range(LENGTH):
        assert normalise(number[:place] + number[place + 1 :]) is None
        assert normalise(number[:place] + number[place] + number[place:]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R",
        "-",
        "R0000000000",
        "R1111111111",
        "R123456789U",
        "12345",
        "R" * 64,
        "R" * 10_000,
        "\x00",
        DOTLESS_I,
    ],
)
def test_rubbish_is_not_a_number(text: str) -> None:
    assert normalise(text) is None


@given(st.text())
def test_any_text_gives_a_stored_form_or_nothing(text: str) -> None:
    assert normalise(text) in {None, normalise(normalise(text) or "")}


def test_numbers_do_not_repeat() -> None:
    assert len({new_return_number() for _ in range(5_000)}) == 5_000
