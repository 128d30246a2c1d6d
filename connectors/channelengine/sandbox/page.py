"""The sandbox at a glance, for a person with a browser: one plain page without scripts."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from litestar import get
from litestar.enums import MediaType

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.exporting import FAILED
from connectors.channelengine.sandbox.records import ReturnStatus
from connectors.channelengine.sandbox.vendor import FromVendor, Vendor

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #d5dae1; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
"""
TENANT_COLUMNS = (
    "Tenant",
    "Orders",
    "In progress",
    "Received",
    "Cancelled",
    "Units refunded",
    "Amount refunded",
    "Failed exports",
    "Violations",
)


@get("/", media_type=MediaType.HTML)
async def front_page(vendor: FromVendor) -> str:
    """Show tenants, returns, refunds and active faults."""
    return draw(vendor)


def draw(vendor: Vendor) -> str:
    """Draw the page; every word from outside is escaped."""
    tenants = [_tenant(book) for _, book in sorted(vendor.books.items())]
    faults = [(state.text, str(state.struck), _left(state.left)) for state in vendor.faults.states()]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ChannelEngine sandbox</title>'
        f"<style>{STYLE}</style></head><body><main><h1>ChannelEngine sandbox</h1>"
        f"<p>A stand-in for the vendor, for development. No money moves here.</p>"
        f"<p>Its time is {vendor.now():%Y-%m-%d %H:%M} UTC.</p>"
        f"{_table('Tenants', TENANT_COLUMNS, tenants)}"
        f"{_table('Active faults', ('Fault', 'Struck', 'Left'), faults)}"
        f"</main></body></html>"
    )


def _tenant(book: Book) -> Sequence[str]:
    counts = [book.count(status) for status in ReturnStatus]
    units = sum(entry.quantity for entry in book.ledger)
    amount = sum((entry.amount for entry in book.ledger), Decimal(0))
    failed = sum(found.export is not None and found.export.status in FAILED for found in book.returns.values())
    wrong = len(book.terms.violations)
    return [book.tenant, *map(str, (len(book.orders), *counts, units, amount, failed, wrong))]


def _left(left: int | None) -> str:
    return "until cleared" if left is None else str(left)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return f"<p>{escape(title)}: none.</p>"
    head = _row(columns, "th")
    body = "".join(_row(row, "td") for row in rows)
    return f"<table><caption>{escape(title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(cells: Iterable[str], tag: str) -> str:
    first, *rest = cells
    drawn = "".join(f'<{tag} class="number">{escape(cell)}</{tag}>' for cell in rest)
    return f"<tr><{tag}>{escape(first)}</{tag}>{drawn}</tr>"
