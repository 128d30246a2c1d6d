"""Signing in and out as people do it, in a browser that runs no script."""

from collections.abc import Callable
from typing import Any

import pytest

from hub.kit import clock, db
from hub.kit.ids import new_id
from tenants.messages import NewAccount, Role
from tenants.people import queries
from tenants.people import service as people
from tenants.people.links import service as links
from tenants.people.messages import Owner, Profile
from tenants.service import create_account
from tests.conftest import Clock
from tests.pages.visiting import PASSWORD, Guest, path_of, user
from tests.support.judge import one, rows

MAIL = "ann@shop.example"
REFUSED = "The e-mail address or the password is not right."
Opens = Callable[[], Guest]


@pytest.fixture
def browser(browsers: Opens, stopped: Clock) -> Opens:
    """Opens browsers while the clock stands still."""
    return browsers


@pytest.fixture
async def ann(browser: Opens) -> Guest:
    """The browser of Ann, who runs an account."""
    account = await create_account(NewAccount(name="Ann's shop"), actor="test")
    await user(MAIL, Role.ACCOUNT_ADMIN, account_id=account.id)
    return browser()


async def agent(browser: Opens) -> tuple[Guest, Any, list[str]]:
    """Return the browser of a support agent who has just set an authenticator app up, the app and recovery codes."""
    await user("sue@hub.example", Role.SUPPORT_AGENT)
    sue = browser()
    await sue.sign_in("sue@hub.example")
    return sue, *await sue.set_totp_up()


# passwords ----------------------------------------------------------------------------------------------


async def test_a_person_signs_in_by_password_and_goes_on_to_where_they_wanted(ann: Guest) -> None:
    page = await ann.go("/people")
    assert (ann.path, page.focus) == ("/sign-in", "email")
    page = await ann.send("/sign-in", email="  Ann@Shop.Example ", password=PASSWORD)
    assert (ann.path, ann.status) == ("/people", 200)
    assert "Ann" in page.text
    page = await ann.go("/account")
    assert {"/people", "/devices", "/providers"} <= set(page.links)
    assert "/impersonations" not in page.links


async def test_no_answer_tells_whether_an_address_is_known(ann: Guest, browser: Opens) -> None:
    stranger = browser()
    told = set()
    for email, password in ((MAIL, "wrong"), ("nobody@shop.example", PASSWORD), ("no address", "x"), (MAIL, "")):
        page = await stranger.sign_in(email, password)
        assert (stranger.status, page.wrong("password")) == (422, REFUSED)
        assert page.form("/sign-in").fields["password"] == ""
        told.add(stranger.answer.text.replace(email, "…").replace(page.form("/sign-in").fields["_csrf_token"], "…"))
    assert len(told) == 1


async def test_hostile_words_in_every_field_are_shown_and_not_obeyed(ann: Guest) -> None:
    hostile = "<script>alert(1)</script>\"'{{7*7}}\u202e\x00' or 1=1 --"
    page = await ann.sign_in(hostile, hostile)
    assert (ann.status, page.wrong("password")) == (422, REFUSED)
    assert "<script>alert" not in ann.answer.text
    await ann.sign_in(MAIL)
    page = await ann.send("/account", name="Ann\nBcc: x@y.example", locale="xx", time_zone="Mars/Base")
    assert ann.status == 422
    assert page.wrong("name") or page.wrong("locale")
    page = await ann.send("/account", name="Ann", locale="nl", time_zone="Mars/Base")
    assert page.wrong("time_zone").startswith("There is no such time zone")
    await ann.send("/account", name="<b>Ann</b>", locale="nl", time_zone="Europe/Paris")
    assert "&lt;b&gt;Ann&lt;/b&gt;" in ann.answer.text
    assert [tuple(row.values()) for row in await rows("select name, locale, time_zone from users")] == [
        ("<b>Ann</b>", "nl", "Europe/Paris")
    ]


async def test_guessing_is_slowed_and_nobody_is_locked_out(ann: Guest, browser: Opens, stopped: Clock) -> None:
    await ann.sign_in(MAIL)
    await ann.send("/sign-out")
    guesser, told = browser(), ""
    for _ in range(7):
        told = (await guesser.sign_in(MAIL, "guess")).wrong("password")
    assert (guesser.status, told) == (429, "Too many tries. Wait 1 second and try again.")
    assert (await guesser.sign_in(MAIL, PASSWORD)).wrong("password").startswith("Too many tries")
    await ann.sign_in(MAIL)
    assert ann.path == "/account", "a browser that was known is slowed by nobody else's guesses"
    stopped.forward(seconds=3)
    await guesser.sign_in(MAIL)
    assert guesser.path == "/account"


