"""The receiving desk: the hub's side of every warehouse process."""

from typing import Protocol

from hub.sdk.grading import GradingSetView
from hub.sdk.photos import Photo
from hub.sdk.receiving import BatchAnswers, ExpectedPage, ExpectedReturn, ReceiptBatch, ReceiptRequest, ReceiptResult
from hub.sdk.scanning import Scanned


class ReceivingDesk(Protocol):
    """What a warehouse process may ask of the hub, bound to one warehouse and one operator."""

    @property
    def warehouse(self) -> str:
        """The warehouse's name, as its people know it."""
        ...

    async def expected(self, *, cursor: str | None = None, limit: int = 50) -> ExpectedPage:
        """List what this warehouse may receive."""
        ...

    async def find(self, scanned: str) -> ExpectedReturn | None:
        """Find a return of this warehouse by its return number, scanned or typed."""
        ...

    async def scan(self, scanned: str) -> Scanned:
        """Say what a scanned code may be here, and what to do next."""
        ...

    async def receive(self, request: ReceiptRequest) -> ReceiptResult:
        """Book a delivery; safe to repeat with the same key. Raises `ReceivingRefused`."""
        ...

    async def receive_all(self, batch: ReceiptBatch) -> BatchAnswers:
        """Book what was kept without a connection, each receipt by itself; safe to repeat."""
        ...

    async def reopen(self, scanned: str, why: str) -> ExpectedReturn:
        """Let more come for a return that was finalised, until its settlement is sent. Raises `ReceivingRefused`."""
        ...

    async def grading(self) -> list[GradingSetView]:
        """Return the grading questions of each account that this warehouse receives for."""
        ...

    async def photograph(self, photo: Photo) -> str:
        """Keep a photo and return its id, which receipts name; safe to repeat. Raises `ReceivingRefused`."""
        ...
