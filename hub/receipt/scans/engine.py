"""What a scanned code may stand for, and which of the things found come first: pure."""

from collections.abc import Sequence

from hub.scans import engine as scans
from hub.scans.cleaning import clean
from hub.sdk.scanning import Match, Matched, Next, Scanned

LONGEST = 200
MOST_MATCHES = 6
# Each reading is looked up; rubbish is not to make many of them.
MOST_READINGS = 12
ORDER = {
    Matched.RETURN_NUMBER: 0, Matched.PARCEL: 1, Matched.TRACKING: 2, Matched.ORDER: 3, Matched.EAN: 4,
    Matched.SKU: 5, Matched.CONTAINER: 6,
}  # fmt: skip


def readings(scanned: str) -> tuple[str, ...]:
    """Return every code that a scan may stand for, a number of the hub first; an address also for what it ends in."""
    text = clean(scanned[:LONGEST])
    last = text.rstrip("/").rpartition("/")[2].rpartition("=")[2] if "://" in text else text
    found = [reading.value for each in dict.fromkeys((text, last)) for reading in scans.read(each)]
    return tuple(dict.fromkeys(found))[:MOST_READINGS]


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
