"""GS1 element strings: `(01)…(10)…(21)…`, with brackets as printed or with separators as scanned.

Lengths are those of the GS1 General Specifications, section 3.2; an identifier that is not here ends the reading,
and what was read before it stands.
"""

import re

from hub.scans import checks
from hub.scans.cleaning import SEPARATOR
from hub.scans.messages import Meaning, Reading

# Length of the data; negative where it is the most that there may be.
_LENGTHS = {
    "00": 18, "01": 14, "02": 14, "10": -20, "11": 6, "12": 6, "13": 6, "15": 6, "16": 6, "17": 6, "20": 2, "21": -20,
    "22": -20, "30": -8, "37": -8, "240": -30, "241": -30, "250": -30, "400": -30, "401": -30, "402": 17, "410": 13,
    "411": 13, "412": 13, "413": 13, "414": 13, "420": -20, "421": -15,
}  # fmt: skip
_BRACKETED = re.compile(r"\((\d{2,4})\)([^(]*)")
_LONGEST_IDENTIFIER = 3
_KEYS = frozenset({"00", "01", "02"})
_PLATE_DIGITS = 18
_GTIN = re.compile(r"\d{8}|\d{12,14}")
_DHL_GERMANY = "00340434"


def elements(text: str) -> dict[str, str]:
    """Return the elements of a string by their identifiers; none if it is no element string."""
    if text.startswith("("):
        found = {name: data.strip(" " + SEPARATOR) for name, data in _BRACKETED.findall(text)}
        return {name: data for name, data in found.items() if name in _LENGTHS and _fits(name, data)}
    return _run(text)


def _run(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = text
    while rest:
        name = next((rest[:size] for size in range(2, _LONGEST_IDENTIFIER + 1) if rest[:size] in _LENGTHS), None)
        if name is None:
            break
        length = _LENGTHS[name]
        data = rest[len(name) :][: abs(length)].partition(SEPARATOR)[0]
        if not _fits(name, data):
            break
        found.setdefault(name, data)
        rest = rest[len(name) + len(data) :].removeprefix(SEPARATOR)
    return found


def _fits(name: str, data: str) -> bool:
    length = _LENGTHS[name]
    if not data or len(data) > abs(length) or (length > 0 and len(data) != length):
        return False
    return length < 0 or (data.isdecimal() and data.isascii() and (name not in _KEYS or checks.gs1(data)))


def read(text: str) -> list[Reading]:
    """Return the things that an element string names: a licence plate, a product with its serial and lot, an order."""
    found = elements(text)
    # A run of digits begins like an element string by chance; a whole one names a key that checks out.
    if not _KEYS & found.keys():
        return []
    readings = [plate(found["00"])] if "00" in found else []
    gtin = found.get("01") or found.get("02")
    if gtin is not None:
        beside = {"serial": found.get("21"), "lot": found.get("10"), "expires": found.get("17")}
        readings += [Reading(meaning=Meaning.PRODUCT, value=each, checked=True, **beside) for each in forms(gtin)]
    if "400" in found:
        readings.append(Reading(meaning=Meaning.ORDER, value=found["400"]))
    return readings


def plate(digits: str) -> Reading:
    """Return the licence plate that 18 digits are (SSCC)."""
    carrier = "dhl" if ("00" + digits).startswith(_DHL_GERMANY) else None
    return Reading(meaning=Meaning.LICENCE_PLATE, value=digits, checked=True, carrier=carrier)


def bare(text: str) -> list[Reading]:
    """Return what digits without an identifier are, if they check out: a licence plate, or a product's GTIN."""
    if not (text.isdecimal() and text.isascii()):
        return []
    if len(text) == _PLATE_DIGITS and checks.gs1(text):
        return [plate(text)]
    if _GTIN.fullmatch(text) and checks.gs1(text):
        return [Reading(meaning=Meaning.PRODUCT, value=each, checked=True) for each in forms(text)]
    return []


def forms(gtin: str) -> tuple[str, ...]:
    """Return the ways in which one GTIN is written, as EAN-13 or EAN-8 first, then as it was, then as UPC."""
    digits = gtin.lstrip("0")
    ean = digits.zfill(8 if len(digits) <= 8 else 13 if len(digits) <= 13 else 14)  # noqa: PLR2004 - GTIN's lengths
    upc = digits.zfill(12) if len(gtin) != 8 and len(digits) <= 12 else ean  # noqa: PLR2004 - as above
    return tuple(dict.fromkeys((ean if len(gtin) != 8 else gtin, gtin, upc)))  # noqa: PLR2004 - as above
