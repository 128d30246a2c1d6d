"""The control API's marketplaces: their manners, the shop's balance with them, and exports that fail."""

from collections.abc import Iterable
from typing import Annotated, Any

from litestar import delete, get, post, put
from litestar.params import FromPath
from msgspec import Meta

from connectors.channelengine.sandbox.book import Book
from connectors.channelengine.sandbox.change import Change
from connectors.channelengine.sandbox.control_kit import Answer, Asking, amended, answered, kept, wish, wrong
from connectors.channelengine.sandbox.exporting import FAILED, attempt
from connectors.channelengine.sandbox.records import ExportStatus, Return
from connectors.channelengine.sandbox.refusals import Refusal
from connectors.channelengine.sandbox.selling import Wish
from connectors.channelengine.sandbox.tenancy import Manner, Mishap
from connectors.channelengine.sandbox.vendor import FromBook, FromVendor

TRIED_NOW = FAILED | {ExportStatus.AWAITING_EXPORT}


class Balance(Wish, frozen=True):
    """Whether the shop can pay refunds at a marketplace."""

    sufficient: bool


class Which(Wish, frozen=True):
    """One return, the returns of one marketplace, or all of them."""

    return_id: int | None = None
    marketplace: str | None = None


class Failing(Which, frozen=True):
    """How many exports are going to fail, and why; final ones are not tried again by themselves."""

    times: Annotated[int, Meta(ge=1)] = 1
    text: str = "The marketplace refused the refund."
    final: bool = False


@get("/{tenant:str}/manners")
async def manners(book: FromBook) -> Answer:
    """Show the manners of every marketplace the tenant sold on or has said something about."""
    sold_on = {order.global_channel_name.casefold() for order in book.orders.values()}
    return answered({name: book.terms.manner(name) for name in sorted(sold_on | set(book.terms.manners))})


@put("/{tenant:str}/manners/{name:str}")
async def set_manner(request: Asking, name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Change some manners of a marketplace for this tenant."""
    manner = await amended(request, book.terms.manner(name))
    if manner.most_tries < 1 or min(manner.export_after_seconds, manner.retry_after_seconds) < 0:
        raise wrong("most_tries", "An export is tried at least once, and never in the past.")
    return await _with_manner(vendor, book, name, manner)


@delete("/{tenant:str}/manners/{name:str}", status_code=200)
async def forget_manner(name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Let a marketplace have its own manners again."""
    return await _with_manner(vendor, book, name, None)


@put("/{tenant:str}/balances/{name:str}")
async def set_balance(request: Asking, name: FromPath[str], vendor: FromVendor, book: FromBook) -> Answer:
    """Say whether the shop can pay refunds at a marketplace."""
    balance = await wish(request, Balance)
    vendor.commit(Change(tenant=book.tenant, balances=((name.casefold(), balance.sufficient),)))
    return await kept(vendor, {"marketplace": name, "sufficient": balance.sufficient})


@get("/{tenant:str}/exports")
async def exports(book: FromBook) -> Answer:
    """Show how far every decision got on its way to its marketplace."""
    return answered(_shown(book, book.returns.values()))


@post("/{tenant:str}/exports/fail")
async def fail_exports(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Let the next exports fail: of one return, of one marketplace, or any."""
    asked = await wish(request, Failing)
    mishap = Mishap(
        number=book.terms.last_mishap + 1,
        times=asked.times,
        text=asked.text,
        final=asked.final,
        return_id=asked.return_id,
        marketplace=asked.marketplace.casefold() if asked.marketplace else None,
    )
    vendor.commit(Change(tenant=book.tenant, mishaps=(mishap,)))
    return await kept(vendor, mishap, status=201)


@post("/{tenant:str}/exports/retry", status_code=200)
async def retry_exports(request: Asking, vendor: FromVendor, book: FromBook) -> Answer:
    """Try now every export that waits or failed, as somebody in the vendor's pages can."""
    asked = await wish(request, Which)
    if asked.return_id is not None and asked.return_id not in book.returns:
        raise Refusal(404, f"Return with id {asked.return_id} not found.")
    tried = [found.id for found in book.returns.values() if _is_among(book, found, asked)]
    for return_id in tried:
        vendor.commit(attempt(book, book.returns[return_id], vendor.now()))
    return await kept(vendor, _shown(book, (book.returns[return_id] for return_id in tried)))


MARKET = (manners, set_manner, forget_manner, set_balance, exports, fail_exports, retry_exports)


async def _with_manner(vendor: FromVendor, book: Book, name: str, manner: Manner | None) -> Answer:
    vendor.commit(Change(tenant=book.tenant, manners=((name.casefold(), manner),)))
    return await kept(vendor, book.terms.manner(name))


def _is_among(book: Book, found: Return, asked: Which) -> bool:
    name = book.order_of(found).global_channel_name.casefold()
    failed = found.export is not None and found.export.status in TRIED_NOW
    of_return = asked.return_id in (None, found.id)
    return failed and of_return and (asked.marketplace or name).casefold() == name


def _shown(book: Book, returns: Iterable[Return]) -> list[dict[str, Any]]:
    return [
        {
            "return_id": found.id,
            "marketplace": book.order_of(found).global_channel_name,
            "status": found.export.status,
            "attempts": found.export.attempts,
            "next_at": found.export.next_at,
            "cause": found.export.cause,
        }
        for found in returns
        if found.export is not None
    ]
