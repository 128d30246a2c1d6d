"""What every process of the hub opens before it works: configuration, plugins, keys, database, bell."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from hub import migrations
from hub.evidence.stores import Store, open_store
from hub.kit import db, queue
from hub.kit.addresses import Allow
from hub.kit.crypto import Keyring
from hub.kit.egress import Egress
from hub.outbox import mail
from hub.plugins.loader import load
from hub.plugins.messages import LONGEST_CALL_SECONDS, Registry
from hub.settings import Settings
from tenants import profiles
from tenants.people.messages import Post
from tenants.permissions import matrix
from tenants.vendors import Vendors


class NotReady(Exception):  # noqa: N818 - it says the fact
    """The hub cannot start; the message says why and what to do."""


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """A process's surroundings, open for as long as it works."""

    settings: Settings
    redis_url: str
    registry: Registry
    vendors: Vendors
    keyring: Keyring
    egress: Egress
    post: Post
    bell: queue.Bell
    photos: Store


def keyring(settings: Settings) -> Keyring:
    """Return the master keys from HUB_MASTER_KEYS, or from the data folder, where a first one is made."""
    if settings.master_keys is not None:
        return Keyring.parse(settings.master_keys)
    path = settings.data / "master.keys"
    if not path.exists():
        _write_once(path, Keyring.generate_text())
    return Keyring.parse(path.read_text(encoding="ascii").strip())


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link fails if another process was first; then its key is the one.
        path.hardlink_to(fresh)
    except FileExistsError:
        return
    finally:
        fresh.unlink()


def mail_server(settings: Settings) -> mail.Server | None:
    """Return the mail server to send through, if one is set up; raises `NotReady`."""
    if settings.smtp_url is None:
        return None
    try:
        return mail.parse(settings.smtp_url)
    except ValueError as wrong:
        raise NotReady(f"HUB_SMTP_URL cannot be used: {wrong}.") from wrong


@asynccontextmanager
async def open_runtime(settings: Settings, *, database_url: str, redis_url: str) -> AsyncIterator[Runtime]:
    """Open everything, refuse what is unsafe, and close it in the end.

    Raises `NotReady` with a sentence, `PluginsWrong` or `PermissionsWrong` with several.
    """
    matrix()
    registry = load(settings.plugins)
    mail_server(settings)
    keys = keyring(settings)
    egress = Egress(allow=Allow.parse(settings.egress_allow), timeout_seconds=LONGEST_CALL_SECONDS)
    profiles.know(registry.connectors)
    vendors = Vendors(registry.connectors, keyring=keys, egress=egress, limits=registry.limits)
    await db.connect(database_url, most=settings.pool_size)
    try:
        await db.refuse_unsafe_role()
        pending = await migrations.pending()
        if pending:
            raise NotReady(f"The database lacks {len(pending)} migration(s): run `hub migrate` first.")
        bell = await queue.connect(redis_url)
        yield Runtime(
            settings=settings, redis_url=redis_url, registry=registry, vendors=vendors, keyring=keys, egress=egress,
            post=mail.post(settings, keys), bell=bell, photos=open_store(settings),
        )  # fmt: skip
    finally:
        await queue.disconnect()
        await vendors.close()
        await db.disconnect()
