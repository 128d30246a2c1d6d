"""The happy road: announced once, received in pieces, read back as it is."""

from datetime import UTC, datetime

from hub.sdk import Manifest, Progress, SnapshotKey, SnapshotLine
from hub.sdk.testing.bench import Bench, units, wanted
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, rule

TO_THE_SECOND = 1.0
# Before and after both switches of European clocks, and at noon in winter and summer.
MOMENTS = (
    datetime(2026, 1, 15, 11, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 59, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 1, tzinfo=UTC),
    datetime(2026, 7, 1, 10, 0, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 3, 0, tzinfo=UTC),
)


@rule(Tier.BRONZE, "What is announced is at the vendor, with its number, its products and its quantities")
async def announce(bench: Bench) -> None:
    """Announce, and read the vendor's ledger."""
    message = await bench.announced()
    held = await bench.held(message.return_number)
    require(held == [wanted(message)], f"announced {wanted(message)}, and the vendor holds {held}")


@rule(Tier.BRONZE, "The same announcement with the same key makes one return")
async def announce_twice(bench: Bench) -> None:
    """Announce twice, and count."""
    message = await bench.announced()
    await bench.result("announce", message, key=f"announce:{message.return_number}")
    held = await bench.held(message.return_number)
    require(len(held) == 1, f"two announcements with one key made {len(held)} returns")


@rule(Tier.BRONZE, "A snapshot shows what arrived, cumulatively, in the vendor's own words")
async def snapshot(bench: Bench) -> None:
    """Receive in two pieces and read after each."""
    message = await bench.announced(("SHOE", 3))
    word = bench.word()
    before = await bench.snapshot(message.return_number)
    require(_received(before.lines) == {}, f"nothing arrived, and the snapshot shows {_received(before.lines)}")
    require(before.return_number == message.return_number, "the snapshot does not carry our return number")
    for there in (1, 3):
        await bench.later(minutes=5)
        await bench.receive(message.return_number, ("SHOE", there - sum(_received(before.lines).values()), word))
        before = await bench.snapshot(message.return_number)
        require(_received(before.lines) == {"SHOE": there}, f"{there} arrived in all, shown: {before.lines}")
        require(_words(before.lines) == {word: there}, f"the vendor said {word!r}, shown: {_words(before.lines)}")


@rule(Tier.BRONZE, "A return that the vendor does not have is absent, and one that is done is completed")
async def absent_and_done(bench: Bench) -> None:
    """Ask for a stranger, and for one that the warehouse closed."""
    outcome = await bench.call("snapshot", SnapshotKey(return_number="R-STRANGER"))
    require(type(outcome).__name__ == "Absent", f"a return that is not there gives {outcome!r}")
    message = await bench.announced(("SHOE", 1))
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()), complete=True)
    seen = await bench.snapshot(message.return_number)
    require(seen.progress is Progress.COMPLETED, f"the warehouse is done, and the snapshot says {seen.progress}")


def has_words(manifest: Manifest) -> bool:
    """Say whether the vendor tells the state of goods in words, and not by a flag that has no third value."""
    return manifest.warehousing is not None and not manifest.warehousing.flags


@rule(Tier.SILVER, "A word that nobody knows comes through as it is, and as none that is known", applies=has_words)
async def unknown_word(bench: Bench) -> None:
    """Receive in a state that no table has."""
    message = await bench.announced(("SHOE", 1))
    await bench.receive(message.return_number, ("SHOE", 1, "kit_never_heard_of"))
    words = _words((await bench.snapshot(message.return_number)).lines)
    known = set(bench.manifest.warehousing.words) if bench.manifest.warehousing else set()
    require(words, "goods in a state that nobody knows are not shown at all")
    require(not known & set(words), f"a word that nobody knows became {sorted(known & set(words))}")


@rule(Tier.GOLD, "What the warehouse takes back, or puts elsewhere, is shown as it is then")
async def taken_back(bench: Bench) -> None:
    """Receive, take back, and receive in another state."""
    message = await bench.announced(("SHOE", 3))
    first = bench.word()
    other = bench.word(sure=False) if not _one_word(bench) else first
    await bench.receive(message.return_number, ("SHOE", 3, first))
    await bench.later(minutes=1)
    await bench.receive(message.return_number, ("SHOE", -2, first), ("SHOE", 1, other))
    seen = await bench.snapshot(message.return_number)
    expected = units([{"sku": first, "quantity": 1}, {"sku": other, "quantity": 1}])
    require(_words(seen.lines) == expected, f"the warehouse holds {expected}, shown: {_words(seen.lines)}")


def _one_word(bench: Bench) -> bool:
    words = bench.manifest.warehousing.words.values() if bench.manifest.warehousing else ()
    return not any(not each.sure and each.disposition.value != "pending" for each in words)


@rule(Tier.GOLD, "One product on two lines is announced as the vendor wants it, and nothing of it is lost")
async def same_product_twice(bench: Bench) -> None:
    """Announce and receive it."""
    message = await bench.announced(("SHOE", 2), ("SHOE", 1))
    held = await bench.held(message.return_number)
    require(held == [{"SHOE": 3}], f"3 of SHOE were announced on two lines, and the vendor holds {held}")
    await bench.receive(message.return_number, ("SHOE", 3, bench.word()))
    seen = await bench.snapshot(message.return_number)
    require(_received(seen.lines) == {"SHOE": 3}, f"3 of SHOE arrived, shown: {_received(seen.lines)}")


@rule(Tier.GOLD, "More than announced, something else, and what nobody announced are all shown")
async def surplus(bench: Bench) -> None:
    """Receive too many and a stranger, and bring a parcel."""
    message = await bench.announced(("SHOE", 1))
    word = bench.word()
    await bench.receive(message.return_number, ("SHOE", 2, word), ("STRANGER", 1, word))
    seen = await bench.snapshot(message.return_number)
    require(_received(seen.lines) == {"SHOE": 2, "STRANGER": 1}, f"shown: {_received(seen.lines)}")
    reference = await bench.bring(("SHOE", 1, word))
    items, _ = await bench.walk()
    found = [each for each in await bench.seen(items) if each.reference == reference]
    require(found, "a parcel that nobody announced is not among the changes")
    require(found[-1].return_number is None, "a parcel that nobody announced carries a return number")


@rule(Tier.GOLD, "Times are read in the vendor's own zone, also when clocks change")
async def times(bench: Bench) -> None:
    """Let something happen at moments around both switches of the clocks."""
    for moment in MOMENTS:
        await bench.at(moment)
        message = await bench.announced(("SHOE", 1))
        await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
        told = (await bench.snapshot(message.return_number)).updated_at
        if told is None:
            continue
        require(told.tzinfo is not None, "updated_at has no zone")
        off = abs((told - moment).total_seconds())
        require(off <= TO_THE_SECOND, f"it happened at {moment:%Y-%m-%d %H:%M} UTC, read as {told:%Y-%m-%d %H:%M %Z}")


def _received(lines: tuple[SnapshotLine, ...]) -> dict[str, int]:
    return units([{"sku": line.sku, "quantity": line.received} for line in lines])


def _words(lines: tuple[SnapshotLine, ...]) -> dict[str, int]:
    parts = [part for line in lines for part in line.parts if part.word is not None]
    return units([{"sku": part.word, "quantity": part.quantity} for part in parts])
