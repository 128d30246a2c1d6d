"""What the vendor is told: strictly as it wants it, and changed or withdrawn as long as that is possible."""

from urllib.parse import urlsplit

import msgspec

from hub.sdk import AnnouncementLine, CatalogueItem, Effect, Refused
from hub.sdk.testing.bench import Bench, wanted
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, rule


@rule(Tier.SILVER, "What is withdrawn before the goods came is gone; after that it is too late, and no fault")
async def withdraw(bench: Bench) -> None:
    """Withdraw before and after."""
    message = await bench.announced()
    outcome = await bench.call(Effect.WITHDRAW.value, message)
    if isinstance(outcome, Refused):
        require(outcome.code == "not_possible", f"a withdrawal is refused with {outcome.code!r}, not 'not_possible'")
        return
    require(await bench.held(message.return_number) == [], "a return was withdrawn, and the vendor still holds it")
    await bench.result(Effect.WITHDRAW.value, message)
    late = await bench.announced()
    await bench.receive(late.return_number, ("SHOE", 1, bench.word()))
    told = await bench.result(Effect.WITHDRAW.value, late)
    require(told.too_late, "goods are there, and a withdrawal is not too late")
    require(await bench.held(late.return_number), "goods are there, and the return was withdrawn all the same")


@rule(Tier.PLATINUM, "What is amended before the goods came is as it was told; after that it is too late")
async def amend(bench: Bench) -> None:
    """Amend before and after."""
    message = await bench.announced()
    fewer = msgspec.structs.replace(message.lines[0], quantity=1)
    other = AnnouncementLine(line="more", sku="BELT", quantity=4, order_line=f"{message.order_number}-9")
    changed = msgspec.structs.replace(message, lines=(fewer, other))
    await bench.know(changed)
    outcome = await bench.call(Effect.AMEND.value, changed)
    if isinstance(outcome, Refused):
        require(outcome.code == "not_possible", f"an amendment is refused with {outcome.code!r}, not 'not_possible'")
        return
    held = await bench.held(message.return_number)
    require(held == [wanted(changed)], f"amended to {wanted(changed)}, and the vendor holds {held}")
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    told = await bench.result(Effect.AMEND.value, message)
    require(told.too_late, "goods are there, and an amendment is not too late")


@rule(Tier.GOLD, "Requests are as the vendor wants them: nothing is refused, repeated or frowned upon")
async def strict_writing(bench: Bench) -> None:
    """Play a road, and look at what the vendor thought of it."""
    bench.wire.begin()
    await bench.call("check")
    message = await bench.announced(("SHOE", 2), ("A B/C&d=\u00e9", 1))
    held = await bench.held(message.return_number)
    require(held == [wanted(message)], f"a product with signs in its code is announced as {held}")
    await bench.snapshot(message.return_number)
    await bench.call("changes", None)
    ledger = await bench.ledger()
    require(not ledger.get("violations"), f"the vendor frowned: {ledger.get('violations')}")
    for each in bench.wire.sent:
        require(
            each.endpoint, f"{each.method} {urlsplit(each.url).path} names no endpoint, so that limits are not kept"
        )
        require(
            not each.body or "content-type" in {name.lower() for name in each.headers},
            f"{each.method} {urlsplit(each.url).path} has a body and no content-type",
        )


@rule(Tier.SILVER, "A product that the warehouse does not know is refused with a sentence that says what to do")
async def unknown_product(bench: Bench) -> None:
    """Announce a product and an order that the warehouse has never heard of."""
    known = await bench.announcement()
    line = msgspec.structs.replace(known.lines[0], sku="NEVER-HEARD-OF", order_line="never")
    message = msgspec.structs.replace(known, order_number="SO-NEVER", lines=(line,))
    outcome = await bench.call(Effect.ANNOUNCE.value, message, key="announce:never")
    require(isinstance(outcome, Refused), f"an unknown product is answered with {outcome!r}, not Refused")
    require(isinstance(outcome, Refused) and len(outcome.message.split()) > 4, "the refusal says too little")  # noqa: PLR2004 - a sentence


@rule(Tier.PLATINUM, "The vendor's own lists of codes can be read, so that a person can map them")
async def catalogues(bench: Bench) -> None:
    """Read each list that is declared."""
    declared = bench.manifest.warehousing.catalogues if bench.manifest.warehousing else frozenset()
    for which in sorted(declared):
        items = await bench.result("catalogue", which)
        require(items, f"the list of {which} is empty")
        require(
            all(isinstance(each, CatalogueItem) and each.code for each in items), f"{which} has an item without code"
        )
