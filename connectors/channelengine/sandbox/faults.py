"""Faults on purpose: which calls go wrong, how, and how often.

A fault is written `[TENANT.]EFFECT=KIND[:ARGUMENT][/EVERY | +NEXT]`, for example `settle=500-after/3` (every third
call, counted per tenant and effect), `settle=429:2/5` (with two seconds of retry-after), `noordzee.poll=slow:250`
(every call of one tenant) and `create=drop-after+1` (the next call only). `all` stands for all of `weather.ALL`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec

from connectors.channelengine.sandbox.weather import ALL, DEFAULT_ARGUMENT, Effect, Kind, suits

Word = TypeVar("Word", bound=StrEnum)


PATTERN = re.compile(
    r"(?:(?P<tenant>[a-z0-9-]+)\.)?(?P<effect>[a-z]+)=(?P<kind>[a-z0-9-]+?)(?::(?P<argument>\d+(?:\.\d+)?))?"
    r"(?:/(?P<every>[1-9]\d*)|\+(?P<next>[1-9]\d*))?"
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault and when it strikes: every nth call, or the next n calls."""

    effect: Effect
    kind: Kind
    text: str
    argument: float = 0.0
    tenant: str | None = None
    every: int = 1
    next: int | None = None


class FaultState(msgspec.Struct, frozen=True):
    """How one active fault has struck so far; `left` is None when it goes on for ever."""

    text: str
    struck: int
    left: int | None


def parse_fault(text: str) -> Fault:
    """Read the text form of a fault; raises ValueError with a sentence that says what is allowed."""
    match = PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a fault: write [TENANT.]EFFECT=KIND[:ARGUMENT][/EVERY | +NEXT]")
    kind = _member(Kind, match["kind"], text)
    if match["argument"] is not None and kind not in DEFAULT_ARGUMENT:
        raise ValueError(f"'{text}': {kind} takes no argument")
    effect = _member(Effect, match["effect"], text)
    if not suits(kind, effect):
        raise ValueError(f"'{text}': {kind} does not happen to {effect}")
    return Fault(
        effect=effect,
        kind=kind,
        text=text.strip(),
        argument=float(match["argument"] or DEFAULT_ARGUMENT.get(kind, 0.0)),
        tenant=match["tenant"],
        every=int(match["every"] or 1),
        next=int(match["next"]) if match["next"] else None,
    )


class FaultPlan:
    """The active faults and the count of calls since they were set."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._faults: list[Fault] = []
        self.replace(texts)

    def replace(self, texts: Iterable[str]) -> None:
        """Set these faults in place of all others and count from zero; raises ValueError and changes nothing."""
        faults = [parse_fault(each) for text in texts for each in (ALL if text.strip() == "all" else (text,))]
        self._faults = faults
        self._struck = [0 for _ in faults]
        self._calls: dict[str, Counter[Effect]] = defaultdict(Counter)

    def draw(self, tenant: str, effect: Effect | None) -> Fault | None:
        """Count one call and return the first fault that strikes it."""
        if effect is None or not self._faults:
            return None
        self._calls[tenant][effect] += 1
        call = self._calls[tenant][effect]
        for index, fault in enumerate(self._faults):
            if self._strikes(index, fault, tenant, effect, call):
                self._struck[index] += 1
                return fault
        return None

    def states(self) -> list[FaultState]:
        """Return every active fault with what it has done."""
        return [
            FaultState(fault.text, struck, None if fault.next is None else max(0, fault.next - struck))
            for fault, struck in zip(self._faults, self._struck, strict=True)
        ]

    def _strikes(self, index: int, fault: Fault, tenant: str, effect: Effect, call: int) -> bool:
        if fault.effect is not effect or fault.tenant not in (None, tenant):
            return False
        if fault.next is not None:
            return self._struck[index] < fault.next
        return call % fault.every == 0


def _member(words: type[Word], word: str, text: str) -> Word:
    if word not in list(words):
        raise ValueError(f"'{text}': '{word}' is none of {', '.join(words)}")
    return words(word)
