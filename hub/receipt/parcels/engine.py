"""Which returns an unknown parcel may be, and what to do with it: pure."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from hub.receipt.parcels.messages import Clue, ParcelState, ParcelView
from hub.sdk.receiving import ParcelKind
from hub.sdk.scanning import Next

# How much a shared number says by itself; a number that several returns share says less.
SCORES = {"return_number": 95, "tracking": 90, "order": 80, "ean": 30, "sku": 25, "container": 15}
WORDS = {
    "return_number": "the return's own number is on it",
    "tracking": "a tracking number of the return is on it",
    "order": "the order number is on it",
    "ean": "a code of an announced product is on it",
    "sku": "a product number of the return is on it",
    "container": "it has a container's number of the return",
}
FOR_MORE = 5
FOR_OVER = 20
MOST = 8


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate before it is stored."""

    account_id: UUID
    return_id: UUID
    score: int
    reason: str


def candidates(kind: ParcelKind, clues: Iterable[Clue]) -> tuple[Scored, ...]:
    """Score every return that shares a number with a parcel, the likeliest first; nobody is chosen by the hub itself.

    A refused parcel carries the numbers of its order, so that a return of it needs no number of its own to be likely.
    """
    by_return: dict[tuple[UUID, UUID], list[Clue]] = {}
    for clue in clues:
        by_return.setdefault((clue.account_id, clue.return_id), []).append(clue)
    scored = [_scored(kind, found) for found in by_return.values()]
    return tuple(sorted(scored, key=lambda each: (-each.score, each.return_id))[:MOST])


def _scored(kind: ParcelKind, clues: list[Clue]) -> Scored:
    best = max(clues, key=lambda clue: SCORES[clue.by])
    others = {clue.by for clue in clues} - {best.by}
    score = SCORES[best.by] + FOR_MORE * len(others)
    reasons = [WORDS[best.by], *sorted(WORDS[other] for other in others)]
    if kind is not ParcelKind.UNKNOWN and best.by == "order":
        score += FOR_MORE
        reasons.append("it never reached its customer, so it carries the order's numbers")
    if not best.open:
        score -= FOR_OVER
        reasons.append("but this return is over")
    return Scored(
        account_id=best.account_id, return_id=best.return_id, score=min(max(score, 1), 100), reason="; ".join(reasons)
    )


def on_sight(parcel: ParcelView) -> tuple[Next, str]:
    """Say what to do with a parcel that was registered before."""
    if parcel.state is ParcelState.OPEN:
        return (
            Next.WAIT,
            f"It is registered as unknown; it waits to be claimed until {parcel.due_at:%Y-%m-%d}.",
        )
    if parcel.return_number is not None:
        return Next.FOLLOW_CLAIM, f"It was claimed: book it for return {parcel.return_number}."
    where = str(parcel.disposition or "quarantine").replace("_", " ")
    who = "It was claimed" if parcel.state is ParcelState.CLAIMED else "Nobody claimed it in time"
    return Next.FOLLOW_CLAIM, f"{who}: {where}."
