"""Signing in at an account's own OpenID provider: what it proves lets in, and nothing else does."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import RSAKey

from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.runtime import Runtime
from tenants.messages import NewAccount, Role
from tenants.people import queries
from tenants.people import service as people
from tenants.people.messages import Owner
from tenants.people.providers import service as providers
from tenants.people.providers.messages import NewProvider
from tenants.people.providers.service import Ways
from tenants.service import create_account
from tests.pages.visiting import PASSWORD, Guest, user
from tests.support.judge import one, rows
from tests.support.people import somebody
from tests.support.provider import CLIENT, SECRET, Provider, provider

MAIL = "ann@shop.example"
Opens = Callable[[], Guest]


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Provider]:
    """A provider on a loopback port, shared by the run."""
    async with provider() as made:
        yield made


@pytest.fixture
async def company(hub: Runtime, server: Provider) -> Provider:
    """The provider of an account, for the domain shop.example."""
    server.honest()
    server.user = {"sub": "s-1", "email": MAIL, "email_verified": True, "name": "Ann <b>"}
    return server


@pytest.fixture
async def account(hub: Runtime, company: Provider) -> UUID:
    """The account whose provider it is."""
    account = await create_account(NewAccount(name="Ann's shop"), actor="test")
    new = NewProvider(
        name="Shop login", issuer=company.issuer, client_id=CLIENT, client_secret=SECRET, domains=("Shop.Example",),
        role=Role.ACCOUNT_VIEWER, account_id=account.id,
    )  # fmt: skip
    ways = Ways(egress=hub.egress, keyring=hub.keyring, address=hub.settings.address)
    await providers.add(new, ways, by=somebody(Role.SUPPORT_ADMIN))
    return account.id


@pytest.fixture
def browser(browsers: Opens) -> Opens:
    """Opens browsers before the pages of one hub."""
    return browsers


async def leave(browser: Guest, email: str = MAIL, *, wanted: str = "/people") -> str:
    """Ask for the company's sign-in, and return where the browser is sent to."""
    await browser.go(f"/sign-in?next={wanted}")
    form = browser.form("/sign-in").fields
    headers = {"origin": "http://hub"}
    answer = await browser.client.post("/sign-in/provider", data=form | {"email": email}, headers=headers)
    browser._read(answer)
    return next((link for link in browser.page.links if "/authorize" in link), "")


async def there_and_back(browser: Guest, **more: str) -> Guest:
    """Go to the provider and come back as it sends the browser."""
    there = await leave(browser)
    async with httpx.AsyncClient() as outside:
        sent = await outside.get(there)
    back = httpx.URL(sent.headers["location"])
    await browser.go(str(back.copy_merge_params(more)))
    return browser


async def test_who_the_company_proves_comes_in_with_the_role_that_it_gives(
    account: UUID, company: Provider, browser: Opens
) -> None:
    ann = await there_and_back(browser())
    assert (ann.path, ann.status) == ("/people", 200)
    assert "Ann &lt;b&gt;" in ann.answer.text
    (held,) = await rows("select role, account_id, provider_id is not null as made from memberships")
    assert tuple(held.values()) == ("account_viewer", account, True)
    page = await ann.go("/account")
    assert "Password and second factors are kept there" in page.text
    await there_and_back(browser())
    assert await one("select count(*) from users") == 1, "the same subject is the same user"


async def test_the_way_out_carries_state_nonce_and_a_challenge_that_the_cookie_does_not_show(
    account: UUID, browser: Opens
) -> None:
    ann = browser()
    asked = dict(httpx.URL(await leave(ann)).params)
    assert asked["code_challenge_method"] == "S256"
    assert {asked["response_type"], asked["scope"]} == {"code", "openid email profile"}
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    held = ann.client.cookies["hub_provider"]
    assert not any(asked[name] in held for name in ("state", "nonce", "code_challenge"))
    for row in await rows("select t::text as text from ceremonies t"):
        assert asked["state"] not in row["text"]


