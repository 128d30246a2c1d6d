"""Where bytes lie: a folder of this machine, or a bucket of S3 or of what speaks like it."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from hub.kit.errors import Unavailable
from hub.kit.telemetry import log
from hub.settings import Settings

_log = log("evidence")

S3 = "s3://"
CALL, ALL_TRIES = timedelta(seconds=10), timedelta(seconds=20)


@runtime_checkable
class Store(Protocol):
    """Keeps bytes by name; every call raises `Unavailable` if the place is out of reach."""

    async def put(self, name: str, content: bytes) -> None:
        """Keep bytes, durably before this returns; what was there under the name is replaced at once."""

    async def get(self, name: str) -> bytes | None:
        """Return the bytes of a name, None if there are none."""

    async def delete(self, name: str) -> None:
        """Forget a name; one that is not there is forgotten already."""


def open_store(settings: Settings) -> Store:
    """Return the store that the settings name: `photos` in the data folder if they name none."""
    where = settings.photo_store
    if where is None or not where.startswith(S3):
        return Folder(Path(where) if where else settings.data / "photos")
    bucket, _, prefix = where.removeprefix(S3).partition("/")
    return Bucket(bucket, prefix, settings)


class Folder:
    """A folder; every machine of an installation has to see the same one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, content: bytes) -> None:
        """Write beside the name, flush to the disk, and take the name's place."""
        with _reaching():
            await asyncio.to_thread(self._write, self._root / name, content)

    async def get(self, name: str) -> bytes | None:
        """Read a file."""
        with _reaching():
            try:
                return await asyncio.to_thread((self._root / name).read_bytes)
            except FileNotFoundError:
                return None

    async def delete(self, name: str) -> None:
        """Remove a file."""
        with _reaching():
            await asyncio.to_thread((self._root / name).unlink, missing_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{secrets.token_hex(8)}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            # A name is on the disk when its folder is.
            os.fsync(folder)
        finally:
            os.close(folder)


class Bucket:
    """A bucket; without keys in the settings the machine's own role signs."""

    def __init__(self, bucket: str, prefix: str, settings: Settings) -> None:
        keys = {"access_key_id": settings.s3_access_key, "secret_access_key": settings.s3_secret_key}
        endpoint = {"endpoint": settings.s3_endpoint}
        given = {name: text for name, text in {**keys, **endpoint}.items() if text}
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            region=settings.s3_region,
            # An endpoint of one's own seldom has a name for each bucket.
            virtual_hosted_style_request=not settings.s3_endpoint,
            # What speaks like S3 seldom has deletes in bulk, and the hub has one at a time.
            disable_bulk_delete=True,
            client_options={"timeout": CALL, "connect_timeout": CALL, "allow_http": _is_plain(settings.s3_endpoint)},
            retry_config={"max_retries": 3, "retry_timeout": ALL_TRIES},
            **given,  # type: ignore[arg-type]  # names of the library's own settings, each with its text
        )

    async def put(self, name: str, content: bytes) -> None:
        """Upload an object in one request."""
        with _reaching():
            await obstore.put_async(self._store, name, content, use_multipart=False)

    async def get(self, name: str) -> bytes | None:
        """Download an object."""
        with _reaching():
            try:
                return bytes(await (await obstore.get_async(self._store, name)).bytes_async())
            except (NotFoundError, FileNotFoundError):
                return None

    async def delete(self, name: str) -> None:
        """Delete an object."""
        with _reaching():
            try:
                await obstore.delete_async(self._store, name)
            except (NotFoundError, FileNotFoundError):
                return


def _is_plain(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.startswith("http://")


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as fault:
        # The library's sentences name the address and the bucket, which are the operator's to know.
        _log.warning("photos are out of reach", fault=type(fault).__name__, why=str(fault)[:500])
        raise Unavailable(
            "photos_unreachable", "Photos cannot be stored or read for the moment; try again shortly."
        ) from fault
