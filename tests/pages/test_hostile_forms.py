"""Whatever somebody sends to the pages of people: it is refused or shown, never obeyed, and nothing typed is lost."""

from collections.abc import Callable
from uuid import UUID

import pytest

from hub import app
from hub.api import guards
from hub.runtime import Runtime
from tenants.messages import NewAccount, NewWarehouse, ReceivingOption, Role
from tenants.service import create_account, create_warehouse
from tests.conftest import Clock
from tests.pages.reading import Form
from tests.pages.visiting import PASSWORD, Guest, user
from tests.support.judge import counts, one
from tests.support.staff import Staff, staff

Opens = Callable[[], Guest]
MAIL = "ann@shop.example"
PAGES = ("/account", "/people", "/devices", "/providers", "/preferences")
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "{{1234567*9}}{% raise %}${1234567*9}%(name)s%s",
    "nul\x00 and \x1b[31m bell\x07",
    "'; drop table users; --",
    "\u202eevil\u2066 \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 20_000,
    "-1",
)
# Not a form about something: they are in the shell of every page.
OF_THE_SHELL = {"/sign-out", "/memberships", "/impersonations/end"}
TOKEN = "_csrf_token"


class Neighbours:
    """Two accounts, each with a warehouse and people, devices, a provider and an invitation of its own."""

    def __init__(self, ours: UUID, theirs: Staff) -> None:
        self.ours, self.theirs = ours, theirs


@pytest.fixture
async def neighbours(hub: Runtime) -> Neighbours:
    found = []
    for name in ("North", "South"):
        account = await create_account(NewAccount(name=name), actor="test")
        own = NewWarehouse(name=name, receiving_option=ReceivingOption.MERCHANT_WAREHOUSE, account_id=account.id)
        place = await create_warehouse(own, actor="test")
        found.append(await staff(place.id, field="account_id", owner=account.id))
    return Neighbours(found[0].owner, found[1])


@pytest.fixture
async def ann(neighbours: Neighbours, browsers: Opens, stopped: Clock) -> Guest:
    """The browser of Ann, who runs the first of the two accounts and is signed in."""
    await user(MAIL, Role.ACCOUNT_ADMIN, account_id=neighbours.ours)
    opened = browsers()
    await opened.sign_in(MAIL)
    return opened


def forms(guest: Guest) -> list[Form]:
    """Return the forms of a page that are about something."""
    return [form for form in guest.page.forms if form.action not in OF_THE_SHELL and form.fields.keys() - {TOKEN}]


async def test_hostile_text_in_each_field_of_each_form_is_refused_or_shown_and_never_obeyed(ann: Guest) -> None:
    tried = 0
    for page in PAGES:
        await ann.go(page)
        for form in forms(ann):
            for name in form.fields.keys() - {TOKEN}:
                for text in HOSTILE:
                    data = {**form.fields, name: text}
                    answer = await ann.client.post(form.action, data=data, headers={"origin": "http://hub"})
                    assert answer.status_code < 500, (form.action, name, text[:40])
                    assert "<script>alert" not in answer.text, (form.action, name)
                    assert "11111103" not in answer.text, (form.action, name)
                    tried += 1
        # A name was changed on the way, perhaps; whoever it is still is signed in.
        await ann.go(page)
        assert (ann.path, ann.status) == (page, 200)
        assert "<script>alert" not in ann.answer.text
    assert tried > 100


async def test_a_form_that_another_site_sends_is_refused_on_every_page(
    ann: Guest, hub: Runtime, neighbours: Neighbours
) -> None:
    await ann.go("/account")
    token, before = ann.form("/account").fields[TOKEN], await counts()
    posts = [path for method, path, _ in guards.actions(app.build(hub)) if method == "POST" and is_page(path)]
    assert len(posts) > 30
    for path in posts:
        filled = path.format_map(Ids(neighbours.theirs))
        for data, headers in (({}, {}), ({TOKEN: token}, {"origin": "https://evil.example"})):
            answer = await ann.client.post(filled, data=data, headers=headers)
            assert answer.status_code == 403, (path, answer.status_code)
    assert await counts() == before


def is_page(path: str) -> bool:
    """Say whether an address is for people, and not for programs or vendors."""
    return not path.startswith(("/api/", "/knock/", "/hooks/", "/unsubscribe/"))