async def test_guessing_at_an_unknown_address_is_slowed_in_the_same_way(browser: Opens) -> None:
    guesser, statuses = browser(), []
    for _ in range(7):
        await guesser.sign_in("nobody@shop.example", "guess")
        statuses.append(guesser.status)
    assert statuses == [422] * 4 + [429] * 3


# sessions -----------------------------------------------------------------------------------------------


async def test_a_session_that_is_ended_is_over_at_its_next_request(ann: Guest, browser: Opens) -> None:
    await ann.sign_in(MAIL)
    other = browser()
    await other.sign_in(MAIL)
    page = await ann.go("/account")
    ends = [form for form in page.forms if form.action == "/account/sessions/end"]
    assert [form.fields["session"] for form in ends][-1] == "others"
    await ann.client.post("/account/sessions/end", data=ends[0].fields)
    await other.go("/account")
    assert other.path == "/sign-in"
    await ann.go("/account")
    assert ann.path == "/account"


async def test_signing_out_ends_the_session_on_the_server_too(ann: Guest) -> None:
    await ann.sign_in(MAIL)
    held = ann.client.cookies["hub_signed_in"]
    await ann.send("/sign-out")
    assert ann.path == "/"
    ann.client.cookies.set("hub_signed_in", held, domain="hub.local")
    await ann.go("/account")
    assert ann.path == "/sign-in"


async def test_a_session_ends_when_it_lies_idle_and_after_half_a_day_in_any_case(ann: Guest, stopped: Clock) -> None:
    await ann.sign_in(MAIL)
    for _ in range(12):
        stopped.forward(minutes=59)
        await ann.go("/account")
        assert ann.path == "/account"
    stopped.forward(minutes=15)
    await ann.go("/account")
    assert ann.path == "/sign-in", "half a day is over"
    await ann.sign_in(MAIL)
    stopped.forward(hours=2, seconds=1)
    await ann.go("/account")
    assert ann.path == "/sign-in", "nobody was there for two hours"


async def test_a_session_is_found_by_a_hash_and_gets_another_token_at_each_step(browser: Opens) -> None:
    await user("sue@hub.example", Role.SUPPORT_AGENT)
    sue = browser()
    await sue.sign_in("sue@hub.example")
    first = sue.client.cookies["hub_signed_in"]
    await sue.set_totp_up()
    assert sue.client.cookies["hub_signed_in"] != first
    for row in await rows("select t::text as text, digest from sessions t"):
        for token in (first, sue.client.cookies["hub_signed_in"]):
            assert token not in row["text"]
            assert token.split("_", 2)[2].encode() not in bytes(row["digest"])
    sue.client.cookies.set("hub_signed_in", first, domain="hub.local")
    await sue.go("/account")
    assert sue.path == "/sign-in"


async def test_a_changed_password_ends_the_other_sessions(ann: Guest, browser: Opens) -> None:
    other = browser()
    for each in (ann, other):
        await each.sign_in(MAIL)
    page = await ann.send("/account/password", current_password="wrong", password="nieuwe-lantaarn-aan-dek")
    assert page.wrong("current_password") == "This is not your password."
    page = await ann.send("/account/password", current_password=PASSWORD, password="short")
    assert page.wrong("password") == "Take at least 12 characters; a few words do well."
    page = await ann.send("/account/password", current_password=PASSWORD, password="password1234")
    assert page.wrong("password").startswith("This is too easy to guess.")
    await ann.send("/account/password", current_password=PASSWORD, password="nieuwe-lantaarn-aan-dek")
    assert (ann.path, ann.status) == ("/account", 200)
    await other.go("/account")
    assert other.path == "/sign-in"
    assert (await other.sign_in(MAIL, PASSWORD)).wrong("password") == REFUSED
    await other.sign_in(MAIL, "nieuwe-lantaarn-aan-dek")
    assert other.path == "/account"


