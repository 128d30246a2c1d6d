"""Every change on disk before it is answered, in a file that survives being killed in the middle of a line."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from connectors.channelengine.sandbox.change import Change

reader = msgspec.json.Decoder(Change)
writer = msgspec.json.Encoder()


class Journal:
    """One JSON line per change, in the order they happened; changes waiting for the disk share one fsync."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._end = os.fstat(self._file).st_size
        self._written = 0
        self._durable = 0
        self._syncing: asyncio.Task[None] | None = None

    def replay(self, apply: Callable[[Change], None]) -> None:
        """Apply every change ever written, and cut off a last line that was only half written.

        Raises ValueError when any other line cannot be read, because then the file is not this journal.
        """
        try:
            self._end = self._replay(apply)
        except ValueError:
            os.close(self._file)
            raise
        os.ftruncate(self._file, self._end)

    def append(self, change: Change) -> None:
        """Hand a change to the operating system; it survives this process at once, the machine after `durable`.

        Raises OSError when the disk is full, and then leaves no half line behind.
        """
        line = memoryview(writer.encode(change) + b"\n")
        size = len(line)
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += size
        self._written += 1

    async def durable(self) -> None:
        """Return when everything appended so far is on disk."""
        mine = self._written
        while self._durable < mine:
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync())
            await asyncio.shield(self._syncing)

    def close(self) -> None:
        """Put the rest on disk and let go of the file."""
        os.fsync(self._file)
        os.close(self._file)

    async def _sync(self) -> None:
        target = self._written
        try:
            await asyncio.to_thread(os.fsync, self._file)
            self._durable = target
        finally:
            self._syncing = None

    def _replay(self, apply: Callable[[Change], None]) -> int:
        end = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                change = self._read(line, number)
                if change is None:
                    break
                end += len(line)
                apply(change)
        return end

    def _read(self, line: bytes, number: int) -> Change | None:
        try:
            change = reader.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self._is_last(number):
                return None
            raise ValueError(f"{self.path} line {number} is damaged: {error}") from error
        return change if line.endswith(b"\n") else None

    def _is_last(self, number: int) -> bool:
        with self.path.open("rb") as lines:
            return sum(1 for _ in lines) == number
