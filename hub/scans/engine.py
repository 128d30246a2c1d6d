"""From a scanned text to what it may be."""

import re
from collections.abc import Iterator

from hub.kit.numbers import normalise
from hub.scans import carriers, gs1
from hub.scans.cleaning import SEPARATOR, clean, is_mistyped, retyped
from hub.scans.messages import Meaning, Reading

# A symbol holds less; the bound keeps the cost of rubbish small.
LONGEST = 2_000
LONGEST_NAME = 100
_TOKEN = re.compile(r"[0-9A-Za-z-]+")


def read(text: str) -> tuple[Reading, ...]:
    """Return everything that a scanned or typed text may be, the likeliest first; nothing for a text without content.

    A return number of the hub, alone or within an address, always comes first, whatever layout the keyboard has. An
    order number and a SKU are always possible and come last.
    """
    scanned = clean(text[:LONGEST])
    own = [Reading(meaning=Meaning.RETURN, value=number, checked=True) for number in _own_numbers(scanned)]
    meant = retyped(scanned)[0] if is_mistyped(scanned) else scanned
    return tuple(dict.fromkeys([*own, *_others(meant)]))


def _own_numbers(scanned: str) -> Iterator[str]:
    for text in (scanned, *retyped(scanned)):
        whole = normalise(text)
        if whole is not None:
            yield whole
        elif "/" in text or "=" in text:
            yield from filter(None, map(normalise, _TOKEN.findall(text)))


def _others(text: str) -> list[Reading]:
    sure, maybe = carriers.read(text)
    coded = gs1.read(text) or gs1.bare(re.sub(r"[\s-]+", "", text))
    return [*sure, *coded, *maybe, *_named(text)]


def _named(text: str) -> list[Reading]:
    name = " ".join(text.replace(SEPARATOR, " ").split())
    if not name or len(name) > LONGEST_NAME:
        return []
    return [Reading(meaning=Meaning.ORDER, value=name), Reading(meaning=Meaning.SKU, value=name)]
