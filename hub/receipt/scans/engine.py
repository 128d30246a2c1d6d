"""What a scanned code may stand for, and which of the things found come first: pure."""

import re
from collections.abc import Sequence

from hub.kit.numbers import normalise
from hub.sdk.scanning import Match, Matched, Next, Scanned

LONGEST = 200
MOST_MATCHES = 6
# What a scanner may be set to send before a code to say which kind of barcode it is (ISO/IEC 15424).
SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9]")
# Codes that carry another one, as carriers and GS1 print them.
CARRIED = (
    re.compile(r"^00(\d{18})$"),  # GS1 (00): a logistic unit's number
    re.compile(r"^01(\d{14})"),  # GS1 (01): a product's number, whatever follows
    re.compile(r"^420(?:\d{5}|\d{9})(9\d{19,25})$"),  # USPS: the postcode stands before the tracking number
    re.compile(r"^\d{22}(\d{12})$"),  # FedEx: the tracking number is the last twelve of 34
    re.compile(r"^%?[0-9A-Z]{7}(\d{14})\d{6}$"),  # DPD: postcode, parcel number, service and country
    re.compile(r"^96\d{5}(\d{15})$"),  # FedEx Ground
)
ORDER = {
    Matched.RETURN_NUMBER: 0, Matched.PARCEL: 1, Matched.TRACKING: 2, Matched.ORDER: 3, Matched.EAN: 4,
    Matched.SKU: 5, Matched.CONTAINER: 6,
}  # fmt: skip


def readings(scanned: str) -> tuple[str, ...]:
    """Return every code that a scan may stand for: itself, what it carries, and a return number read as it is meant."""
    text = "".join(character for character in scanned if character.isprintable()).strip()[:LONGEST]
    bare = SYMBOLOGY.sub("", text)
    # An address ends in what it is about.
    last = bare.rstrip("/").rpartition("/")[2].rpartition("=")[2] if "://" in bare else bare
    found = [text, bare, last]
    joined = re.sub(r"[\s()]+", "", last)
    found += [match[1] for pattern in CARRIED if (match := pattern.match(joined))]
    number = normalise(last)
    return tuple(dict.fromkeys([*([number] if number else []), *(each for each in found if each)]))


def answer(scanned: str, matches: Sequence[Match]) -> Scanned:
    """Return the likeliest few: what is open before what is over, what names one thing before what names many."""
    best = sorted(matches, key=lambda each: (not each.open, ORDER[each.by]))
    if not best:
        say = "Nobody knows this code here. Scan another code on the parcel, or register it as an unknown parcel."
        return Scanned(scanned=scanned, matches=(), todo=Next.REGISTER, say=say)
    shown = tuple(best[:MOST_MATCHES])
    if len(best) == 1:
        return Scanned(scanned=scanned, matches=shown, todo=shown[0].todo, say=shown[0].say)
    say = f"{len(shown)} things have this code: choose the one that the parcel belongs to."
    return Scanned(scanned=scanned, matches=shown, more=len(best) > MOST_MATCHES, todo=Next.RECEIVE, say=say)
