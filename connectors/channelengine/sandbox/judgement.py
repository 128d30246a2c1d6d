"""Whether the money that left is the money that was decided on, read from the books alone; pure."""

from collections import Counter
from collections.abc import Iterator

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.records import Creator, ExportStatus, Record, Return, ReturnLine, ReturnStatus
from connectors.channelengine.sandbox.units import theirs

LineKey = tuple[int, int]


class JudgedLine(Record, frozen=True):
    """The units of one line: announced, decided on, and refunded."""

    order_line_id: int
    merchant_product_no: str | None
    quantity: int
    accepted: int
    rejected: int
    due: int
    refunded: int


class JudgedReturn(Record, frozen=True):
    """One return with its units; `cause` is who decided, None while nobody has or if it was imported as exported."""

    return_id: int
    merchant_return_no: str | None
    channel_return_no: str | None
    marketplace: str
    creator: Creator
    status: ReturnStatus
    acknowledged: bool
    export: ExportStatus | None
    cause: str | None
    lines: tuple[JudgedLine, ...]


class WrongRefund(Record, frozen=True):
    """A line whose refunded units are not the ones that are due."""

    return_id: int
    order_line_id: int
    due: int
    refunded: int


class Judgement(Record, frozen=True):
    """`ok` when every refund is due, none was made twice, and no call was a violation."""

    ok: bool
    returns: tuple[JudgedReturn, ...]
    wrong_refunds: tuple[WrongRefund, ...]
    double_refunds: tuple[LineKey, ...]
    over_refunded: tuple[int, ...]
    waiting_exports: tuple[int, ...]
    failed_exports: tuple[int, ...]
    never_acknowledged: tuple[int, ...]
    violations: int


def judge(book: Book) -> Judgement:
    """Hold the ledger against what was accepted, line by line."""
    refunded = Counter[LineKey]()
    for entry in book.ledger:
        refunded[entry.return_id, entry.order_line_id] += entry.quantity
    returns = tuple(_judged(book, found, refunded) for found in book.returns.values())
    times = Counter((entry.return_id, entry.order_line_id) for entry in book.ledger)
    wrong = tuple(_wrong(returns))
    double = tuple(key for key, number in times.items() if number > 1)
    over = tuple(_over(book, refunded))
    violations = len(book.terms.violations)
    return Judgement(
        ok=not (wrong or double or over or violations),
        returns=returns,
        wrong_refunds=wrong,
        double_refunds=double,
        over_refunded=over,
        waiting_exports=_with(returns, ExportStatus.AWAITING_EXPORT, ExportStatus.FAILED_RETRY),
        failed_exports=_with(returns, ExportStatus.FAILED_NO_RETRY),
        never_acknowledged=tuple(each.return_id for each in returns if _should_be_known(book, each)),
        violations=violations,
    )


def _judged(book: Book, found: Return, refunded: Counter[LineKey]) -> JudgedReturn:
    order, export = book.order_of(found), found.export
    not_ours = theirs(order)
    return JudgedReturn(
        return_id=found.id,
        merchant_return_no=found.merchant_return_no,
        channel_return_no=found.channel_return_no,
        marketplace=order.global_channel_name,
        creator=found.creator,
        status=found.status,
        acknowledged=found.acknowledged_at is not None,
        export=export.status if export else None,
        cause=export.cause if export else None,
        lines=tuple(
            JudgedLine(
                order_line_id=line.order_line_id,
                merchant_product_no=line.merchant_product_no,
                quantity=line.quantity,
                accepted=line.accepted or 0,
                rejected=line.rejected or 0,
                due=_due(found, line, not_ours),
                refunded=refunded[found.id, line.order_line_id],
            )
            for line in found.lines
        ),
    )


def _due(found: Return, line: ReturnLine, not_ours: set[int]) -> int:
    """Return the units that must have been refunded by now: what was accepted, once the marketplace has taken it."""
    export = found.export
    # Journals from before there were exports refunded at once.
    taken = export is None or (export.status is ExportStatus.SUCCEEDED and export.cause is not None)
    return (line.accepted or 0) if taken and line.order_line_id not in not_ours else 0


def _wrong(returns: tuple[JudgedReturn, ...]) -> Iterator[WrongRefund]:
    for each in returns:
        for line in each.lines:
            if line.refunded != line.due:
                yield WrongRefund(
                    return_id=each.return_id,
                    order_line_id=line.order_line_id,
                    due=line.due,
                    refunded=line.refunded,
                )


def _over(book: Book, refunded: Counter[LineKey]) -> Iterator[int]:
    units = Counter[int]()
    for (_, line_id), quantity in refunded.items():
        units[line_id] += quantity
    shipped = {line.id: line.shipped for order in book.orders.values() for line in order.lines}
    return (line_id for line_id, quantity in units.items() if quantity > shipped[line_id])


def _with(returns: tuple[JudgedReturn, ...], *statuses: ExportStatus) -> tuple[int, ...]:
    return tuple(each.return_id for each in returns if each.export in statuses)


def _should_be_known(book: Book, each: JudgedReturn) -> bool:
    """Say whether the merchant should have acknowledged it: it was the merchant's to decide, or still is."""
    if each.acknowledged or each.creator is Creator.MERCHANT:
        return False
    ours = {line.order_line_id for line in each.lines} - theirs(book.order_of(book.returns[each.return_id]))
    return bool(ours) and (each.status is ReturnStatus.IN_PROGRESS or each.cause == "update")