async def test_what_was_typed_in_a_session_that_had_ended_is_not_lost(ann: Guest, stopped: Clock) -> None:
    await ann.sign_in(MAIL)
    stopped.forward(hours=3)
    await ann.send("/account", name="Annabel", locale="fr", time_zone="Europe/Paris")
    assert ann.path == "/sign-in"
    page = await ann.send("/sign-in", email=MAIL, password=PASSWORD)
    assert ann.path == "/account"
    assert "What you had typed is here again" in page.text
    fields = ann.form("/account").fields
    assert fields | {"name": "Annabel", "locale": "fr", "time_zone": "Europe/Paris"} == fields
    assert await one("select name from users") == "Ann", "nothing is sent by itself"
    await ann.send("/account")
    assert await one("select name from users") == "Annabel"
    assert "typed" not in (await ann.go("/account")).text


async def test_a_password_that_was_typed_too_late_is_never_kept_and_nothing_is_for_somebody_else(
    ann: Guest, stopped: Clock
) -> None:
    await user("bob@shop.example")
    await ann.sign_in(MAIL)
    await ann.go("/account")
    stopped.forward(hours=3)
    await ann.send("/account/password", current_password=PASSWORD, password="geheim-geheim-geheim")
    await ann.send("/sign-in", email=MAIL, password=PASSWORD)
    assert "geheim" not in ann.answer.text
    stopped.forward(hours=3)
    await ann.send("/account", name="Annabel", locale="fr", time_zone="Europe/Paris")
    await ann.send("/sign-in", email="bob@shop.example", password=PASSWORD)
    page = await ann.go("/account?kept")
    assert "Annabel" not in ann.answer.text
    assert "Bob" in page.text


async def test_another_sites_post_is_refused(ann: Guest) -> None:
    await ann.sign_in(MAIL)
    await ann.go("/account")
    form = ann.form("/account").fields | {"name": "Mallory"}
    token = form.pop("_csrf_token")
    for data, headers in (
        (form, {}),
        (form | {"_csrf_token": token}, {"origin": "https://evil.example"}),
        (form | {"_csrf_token": token}, {"origin": "null"}),
        (form | {"_csrf_token": token}, {"sec-fetch-site": "cross-site"}),
    ):
        answer = await ann.client.post("/account", data=data, headers=headers)
        assert answer.status_code == 403
        assert "This form was not taken" in answer.text
    assert await one("select name from users") == "Ann"


# second factor ------------------------------------------------------------------------------------------


async def test_a_platform_role_sets_a_second_factor_up_before_anything_else(browser: Opens) -> None:
    await user("sue@hub.example", Role.SUPPORT_ADMIN)
    sue = browser()
    page = await sue.sign_in("sue@hub.example", wanted="/people")
    assert sue.path == "/account/authenticator"
    assert "<svg" in sue.answer.text
    for elsewhere in ("/people", "/permissions", "/apps/warehouse_app"):
        await sue.go(elsewhere)
        assert sue.path == "/account/authenticator", elsewhere
    page = await sue.send("/account/authenticator", code="000000")
    assert page.wrong("code").startswith("This is not the code")
    await sue.set_totp_up()
    await sue.go("/people")
    assert sue.path == "/people"


async def test_a_code_lets_in_once_and_only_in_its_time(browser: Opens, stopped: Clock) -> None:
    sue, app_, _ = await agent(browser)
    await sue.send("/sign-out")
    stopped.forward(minutes=5)
    page = await sue.sign_in("sue@hub.example", wanted="/people")
    assert sue.path == "/sign-in/second-factor"
    await sue.go("/account")
    assert sue.path == "/sign-in/second-factor"
    await sue.go("/people")
    code, stale = app_.at(clock.now()), app_.at(clock.now().timestamp() - 90)
    for wrong in ("", "12345", stale, "<b>", "\u0660" * 6):
        page = await sue.send("/sign-in/second-factor", code=wrong)
        assert page.wrong("code").startswith("This code is not right"), wrong
        stopped.forward(seconds=20)
    code = app_.at(clock.now())
    await sue.send("/sign-in/second-factor", code=f" {code[:3]} {code[3:]} ")
    assert sue.path == "/people"
    other = browser()
    await other.sign_in("sue@hub.example")
    page = await other.send("/sign-in/second-factor", code=code)
    assert page.wrong("code").startswith("This code is not right"), "it was used"


