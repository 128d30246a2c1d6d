"""Where bytes lie: a folder and a bucket behave alike."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from hub.evidence.stores import Bucket, Folder, Store, open_store
from hub.kit.errors import Unavailable
from hub.settings import Settings, SettingsWrong, read
from tests.support.bucket import ACCESS, REGION, SECRET, Shelf, shelf

NAME = "account/ab/abcd.jpg"


def settings(kept: Shelf) -> Settings:
    return Settings(
        photo_store="s3://photos/returns",
        s3_endpoint=kept.url,
        s3_region=REGION,
        s3_access_key=ACCESS,
        s3_secret_key=SECRET,
    )


@pytest.fixture
async def kept() -> AsyncIterator[Shelf]:
    async with shelf() as served:
        yield served


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, kept: Shelf, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(Settings(data=tmp_path))
    return open_store(settings(kept))


async def test_what_is_put_is_there_until_it_is_deleted(store: Store) -> None:
    assert await store.get(NAME) is None
    for content in (b"one", b"two" * 100_000):
        await store.put(NAME, content)
        assert await store.get(NAME) == content
    for _ in range(2):
        await store.delete(NAME)
    assert await store.get(NAME) is None


async def test_a_folder_holds_nothing_but_what_was_put_and_for_nobody_else(tmp_path: Path) -> None:
    await Folder(tmp_path).put(NAME, b"one")
    assert [(name, files) for name, _, files in os.walk(tmp_path) if files] == [
        (str(tmp_path / "account/ab"), ["abcd.jpg"])
    ]
    assert await asyncio.to_thread(lambda: (tmp_path / NAME).stat().st_mode & 0o077) == 0


async def test_a_folder_that_cannot_be_written_is_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "account").write_text("a file where a folder should be")
    with pytest.raises(Unavailable):
        await Folder(tmp_path).put(NAME, b"one")


async def test_a_bucket_is_asked_under_its_prefix_and_again_when_it_is_busy(kept: Shelf) -> None:
    kept.failing = 2
    await open_store(settings(kept)).put(NAME, b"one")
    assert kept.calls == [("PUT", f"/photos/returns/{NAME}")] * 3
    assert kept.objects == {f"/photos/returns/{NAME}": b"one"}


async def test_a_bucket_that_refuses_or_is_away_is_out_of_reach(kept: Shelf) -> None:
    wrong = msgspec.structs.replace(settings(kept), s3_secret_key="another")
    away = msgspec.structs.replace(settings(kept), s3_endpoint="http://127.0.0.1:1")
    for chosen in (wrong, away):
        bucket = open_store(chosen)
        assert isinstance(bucket, Bucket)
        with pytest.raises(Unavailable) as refused:
            await bucket.put(NAME, b"one")
        assert "127.0.0.1" not in refused.value.message
    assert kept.objects == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"HUB_PHOTO_STORE": "ftp://photos"},
        {"HUB_PHOTO_STORE": "s3://"},
        {"HUB_S3_ENDPOINT": "s3.example.com"},
        {"HUB_S3_ACCESS_KEY": "alone"},
    ],
)
def test_a_store_that_nobody_can_reach_is_named_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsWrong):
        read(wrong)
    assert read({"HUB_PHOTO_STORE": "/srv/photos"}).photo_store == "/srv/photos"
