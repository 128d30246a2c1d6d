"""One receipt of a batch: it is read and booked by itself, and whatever becomes of it is an answer."""

from typing import Any, Protocol

import msgspec

from hub.sdk.receiving import (
    BatchAnswer,
    ExpectedReturn,
    Outcome,
    ReceiptRequest,
    ReceiptResult,
    ReceivingRefused,
)

# What has to be looked at again before it is sent again; nothing else would help.
CONFLICTS = frozenset({"return_changed", "key_reused"})


class Desk(Protocol):
    """What a batch needs of the receiving desk."""

    async def find(self, scanned: str) -> ExpectedReturn | None: ...  # noqa: D102

    async def receive(self, request: ReceiptRequest) -> ReceiptResult: ...  # noqa: D102


async def one(desk: Desk, kept: Any) -> BatchAnswer:
    """Book one receipt as a client kept it."""
    key = kept.get("key") if isinstance(kept, dict) and isinstance(kept.get("key"), str) else None
    try:
        request = msgspec.convert(kept, ReceiptRequest)
    except msgspec.ValidationError as fault:
        return BatchAnswer(key=key, outcome=Outcome.REFUSED, code="request_malformed", message=str(fault))
    try:
        result = await desk.receive(request)
    except ReceivingRefused as refused:
        return await _refused(desk, request, refused)
    return BatchAnswer(key=key, outcome=Outcome.REPEATED if result.repeated else Outcome.DONE, result=result)


async def _refused(desk: Desk, request: ReceiptRequest, refused: ReceivingRefused) -> BatchAnswer:
    conflict = refused.code in CONFLICTS
    now = await desk.find(request.return_number) if conflict and request.return_number else None
    return BatchAnswer(
        key=request.key, outcome=Outcome.CONFLICT if conflict else Outcome.REFUSED, code=refused.code,
        message=refused.message, now=now,
    )  # fmt: skip