async def test_codes_cannot_be_guessed_in_a_row(browser: Opens, stopped: Clock) -> None:
    await agent(browser)
    thief = browser()
    await thief.sign_in("sue@hub.example")
    for _ in range(6):
        await thief.send("/sign-in/second-factor", code="123456")
    page = await thief.send("/sign-in/second-factor", code="123456")
    assert (thief.status, page.wrong("code")[:14]) == (429, "Too many tries")


async def test_a_recovery_code_stands_in_once_for_the_app(browser: Opens) -> None:
    _, _, codes = await agent(browser)
    for attempt, reached in ((codes[3].upper(), "/account"), (codes[3], "/sign-in/second-factor")):
        other = browser()
        await other.sign_in("sue@hub.example")
        await other.send("/sign-in/second-factor", code=attempt)
        assert other.path == reached
    for row in await rows("select digest from recovery_codes"):
        assert codes[3].encode() not in bytes(row["digest"])


async def test_the_secret_of_the_app_lies_sealed_and_is_gone_once_the_app_is_removed(browser: Opens) -> None:
    sue, app_, _ = await agent(browser)
    held = await one("select totp from credentials")
    assert app_.secret.encode() not in bytes(held)
    page = await sue.go("/account")
    assert "10 recovery codes are left" in page.text
    form = page.form("/account/recovery-codes").fields
    answer = await sue.client.post("/account/authenticator/remove", data=form | {"current_password": "x"})
    assert answer.status_code == 422
    answer = await sue.client.post("/account/authenticator/remove", data=form | {"current_password": PASSWORD})
    assert answer.status_code == 303
    assert await one("select totp from credentials") is None
    assert await one("select count(*) from recovery_codes") == 0
    await sue.go("/people")
    assert sue.path == "/people", "this session has shown it"
    await sue.send("/sign-out")
    await sue.sign_in("sue@hub.example", wanted="/people")
    assert sue.path == "/account/authenticator", "the next one sets up another"


# looking with another party's eyes ----------------------------------------------------------------------


async def test_support_looks_with_a_partys_eyes_changes_nothing_and_stops(browser: Opens, stopped: Clock) -> None:
    account = await create_account(NewAccount(name="North"), actor="test")
    await user(MAIL, Role.ACCOUNT_ADMIN, account_id=account.id)
    sue, _, _ = await agent(browser)
    await sue.go("/impersonations")
    page = await sue.send("/impersonations", account_id=str(account.id), reason="")
    assert page.wrong("reason") == "This must be filled in."
    await sue.send("/impersonations", account_id=str(account.id), reason="They called us")
    for each in ("/", "/devices", "/providers", "/permissions", "/account", f"/people/{account.id}", "/people"):
        page = await sue.go(each)
        assert "You look with the eyes of North and change nothing. It ends by itself." in page.text, each
    assert ("ann@shop.example" in page.text, "sue@hub.example" in page.text) == (True, False)
    assert "/people" not in [form.action for form in page.forms]
    token = sue.form("/sign-out").fields["_csrf_token"]
    answer = await sue.client.post("/people", data={"_csrf_token": token, "email": "x@y.example"})
    assert answer.status_code == 403
    await sue.send("/impersonations/end")
    page = await sue.go("/people")
    assert "sue@hub.example" in page.text
    page = await sue.go("/impersonations")
    assert "Sue North They called us" in page.text, "whoever may look sees who did, and why"
    await sue.send("/impersonations", account_id=str(account.id), reason="They called us")
    stopped.forward(minutes=31)
    page = await sue.go("/people")
    assert "sue@hub.example" in page.text, "it ends by itself"


# links --------------------------------------------------------------------------------------------------


async def first_admin() -> str:
    """Make the first support admin as the command line does, and return the link's path."""
    link = await links.make_support_admin(
        "root@hub.example", Profile(name="Root"), address="http://hub", actor="command line"
    )
    return path_of(link)


async def test_the_first_support_admin_comes_in_by_a_link_once(browser: Opens) -> None:
    path, root = await first_admin(), browser()
    await root.go(path)
    await root.go(path)
    assert "Sign in as Root" in root.page.text, "looking at it uses nothing up"
    await root.send(path)
    assert root.path == "/account/authenticator"
    await root.set_totp_up()
    await root.go("/people")
    assert "root@hub.example" in root.page.text
    other = browser()
    page = await other.go(path)
    assert (other.status, "was used before, or is too old" in page.text) == (404, True)


