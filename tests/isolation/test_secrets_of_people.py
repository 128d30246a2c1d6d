"""What people sign in with, and every place where it must not turn up: rows, logs, refusals, reprs."""

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import structlog

from hub import app
from hub.kit.crypto import split
from hub.kit.telemetry import configure_logging
from hub.outbox import mail
from hub.runtime import Runtime
from tenants.messages import NewPartner, NewWarehouse, ReceivingOption, Role
from tenants.people import service as people
from tenants.people.devices import service as devices
from tenants.people.devices.messages import NewDevice, NewOperator
from tenants.people.links import service as links
from tenants.people.messages import NewInvitation, Post, Profile
from tenants.people.providers.messages import Awaited, Claims, NewProvider, Tokens
from tenants.service import create_partner, create_warehouse
from tests.conftest import Clock
from tests.pages.visiting import Guest, guest, path_of
from tests.support.judge import rows
from tests.support.people import PLACEHOLDER, somebody

PASSWORD, PIN, MAIL = "canary-zeilboot-lantaarn", "730915", "canary.bird@hub.example"


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged, at the lowest level, as the hub would write it."""
    before, written = structlog.get_config(), io.StringIO()
    configure_logging(level="debug", style="json")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    yield written
    structlog.configure(**before)


@pytest.fixture
async def browser(hub: Runtime, stopped: Clock, logged: io.StringIO) -> AsyncIterator[Guest]:
    """A browser before the pages of a hub whose mail server is down."""
    settings = msgspec.structs.replace(hub.settings, smtp_url="smtp://127.0.0.1:1", mail_from="a@hub.example")
    application: Any = app.build(msgspec.structs.replace(hub, settings=settings, post=mail.post(settings, hub.keyring)))
    opened = guest(hub, application)
    yield opened
    await opened.client.aclose()


def secret_of(token: str) -> str:
    """Return the part of a token that opens something."""
    parts = split(token.rpartition("/")[2])
    assert parts is not None
    return parts[1]


async def everything(hub: Runtime, browser: Guest, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Let everything happen that has a secret in it, mishaps included, and return the secrets."""
    link = await links.make_support_admin(MAIL, Profile(name="Bird"), address="http://hub", actor="command line")
    await browser.go(path_of(link))
    await browser.send(path_of(link))
    secrets = {PASSWORD, secret_of(link), browser.page.codes[0], secret_of(browser.client.cookies["hub_signed_in"])}
    _, codes = await browser.set_totp_up()
    await browser.go("/account")
    await browser.send("/account/password", password=PASSWORD)
    secrets |= {*codes, secret_of(browser.client.cookies["hub_signed_in"])}
    await browser.sign_in(MAIL, PASSWORD[:-1])
    await browser.sign_in(MAIL, PASSWORD)
    secrets |= {secret_of(browser.client.cookies[name]) for name in ("hub_signed_in", "hub_known")}
    by, shown = somebody(Role.SUPPORT_ADMIN), Post(address="http://hub")
    new = NewInvitation(email="x@y.example", role=Role.AUDITOR)
    invited = await people.invite(new, shown, by=by)
    assert invited.link is not None
    partner = await create_partner(NewPartner(name="Dock"), actor="test")
    place = await create_warehouse(
        NewWarehouse(name="Place", receiving_option=ReceivingOption.PARTNER_APP, partner_id=partner.id), actor="test"
    )
    device = await devices.add_device(NewDevice(warehouse_id=place.id, name="T"), address="http://hub", by=by)
    await devices.add_operator(NewOperator(warehouse_id=place.id, name="Olga", pin=PIN), hub.keyring, by=by)
    secrets |= {secret_of(invited.link), secret_of(device.link)}
    # A bug in the middle of a page whose address is a secret.
    monkeypatch.setattr("tenants.people.service.queries.invitation_by_digest", _fails)
    await browser.go(path_of(invited.link))
    assert browser.status == 500
    await mail.Sender(mail.parse("smtp://127.0.0.1:1"), "a@hub.example", hub.keyring).send_due()
    return secrets


async def _fails(*_: object) -> None:
    raise RuntimeError("a bug")


async def test_no_row_and_no_log_shows_what_people_sign_in_with(
    hub: Runtime, browser: Guest, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = await everything(hub, browser, monkeypatch)
    assert len(secrets) > 15
    text = logged.getvalue()
    assert "request failed" in text
    assert "mail not sent" in text
    assert PIN not in text
    # The page's own address is its reader's already.
    told = [text, browser.answer.text.replace(browser.path, "")]
    for row in await rows("select tablename from pg_tables where schemaname = current_schema()"):
        for each in await rows(f"select t::text as text, t.* from {row['tablename']} t"):
            told.append(each["text"])
            told += [bytes(value).decode("latin-1") for value in each.values() if isinstance(value, bytes)]
    for place in told:
        assert not [secret for secret in secrets if secret in place], place[:300]
    # An address stands with its user, and nowhere else.
    holders = {
        row["tablename"]
        for row in await rows("select tablename from pg_tables where schemaname = current_schema()")
        if any(MAIL in each["text"] for each in await rows(f"select t::text as text from {row['tablename']} t"))
    }
    assert holders == {"users"}
    assert MAIL not in text


def test_no_repr_shows_anything_secret_or_personal() -> None:
    for each in (
        NewOperator(warehouse_id=PLACEHOLDER, name="Olga", pin=PIN),
        NewProvider(
            name="Login", issuer="https://x", client_id="hub", client_secret=PASSWORD, domains=("x",), role=Role.AUDITOR
        ),
        Awaited(provider_id=PLACEHOLDER, state=PASSWORD, nonce=PASSWORD, verifier=PASSWORD, next="/"),
        Tokens(id_token=PASSWORD, access_token=PASSWORD),
        Claims(sub=PASSWORD, email=MAIL),
    ):
        assert PASSWORD not in repr(each)
        assert PIN not in repr(each)
        assert MAIL not in repr(each)
