"""An operator of the warehouse app with a keyboard and a scanner, and nothing else."""

import asyncio
import time
from typing import Any

from playwright.async_api import CDPSession, Page, expect

from tenants.messages import Role
from tests.support.world import Shop, World

APP = "/apps/warehouse_app"
EACH_SECONDS = 0.005
ENTER = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}
ANSWERED = "number => document.querySelectorAll('[data-question] input:checked').length === number"


class Operator:
    """Somebody at the app; nothing here touches a mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._keyboard: CDPSession | None = None

    async def sign_in(self, world: World, shop: Shop) -> None:
        """Sign in with a key of the shop's warehouse, and wait for the app."""
        key = await world.api_key(Role.WAREHOUSE, warehouse_id=shop.warehouse)
        await self.page.goto(f"/sign-in/key?next={APP}")
        await self.page.get_by_label("API key").fill(key)
        await self.page.keyboard.press("Enter")
        await self.ready()

    async def ready(self) -> None:
        """Wait until the app has begun."""
        await expect(self.page.locator("#desk[data-ready]")).to_be_visible()

    async def scan(self, code: str) -> None:
        """Pull the scanner's trigger, wherever the focus is.

        The keys are as close as a scanner's, however busy the machine is.
        """
        self._keyboard = self._keyboard or await self.page.context.new_cdp_session(self.page)
        keys = [{"key": sign, "text": sign} for sign in code] + [ENTER]
        began = time.time() - len(keys) * EACH_SECONDS
        pressed = [
            {"type": kind, "timestamp": began + place * EACH_SECONDS, **key}
            for place, key in enumerate(keys)
            for kind in ("keyDown", "keyUp")
        ]
        await asyncio.gather(*(self._keyboard.send("Input.dispatchKeyEvent", each) for each in pressed))

    async def open(self, number: str) -> None:
        """Scan a return and wait until it is shown."""
        await self.scan(number)
        await self.page.get_by_role("heading", name=number).wait_for()

    async def press(self, *keys: str) -> None:
        """Press keys one by one, as a person does: with a pause after a choice."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def choose(self, *digits: str) -> None:
        """Answer the open questions by the numbers of their answers."""
        await self.page.locator("[data-question]").first.wait_for()
        for number, digit in enumerate(digits, start=1):
            await self.page.keyboard.press(digit)
            # Looked at with every frame; `expect` would look again only after a tenth of a second.
            await self.page.wait_for_function(ANSWERED, arg=number)

    async def tab_to(self, name: str) -> None:
        """Press Tab until the button of this name, or the field of this label, has the focus."""
        for _ in range(60):
            if name in await self.focus():
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{name} cannot be reached by Tab")

    async def focus(self) -> str:
        """What the focused element is called."""
        return str(
            await self.page.evaluate(
                """() => { const it = document.activeElement;
                if (!it.matches('a, button, input, select, summary')) return '';
                return it.getAttribute('aria-label') || it.labels?.[0]?.textContent || it.textContent || ''; }"""
            )
        )

    async def note(self, *digits: str) -> None:
        """Answer every question and note the units."""
        await self.choose(*digits)
        await self.page.keyboard.press("Enter")
        await self.page.locator("form.product").wait_for(state="detached")

    async def button(self, name: str) -> None:
        """Go to a button with Tab and press it."""
        await self.tab_to(name)
        await self.page.keyboard.press("Enter")

    async def told(self, text: str) -> None:
        """Read the large answer."""
        await self.page.locator("#answer", has_text=text).wait_for()

    async def kept(self) -> list[dict[str, Any]]:
        """What is kept on this device and not sent, as it is stored."""
        found: list[dict[str, Any]] = await self.page.evaluate(
            """async () => { const [{name}] = await indexedDB.databases();
            const open = indexedDB.open(name);
            await new Promise(done => open.onsuccess = done);
            const all = open.result.transaction('receipts').objectStore('receipts').getAll();
            await new Promise(done => all.onsuccess = done);
            open.result.close();
            return all.result; }"""
        )
        return found