class Ids(dict[str, str]):
    """What stands in an address for another account's things."""

    def __init__(self, theirs: Staff) -> None:
        super().__init__(
            membership_id=str(theirs.membership), invitation_id=str(theirs.invitation), provider_id=str(theirs.provider)
        )

    def __missing__(self, name: str) -> str:
        return str(UUID(int=len(name))) if name.endswith("_id") else "hub_xnothing0_" + "x" * 43


async def test_another_accounts_things_are_not_there_on_any_page(
    ann: Guest, hub: Runtime, neighbours: Neighbours
) -> None:
    theirs = neighbours.theirs
    ids = Ids(theirs)
    ids["device_id"] = str(await one(f"select id from devices where warehouse_id = '{theirs.place}'"))
    ids["operator_id"] = str(await one(f"select id from operators where warehouse_id = '{theirs.place}'"))
    ids["passkey_id"] = str(await one(f"select id from passkeys where user_id = '{theirs.user}'"))
    await ann.go("/account")
    typed = {TOKEN: ann.form("/account").fields[TOKEN], "pin": "5937", "role": "account_viewer"}
    typed["current_password"] = PASSWORD
    before, tried = await counts(), 0
    for method, path, _ in guards.actions(app.build(hub)):
        if "_id}" not in path or not is_page(path) or path.endswith("/sessions/end"):
            continue
        filled = path.format_map(ids)
        assert "{policy_id" in path or str(UUID(int=1))[:8] not in filled, (
            f"{path} has an id that this test does not know"
        )
        answer = await (ann.client.get(filled) if method == "GET" else ann.client.post(filled, data=typed))
        assert answer.status_code == 404, (method, path, answer.status_code)
        tried += 1
    # A session is named in the form, not in the address.
    answer = await ann.client.post("/account/sessions/end", data=typed | {"session": str(theirs.session)})
    assert (answer.status_code, tried >= 8) == (404, True)
    assert await counts() == before


@pytest.mark.parametrize("kind", ["links", "new-password", "invitations", "enrol"])
async def test_a_link_that_is_wrong_or_of_another_kind_lets_nobody_in(kind: str, ann: Guest, browsers: Opens) -> None:
    stranger = browsers()
    await ann.go("/people")
    page = await ann.send("/people", email="new@shop.example", role="account_viewer")
    assert page.codes, page.text
    others = {"invitations": page.codes[0].rpartition("/")[2]}
    place = await one("select id from warehouses where name = 'North'")
    await ann.go("/devices")
    page = await ann.send("/devices", name="Terminal", warehouse_id=str(place))
    others["enrol"] = page.codes[0].rpartition("/")[2]
    wrong = [token for other, token in others.items() if other != kind]
    wrong += ["x", "hub_", "..%2f..%2fetc%2fpasswd", "%00", "hub_lnothing0_" + "x" * 43, "<script>", "x" * 5_000]
    await stranger.go("/sign-in")
    typed = {TOKEN: stranger.form("/sign-in").fields[TOKEN], "password": PASSWORD, "name": "Eve"}
    for token in wrong:
        for answer in (
            await stranger.client.get(f"/{kind}/{token}"),
            await stranger.client.post(f"/{kind}/{token}", data=typed),
        ):
            assert answer.status_code == 404, (kind, token[:40], answer.status_code)
            assert "<script>" not in answer.text.replace("<script type", "")
    assert not {"hub_signed_in", "hub_device"} & set(stranger.client.cookies)


async def test_what_was_typed_into_any_form_in_a_session_that_had_ended_is_there_after_signing_in(
    ann: Guest, stopped: Clock
) -> None:
    typed: dict[str, dict[str, str]] = {
        "/account": {"name": "Annabel", "locale": "fr", "time_zone": "Europe/Paris"},
        "/people": {"email": "new@shop.example", "role": "account_viewer"},
        "/devices": {"name": "Terminal by the gate"},
        "/devices/operators": {"operator": "Olga"},
        "/providers": {"name": "Login", "issuer": "https://login.shop.example", "domains": "shop.example"},
    }
    for action, fields in typed.items():
        page = "/devices" if action.startswith("/devices") else action
        await ann.go(page)
        stopped.forward(hours=3)
        await ann.send(action, **fields)
        assert ann.path == "/sign-in", action
        await ann.send("/sign-in", email=MAIL, password=PASSWORD)
        assert ann.path == page
        assert "What you had typed is here again" in ann.page.text
        shown = ann.form(action).fields
        assert shown | fields == shown, action
    assert await one("select count(*) from operators where name = 'Olga'") == 0, "nothing is sent by itself"