LIES: dict[str, Callable[[Provider], Any]] = {
    "an address that is not proven": lambda it: it.claims.update(email_verified=False),
    "an address outside of the domains": lambda it: it.claims.update(email="ann@other.example"),
    "no address at all": lambda it: it.claims.update(email="nonsense"),
    "another issuer": lambda it: it.claims.update(iss="https://evil.example"),
    "another audience": lambda it: it.claims.update(aud=["another client"]),
    "a foreign authorized party": lambda it: it.claims.update(azp="another client"),
    "another nonce": lambda it: it.claims.update(nonce="another"),
    "a token that is over": lambda it: it.claims.update(exp=int(time.time()) - 600),
    "a token of the future": lambda it: it.claims.update(iat=int(time.time()) + 600),
    "another access token": lambda it: it.claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "a key that is not its own": lambda it: setattr(it, "shown_key", RSAKey.generate_key(2048, {"kid": "two"})),
    "a configuration of somebody else": lambda it: setattr(it, "issuer", "http://localhost:1"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_does_not_hold_lets_nobody_in(account: UUID, company: Provider, browser: Opens, lie: str) -> None:
    ann = browser()
    there = await leave(ann)
    LIES[lie](company)
    async with httpx.AsyncClient() as outside:
        sent = await outside.get(there)
    page = await ann.go(sent.headers["location"])
    assert ann.status == 422
    assert page.wrong("email").startswith("Signing in through Shop login did not work"), page.text
    assert SECRET not in ann.answer.text
    await ann.go("/people")
    assert ann.path == "/sign-in"
    assert await one("select count(*) from users") == 0


async def test_an_answer_that_was_not_asked_for_is_refused(account: UUID, company: Provider, browser: Opens) -> None:
    ann, mallory = browser(), browser()
    there = await leave(mallory)
    async with httpx.AsyncClient() as outside:
        sent = httpx.URL((await outside.get(there)).headers["location"])
    for back, words in (
        (sent, "begun in another browser"),
        (sent.copy_set_param("state", "x"), "begun in another browser"),
    ):
        page = await ann.go(str(back))
        assert (ann.status, words in page.wrong("email")) == (422, True)
    await leave(ann)
    page = await ann.go(str(sent))
    assert "belongs to another sign-in" in page.wrong("email"), "the state is not that of this browser"
    page = await mallory.go(str(sent.copy_set_param("iss", "https://evil.example")))
    assert "another provider's" in page.wrong("email")
    page = await mallory.go(str(sent))
    assert "begun in another browser, or too long ago" in page.wrong("email"), "an answer is looked at once"


async def test_a_code_works_once(account: UUID, company: Provider, browser: Opens) -> None:
    ann = browser()
    there = await leave(ann)
    async with httpx.AsyncClient() as outside:
        sent = (await outside.get(there)).headers["location"]
    await ann.go(sent)
    assert ann.path == "/people"
    again = browser()
    again.client.cookies.update(ann.client.cookies)
    page = await again.go(sent)
    assert (again.status, "begun in another browser" in page.wrong("email")) == (422, True)


async def test_a_company_opens_what_is_its_own_and_nothing_else_of_the_same_person(
    account: UUID, company: Provider, browser: Opens
) -> None:
    other = await create_account(NewAccount(name="Another"), actor="test")
    await user(MAIL, Role.SUPPORT_ADMIN)
    async with db.transaction(db.PLATFORM):
        made = await queries.user_by_email(MAIL)
        assert made is not None
        owner = Owner(account_id=other.id)
        await queries.add_membership(new_id(), made.id, Role.ACCOUNT_ADMIN, owner, clock.now())
    ann = await there_and_back(browser())
    assert (ann.path, ann.status) == ("/people", 200)
    page = await ann.go("/memberships")
    assert [form.action for form in page.forms].count("/memberships") == 1, "the one of the company"
    assert "Another" not in page.text
    token = ann.form("/sign-out").fields["_csrf_token"]
    for form in ("/account", "/account/password", "/account/authenticator", "/account/passkeys"):
        answer = await ann.client.post(form, data={"_csrf_token": token, "name": "X", "password": PASSWORD})
        assert answer.status_code == 403, form
    by_password = browser()
    page = await by_password.sign_in(MAIL)
    assert "Ann's shop" not in page.text, "what the company made opens through the company only"


async def test_who_was_removed_does_not_come_back_by_signing_in_again(
    account: UUID, company: Provider, browser: Opens
) -> None:
    ann = await there_and_back(browser())
    held = await one("select id from memberships")
    await people.remove(held, by=somebody(Role.SUPPORT_ADMIN))
    await ann.go("/people")
    assert ann.path == "/sign-in"
    ann = await there_and_back(browser())
    assert ann.path == "/memberships"
    assert "You belong to no account" in ann.page.text


async def test_an_address_of_no_company_and_a_company_that_is_down_are_told(
    account: UUID, company: Provider, browser: Opens
) -> None:
    ann = browser()
    await leave(ann, "bob@nowhere.example")
    assert ann.page.wrong("email").startswith("No company sign-in is set up for this domain.")
    await leave(ann, "nonsense")
    assert ann.page.wrong("email").startswith("This is no e-mail address")
    company.issuer = "http://127.0.0.1:1"
    await leave(ann)
    assert "configuration is that of another issuer" in ann.page.wrong("email")


async def test_an_admin_claims_the_domain_of_their_own_proven_address_only(
    hub: Runtime, account: UUID, company: Provider, browser: Opens
) -> None:
    await user("boss@shop.example", Role.ACCOUNT_ADMIN, account_id=account)
    boss = browser()
    await boss.sign_in("boss@shop.example", wanted="/providers")
    typed = {
        "name": "Ours", "issuer": company.issuer, "client_id": "x", "client_secret": "y", "role": "account_admin",
    }  # fmt: skip
    for domains, words in (
        ("gmail.example", "any other is claimed by support"),
        ("shop.example", "any other is claimed by support"),
        ("no domain!", "is no domain"),
        ("", "must be filled in"),
    ):
        page = await boss.send("/providers", domains=domains, **typed)
        assert words in page.wrong("domains"), page.text
    async with db.transaction(db.PLATFORM):
        await db.execute("update users set verified_at = now()")
    page = await boss.send("/providers", domains="shop.example", **typed)
    assert "Another provider tells of one of these domains already" in page.wrong("domains")
    page = await boss.send("/providers", domains="shop.example", **{**typed, "issuer": "http://10.0.0.1"})
    assert page.wrong("issuer").startswith("No provider can be used at this issuer")
    page = await boss.send("/providers", domains="shop.example", **{**typed, "role": "support_admin"})
    assert page.wrong("role").startswith("A provider belongs to one account or one partner")
    assert SECRET.encode() not in bytes(await one("select sealed from identity_providers"))
