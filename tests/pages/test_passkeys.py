"""Passkeys, by the virtual authenticator of a real browser."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from hub import app
from hub.runtime import Runtime
from tenants.messages import Role
from tenants.people.passkeys import service as passkeys
from tests.pages.conftest import listening
from tests.pages.visiting import PASSWORD, user
from tests.support.judge import one

MAIL = "sue@hub.example"


@pytest.fixture
async def page(hub: Runtime, browser: Browser) -> AsyncIterator[Page]:
    """A page of the hub at localhost, in a browser with an authenticator that knows its owner's finger."""
    served: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await served[0](scope, receive, send)

    async with listening(application, lambda: served[0].state.live.streams.end()) as address:  # noqa: PLW0108 - it is built later
        # Passkeys are made for a name, which an address is not.
        home = f"http://localhost:{address.rpartition(':')[2]}"
        settings = msgspec.structs.replace(hub.settings, public_url=home)
        served.append(app.build(msgspec.structs.replace(hub, settings=settings)))
        context = await browser.new_context(base_url=home)
        context.set_default_timeout(20_000)
        opened = await context.new_page()
        session = await context.new_cdp_session(opened)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield opened
        await context.close()


async def test_a_passkey_is_made_and_lets_in_without_password_and_code(hub: Runtime, page: Page) -> None:
    await user(MAIL, Role.SUPPORT_ADMIN)
    await page.goto("/sign-in?next=/account")
    await page.get_by_label("E-mail address").fill(MAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.goto("/account")
    await page.locator("#passkey-password").fill(PASSWORD)
    await page.get_by_role("button", name="Add a passkey").click()
    await page.get_by_label("Name").fill("My <laptop>")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_text("My <laptop>", exact=True)).to_be_visible()
    await page.locator("details.menu.to-end > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("/sign-in/passkey?next=/account")
    await page.get_by_role("button", name="Use my passkey").click()
    await expect(page.get_by_role("heading", name="My account")).to_be_visible()
    assert await one("select method from sessions order by created_at desc limit 1") == "passkey"
    assert await one("select sign_count > 0 and used_at is not null from passkeys")
    # By password alone the passkey is asked for now.
    await page.locator("details.menu.to-end > summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("/sign-in?next=/account")
    await page.get_by_label("E-mail address").fill(MAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_text("Your second factor is a passkey.")).to_be_visible()


async def test_an_answer_that_nobody_asked_for_or_that_is_no_answer_lets_nobody_in(hub: Runtime) -> None:
    address = hub.settings.address
    for answer in ("", "{}", "[]", "null", "x", '{"id": 1}', "[" * 10_000, json.dumps({"rawId": "AA", "id": "AA"})):
        question = await passkeys.ask_for_any(hub.keyring, address=address)
        assert await passkeys.owner(question.token, answer, hub.keyring, address=address) is None
    for token in ("", "x", question.token):
        assert await passkeys.owner(token, "{}", hub.keyring, address=address) is None


async def test_the_page_for_passkeys_says_what_to_do_without_javascript(hub: Runtime) -> None:
    transport = httpx.ASGITransport(app.build(hub), raise_app_exceptions=False)  # type: ignore[arg-type]  # two types for one ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        text = (await client.get("/sign-in/passkey")).text
    assert "Passkeys need JavaScript. Sign in with your password instead." in text
    challenge = json.loads(text.partition('data-options="')[2].partition('"')[0].replace("&#34;", '"'))["challenge"]
    assert len(base64.urlsafe_b64decode(challenge + "==")) == 32
