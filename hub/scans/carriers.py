"""Tracking codes of carriers, told by prefix, shape and check digit.

Shapes are those that the carriers print in their label specifications. Where two carriers share one, both readings
are given; a check digit that agrees puts one before the other.
"""

import re
from collections.abc import Callable

import msgspec

from hub.scans import checks
from hub.scans.messages import Meaning, Reading

Check = Callable[[str], bool]


class Shape(msgspec.Struct, frozen=True):
    """One way in which a carrier writes its codes; `sure` if nobody else writes so.

    The group of `pattern` is the code as the carrier tracks it; one that does not pass `check` is none.
    """

    carrier: str
    pattern: re.Pattern[str]
    sure: bool = False
    check: Check | None = None


def _shape(carrier: str, pattern: str, *, sure: bool = False, check: Check | None = None) -> Shape:
    return Shape(carrier, re.compile(pattern), sure, check)


SHAPES = (
    _shape("ups", r"(1Z[0-9A-Z]{16})", sure=True, check=lambda code: checks.ups(code[2:])),
    _shape("postnl", r"(3S[A-Z]{4}\d{7,9})", sure=True),
    _shape("dhl", r"(JJD\d{12,20}|JD01\d{16}|JVGL[A-Z]{0,3}\d{8,20}|3S(?=DHL)[A-Z]{4}\d{7,9})", sure=True),
    _shape("dhl", r"(00340434\d{12})", sure=True, check=checks.gs1),
    _shape("bpost", r"(32[0-3]\d{21})", sure=True),
    _shape("dpd", r"%[0-9A-Z]{7}(\d{14})\d{6}[0-9A-Z]?", sure=True),
    _shape("amazon", r"(TB[A-Z]\d{12})", sure=True),
    _shape("fedex", r"1\d{21}(\d{12})", sure=True, check=checks.fedex),
    _shape("fedex", r"96\d{18}(\d{14})\d?", sure=True),
    _shape("fedex", r"96\d{5}(\d{15})", sure=True),
    # The postcode stands before the tracking number.
    _shape("usps", r"420(?:\d{5}|\d{9})(9\d{19,25})", sure=True),
    _shape("colissimo", r"(\d[A-Z]\d{11})"),
    _shape("dpd", r"(\d{14}[0-9A-Z])", check=checks.mod_37_36),
    _shape("fedex", r"(\d{12})", check=checks.fedex),
    _shape("fedex", r"(\d{15})", check=checks.gs1),
    _shape("dhl", r"(\d{10})", check=checks.dhl_express),
    _shape("dpd", r"(\d{14})"),
    _shape("gls", r"(\d{11,12}|[A-Z]{2}[A-Z0-9]{6})"),
    _shape("dhl", r"(\d{12})"),
)
# The post of a country, by the two letters at the end of an item's number (UPU standard S10).
POSTS = {
    "NL": "postnl", "BE": "bpost", "DE": "dhl", "FR": "la_poste", "GB": "royal_mail", "AT": "austrian_post",
    "CH": "swiss_post", "ES": "correos", "IT": "poste_italiane", "PL": "poczta_polska", "LU": "post_luxembourg",
    "SE": "postnord", "DK": "postnord", "US": "usps", "CN": "china_post",
}  # fmt: skip
_S10 = re.compile(r"[A-Z]{2}(\d{9})([A-Z]{2})")
_SPACING = re.compile(r"[\s.\-]+")


def read(text: str) -> tuple[list[Reading], list[Reading]]:
    """Return the parcels that a text may be the tracking code of: by one carrier's own shapes, and by shared ones."""
    code = _SPACING.sub("", text).upper()
    if not code.isascii():
        return [], []
    sure, maybe = _postal(code), list[Reading]()
    for shape in SHAPES:
        found = shape.pattern.fullmatch(code)
        if found is not None and (shape.check is None or shape.check(found[1])):
            reading = _tracking(found[1], shape.carrier, checked=shape.check is not None)
            (sure if shape.sure else maybe).append(reading)
    return sure, maybe


def _postal(code: str) -> list[Reading]:
    found = _S10.fullmatch(code)
    if found is None or not checks.s10(found[1]):
        return []
    return [_tracking(code, POSTS.get(found[2]), checked=True)]


def _tracking(code: str, carrier: str | None, *, checked: bool) -> Reading:
    return Reading(meaning=Meaning.TRACKING, value=code, carrier=carrier, checked=checked)
