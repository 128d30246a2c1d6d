"""Photos are kept once, found by what they show, never lost, and gone when their time is over."""

from pathlib import Path

import asyncpg
import msgspec
import pytest

from hub.evidence import pictures, queries, service
from hub.evidence.messages import NewPhoto, Retention, Stored, Subject
from hub.evidence.stores import Folder
from hub.kit import db
from hub.kit.errors import Conflict, HubError, NotFound, Unavailable
from hub.kit.ids import new_id
from tests.conftest import Clock
from tests.support.judge import one, rows
from tests.support.photos import photo
from tests.support.world import ACTOR, Shop, World


class Shelf(Folder):
    """A folder that can be out of reach, and says what it holds."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.root, self.away, self.puts = root, False, 0

    @property
    def names(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*.jpg")}

    async def put(self, name: str, content: bytes) -> None:
        self.reach()
        self.puts += 1
        await super().put(name, content)

    async def delete(self, name: str) -> None:
        self.reach()
        await super().delete(name)

    def reach(self) -> None:
        if self.away:
            raise Unavailable("photos_unreachable", "away")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
async def shop(world: World) -> Shop:
    return await world.shop()


@pytest.fixture
async def new(world: World, shop: Shop) -> NewPhoto:
    """A photo of a return that has arrived."""
    found = await world.merchant_return(shop, "SO-1", {"SHOE": 1})
    return NewPhoto(
        key="1", warehouse_id=shop.warehouse, account_id=shop.account, return_id=found.id, subject=Subject.DAMAGE,
        content=photo(), taken_at=None, by=ACTOR,
    )  # fmt: skip


async def of(new: NewPhoto) -> list[Stored]:
    assert new.account_id is not None
    assert new.return_id is not None
    async with db.transaction(db.account(new.account_id)):
        return await queries.of_return(new.account_id, new.return_id)


def another(new: NewPhoto, key: str, **more: object) -> NewPhoto:
    return msgspec.structs.replace(new, key=key, **more)


async def test_a_photo_is_kept_and_shown_as_it_was_kept(shelf: Shelf, new: NewPhoto) -> None:
    added = await service.add(shelf, new)
    (stored,) = await of(new)
    assert service.view(stored) == added
    shown = await service.content(shelf, stored)
    assert shown == pictures.prepare(new.content).content
    assert shelf.names == {stored.object}


async def test_a_photo_that_is_sent_again_is_the_one_that_was_kept(shelf: Shelf, new: NewPhoto) -> None:
    first = await service.add(shelf, new)
    assert await service.add(shelf, new) == first
    with pytest.raises(Conflict) as refused:
        await service.add(shelf, another(new, "1", content=photo(colour="red")))
    assert refused.value.code == "key_reused"
    assert len(await of(new)) == 1


async def test_the_same_picture_is_stored_once_for_one_account_and_never_shared_with_another(
    world: World, shelf: Shelf, new: NewPhoto
) -> None:
    other = await world.shop("other")
    for each in (new, another(new, "2"), another(new, "3", account_id=other.account, return_id=None)):
        await service.add(shelf, each)
    assert (shelf.puts, len(shelf.names)) == (2, 2)


async def test_a_store_that_is_away_leaves_no_row_and_the_next_try_keeps_it(shelf: Shelf, new: NewPhoto) -> None:
    shelf.away = True
    with pytest.raises(Unavailable):
        await service.add(shelf, new)
    assert await of(new) == []
    shelf.away = False
    await service.add(shelf, new)
    assert len(await of(new)) == 1


async def test_an_object_whose_row_was_never_written_is_swept_after_a_day(
    shelf: Shelf, new: NewPhoto, stopped: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(queries, "add", crash)
        with pytest.raises(ConnectionError):
            await service.add(shelf, new)
    await service.add(shelf, another(new, "2", content=photo(colour="red")))
    assert len(shelf.names) == 2
    assert await service.sweep(shelf) == 0
    stopped.forward(hours=25)
    assert await service.sweep(shelf) == 1
    (stored,) = await of(new)
    assert shelf.names == {stored.object}
    await service.add(shelf, new)
    assert len(shelf.names) == 2


async def test_a_photo_whose_time_is_over_is_gone_and_its_row_says_so(
    shelf: Shelf, new: NewPhoto, stopped: Clock
) -> None:
    await service.add(shelf, new)
    stopped.forward(days=200)
    await service.add(shelf, another(new, "2"))
    stopped.forward(days=166)
    # Another photo shows the same, so that the object stays.
    assert await service.sweep(shelf) == 0
    first, second = await of(new)
    assert (first.removed_at is not None, second.removed_at) == (True, None)
    assert await service.content(shelf, second)
    with pytest.raises(NotFound, match=r"removed on 2027-11-24"):
        await service.content(shelf, first)
    stopped.forward(days=200)
    assert await service.sweep(shelf) == 1
    assert shelf.names == set()
    assert [each.removed_at is not None for each in await of(new)] == [True, True]


async def test_what_could_not_be_removed_is_removed_later(shelf: Shelf, new: NewPhoto, stopped: Clock) -> None:
    await service.add(shelf, new)
    stopped.forward(days=366)
    shelf.away = True
    with pytest.raises(Unavailable):
        await service.sweep(shelf)
    shelf.away = False
    assert await service.sweep(shelf) == 1
    assert shelf.names == set()
    assert await one("select count(*) from photo_objects") == 0


async def test_a_picture_that_comes_again_in_the_moment_it_is_removed_is_kept(
    shelf: Shelf, new: NewPhoto, stopped: Clock
) -> None:
    await service.add(shelf, new)
    stopped.forward(days=366)
    # The sweep comes between the note that an object is taken up again and the row that needs it.
    (name,) = shelf.names
    async with db.transaction(db.PLATFORM):
        assert await queries.touch(name, stopped() + service.UPLOAD)
    assert await service.sweep(shelf) == 0
    await service.add(shelf, another(new, "2"))
    stopped.forward(days=2)
    assert await service.sweep(shelf) == 0
    first, second = await of(new)
    assert first.removed_at is not None
    assert await service.content(shelf, second)


async def test_an_account_says_for_how_long_its_photos_are_kept_also_those_that_are_there(
    shelf: Shelf, new: NewPhoto, stopped: Clock
) -> None:
    assert new.account_id is not None
    await service.add(shelf, new)
    stopped.forward(days=40)
    assert await service.retain(new.account_id, Retention(days=30), actor=ACTOR) == Retention(days=30)
    await service.add(shelf, another(new, "2", content=photo(colour="red")))
    assert await service.sweep(shelf) == 1
    assert [each.removed_at is not None for each in await of(new)] == [True, False]
    (entry,) = await rows("select actor, before, after from audit where action = 'photos.retain'")
    assert entry == {"actor": ACTOR, "before": '{"days": 365}', "after": '{"days": 30}'}


async def test_a_photo_that_was_tampered_with_is_not_shown(shelf: Shelf, new: NewPhoto) -> None:
    await service.add(shelf, new)
    (stored,) = await of(new)
    for content in (pictures.prepare(photo(colour="red")).content, None):
        await (shelf.put(stored.object, content) if content else shelf.delete(stored.object))
        with pytest.raises(Conflict) as refused:
            await service.content(shelf, stored)
        assert refused.value.code == "photo_damaged"


@pytest.mark.parametrize(
    "change",
    ["sha256 = sha256('')", "added_by = 'x'", "subject = 'label'", "added_at = now()", "return_id = null", "key = 'x'"],
)
async def test_what_a_photo_is_cannot_be_changed_in_the_database(shelf: Shelf, new: NewPhoto, change: str) -> None:
    await service.add(shelf, new)
    for statement in (f"update photos set {change}", "delete from photos"):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with db.transaction(db.PLATFORM):
                await db.execute(statement)


# -- what photos show


async def refusal(work: object) -> str:
    with pytest.raises(HubError) as refused:
        async with db.transaction(db.PLATFORM):
            await work  # type: ignore[misc]  # a coroutine of the service
    return refused.value.code


async def test_photos_of_an_unknown_parcel_become_a_returns_when_it_is_claimed(shelf: Shelf, new: NewPhoto) -> None:
    assert new.account_id is not None
    assert new.return_id is not None
    await service.retain(new.account_id, Retention(days=7), actor=ACTOR)
    unknown = await service.add(shelf, another(new, "1", account_id=None, return_id=None))
    assert (unknown.remove_at - unknown.added_at).days == 365
    parcel = new_id()
    async with db.transaction(db.PLATFORM):
        await service.attach([unknown.id], new.warehouse_id, parcel_id=parcel)
        assert [each.id for each in await queries.of_parcel(parcel)] == [unknown.id]
    assert await refusal(service.require(new.account_id, new.return_id, [unknown.id])) == "photo_unknown"
    for _ in range(2):
        async with db.transaction(db.PLATFORM):
            await service.attach(
                [unknown.id], new.warehouse_id, account_id=new.account_id, return_id=new.return_id
            )  # fmt: skip
    async with db.transaction(db.account(new.account_id)):
        await service.require(new.account_id, new.return_id, [unknown.id])
    (stored,) = await of(new)
    assert (stored.parcel_id, (stored.remove_at - stored.added_at).days) == (parcel, 7)
    assert await service.content(shelf, stored)


async def test_a_photo_shows_one_thing_and_only_at_its_own_warehouse(
    world: World, shop: Shop, shelf: Shelf, new: NewPhoto
) -> None:
    assert new.account_id is not None
    taken = await service.add(shelf, new)
    second = await world.merchant_return(shop, "SO-2", {"SHOE": 1})
    elsewhere = await world.shop("elsewhere")
    for work in (
        service.attach([taken.id], shop.warehouse, account_id=new.account_id, return_id=second.id),
        service.attach([taken.id], elsewhere.warehouse, account_id=new.account_id, return_id=new.return_id),
        service.attach([taken.id, new_id()], shop.warehouse, parcel_id=new_id()),
        service.require(new.account_id, second.id, [taken.id]),
    ):
        assert await refusal(work) == "photo_unknown"
