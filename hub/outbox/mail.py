"""Mail: queued sealed in the transaction that wants it, sent by a worker's beat through SMTP, tried again by schedule.

A mail is sent at least once: where a sender dies between the server's yes and its own note, the next one repeats it
under the same Message-ID.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from importlib.resources import files
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib
import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined

from hub.kit import clock, crypto, db
from hub.kit.crypto import Keyring, Secret
from hub.kit.ids import new_id
from hub.kit.redact import redact
from hub.kit.schedule import retry_after
from hub.kit.telemetry import MAILS, log
from hub.outbox import queries
from hub.settings import Settings
from tenants.people.messages import Letter, Post

_log = log("mail")

BATCH = 5
CALL_SECONDS = 12.0
# Longer than a batch may take.
LEASE = timedelta(seconds=60)
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_PERMANENT = range(500, 600)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server, as `HUB_SMTP_URL` names it."""

    host: str
    port: int
    scheme: str
    user: str | None = None
    password: Secret | None = None


def parse(url: str) -> Server:
    """Read `smtp+starttls://user:password@host:587` and its like; raises ValueError that says what is wrong.

    `smtps` is encrypted from the beginning, `smtp+starttls` must become so, `smtp` does if the server offers it.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in {"", "/"} or parse_qs(parts.query):
        raise ValueError("it has to look like smtps://user:password@host, smtp+starttls://… or smtp://host:25")
    if parts.username and parts.scheme == "smtp":
        raise ValueError("a password travels encrypted only: write smtps:// or smtp+starttls://")
    return Server(
        host=parts.hostname, port=parts.port or _PORTS[parts.scheme], scheme=parts.scheme,
        user=unquote(parts.username) if parts.username else None,
        password=Secret(unquote(parts.password)) if parts.password else None,
    )  # fmt: skip


# queueing -----------------------------------------------------------------------------------------------


def post(settings: Settings, keyring: Keyring) -> Post:
    """Return how rooms send mail: through the queue, or not at all where no server is set up."""

    async def send(letter: Letter) -> None:
        mail_id = new_id()
        sealed = keyring.seal(msgspec.json.encode(letter), _place(mail_id))
        await queries.add_mail(mail_id, letter.template, sealed, clock.now())

    return Post(address=settings.address, send=send if settings.smtp_url else None)


def _place(mail_id: UUID) -> str:
    return crypto.place("mails", "sealed", mail_id)


# writing ------------------------------------------------------------------------------------------------


def _source(name: str) -> str:
    return files("hub.outbox").joinpath("mails", *name.split("/")).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(loader=FunctionLoader(_source), undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - plain text


def render(letter: Letter) -> tuple[str, str]:
    """Return a letter's subject and text, in its reader's language."""
    text = _templates().get_template(f"{letter.locale}/{letter.template}.txt").render(_flat(letter.facts))
    first, _, body = text.partition("\n")
    return first.removeprefix("Subject: ").strip(), body.lstrip("\n")


def _flat(facts: Mapping[str, str]) -> dict[str, str]:
    # A fact is a word in a sentence: one with a line end in it would write lines, and headers, of its own.
    return {name: " ".join(value.split()) for name, value in facts.items()}


def message(letter: Letter, sender: str, mail_id: UUID, now: datetime) -> EmailMessage:
    """Return a letter as a mail."""
    subject, body = render(letter)
    written = EmailMessage()
    written["From"] = sender
    written["To"] = Address(addr_spec=letter.to)
    written["Subject"] = subject
    written["Date"] = format_datetime(now)
    written["Message-ID"] = f"<{mail_id}@{sender.rpartition('@')[2].strip('> ')}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(body)
    return written


# sending ------------------------------------------------------------------------------------------------


class Sender:
    """Sends what is queued; any number of them may run."""

    def __init__(self, server: Server, sender: str, keyring: Keyring) -> None:
        self._server = server
        self._sender = sender
        self._keyring = keyring

    async def send_due(self) -> int:
        """Try the mails that are due; returns how many were tried."""
        now = clock.now()
        async with db.transaction(db.PLATFORM):
            held = await queries.claim_mails(now, now + LEASE, BATCH)
        await asyncio.gather(*(self._try(each) for each in held))
        return len(held)

    async def _try(self, mail: queries.StoredMail) -> None:
        try:
            await self._send(mail)
        except (aiosmtplib.SMTPException, OSError, TimeoutError, crypto.CannotOpen, ValueError) as fault:
            await self._failed(mail, fault)
            return
        async with db.transaction(db.PLATFORM):
            await queries.finish_mail(mail.id, mail.attempt, "sent", clock.now())

    async def _send(self, mail: queries.StoredMail) -> None:
        letter = msgspec.json.decode(self._keyring.open(mail.sealed, _place(mail.id)), type=Letter)
        server = self._server
        async with asyncio.timeout(CALL_SECONDS):
            await aiosmtplib.send(
                message(letter, self._sender, mail.id, clock.now()), hostname=server.host, port=server.port,
                username=server.user, password=server.password.reveal() if server.password else None,
                use_tls=server.scheme == "smtps", timeout=CALL_SECONDS,
                start_tls={"smtp+starttls": True, "smtps": False}.get(server.scheme),
            )  # fmt: skip

    async def _failed(self, mail: queries.StoredMail, fault: Exception) -> None:
        why, now = redact(f"{type(fault).__name__}: {fault}")[:500], clock.now()
        pause = None if _is_final(fault) else retry_after(mail.attempt)
        _log.warning("mail not sent", mail_id=str(mail.id), attempt=mail.attempt, why=why, final=pause is None)
        async with db.transaction(db.PLATFORM):
            if pause is None:
                await queries.finish_mail(mail.id, mail.attempt, "dead", now, why)
            else:
                await queries.retry_mail(mail.id, mail.attempt, now + timedelta(seconds=pause), why)


def _is_final(fault: Exception) -> bool:
    if isinstance(fault, aiosmtplib.SMTPRecipientsRefused):
        return all(each.code in _PERMANENT for each in fault.recipients)
    if isinstance(fault, aiosmtplib.SMTPAuthenticationError):
        # The operator will mend the password; the mail is not to blame.
        return False
    final = isinstance(fault, aiosmtplib.SMTPResponseException) and fault.code in _PERMANENT
    return final or isinstance(fault, crypto.CannotOpen)


async def measure() -> None:
    """Set the gauges of mail."""
    async with db.transaction(db.PLATFORM):
        counts = await queries.count_mails()
    MAILS.labels("waiting").set(counts.get("waiting", 0) + counts.get("claimed", 0))
    MAILS.labels("dead").set(counts.get("dead", 0))
