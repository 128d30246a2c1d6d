"""A task that dies at a chosen await, as if its process had been killed there."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from functools import partial
from typing import Any


class Crash:
    """Runs a coroutine and cancels it at its await number `at`, counted from 0; `awaits` says how many there were."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.awaits = 0

    async def run(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Run it in a task of its own; returns whether it came to its end."""
        task = asyncio.ensure_future(self._all(work))
        try:
            await task
        except asyncio.CancelledError:
            return False
        return True

    async def _all(self, work: Coroutine[Any, Any, Any]) -> None:
        await self._each(work)

    @types.coroutine
    def _each(self, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, None]:
        going_on = partial(work.send, None)
        while True:
            try:
                waited = going_on()
            except StopIteration:
                return
            if self.awaits == self._at:
                self._die()
            self.awaits += 1
            try:
                value = yield waited
            except BaseException as fault:  # noqa: BLE001 - whatever comes is handed on to the coroutine
                going_on = partial(work.throw, fault)
            else:
                going_on = partial(work.send, value)

    def _die(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
