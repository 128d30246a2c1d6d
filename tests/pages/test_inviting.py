"""Inviting, accepting, changing and removing people; forgotten passwords; with a real mail server and without one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from hub import app
from hub.kit import clock, db
from hub.outbox import mail, queries
from hub.runtime import Runtime
from tenants.messages import NewAccount, NewPartner, NewWarehouse, ReceivingOption, Role
from tenants.people.links import service as links
from tenants.people.messages import Language, Letter, Profile
from tenants.service import create_account, create_partner, create_warehouse
from tests.conftest import Clock
from tests.pages.visiting import PASSWORD, Guest, guest, path_of, user
from tests.support.judge import one, rows
from tests.support.postbox import Postbox, postbox

MAIL = "ann@shop.example"
NEW = {"name": "Bob", "locale": "de", "time_zone": "Europe/Berlin", "password": "ein-boot-und-ein-kaese"}
Opens = Callable[..., Guest]


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Postbox]:
    """A mail server on a loopback port, shared by the run."""
    async with postbox() as opened:
        yield opened


@pytest.fixture
def box(server: Postbox) -> Postbox:
    """The mail server, empty and willing."""
    server.mails.clear()
    server.refuse.clear()
    return server


@pytest.fixture(scope="session")
async def pages(runtime: Runtime, application: Any, server: Postbox) -> dict[bool, Any]:
    """The pages of a hub with mail, and of one without."""
    settings = msgspec.structs.replace(runtime.settings, smtp_url=server.url, mail_from="Hub <noreply@hub.example>")
    with_mail = msgspec.structs.replace(runtime, settings=settings, post=mail.post(settings, runtime.keyring))
    return {True: app.build(with_mail), False: application}


@pytest.fixture
async def browser(hub: Runtime, stopped: Clock, box: Postbox, pages: dict[bool, Any]) -> AsyncIterator[Opens]:
    """Opens browsers before the pages of a hub, with mail or without."""
    opened: list[Guest] = []

    def open_one(*, mails: bool = False) -> Guest:
        opened.append(guest(hub, pages[mails]))
        return opened[-1]

    yield open_one
    for each in opened:
        await each.client.aclose()


@pytest.fixture
def send(hub: Runtime, box: Postbox) -> Callable[[], Awaitable[int]]:
    """Send what is queued, as the worker's beat does."""
    return mail.Sender(mail.parse(box.url), "Hub <noreply@hub.example>", hub.keyring).send_due


@pytest.fixture
async def account(hub: Runtime) -> Any:
    """An account whose admin is Ann."""
    account = await create_account(NewAccount(name="Ann & Söhne"), actor="test")
    await user(MAIL, Role.ACCOUNT_ADMIN, account_id=account.id)
    return account.id


async def admin(browser: Opens, *, mails: bool = False) -> Guest:
    """Return Ann's browser on the page of her people."""
    ann = browser(mails=mails)
    await ann.sign_in(MAIL, wanted="/people")
    return ann


async def invited(browser: Opens, email: str, role: str = "account_viewer") -> str:
    """Invite somebody without mail, and return the path of the link that is shown."""
    ann = await admin(browser)
    await ann.send("/people", email=email, role=role)
    return path_of(ann.page.codes[0] if "/invitations/" in ann.page.codes[0] else ann.page.codes[-1])


# without mail -------------------------------------------------------------------------------------------


async def test_without_mail_the_inviter_is_shown_the_link_and_it_lets_in_once(account: Any, browser: Opens) -> None:
    path = await invited(browser, "Bob@Shop.Example")
    bob = browser()
    page = await bob.go(path)
    assert "Ann invites you" in page.text
    assert "Ann & Söhne" in page.text
    page = await bob.send(path, **{**NEW, "password": "bob"})
    assert page.wrong("password").startswith("Take at least 12")
    assert bob.form(path).fields["name"] == "Bob", "nothing that was typed is lost"
    await bob.send(path, **NEW)
    page = await bob.go("/people")
    assert ("bob@shop.example" in page.text, bob.status) == (True, 200)
    again = browser()
    await again.go(path)
    assert again.status == 404
    held = await one("select locale from users where email = 'bob@shop.example'")
    assert (held, await one("select verified_at from users where email = 'bob@shop.example'")) == ("de", None)


