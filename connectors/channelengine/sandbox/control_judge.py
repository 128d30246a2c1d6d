"""The control API's witnesses: the ledger, the calls, what was wrong with them, and the judgement."""

from collections import Counter
from decimal import Decimal

from litestar import delete, get

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.control_kit import Answer, Asking, answered, kept, narrowed
from connectors.channelengine.sandbox.judgement import judge
from connectors.channelengine.sandbox.records import ReturnStatus
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor


@get("/health")
async def health(vendor: FromVendor) -> Answer:
    """Say that the server works and whom it serves."""
    return answered({"status": "ok", "tenants": sorted(vendor.books)})


@get("/{tenant:str}/ledger")
async def ledger(request: Asking, book: FromBook) -> Answer:
    """Show every refund ever made, oldest first, or those of one `return_id`, `merchant_return_no` or `order_no`."""
    entries = narrowed(book.ledger, request, ("return_id", "merchant_return_no", "order_no"))
    amount = sum((entry.amount for entry in entries), Decimal(0))
    units = sum(entry.quantity for entry in entries)
    return answered({"entries": entries, "total_units": units, "total_amount": amount})


@get("/{tenant:str}/returns")
async def returns(request: Asking, book: FromBook) -> Answer:
    """Show every return, oldest first, or those of one `status`, `merchant_return_no` or `channel_return_no`."""
    names = ("status", "creator", "merchant_return_no", "channel_return_no")
    found = narrowed(list(book.returns.values()), request, names)
    counts = {status: book.count(status) for status in ReturnStatus}
    return answered({"returns": found, "total": len(found), "by_status": counts})


@get("/{tenant:str}/calls")
async def calls(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Show the latest calls, oldest first, and count all of them per effect and what was told."""
    latest = narrowed(vendor.calls.of(book.tenant), request, ("effect", "told", "method", "path"))
    return answered({"summary": vendor.calls.summary(book.tenant), "calls": latest})


@get("/{tenant:str}/exchanges")
async def exchanges(vendor: FromVendor, book: FromBook) -> Answer:
    """Show the latest requests and their answers, oldest first."""
    return answered([exchange.shown() for exchange in vendor.exchanges.of(book.tenant)])


@get("/{tenant:str}/violations")
async def violations(book: FromBook) -> Answer:
    """Show every call that a correct client would not have made."""
    return answered(_violations(book))


@delete("/{tenant:str}/violations", status_code=200)
async def pardon(vendor: FromVendor, book: FromBook) -> Answer:
    """Strike out the violations so far."""
    vendor.commit(Change(tenant=book.tenant, pardoned=True))
    return await kept(vendor, _violations(book))


@get("/{tenant:str}/judgement")
async def judgement(book: FromBook) -> Answer:
    """Hold the ledger against what was accepted."""
    return answered(judge(book))


JUDGE = (health, ledger, returns, calls, exchanges, violations, pardon, judgement)


def _violations(book: Book) -> dict[str, object]:
    found = book.terms.violations
    return {"violations": found, "by_code": Counter(violation.code for violation in found)}
