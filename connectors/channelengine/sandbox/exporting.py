"""What the vendor took has to reach the marketplace, which may refuse it; only then does money move. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.records import (
    Cause,
    Export,
    ExportStatus,
    Note,
    Record,
    Refund,
    Return,
    ReturnLine,
)
from connectors.channelengine.sandbox.tenancy import Manner, Mishap
from connectors.channelengine.sandbox.units import theirs

EXPORT_FAILED = "CHANNEL_RETURN_EXPORT_FAILED"
# What has failed, whether or not it is tried again by itself.
FAILED = frozenset({ExportStatus.FAILED_RETRY, ExportStatus.FAILED_NO_RETRY})


class Setback(Record, frozen=True):
    """Why the marketplace does not take a decision; a final one is not tried again by itself."""

    text: str
    final: bool = False
    mishap: Mishap | None = None


def export(book: Book, decided: Return, cause: Cause, at: datetime) -> Change:
    """Hand a decision to the marketplace, at once or after the time that its export takes.

    What was imported as exported already is not handed over again.
    """
    if decided.export is not None:
        return Change(tenant=book.tenant, returns=(decided,))
    wait = _manner(book, decided).export_after_seconds
    begun = Export(status=ExportStatus.AWAITING_EXPORT, cause=cause, next_at=at + timedelta(seconds=wait))
    waiting = replace(decided, export=begun)
    return Change(tenant=book.tenant, returns=(waiting,)) if wait else attempt(book, waiting, at)


def attempt(book: Book, found: Return, at: datetime) -> Change:
    """Try an export that is due: refunds leave when it succeeds, and a notification tells of each failure."""
    begun = found.export or Export(status=ExportStatus.AWAITING_EXPORT)
    tried = replace(begun, attempts=begun.attempts + 1, next_at=None)
    setback = _setback(book, found, tried)
    if setback is None:
        exported = replace(found, export=replace(tried, status=ExportStatus.SUCCEEDED))
        return Change(tenant=book.tenant, returns=(exported,), refunds=tuple(_refunds(book, exported, at)))
    mishap = setback.mishap
    return Change(
        tenant=book.tenant,
        returns=(replace(found, export=_failed(tried, setback, _manner(book, found), at)),),
        notes=(_note(book, found, setback, at),),
        mishaps=() if mishap is None else (replace(mishap, times=mishap.times - 1),),
    )


def _setback(book: Book, found: Return, tried: Export) -> Setback | None:
    """Return why this export fails, if it does."""
    manner, marketplace = _manner(book, found), book.order_of(found).global_channel_name
    mishap = book.terms.mishap(found.id, marketplace)
    lines = _own(book, found)
    accepted, rejected = (sum(getattr(line, side) or 0 for line in lines) for side in ("accepted", "rejected"))
    if mishap is not None:
        return Setback(text=mishap.text, final=mishap.final, mishap=mishap)
    if manner.all_or_nothing and 0 < accepted < sum(line.quantity for line in lines):
        return Setback(text=f"{marketplace} takes or refuses a return only as a whole.", final=True)
    # The vendor's own pages have a field for the reason; the API has none.
    if manner.rejection_needs_reason and rejected and tried.cause != "web":
        return Setback(text=f"{marketplace} asks for the reason of each rejected item.", final=True)
    if manner.balance_needed and accepted and not book.terms.balance_suffices(marketplace):
        return Setback(text=f"The balance of the shop at {marketplace} does not cover this refund.")
    return None


def _failed(tried: Export, setback: Setback, manner: Manner, at: datetime) -> Export:
    if setback.final or tried.attempts >= manner.most_tries:
        return replace(tried, status=ExportStatus.FAILED_NO_RETRY)
    again = at + timedelta(seconds=manner.retry_after_seconds)
    return replace(tried, status=ExportStatus.FAILED_RETRY, next_at=again)


def _note(book: Book, found: Return, setback: Setback, at: datetime) -> Note:
    number = found.merchant_return_no or found.channel_return_no or found.id
    return Note(
        id=len(book.notes) + 1,
        return_id=found.id,
        type=EXPORT_FAILED,
        subject=f"Return {number} could not be exported",
        message=setback.text,
        created_at=at,
    )


def _refunds(book: Book, found: Return, at: datetime) -> Iterator[Refund]:
    """Yield one ledger line per order line with accepted units, at the price they were sold for."""
    order = book.order_of(found)
    prices = {line.id: line.unit_price_incl_vat for line in order.lines}
    for line in _own(book, found):
        if line.accepted:
            yield Refund(
                tenant=book.tenant,
                return_id=found.id,
                merchant_return_no=found.merchant_return_no,
                channel_return_no=found.channel_return_no,
                order_no=order.merchant_order_no,
                sku=line.merchant_product_no or "",
                order_line_id=line.order_line_id,
                quantity=line.accepted,
                unit_price=prices[line.order_line_id],
                amount=prices[line.order_line_id] * line.accepted,
                currency_code=order.currency_code,
                cause=(found.export.cause if found.export else None) or "update",
                at=at,
            )


def _own(book: Book, found: Return) -> list[ReturnLine]:
    """Return the lines that the merchant decides on; the marketplace refunds its own by itself."""
    not_ours = theirs(book.order_of(found))
    return [line for line in found.lines if line.order_line_id not in not_ours]


def _manner(book: Book, found: Return) -> Manner:
    return book.terms.manner(book.order_of(found).global_channel_name)
