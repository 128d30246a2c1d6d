"""Follows a hub through its API and its vendor through its ledger, as any program could, for the live page."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from hub.demo.board import Board, Seen, board, told
from hub.demo.plan import Merchant
from hub.demo.sandbox import Sandbox
from hub.web.live.streams import Streams

LOOK_SECONDS = 0.4
PAGE = 200
# What has not come to its end, and what came to a bad one.
UNFINISHED = ("ready", "claimed", "pending", "unknown", "dead")


class Follower:
    """Keeps the newest picture, and wakes the page's streams when it changed."""

    def __init__(
        self, http: httpx.AsyncClient, sandbox: Sandbox, plan: Sequence[Merchant], *, key: str, streams: Streams
    ) -> None:
        self._http = http
        self._sandbox = sandbox
        self._plan = plan
        self._headers = {"authorization": f"Bearer {key}"}
        self._streams = streams
        self._cursor: str | None = None
        self._seen: dict[str, Seen] = {}
        self.board: Board = board(plan, (), {}, (), ())

    async def run(self) -> None:
        """Look again and again until cancelled; a process that restarts is waited for."""
        while True:
            # A look that fails is followed by one that does not.
            with suppress(httpx.HTTPError):
                await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read what is new, and draw the picture again."""
        await self._read_feed()
        operations = [each for state in UNFINISHED for each in await self._page("/operations", status=state)]
        ledgers: Mapping[str, Any] = {each.tenant: await self._sandbox.ledger(each) for each in self._plan}
        items = await self._page("/work-items")
        before, self.board = self.board, board(self._plan, self._seen.values(), ledgers, operations, items)
        if self.board != before:
            self._streams.wake()

    async def _read_feed(self) -> None:
        while True:
            asked = {"cursor": self._cursor} if self._cursor else {}
            answer = await self._http.get("/api/v1/events", headers=self._headers, params={"limit": PAGE, **asked})
            page = answer.raise_for_status().json()
            for event in page["items"]:
                told(self._seen, self._plan, event)
            self._cursor = page["next_cursor"]
            if len(page["items"]) < PAGE:
                return

    async def _page(self, path: str, **query: str) -> list[dict[str, Any]]:
        answer = await self._http.get(f"/api/v1{path}", headers=self._headers, params={"limit": PAGE, **query})
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items
