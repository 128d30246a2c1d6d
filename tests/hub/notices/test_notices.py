"""Who gets which event by mail: what arrived is judged by a mail server's own box."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.notices import engine, service
from hub.notices.messages import Choice, Choices, How, Listener, News
from hub.outbox import mail
from hub.runtime import Runtime
from hub.work.messages import Matter, Owner
from hub.work.service import raise_matter
from tenants import service as tenants
from tenants.messages import NewAccount
from tests.conftest import Clock
from tests.support.judge import one
from tests.support.postbox import Postbox, postbox

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Desk:
    """An account with one member, and the worker's verbs."""

    def __init__(self, hub: Runtime, box: Postbox, watch: Clock, account: UUID, member: UUID) -> None:
        self.hub, self.box, self.watch, self.account, self.member = hub, box, watch, account, member
        settings = msgspec.structs.replace(hub.settings, smtp_url=box.url)
        self.notifier = service.Notifier(mail.post(settings, hub.keyring), hub.keyring)
        self.sender = mail.Sender(mail.parse(box.url), "Returns <hub@hub.example>", hub.keyring)

    async def wants(self, **choices: How) -> None:
        wanted = tuple(Choice(subject=name.replace("__", "."), how=how) for name, how in choices.items())
        await service.choose(self.member, Choices(choices=wanted), actor="test")

    async def happens(self, event: str) -> None:
        async with db.transaction(db.account(self.account)):
            await db.execute(
                """insert into outbox (account_id, id, type, body, at)
                values ($1, $2, $3, '{"return_number": "R1"}', $4)""",
                self.account, new_id(), event, clock.now(),
            )  # fmt: skip

    async def work(self) -> list[str]:
        """Do what is due; returns the subjects of the mails that arrived."""
        before = len(self.box.mails)
        await self.notifier.beat()
        while await self.sender.send_due():
            pass
        return [each["Subject"] for each in self.box.mails[before:]]


@pytest.fixture
async def desk(hub: Runtime, stopped: Clock) -> AsyncIterator[Desk]:
    account = await tenants.create_account(NewAccount(name="shop"), actor="test")
    user, member = new_id(), new_id()
    async with db.transaction(db.PLATFORM):
        await db.execute(
            """insert into users (id, email, name, locale, time_zone, created_at)
            values ($1, 'ann@shop.example', 'Ann', 'nl', 'Europe/Amsterdam', $2)""",
            user, clock.now(),
        )  # fmt: skip
        await db.execute(
            """insert into memberships (id, user_id, role, account_id, created_at)
            values ($1, $2, 'account_admin', $3, $4)""",
            member, user, account.id, clock.now(),
        )  # fmt: skip
    async with postbox() as box:
        yield Desk(hub, box, stopped, account.id, member)


async def test_a_member_hears_what_it_chose_and_nothing_else_each_once_in_its_language(desk: Desk) -> None:
    await desk.wants(return__settled=How.IMMEDIATELY)
    await desk.happens("return.settled")
    await desk.happens("return.received")
    assert await desk.work() == ["shop: R1: return.settled"]
    assert await desk.work() == []
    text = desk.box.mails[0].get_content()
    assert "Hallo Ann" in text
    assert "2026-11-23 10:00 R1: return.settled" in text


async def test_a_digest_comes_once_a_day_with_everything(desk: Desk) -> None:
    await desk.wants(return__settled=How.DAILY, work__deadline_near=How.DAILY)
    await desk.happens("return.settled")
    matter = Matter(key="1", kind="deadline_near", owner=Owner.ACCOUNT, summary="Two days are left.")
    async with db.transaction(db.account(desk.account)):
        await raise_matter(desk.account, matter)
    assert await desk.work() == []
    desk.watch.forward(days=1)
    assert await desk.work() == ["2 berichten over shop"]
    assert "Two days are left." in desk.box.mails[0].get_content()
    desk.watch.forward(days=1)
    assert await desk.work() == []


async def test_the_link_in_a_mail_asks_first_and_then_ends_all_mails(desk: Desk, api: httpx.AsyncClient) -> None:
    await desk.wants(return__settled=How.IMMEDIATELY, work__closed=How.DAILY)
    await desk.happens("return.settled")
    await desk.work()
    sent = desk.box.mails[0]
    link = sent["List-Unsubscribe"].strip("<>")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = httpx.URL(link).path
    assert "<form" in (await api.get(path)).text
    assert await one("select count(*) from notice_choices") == 2
    assert (await api.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    await desk.happens("return.settled")
    assert await desk.work() == []
    for wrong in (path[:-2], path + "A", "/unsubscribe/x", "/unsubscribe/%00"):
        assert (await api.get(wrong)).status_code == 404
        assert (await api.post(wrong)).status_code == 404


async def test_without_a_mail_server_nothing_is_lost(desk: Desk) -> None:
    await desk.wants(return__settled=How.IMMEDIATELY)
    await desk.happens("return.settled")
    await service.Notifier(mail.post(desk.hub.settings, desk.hub.keyring), desk.hub.keyring).beat()
    assert await desk.work() == ["shop: R1: return.settled"]


subjects = st.sampled_from(["return.settled", "return.*", "work.deadline_near", "work.*", "settlement.held"])


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2), subjects, st.sampled_from(How)), max_size=12), subjects)
def test_each_member_hears_a_thing_once_as_soon_as_any_choice_says(
    chosen: list[tuple[int, int, str, How]], subject: str
) -> None:
    news = News(id=UUID(int=9), tx=1, account_id=UUID(int=1), subject=subject.replace("*", "opened"), said="", at=NOW)
    listeners = [
        Listener(membership_id=UUID(int=member), account_id=UUID(int=account), subject=name, how=how)
        for member, account, name, how in chosen
    ]
    heard = engine.heard(news, listeners)
    for member, account in itertools.product((1, 2, 3), (1, 2)):
        own = {(how, name) for who, of, name, how in chosen if (who, of) == (member, account)}
        mine = {how for how, name in own if engine.fits(name, news.subject)}
        got = [how for each, how in heard.items() if (each.membership_id.int, each.account_id.int) == (member, account)]
        wanted = [How.IMMEDIATELY if How.IMMEDIATELY in mine else How.DAILY] if mine and account == 1 else []
        assert got == wanted


@given(st.integers(0, 2 * 24 * 3600))
def test_a_digest_is_due_within_a_day_at_its_hour(seconds: int) -> None:
    now = NOW + timedelta(seconds=seconds)
    due = engine.due(How.DAILY, now)
    assert timedelta(0) < due - now <= timedelta(days=1)
    assert (due.hour, due.minute) == (engine.DIGEST_HOUR, 0)
    assert engine.due(How.IMMEDIATELY, now) == now
