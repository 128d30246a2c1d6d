"""The log with the real database: sound while it is only appended to, and telling once it was tampered with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.audit import command, queries, service
from hub.audit.messages import Anchor, Verified
from hub.audit.service import broken_links, record
from hub.kit import clock, db
from hub.kit.errors import Invalid
from hub.kit.ids import new_id
from hub.runtime import Runtime
from tests.support.caller import Caller
from tests.support.world import World

ACCOUNT = UUID(int=7)


async def several(count: int = 5) -> list[UUID]:
    for number in range(count):
        async with db.transaction(db.PLATFORM):
            await record(
                actor="support:ann", action="rule.changed", subject=f"policy {number}",
                account_id=ACCOUNT if number % 2 else None,
                before={"days": number}, after={"days": number + 1, "why": "ü"},
            )  # fmt: skip
    return [entry.id for entry, _ in await chain()]


async def chain() -> list[tuple[queries.Entry, bytes]]:
    async with db.transaction(db.PLATFORM):
        return await queries.chain()


async def broken() -> list[UUID]:
    async with db.transaction(db.PLATFORM):
        return await broken_links()


@asynccontextmanager
async def tampering() -> AsyncIterator[None]:
    """What somebody does who owns the table; the lock of the trigger is part of the transaction."""
    async with db.transaction(db.PLATFORM):
        await db.execute("alter table audit disable trigger audit_is_a_fact")
        yield
        await db.execute("alter table audit enable trigger audit_is_a_fact")


async def test_an_empty_log_is_sound(hub: Runtime) -> None:
    assert await broken() == []


async def test_several_records_make_a_sound_chain_from_the_root(hub: Runtime) -> None:
    await several()
    entries = await chain()
    assert await broken() == []
    assert [entry.previous for entry, _ in entries] == [queries.ROOT, *(digest for _, digest in entries[:-1])]
    first, _ = entries[0]
    assert (first.actor, first.action, first.subject, first.account_id) == (
        "support:ann", "rule.changed", "policy 0", None,
    )  # fmt: skip
    assert (first.before, first.after) == ({"days": 0}, {"days": 1, "why": "ü"})
    assert entries[1][0].account_id == ACCOUNT


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'somebody else'",
        "action = 'rule.kept'",
        "subject = 'another'",
        "account_id = gen_random_uuid()",
        "account_id = null",
        "at = at + interval '1 microsecond'",
        "before = 'null'",
        "after = jsonb_set(after, '{days}', '99')",
        "previous = digest",
        "digest = sha256(digest)",
    ],
)
async def test_a_changed_entry_is_found(hub: Runtime, change: str) -> None:
    ids = await several()
    async with tampering():
        await db.execute(f"update audit set {change} where id = $1", ids[1])
    assert ids[1] in await broken()


@pytest.mark.parametrize("place", [0, 2, 3])
async def test_a_removed_entry_shows_at_the_one_after_it(hub: Runtime, place: int) -> None:
    ids = await several()
    async with tampering():
        await db.execute("delete from audit where id = $1", ids[place])
    assert await broken() == [ids[place + 1]]


async def test_entries_that_change_places_are_found(hub: Runtime) -> None:
    ids = await several()
    async with tampering():
        await db.execute("update audit set id = $2 where id = $1", ids[1], UUID(int=0))
        await db.execute("update audit set id = $2 where id = $1", ids[2], ids[1])
        await db.execute("update audit set id = $2 where id = $1", UUID(int=0), ids[2])
    assert set(await broken()) >= {ids[1], ids[2]}


async def test_an_inserted_entry_is_found(hub: Runtime) -> None:
    ids = await several()
    async with db.transaction(db.PLATFORM):
        forged = queries.Entry(
            id=UUID(int=ids[1].int + 1), account_id=None, at=clock.now(), actor="ann", action="none", subject="forged",
            before=None, after=None, previous=queries.ROOT,
        )  # fmt: skip
        await queries.append(forged, service.digest(forged))
    assert await broken() == [forged.id, ids[2]]


async def test_a_forger_who_mends_the_digest_still_breaks_the_next_link(hub: Runtime) -> None:
    ids = await several()
    entry = msgspec.structs.replace((await chain())[1][0], subject="another")
    async with tampering():
        await db.execute(
            "update audit set subject = 'another', digest = $2 where id = $1", ids[1], service.digest(entry)
        )
    assert await broken() == [ids[2]]


@pytest.mark.parametrize("statement", ["update audit set actor = 'x'", "delete from audit"])
async def test_entries_are_neither_updated_nor_deleted(hub: Runtime, statement: str) -> None:
    await several(1)
    with pytest.raises(asyncpg.RestrictViolationError, match="audit is a fact and is never changed"):
        async with db.transaction(db.PLATFORM):
            await db.execute(statement)
    assert len(await chain()) == 1


async def test_a_deed_that_was_rolled_back_leaves_no_gap(hub: Runtime) -> None:
    await several(2)
    with suppress(ZeroDivisionError):
        async with db.transaction(db.PLATFORM):
            await record(actor="ann", action="failed", subject="x")
            raise ZeroDivisionError
    await several(1)
    assert len(await chain()) == 3
    assert await broken() == []


async def test_an_account_reads_its_own_entries_only(hub: Runtime) -> None:
    await several(4)
    async with db.transaction(db.account(ACCOUNT)):
        assert {row["account_id"] for row in await db.fetch("select account_id from audit")} == {ACCOUNT}


async def test_only_the_platform_writes_because_nobody_else_sees_the_end_of_the_chain(hub: Runtime) -> None:
    with pytest.raises(RuntimeError, match="platform"):
        async with db.transaction(db.account(ACCOUNT)):
            await record(actor="ann", action="x", subject="x", account_id=ACCOUNT)


async def test_a_machine_whose_clock_is_behind_still_appends_at_the_end(
    hub: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = UUID(int=new_id().int + (int(timedelta(hours=1).total_seconds() * 1000) << 80))
    monkeypatch.setattr(service, "new_id", lambda: ahead)
    await several(1)
    monkeypatch.undo()
    ids = await several(3)
    assert ids[0] == ahead
    assert ids == sorted(set(ids))
    assert await broken() == []


numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e15, 1e15).filter(bool)
words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))
documents = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(documents, min_size=20, max_size=20))
@settings(max_examples=5)
async def test_whatever_was_written_down_is_read_back_to_the_same_digest(hub: Runtime, told: list[Any]) -> None:
    async with db.transaction(db.PLATFORM):
        for each in told:
            await record(actor="ann", action="x", subject="x", after=each)
    assert await broken() == []


async def verified(*anchors: Anchor) -> Verified:
    async with db.transaction(db.PLATFORM):
        return await service.verify(anchors)


async def anchored() -> Anchor:
    async with db.transaction(db.PLATFORM):
        return await service.anchor()


async def test_a_sound_log_meets_its_anchors_and_grows_on(hub: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH", 2)
    anchors = [await anchored()]
    for _ in range(3):
        await several(3)
        anchors.append(await anchored())
    found = await verified(*anchors)
    assert (found.sound, found.entries) == (True, 9)


@pytest.mark.parametrize("cut", [1, 2, 5])
async def test_a_log_whose_end_was_cut_off_is_sound_by_itself_and_misses_its_anchor(hub: Runtime, cut: int) -> None:
    ids = await several()
    kept = await anchored()
    async with tampering():
        await db.execute("delete from audit where id = any($1)", ids[-cut:])
    assert (await verified()).sound
    assert (await verified(kept)).missed == kept
    await several(cut)
    assert (await verified(kept)).missed == kept


async def test_the_first_broken_entry_is_named(hub: Runtime) -> None:
    ids = await several()
    async with tampering():
        await db.execute("update audit set actor = 'x' where id = any($1)", [ids[1], ids[3]])
    assert (await verified()).broken == ids[1]


async def test_the_commands_say_what_is_wrong_and_anchors_in_a_file_are_met(hub: Runtime, tmp_path: Path) -> None:
    ids, file = await several(), tmp_path / "anchors"
    line = await command.anchor(file)
    assert file.read_text() == line + "\n"
    assert await command.verify(file) == ("sound: 5 entries, 1 anchors", True)
    async with tampering():
        await db.execute("delete from audit where id = $1", ids[4])
    said, sound = await command.verify(file)
    assert (sound, str(ids[4]) in said) == (False, True)
    async with tampering():
        await db.execute("update audit set actor = 'x' where id = $1", ids[2])
    assert (await command.verify(None))[0].startswith(f"broken: entry {ids[2]} ")
    file.write_text("nothing")
    with pytest.raises(Invalid, match="cannot be read as anchors"):
        await command.verify(file)


async def test_the_log_is_searched_by_who_what_object_and_time(
    hub: Runtime, api: httpx.AsyncClient, world: World
) -> None:
    await several(4)
    caller = Caller(api, await world.api_key())
    found = (await caller.get("/audit", actor="support:ann", action="rule.", subject="policy")).json()["items"]
    assert [each["subject"] for each in found] == ["policy 3", "policy 2", "policy 1", "policy 0"]
    assert (found[0]["before"], found[0]["after"]["days"]) == ({"days": 3}, 4)
    assert len((await caller.get("/audit", account_id=str(ACCOUNT))).json()["items"]) == 2
    late = (await caller.get("/audit", actor="support:ann", since=found[1]["at"])).json()["items"]
    assert [each["subject"] for each in late] == ["policy 3", "policy 2"]
    early = (await caller.get("/audit", actor="support:ann", until=found[1]["at"])).json()["items"]
    assert [each["subject"] for each in early] == ["policy 1", "policy 0"]
    first = (await caller.get("/audit", actor="support:ann", limit=3)).json()
    rest = (await caller.get("/audit", actor="support:ann", limit=3, cursor=first["next_cursor"])).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [each["id"] for each in found]


async def test_an_export_has_every_entry_in_a_line_and_proves_itself(
    hub: Runtime, api: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.api.audit.BATCH", 2)
    key = await world.api_key()
    await several(5)
    answer = await Caller(api, key).get("/audit/export")
    lines = [msgspec.json.decode(line) for line in answer.text.splitlines()]
    assert [each["id"] for each in lines] == [str(entry.id) for entry, _ in await chain()]
    for line in lines:
        stored = line.pop("digest")
        entry = msgspec.convert(line | {"previous": b""}, queries.Entry, strict=False)
        entry = msgspec.structs.replace(entry, previous=bytes.fromhex(line["previous"]))
        assert service.digest(entry).hex() == stored
