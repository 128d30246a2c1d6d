"""Return numbers that a property test draws, every one of which checks out."""

from hypothesis import strategies as st

from hub.kit.numbers import ALPHABET, PREFIX, RANDOM_CHARACTERS, _check_character

NUMBERS = st.text(ALPHABET, min_size=RANDOM_CHARACTERS, max_size=RANDOM_CHARACTERS).map(
    lambda body: PREFIX + body + _check_character(body)
)
