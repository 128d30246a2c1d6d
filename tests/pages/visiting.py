"""Somebody with a browser that keeps cookies and runs no script, and the people who sit before it."""

from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pyotp

from hub.kit import clock, db
from hub.kit.ids import new_id
from hub.runtime import Runtime
from tenants.messages import Role
from tenants.people import queries
from tenants.people import service as people
from tenants.people.factors import queries as factors_queries
from tenants.people.factors import service as factors
from tenants.people.messages import Owner, Profile, User
from tests.pages.reading import Form, PageRead

PASSWORD = "zeilboot-kaas-lantaarn"
_hashes: dict[str, str] = {}


class Guest:
    """A browser of its own before the hub's pages."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        client.headers["accept"] = "text/html"
        self.client = client
        self.answer = httpx.Response(200)
        self.page = PageRead("")

    async def go(self, address: str) -> PageRead:
        """Open a page."""
        return self._read(await self.client.get(address, follow_redirects=True))

    async def send(self, action: str, **typed: str) -> PageRead:
        """Fill in the form of this page whose address is this, and send it."""
        form = self.form(action)
        headers = {"referer": str(self.answer.url), "origin": "http://hub"}
        data = {**form.fields, **typed}
        return self._read(await self.client.post(action, data=data, headers=headers, follow_redirects=True))

    def form(self, action: str) -> Form:
        """Return the one form of this page whose address is this."""
        (found,) = [each for each in self.page.forms if each.action == action]
        return found

    def _read(self, answer: httpx.Response) -> PageRead:
        self.answer, self.page = answer, PageRead(answer.text)
        return self.page

    async def sign_in(self, email: str, password: str = PASSWORD, *, wanted: str = "/account") -> PageRead:
        """Type address and password into the page for it."""
        await self.go(f"/sign-in?next={quote(wanted)}")
        return await self.send("/sign-in", email=email, password=password)

    async def set_totp_up(self, action: str = "/account/authenticator") -> tuple[pyotp.TOTP, list[str]]:
        """Take the secret that this page shows over into an app, prove it, and keep the recovery codes."""
        app = pyotp.TOTP(self.page.codes[0])
        page = await self.send(action, code=app.at(clock.now()))
        assert len(page.codes) == 10, page.text
        return app, page.codes

    @property
    def path(self) -> str:
        """Where the browser is."""
        return self.answer.url.path

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return self.answer.status_code


async def user(email: str, role: Role | None = None, *, password: str | None = PASSWORD, **owner: Any) -> User:
    """Put a user there as if they had been invited; hashing is done once for all tests."""
    async with db.transaction(db.PLATFORM):
        made = await people.add_user(email, Profile(name=email.partition("@")[0].title()))
        if role is not None:
            await queries.add_membership(new_id(), made.id, role, Owner(**owner), clock.now())
        if password is not None:
            if password not in _hashes:
                _hashes[password] = await factors.hashed(password)
            await factors_queries.set_password(made.id, _hashes[password])
    return made


def guest(hub: Runtime, application: Any) -> Guest:
    """Return another browser before the same pages."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    return Guest(httpx.AsyncClient(transport=transport, base_url=hub.settings.address))


def path_of(link: str) -> str:
    """Return the path of a link that was shown or mailed."""
    return urlsplit(link).path