async def test_an_invitation_is_over_after_a_week_and_when_it_is_withdrawn(
    account: Any, browser: Opens, stopped: Clock
) -> None:
    first = await invited(browser, "bob@shop.example")
    second = await invited(browser, "bob@shop.example")
    bob = browser()
    await bob.go(first)
    assert bob.status == 404, "a new invitation replaces the old one"
    ann = await admin(browser)
    withdraw = next(form for form in ann.page.forms if form.action.endswith("/withdraw"))
    await ann.send(withdraw.action)
    await bob.go(second)
    assert bob.status == 404
    third = await invited(browser, "bob@shop.example")
    stopped.forward(days=7, seconds=1)
    await bob.go(third)
    assert bob.status == 404


async def test_who_has_a_sign_in_accepts_as_who_they_are_and_nobody_else_does(account: Any, browser: Opens) -> None:
    await user("bob@shop.example")
    await user("eve@shop.example")
    path = await invited(browser, "bob@shop.example")
    bob = browser()
    await bob.go(path)
    page = await bob.send(path, **NEW)
    assert page.wrong("password").startswith("There is a sign-in for this address already")
    eve = browser()
    await eve.sign_in("eve@shop.example", wanted=path)
    await eve.go(path)
    page = await eve.send(f"{path}/accept")
    assert (eve.status, "for another address" in page.text) == (403, True)
    await bob.sign_in("bob@shop.example", wanted=path)
    await bob.go(path)
    await bob.send(f"{path}/accept")
    await bob.go("/people")
    assert (bob.path, bob.status) == ("/people", 200)


async def test_an_admin_invites_to_their_own_and_to_nothing_else(account: Any, browser: Opens) -> None:
    other = await create_account(NewAccount(name="Other"), actor="test")
    ours = await create_warehouse(
        NewWarehouse(name="Ours", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=account), actor="t"
    )
    theirs = await create_warehouse(
        NewWarehouse(name="Theirs", receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=other.id), actor="t"
    )
    ann = await admin(browser)
    for typed, field, words in (
        ({"email": "no address", "role": "account_viewer"}, "email", "This is no e-mail address"),
        ({"email": "x@y.example", "role": "support_admin"}, "role", "does not fit"),
        ({"email": "x@y.example", "role": "partner_admin"}, "role", "does not fit"),
        ({"email": "x@y.example", "role": "account"}, "role", "does not fit"),
        ({"email": "x@y.example", "role": "nonsense"}, "role", "Choose one from the list"),
        ({"email": "", "role": "account_viewer"}, "email", "must be filled in"),
        ({"email": "x@y.example", "role": "warehouse_operator", "warehouse_id": str(theirs.id)}, "email", "no such"),
        ({"email": "x@y.example", "role": "warehouse_operator", "warehouse_id": "nonsense"}, "warehouse_id", "Choose"),
    ):
        page = await ann.send("/people", **typed)
        assert words in page.wrong(field), (typed, page.text)
        assert ann.form("/people").fields["email"] == typed["email"]
    await ann.send("/people", email="x@y.example", role="warehouse_operator", warehouse_id=str(ours.id))
    assert ann.status == 200
    # What the form does not offer, sent all the same: the account is her own whatever is typed.
    await ann.send("/people", email="z@y.example", role="account_admin", account_id=str(other.id))
    assert await one("select account_id from invitations where email = 'z@y.example'") == account


async def test_a_partner_admin_invites_to_the_partner(hub: Runtime, browser: Opens) -> None:
    partner = await create_partner(NewPartner(name="Dock"), actor="test")
    await user("pat@dock.example", Role.PARTNER_ADMIN, partner_id=partner.id)
    pat = browser()
    await pat.sign_in("pat@dock.example", wanted="/people")
    await pat.send("/people", email="op@dock.example", role="partner_operator")
    assert (pat.status, await one("select partner_id from invitations")) == (200, partner.id)


async def test_another_accounts_people_are_not_there(account: Any, browser: Opens) -> None:
    other = await create_account(NewAccount(name="Other"), actor="test")
    await user("bob@other.example", Role.ACCOUNT_ADMIN, account_id=other.id)
    theirs = await one("select id from memberships where account_id = $1", other.id)
    ann = await admin(browser)
    assert "bob@other.example" not in ann.answer.text
    token = ann.form("/sign-out").fields["_csrf_token"]
    assert (await ann.client.get(f"/people/{theirs}")).status_code == 404
    for what, status in (("role", 404), ("remove", 404), ("sessions/end", 403)):
        data = {"_csrf_token": token, "role": "account_viewer"}
        assert (await ann.client.post(f"/people/{theirs}/{what}", data=data)).status_code == status
    assert await one("select role from memberships where account_id = $1", other.id) == "account_admin"