@pytest.mark.parametrize("what", ["links", "new-password", "invitations", "enrol"])
async def test_a_link_that_is_wrong_or_too_old_says_so_and_tells_no_more(
    browser: Opens, stopped: Clock, what: str
) -> None:
    path, root = await first_admin(), browser()
    token = path.rpartition("/")[2]
    stopped.forward(hours=25)
    for wrong in (token, token[:-1], "x", "%00", "hub_l1234567_" + "A" * 43, "<script>"):
        page = await root.go(f"/{what}/{wrong}")
        assert root.status == 404, wrong
        assert "<script>" not in root.answer.text
    assert "This link is not complete" in page.text or "There is no such page" in page.text


async def test_a_second_link_for_the_same_admin_makes_no_second_one(browser: Opens) -> None:
    await user("root@hub.example", Role.AUDITOR)
    await first_admin()
    await first_admin()
    assert await one("select role from memberships") == "support_admin"
    assert await one("select count(*) from memberships") == 1
    assert await one("select count(*) from users") == 1


async def test_what_is_over_is_forgotten_and_what_holds_is_kept(ann: Guest, stopped: Clock) -> None:
    await ann.sign_in(MAIL)
    await first_admin()
    await ann.go("/sign-in/passkey")
    await ann.sign_in(MAIL, "wrong")
    counts = "select (select count(*) from {0})".format
    await people.prune()
    kept_now = {each: await one(counts(each)) for each in ("sessions", "links", "ceremonies", "guesses")}
    assert all(kept_now.values()), kept_now
    stopped.forward(days=2)
    await people.prune()
    assert [await one(counts(each)) for each in ("sessions", "links", "ceremonies", "guesses")] == [1, 1, 0, 0]
    stopped.forward(days=31)
    await people.prune()
    assert [await one(counts(each)) for each in ("sessions", "links", "users")] == [0, 0, 2]


# memberships --------------------------------------------------------------------------------------------


async def test_who_belongs_to_two_chooses_and_acts_as_one_at_a_time(browser: Opens) -> None:
    accounts = [await create_account(NewAccount(name=name), actor="test") for name in ("North", "South")]
    made = await user(MAIL)
    for account in accounts:
        async with db.transaction(db.PLATFORM):
            await queries.add_membership(
                new_id(), made.id, Role.ACCOUNT_ADMIN, Owner(account_id=account.id), clock.now()
            )
    ann = browser()
    page = await ann.sign_in(MAIL, wanted="/people")
    assert ann.path == "/memberships"
    forms = [form for form in page.forms if form.action == "/memberships" and "next" in form.fields]
    assert len(forms) == 2
    answer = await ann.client.post("/memberships", data=forms[1].fields, follow_redirects=True)
    assert answer.url.path == "/people"
    before = ann.client.cookies["hub_signed_in"]
    page = await ann.go("/account")
    header = next(form for form in page.forms if form.action == "/memberships")
    await ann.client.post("/memberships", data=header.fields | {"membership": str(new_id())})
    answer = await ann.client.post("/memberships", data=header.fields | {"membership": forms[0].fields["membership"]})
    assert (answer.status_code, ann.client.cookies["hub_signed_in"] != before) == (303, True)


async def test_another_persons_membership_and_session_are_not_there(ann: Guest, browser: Opens) -> None:
    bob = browser()
    account = await create_account(NewAccount(name="Bob's"), actor="test")
    await user("bob@shop.example", Role.ACCOUNT_ADMIN, account_id=account.id)
    await bob.sign_in("bob@shop.example")
    await ann.sign_in(MAIL)
    token = ann.page.form("/sign-out").fields["_csrf_token"]
    for address, name, sql in (
        ("/memberships", "membership", "select id from memberships where account_id = $1"),
        ("/account/sessions/end", "session", "select id from sessions order by created_at limit 1"),
    ):
        theirs = await one(sql, *([account.id] if "$1" in sql else []))
        for wrong in (str(theirs), "x", "", str(new_id())):
            answer = await ann.client.post(address, data={name: wrong, "_csrf_token": token})
            assert answer.status_code == 404, (address, wrong)
    await bob.go("/account")
    assert bob.path == "/account"
