"""Return numbers: short enough to type, strict enough that a wrong one is never taken for a right one.

A number is `R`, nine random characters and one check character, all from Crockford's base 32, which has
no I, L, O and U. The check is a weighted sum over the field of 32 elements, with a different weight at every
place. One wrong character changes the sum, and so does swapping any two places, neighbours or not.
"""

import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PREFIX = "R"
RANDOM_CHARACTERS = 9
LENGTH = len(PREFIX) + RANDOM_CHARACTERS + 1

_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_MISREAD = str.maketrans("ILO", "110")
# x^5 + x^2 + 1 is irreducible over two elements, and x generates all 31 non-zero elements of its field.
_REDUCTION = 0b100101
# Keeps the all-zero number, the first thing people type into a field, from checking out.
_OFFSET = 0b10110
# Longer input cannot be a number however it is spaced; the bound keeps the cost of rubbish small.
_LONGEST_INPUT = 64
_DASHES_AND_INVISIBLES = frozenset({"Pd", "Cf"})
_MINUS = "\N{MINUS SIGN}"


def new_return_number() -> str:
    """Make a fresh return number of 45 random bits, such as `R7K3Q9ZD4AM`.

    Chance alone does not make it unique: the caller stores it under a unique constraint and draws again on a clash.
    """
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return PREFIX + body + _check_character(body)


def normalise(text: str) -> str | None:
    """Read a printed, typed or scanned return number into its one stored form; None if it is not one.

    Case, spaces and dashes of any script do not matter, I and L are read as 1 and O as 0.
    A number with one wrong character or two swapped ones is never accepted.
    """
    if len(text) > _LONGEST_INPUT:
        return None
    bare = "".join(filter(_carries_meaning, text))
    if not bare.isascii():
        return None
    number = bare.upper().translate(_MISREAD)
    body, check = number[len(PREFIX) : -1], number[-1:]
    if len(number) != LENGTH or not number.startswith(PREFIX) or not _VALUES.keys() >= set(number):
        return None
    return number if _check_character(body) == check else None


def _carries_meaning(character: str) -> bool:
    if character.isspace() or character == _MINUS:
        return False
    return unicodedata.category(character) not in _DASHES_AND_INVISIBLES


def _check_character(body: str) -> str:
    total = 0
    for character in body:
        total = _times_x(total ^ _VALUES[character])
    return ALPHABET[total ^ _OFFSET]


def _times_x(element: int) -> int:
    shifted = element << 1
    return shifted ^ _REDUCTION if shifted & 0b100000 else shifted