async def test_a_changed_role_and_a_removal_take_effect_at_the_next_request(account: Any, browser: Opens) -> None:
    bob = browser()
    path = await invited(browser, "bob@shop.example", "account_admin")
    await bob.go(path)
    await bob.send(path, **NEW)
    held = await one(
        "select held.id from memberships held join users on users.id = user_id where email = 'bob@shop.example'"
    )
    ann = await admin(browser)
    await ann.go(f"/people/{held}")
    await ann.send(f"/people/{held}/role", role="account_viewer")
    await bob.go("/people")
    assert bob.path == "/sign-in"
    page = await bob.sign_in("bob@shop.example", NEW["password"], wanted="/people")
    assert "/people" not in [form.action for form in page.forms], "who only reads is offered no form"
    await ann.go(f"/people/{held}")
    await ann.send(f"/people/{held}/remove")
    await bob.go("/people")
    assert bob.path == "/sign-in"
    actions = [row["action"] for row in await rows("select action from audit order by id")]
    assert [each for each in actions if each.startswith("member.")] == [
        "member.invited", "member.joined", "member.changed", "member.removed",
    ]  # fmt: skip
    assert "bob@shop.example" not in "".join(row["t"] for row in await rows("select t::text as t from audit t"))


async def test_the_last_support_admin_stays(browser: Opens) -> None:
    link = await links.make_support_admin(
        "root@hub.example", Profile(name="Root"), address="http://hub", actor="command line"
    )
    root = browser()
    await root.go(path_of(link))
    await root.send(path_of(link))
    await root.set_totp_up()
    held = await one("select id from memberships")
    await root.go(f"/people/{held}")
    for action, typed in (("remove", {}), ("role", {"role": "auditor"})):
        await root.send(f"/people/{held}/{action}", **typed)
        assert (root.status, root.page.wrong("role")[:31]) == (409, "This is the last support admin;")


# with mail ----------------------------------------------------------------------------------------------


async def test_an_invitation_is_mailed_in_the_readers_language_and_proves_the_address(
    account: Any, browser: Opens, box: Postbox, send: Callable[[], Awaitable[int]]
) -> None:
    ann = await admin(browser, mails=True)
    page = await ann.send("/people", email="bob@shop.example", role="account_viewer", locale="de")
    assert "An invitation is on its way to bob@shop.example." in page.text
    assert "/invitations/hub_" not in ann.answer.text, "who invites does not see it"
    assert await send() == 1
    (letter,) = box.mails
    assert (letter["To"], letter["From"]) == ("bob@shop.example", "Hub <noreply@hub.example>")
    assert letter["Subject"] == "Ann lädt Sie zu Ann & Söhne ein"
    (link,) = [word for word in letter.get_content().split() if "/invitations/" in word]
    bob = browser()
    await bob.go(path_of(link))
    await bob.send(path_of(link), **NEW)
    assert await one("select verified_at is not null from users where email = 'bob@shop.example'")
    assert await send() == 0


async def test_a_forgotten_password_is_set_anew_by_mail_and_nobody_learns_who_is_known(
    account: Any, browser: Opens, box: Postbox, send: Callable[[], Awaitable[int]], stopped: Clock
) -> None:
    signed_in = await admin(browser)
    told = set()
    for email in (MAIL, "nobody@shop.example"):
        ann = browser(mails=True)
        await ann.go("/forgot-password")
        page = await ann.send("/forgot-password", email=email)
        told.add(page.text.replace(email, "…"))
    assert len(told) == 1
    await send()
    (letter,) = box.mails
    (link,) = [word for word in letter.get_content().split() if "/new-password/" in word]
    await ann.go(path_of(link))
    page = await ann.send(path_of(link), password="password1234")
    assert page.wrong("password").startswith("This is too easy to guess.")
    await ann.send(path_of(link), password="drie-sloten-op-de-deur")
    await ann.go("/people")
    assert ann.path == "/people"
    await signed_in.go("/people")
    assert signed_in.path == "/sign-in", "every session before is over"
    await ann.go(path_of(link))
    assert ann.status == 404


async def test_factors_set_up_by_who_never_proved_the_address_fall_with_the_first_mailed_password(
    account: Any, browser: Opens, box: Postbox, send: Callable[[], Awaitable[int]]
) -> None:
    """Somebody accepted an invitation in another's name, and set up an app that would keep the owner out."""
    squatter = await admin(browser)
    await squatter.go("/account/authenticator")
    await squatter.set_totp_up()
    owner = browser(mails=True)
    await owner.go("/forgot-password")
    await owner.send("/forgot-password", email=MAIL)
    await send()
    (link,) = [word for word in box.mails[0].get_content().split() if "/new-password/" in word]
    await owner.go(path_of(link))
    await owner.send(path_of(link), password="drie-sloten-op-de-deur")
    await owner.go("/people")
    assert owner.path == "/people", "no code is asked for"
    await squatter.go("/people")
    assert squatter.path == "/sign-in"


