"""A receiving desk of a few lines, to hold the app against its contract and nothing else."""

from datetime import UTC, datetime, timedelta

import msgspec

from hub.sdk.receiving import (
    BatchAnswers,
    ExpectedLine,
    ExpectedPage,
    ExpectedReturn,
    ReceiptBatch,
    ReceiptRequest,
    ReceiptResult,
    ReceivingRefused,
)
from hub.sdk.scanning import Scanned


def expected(
    number: str, lines: dict[str, int], *, days: int = 0, status: str = "Processing/Requested"
) -> ExpectedReturn:
    """A return with lines as SKU and expected units."""
    return ExpectedReturn(
        return_number=number,
        account="Bergmann",
        order_number=f"O-{number}",
        status=status,
        open=status in {"Processing/Requested", "Processing/Received"},
        created_at=datetime.now(UTC) - timedelta(days=days),
        lines=tuple(
            ExpectedLine(sku=sku, name=f"The {sku}", expected=units, received=0) for sku, units in lines.items()
        ),
    )


class Bench:
    """Keeps to the promises of `ReceivingDesk`: a key is booked once, whatever is refused leaves no trace."""

    warehouse = "North dock"

    def __init__(self, *returns: ExpectedReturn) -> None:
        self.returns = {each.return_number: each for each in returns}
        self.booked: dict[str, ReceiptRequest] = {}
        self.refusal: ReceivingRefused | None = None

    async def expected(self, *, cursor: str | None = None, limit: int = 50) -> ExpectedPage:
        if cursor and not cursor.isdigit():
            raise ReceivingRefused("cursor_invalid", "This cursor is not one that the hub gave.")
        start = int(cursor or 0)
        found = tuple(self.returns.values())[start : start + limit]
        return ExpectedPage(items=found, next_cursor=str(start + limit) if len(found) == limit else None)

    async def find(self, scanned: str) -> ExpectedReturn | None:
        return self.returns.get(scanned.upper().replace("-", ""))

    async def scan(self, scanned: str) -> Scanned:
        raise NotImplementedError("the pages look returns up by their numbers")

    async def receive_all(self, batch: ReceiptBatch) -> BatchAnswers:
        raise NotImplementedError("the pages send one receipt at a time")

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        if self.refusal is not None:
            raise self.refusal
        held = self.returns[request.return_number or ""]
        before = self.booked.get(request.key)
        if before is not None and before != request:
            raise ReceivingRefused("key_reused", "This key booked another delivery before.")
        if before is not None:
            return ReceiptResult(return_number=held.return_number, status=held.status, repeated=True)
        # What the contract's own limits forbid would not come through the hub's API either.
        msgspec.json.decode(msgspec.json.encode(request), type=ReceiptRequest)
        self.booked[request.key] = request
        after = msgspec.structs.replace(
            held,
            status="Settlement/Requested" if request.finalise else "Processing/Received",
            open=held.open and not request.finalise,
            lines=tuple(_received(line, request) for line in held.lines),
        )
        self.returns[held.return_number] = after
        return ReceiptResult(
            return_number=held.return_number,
            status=after.status,
            repeated=False,
            deviations=_deviations(after, request),
        )


def _received(line: ExpectedLine, request: ReceiptRequest) -> ExpectedLine:
    arrived = sum(item.quantity for item in request.items if item.sku == line.sku)
    return msgspec.structs.replace(line, received=line.received + arrived)


def _deviations(after: ExpectedReturn, request: ReceiptRequest) -> tuple[str, ...]:
    known = {line.sku for line in after.lines}
    found = [f"unexpected:{item.sku}" for item in request.items if item.sku not in known]
    found += [f"over:{line.sku}" for line in after.lines if line.received > line.expected]
    if request.finalise:
        found += [f"short:{line.sku}" for line in after.lines if line.received < line.expected]
    return tuple(dict.fromkeys(found))
