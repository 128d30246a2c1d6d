"""What a scanner adds and a keyboard layout changes, taken out again."""

import re
import unicodedata

# Ends an element of variable length in the strings of GS1; scanners and their drivers show it in several ways.
SEPARATOR = "\x1d"
_SHOWN_SEPARATORS = re.compile(r"\{GS\}|<GS>|\^\]|\u241d|\\x1d|\\u001d", re.IGNORECASE)
# ISO/IEC 15424: a bracket, the symbology's letter and a modifier.
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")

# What a keyboard set to a layout types where the scanner pressed the keys of an American one.
_AMERICAN = "1234567890-qwertyuiopasdfghjkl;zxcvbnm,./QWERTYUIOPASDFGHJKL:ZXCVBNM?]"
_FRENCH = "&é\"'(-è_çà)azertyuiopqsdfghjklmwxcvbn,;:!AZERTYUIOPQSDFGHJKLMWXCVBN?§$"
_GERMAN = "1234567890ßqwertzuiopasdfghjklöyxcvbnm,.-QWERTZUIOPASDFGHJKLÖYXCVBNM_+"
_LAYOUTS = tuple(str.maketrans(layout, _AMERICAN) for layout in (_FRENCH, _GERMAN))
# The row of digits of a French keyboard without shift.
_FRENCH_DIGITS = frozenset("&é\"'(è_çà")


def clean(text: str) -> str:
    """Return a scan without what carries no meaning: spaces around it, control characters, a symbology identifier.

    Full-width and other compatible forms become plain ones; the separator of GS1 stays.
    """
    plain = unicodedata.normalize("NFKC", _SHOWN_SEPARATORS.sub(SEPARATOR, text))
    kept = "".join(sign for sign in plain if sign == SEPARATOR or unicodedata.category(sign)[0] != "C")
    bare = kept.strip(" \t" + SEPARATOR)
    return _AIM.sub("", bare, count=1).strip(" " + SEPARATOR) if _AIM.match(bare) else bare


def retyped(text: str) -> tuple[str, ...]:
    """Return what the scanner may have read if the keyboard's layout was another than the scanner's."""
    return tuple(dict.fromkeys(other for layout in _LAYOUTS if (other := text.translate(layout)) != text))


def is_mistyped(text: str) -> bool:
    """Whether a text shows a French keyboard's row of digits where digits should be."""
    return not any(sign.isdecimal() for sign in text) and sum(sign in _FRENCH_DIGITS for sign in text) > 1