async def test_asking_for_passwords_is_slowed(browser: Opens, account: Any) -> None:
    ann = browser(mails=True)
    for _ in range(6):
        await ann.go("/forgot-password")
        page = await ann.send("/forgot-password", email=MAIL)
    assert (ann.status, page.wrong("email")[:14]) == (429, "Too many tries")


async def test_a_changed_password_is_told_by_mail(
    account: Any, browser: Opens, box: Postbox, send: Callable[[], Awaitable[int]]
) -> None:
    ann = await admin(browser, mails=True)
    await ann.go("/account")
    await ann.send("/account/password", current_password=PASSWORD, password="drie-sloten-op-de-deur")
    await send()
    assert box.mails[0]["Subject"] == "Your password for the returns hub was changed"
    assert "drie-sloten" not in box.mails[0].get_content()


# the queue ----------------------------------------------------------------------------------------------


async def queue(hub: Runtime, to: str = "bob@shop.example") -> None:
    facts = {"name": "Bob\r\nBcc: all@shop.example", "address": "http://hub"}
    settings = msgspec.structs.replace(hub.settings, smtp_url="smtp://127.0.0.1:1")
    sends = mail.post(settings, hub.keyring).send
    assert sends is not None
    async with db.transaction(db.PLATFORM):
        await sends(Letter(to=to, template="password_changed", locale=Language.ENGLISH, facts=facts))


async def test_a_letter_is_tried_again_by_schedule_and_given_up_when_the_server_says_never(
    hub: Runtime, box: Postbox, send: Callable[[], Awaitable[int]], stopped: Clock
) -> None:
    await queue(hub)
    box.refuse = ["451 come again, bob@shop.example", "550 no such person, bob@shop.example"]
    assert await send() == 1
    assert tuple((await rows("select state, attempt from mails"))[0].values()) == ("waiting", 1)
    assert await send() == 0, "not before its time"
    stopped.forward(seconds=3)
    assert await send() == 1
    (held,) = await rows("select state, attempt, sealed, why from mails")
    assert (held["state"], held["attempt"], held["sealed"]) == ("dead", 2, None)
    assert "bob@shop.example" not in held["why"]
    assert box.mails == []


async def test_a_letter_of_a_sender_that_died_is_sent_by_the_next(
    hub: Runtime, box: Postbox, send: Callable[[], Awaitable[int]], stopped: Clock
) -> None:
    await queue(hub)
    async with db.transaction(db.PLATFORM):
        await queries.claim_mails(clock.now(), clock.now() + timedelta(seconds=60), 5)
    assert await send() == 0
    stopped.forward(seconds=61)
    assert await send() == 1
    assert len(box.mails) == 1


async def test_a_server_that_is_down_loses_no_letter(hub: Runtime, stopped: Clock) -> None:
    await queue(hub)
    sender = mail.Sender(mail.parse("smtp://127.0.0.1:1"), "noreply@hub.example", hub.keyring)
    assert await sender.send_due() == 1
    assert await one("select state from mails") == "waiting"


async def test_what_is_queued_lies_sealed_and_a_line_end_writes_no_header(
    hub: Runtime, box: Postbox, send: Callable[[], Awaitable[int]]
) -> None:
    await queue(hub)
    sealed = bytes(await one("select sealed from mails"))
    assert b"bob@shop.example" not in sealed
    await send()
    assert box.mails[0]["Bcc"] is None
    assert "Hello Bob Bcc: all@shop.example," in box.mails[0].get_content()
    assert await one("select sealed from mails") is None


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("template", ["invitation", "new_password", "password_changed"])
def test_every_letter_is_there_in_every_language(language: Language, template: str) -> None:
    facts = dict.fromkeys(("name", "inviter", "at", "link", "days", "minutes", "address"), "•fact•")
    subject, body = mail.render(Letter(to="a@b.example", template=template, locale=language, facts=facts))
    assert 10 < len(subject) < 100
    assert "\n" not in subject
    assert "•fact•" in body
    assert not body.startswith("Subject")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://x", "look like"),
        ("smtp://", "look like"),
        ("smtp://a:b@host", "encrypted only"),
        ("smtps://h/x", "like"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_named(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        mail.parse(url)


def test_a_mail_servers_password_is_read_and_not_shown() -> None:
    server = mail.parse("smtp+starttls://me%40hub:p%2Fw@mail.example")
    assert (server.user, server.port, "p/w" in repr(server)) == ("me@hub", 587, False)
    assert server.password is not None
    assert server.password.reveal() == "p/w"
