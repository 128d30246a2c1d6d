from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit import crypto
from hub.kit.crypto import Keyring
from hub.runtime import Runtime
from hub.web import keys
from hub.web.visitors import own_path
from tenants.keys import service as api_keys
from tenants.keys.messages import NewKey
from tenants.messages import Role
from tests.pages.reading import PageRead
from tests.support.world import ACTOR, Shop, World

APP = "/apps/warehouse_app"


class Visitor:
    """Someone with a browser that keeps cookies and runs no script."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        client.headers["accept"] = "text/html"
        self.client = client
        self.answer = httpx.Response(200)

    async def go(self, address: str) -> PageRead:
        self.answer = await self.client.get(address, follow_redirects=True)
        return PageRead(self.answer.text)

    async def send(self, page: PageRead, action: str, **typed: str) -> PageRead:
        form = page.form(action)
        self.answer = await self.client.post(form.action, data={**form.fields, **typed}, follow_redirects=True)
        return PageRead(self.answer.text)

    async def sign_in(self, key: str, *, next_page: str = "/") -> PageRead:
        return await self.send(await self.go(f"/sign-in/key?next={quote(next_page)}"), "/sign-in/key", key=key)

    @property
    def path(self) -> str:
        return self.answer.url.path


@pytest.fixture
def visitor(api: httpx.AsyncClient) -> Visitor:
    return Visitor(api)


@pytest.fixture
async def shop(world: World) -> Shop:
    return await world.shop()


async def warehouse_key(world: World, shop: Shop) -> str:
    return await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse)


# -- the front page and its manners


async def test_the_front_page_says_where_to_go_and_nothing_secret(visitor: Visitor) -> None:
    page = await visitor.go("/")
    assert visitor.answer.status_code == 200
    assert {"/sign-in", f"{APP}/", "/reference", "/health"} <= set(page.links)
    assert "Sign out" not in page.text


async def test_every_page_tells_the_browser_to_trust_nothing_else(visitor: Visitor) -> None:
    for address in ("/", "/sign-in", "/nowhere"):
        await visitor.go(address)
        headers = visitor.answer.headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert " style=" not in visitor.answer.text
        assert "<script>" not in visitor.answer.text


async def test_cookies_are_out_of_reach_of_scripts_and_secure_where_the_page_is(
    visitor: Visitor, world: World, shop: Shop
) -> None:
    key = await warehouse_key(world, shop)
    page = await visitor.go("/sign-in/key")
    form = page.form("/sign-in/key").fields | {"key": key}
    for scheme, secure in (("http", False), ("https", True)):
        visitor.client.cookies.clear()
        first = await visitor.client.get(f"{scheme}://hub/sign-in/key")
        form |= PageRead(first.text).form("/sign-in/key").fields | {"key": key}
        answer = await visitor.client.post(f"{scheme}://hub/sign-in/key", data=form)
        cookies = first.headers.get_list("set-cookie") + answer.headers.get_list("set-cookie")
        assert [cookie.partition("=")[0][:11] for cookie in cookies] == ["hub_forms_" + cookies[0][10], "hub_session"]
        for cookie in cookies:
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert ("Secure" in cookie) is secure
        assert key not in str(answer.headers)


@pytest.mark.parametrize("development", [False, True])
async def test_the_page_of_all_components_is_there_in_development_only(
    hub: Runtime,
    development: bool,  # noqa: FBT001 - given by pytest
) -> None:
    from hub import app  # noqa: PLC0415 - only tests of the web process pay for it

    settings = msgspec.structs.replace(hub.settings, development=development)
    application: Any = app.build(msgspec.structs.replace(hub, settings=settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://hub") as client:
        for address in ("/components", "/components/table"):
            assert (await client.get(address)).status_code == (200 if development else 404)
        assert (await client.get("/components/nothing")).status_code == 404


# -- signing in and out


async def test_a_page_for_people_asks_for_a_key_and_then_goes_on_to_where_they_wanted(
    visitor: Visitor, world: World, shop: Shop
) -> None:
    wanted = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page = await visitor.go(f"{APP}/scan?number={wanted.number}")
    assert visitor.path == "/sign-in"
    assert page.focus == "email"
    page = await visitor.go(next(link for link in page.links if link.startswith("/sign-in/key")))
    assert page.focus == "key"
    page = await visitor.send(page, "/sign-in/key", key=f"  {await warehouse_key(world, shop)}\n")
    assert visitor.path == f"{APP}/returns/{wanted.number}"
    assert wanted.number in page.text


async def test_every_key_that_does_not_work_gets_the_same_answer(visitor: Visitor, world: World, shop: Shop) -> None:
    key = await warehouse_key(world, shop)
    other = "A" if key[-1] != "A" else "B"
    bodies = set()
    for wrong in ("", "hub_", key[:-1] + other, key.replace("_w", "_a", 1), crypto.new_key("warehouse").plain.reveal()):
        page = await visitor.sign_in(wrong)
        assert visitor.answer.status_code == 422
        assert page.wrong("key") == "This key does not work. Check that it is complete, or ask for a new one."
        bodies.add(visitor.answer.text)
    assert len(bodies) == 1
    await visitor.go(f"{APP}/")
    assert visitor.path == "/sign-in"


async def test_a_revoked_key_ends_its_session_at_once(visitor: Visitor, world: World, shop: Shop) -> None:
    new = NewKey(name="terminal 4", role=Role.WAREHOUSE, warehouse_id=shop.warehouse)
    made = await api_keys.create_key(new, actor=ACTOR)
    page = await visitor.sign_in(made.key, next_page=APP)
    assert visitor.path == APP
    assert "terminal 4" in page.text
    wanted = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    page = await visitor.go(f"{APP}/returns/{wanted.number}")
    await api_keys.revoke_key(made.id, actor=ACTOR)
    asked = await visitor.send(page, "/returns/", do="book")
    assert visitor.path == "/sign-in"
    assert asked.form("/sign-in").fields["next"] == f"{APP}/returns/{wanted.number}"


async def test_signing_out_ends_the_session(visitor: Visitor, world: World, shop: Shop) -> None:
    page = await visitor.sign_in(await warehouse_key(world, shop), next_page=APP)
    await visitor.send(page, "/sign-out")
    assert visitor.path == "/"
    await visitor.go(APP)
    assert visitor.path == "/sign-in"


async def test_a_session_cookie_that_was_not_made_here_opens_nothing(visitor: Visitor) -> None:
    for cookie in ("null", "x", "eyJrZXkiOiJodWJfdzEyMzQ1NjcifQ=="):
        visitor.client.cookies.set("hub_session", cookie, domain="hub.local")
        await visitor.go(APP)
        assert (visitor.path, visitor.answer.status_code) == ("/sign-in", 200)
        # It was seen, found worthless, and taken away.
        assert "hub_session=null" in visitor.answer.history[0].headers["set-cookie"]


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.ACCOUNT])
async def test_a_key_of_no_warehouse_is_told_which_key_is_needed(
    visitor: Visitor, world: World, shop: Shop, role: Role
) -> None:
    owner = {"account_id": shop.account} if role is Role.ACCOUNT else {}
    page = await visitor.sign_in(await world.api_key(role, **owner), next_page=f"{APP}/")
    assert visitor.answer.status_code == 403
    assert f"a key of the role {role.value}" in page.text
    assert "sign in with a key of the role warehouse" in page.text
    assert f"/sign-in?next={APP}" in page.links


async def test_another_warehouse_does_not_find_the_return(visitor: Visitor, world: World, shop: Shop) -> None:
    stored = await world.channel_return(shop, "O-1", {"SHIRT": 1})
    stranger = await world.shop("other")
    await visitor.sign_in(await warehouse_key(world, stranger))
    page = await visitor.go(f"{APP}/returns/{stored.number}")
    assert visitor.answer.status_code == 404
    assert page.wrong("number")


# -- forms


async def test_a_form_without_its_token_is_not_taken(visitor: Visitor, world: World, shop: Shop) -> None:
    key = await warehouse_key(world, shop)
    await visitor.go("/sign-in/key")
    for token in ({}, {"_csrf_token": "x" * 128}):
        answer = await visitor.client.post("/sign-in/key", data={"key": key, **token})
        assert answer.status_code == 403
        assert "This form was not taken" in answer.text
    await visitor.go(APP)
    assert visitor.path == "/sign-in"


async def test_the_api_needs_no_form_token_and_takes_no_session(visitor: Visitor, world: World) -> None:
    key = await world.api_key()
    await visitor.sign_in(key)
    answer = await visitor.client.get("/api/v1/accounts")
    assert answer.status_code == 401
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "one"}
    answer = await visitor.client.post("/api/v1/accounts", json={"name": "Bergmann"}, headers=headers)
    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers


# -- errors


async def test_a_person_reads_a_page_and_a_program_a_problem(visitor: Visitor) -> None:
    page = await visitor.go("/nowhere")
    assert visitor.answer.status_code == 404
    assert "There is no such page" in page.text
    for address, accept in (("/nowhere", "application/json"), ("/api/v1/nowhere", "text/html"), ("/nowhere", "*/*")):
        answer = await visitor.client.get(address, headers={"accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_bug_of_ours_shows_a_page_without_its_reason(
    visitor: Visitor, world: World, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await visitor.sign_in(await warehouse_key(world, shop))

    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("hub.receipt.desk.Desk.expected", fails)
    page = await visitor.go(APP)
    assert visitor.answer.status_code == 500
    assert "The hub failed" in page.text
    assert "canary" not in visitor.answer.text
    assert visitor.answer.headers["x-frame-options"] == "DENY"


# -- pure parts


@pytest.mark.parametrize("path", ["/", "/apps/x/returns/R1?a=b&c=%20d#e", "/schema"])
def test_a_path_of_this_site_is_gone_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "address",
    [
        "",
        "apps",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "/a b",
        "/é",
        "/\r\nx",
    ],
)
def test_an_address_elsewhere_becomes_the_start_page(address: str) -> None:
    assert own_path(address) == "/"


@given(st.text(max_size=12) | st.from_regex(r"/[/\\\t\n]{0,3}[a-z.]{1,6}", fullmatch=True))
def test_whatever_is_gone_to_stays_on_this_site(address: str) -> None:
    # Browsers drop control characters and read a backslash as a slash before they look for a host.
    seen = "".join(character for character in own_path(address) if character > " ").replace("\\", "/")
    assert seen.startswith("/")
    assert not seen.startswith("//")


def test_keys_for_cookies_differ_by_purpose_and_by_master_key_and_are_the_same_in_every_process() -> None:
    one, other = Keyring.generate_text(), Keyring.generate_text()
    assert keys.derive(one, "session") == keys.derive(f" {one} ,{other}", "session")
    made = {keys.derive(one, "session"), keys.derive(one, "forms"), keys.derive(other, "session")}
    assert {len(key) for key in made} == {32}
    assert len(made) == 3
