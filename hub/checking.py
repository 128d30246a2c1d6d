"""`hub check`: everything that is wrong, at once, one sentence each."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import uvloop

from hub import migrations
from hub import settings as configuration
from hub.audit.service import broken_links
from hub.engines import reachable
from hub.evidence.stores import open_store
from hub.kit import db, queue
from hub.kit.addresses import Allow
from hub.kit.embedded import EnginesFailed
from hub.kit.ids import new_id
from hub.outbox import mail
from hub.plugins.loader import load
from hub.plugins.messages import PluginsWrong
from hub.runtime import keyring
from hub.settings import Settings, SettingsWrong
from tenants.permissions import PermissionsWrong, matrix


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    subject: str
    ok: bool
    detail: str


class Report(msgspec.Struct, frozen=True):
    """All that was looked at."""

    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(finding.ok for finding in self.findings)

    def as_text(self) -> str:
        """Return a line per finding, what is wrong first."""
        ordered = sorted(self.findings, key=lambda finding: finding.ok)
        return "\n".join(f"{'ok   ' if each.ok else 'WRONG'} {each.subject}: {each.detail}" for each in ordered)

    def as_json(self) -> str:
        """Return the report as one JSON object."""
        return msgspec.json.encode({"ok": self.ok, "findings": self.findings}).decode()


def run(environment: Mapping[str, str]) -> Report:
    """Look at settings, plugins, keys, permissions, mail, engines, role, migrations, queue, photos and audit log."""
    try:
        settings = configuration.read(environment)
    except SettingsWrong as wrong:
        return Report([Finding("settings", ok=False, detail=problem) for problem in wrong.problems])
    findings = [Finding("settings", ok=True, detail=f"data in {settings.data}")]
    findings += _plugins(settings)
    findings += [_said("master keys", lambda: f"sealing with {keyring(settings).current_id}")]
    findings += [_said("permissions", _permissions)]
    findings += [_said("egress", lambda: _egress(settings))]
    findings += [_said("mail", lambda: _mail(settings))]
    findings += _engines(settings)
    return Report(findings)


def _plugins(settings: Settings) -> list[Finding]:
    try:
        registry = load(settings.plugins)
    except PluginsWrong as wrong:
        return [Finding("plugins", ok=False, detail=problem) for problem in wrong.problems]
    return [Finding("plugins", ok=True, detail=f"loaded {', '.join(registry.pages)}")]


def _permissions() -> str:
    return f"{len(matrix().actions)} actions, {len(matrix().roles)} roles"


def _mail(settings: Settings) -> str:
    if settings.smtp_url is None:
        return "none is sent: HUB_SMTP_URL is not set"
    server = mail.parse(settings.smtp_url)
    return f"through {server.host}:{server.port}"


def _egress(settings: Settings) -> str:
    Allow.parse(settings.egress_allow)
    return settings.egress_allow or "public addresses only"


def _said(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, ok=True, detail=look())
    except (ValueError, OSError, PermissionsWrong) as fault:
        return Finding(subject, ok=False, detail=f"{fault}")


def _engines(settings: Settings) -> list[Finding]:
    try:
        with reachable(settings) as engines:
            return uvloop.run(_inside(settings, engines.database_url, engines.redis_url))
    except EnginesFailed as failed:
        return [Finding("engines", ok=False, detail=str(failed))]


async def _inside(settings: Settings, database_url: str, redis_url: str) -> list[Finding]:
    findings = [await _asked("queue", lambda: _queue(redis_url)), await _asked("photos", lambda: _photos(settings))]
    database = await _asked("database", lambda: _database(database_url))
    findings.append(database)
    if database.ok:
        findings.append(await _asked("database role", _role))
        findings.append(await _migrations(embedded=settings.database_url is None))
        findings.append(await _asked("audit log", _audit))
    await db.disconnect()
    return findings


async def _asked(subject: str, look: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(subject, ok=True, detail=await look())
    except Exception as fault:  # noqa: BLE001 - whatever stands in the way is the finding
        return Finding(subject, ok=False, detail=f"{fault}" or type(fault).__name__)


async def _photos(settings: Settings) -> str:
    store, name = open_store(settings), f"check/{new_id()}"
    await store.put(name, b"check")
    kept = await store.get(name)
    await store.delete(name)
    if kept != b"check":
        raise ValueError("What was stored was not what was read back.")
    return f"kept in {settings.photo_store or settings.data / 'photos'}"


async def _queue(redis_url: str) -> str:
    bell = await queue.connect(redis_url)
    await bell.ping()
    await queue.disconnect()
    return "answers"


async def _database(database_url: str) -> str:
    await db.connect(database_url, most=2)
    async with db.transaction(db.PLATFORM):
        row = await db.fetch_one("select current_setting('server_version') as version")
    return f"PostgreSQL {row['version']} answers" if row else "answers"


async def _role() -> str:
    await db.refuse_unsafe_role()
    return "held to row-level security"


async def _migrations(*, embedded: bool) -> Finding:
    pending = await migrations.pending()
    if not pending:
        return Finding("migrations", ok=True, detail="all have run")
    if embedded:
        return Finding("migrations", ok=True, detail=f"{len(pending)} will run at the next `hub up`")
    return Finding("migrations", ok=False, detail=f"{len(pending)} have not run: run `hub migrate`.")


async def _audit() -> str:
    if await migrations.pending():
        return "empty"
    async with db.transaction(db.PLATFORM):
        broken = await broken_links()
    if broken:
        raise ValueError(f"{len(broken)} entries do not follow from the one before, the first is {broken[0]}.")
    return "every entry follows from the one before"
