"""Reading all there is: page by page, over crashes, past what cannot be read."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from hub.sdk import Sent, Snapshot, SnapshotKey
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, rule

MANY = 230


@rule(Tier.BRONZE, "What changed is among the changes, and the changes come to an end")
async def changes(bench: Bench) -> None:
    """Walk over what there is, then over what came after."""
    first = await bench.announced(("SHOE", 1))
    await bench.receive(first.return_number, ("SHOE", 1, bench.word()))
    items, cursor = await bench.walk()
    require(_units(await bench.seen(items), first.return_number) == 1, "what arrived is not among the changes")
    await bench.later(hours=2)
    second = await bench.announced(("SHOE", 2))
    await bench.receive(second.return_number, ("SHOE", 2, bench.word()))
    items, _ = await bench.walk(cursor)
    require(_units(await bench.seen(items), second.return_number) == 2, "what arrived after a walk is not in the next")  # noqa: PLR2004 - two came


def _units(seen: list[Snapshot], number: str) -> int:
    found = [each for each in seen if each.return_number == number]
    return sum(line.received for line in found[-1].lines) if found else 0


@rule(Tier.GOLD, "No page is lost, also where the hub dies before a page was stored")
async def pages(bench: Bench) -> None:
    """Bring many parcels, and turn the pages with a crash at each."""
    brought = set()
    for place in range(MANY):
        if place % 40 == 0:
            await bench.later(minutes=1)
        brought.add(await bench.bring(("SHOE", 1, bench.word())))
    for crash in (False, True):
        items, _ = await bench.walk(crash=crash)
        read = {each.reference for each in items}
        lost = brought - read
        require(not lost, f"{len(lost)} of {MANY} were lost{' after a crash at a page' if crash else ''}")


@rule(Tier.GOLD, "What changes while pages are turned is found by this walk or by the next one")
async def moving_list(bench: Bench) -> None:
    """Change something after the first page, and again between two walks, with an equal time on several."""
    brought = {await bench.bring(("SHOE", 1, bench.word())) for _ in range(MANY)}
    page = await bench.result("changes", None)
    read = {each.reference for each in page.items}
    message = await bench.announced(("SHOE", 1))
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    items, cursor = await bench.walk(page.cursor) if page.more else ([], page.cursor)
    # In the very second in which the walk ended, something more happens.
    late = await bench.bring(("SHOE", 1, bench.word()))
    more, _ = await bench.walk(cursor)
    read |= {each.reference for each in (*items, *more)}
    require(not brought - read, f"{len(brought - read)} of {MANY} were lost while the list moved")
    require(late in read, "what came in the same second as the end of a walk is not in the next one")
    seen = await bench.seen([*items, *more])
    require(_units(seen, message.return_number) == 1, "what changed while pages were turned was lost")


@rule(Tier.SILVER, "Fields that nobody has heard of change nothing")
async def lenient_reading(bench: Bench) -> None:
    """Add a field to every object of every answer."""
    message = await bench.announced()
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    key = SnapshotKey(return_number=message.return_number)
    plain = await bench.result("snapshot", key)
    listed = (await bench.result("changes", None)).items
    bench.wire.begin(change=_with(lambda node: {**node, "kit_unknown": {"x": [1]}}))
    require(await bench.result("snapshot", key) == plain, "a field that nobody has heard of changes a snapshot")
    require((await bench.result("changes", None)).items == listed, "a field nobody has heard of changes the changes")
    other = await bench.announcement()
    bench.wire.begin(change=_with(lambda node: {**node, "kit_unknown": None}))
    await bench.result("announce", other, key=f"announce:{other.return_number}")


def _with(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Sent], Sent]:
    """Return what changes every object of an answer."""

    def through(node: Any) -> Any:
        if isinstance(node, dict):
            return change({name: through(value) for name, value in node.items()})
        return [through(each) for each in node] if isinstance(node, list) else node

    def changed(answer: Sent) -> Sent:
        try:
            said = json.loads(answer.body)
        except ValueError:
            return answer
        return msgspec.structs.replace(answer, body=json.dumps(through(said)).encode())

    return changed


@rule(Tier.GOLD, "One element that cannot be read loses none of its neighbours")
async def bad_element(bench: Bench) -> None:
    """Spoil one element of the list of changes."""
    brought = [await bench.bring(("SHOE", 1, bench.word())) for _ in range(5)]
    bench.wire.begin(change=_spoil_second)
    page = await bench.result("changes", None)
    bench.wire.begin()
    read = {each.reference for each in page.items}
    require(len(set(brought) & read) >= len(brought) - 1, "a bad element takes its neighbours with it")
    require(page.rejected or set(brought) <= read, "a bad element is dropped without a word: name it in 'rejected'")


def _spoil_second(answer: Sent) -> Sent:
    said = json.loads(answer.body)
    elements = said if isinstance(said, list) else next((v for v in said.values() if isinstance(v, list)), [])
    objects = [place for place, each in enumerate(elements) if isinstance(each, dict)]
    if len(objects) > 1:
        elements[objects[1]] = {name: {"spoiled": True} for name in elements[objects[1]]}
    return msgspec.structs.replace(answer, body=json.dumps(said).encode())
