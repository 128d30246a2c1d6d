"""Faults on purpose: what goes wrong between a caller and the API, before or after the API acted."""

import re
from itertools import count
from typing import NamedTuple

from litestar.types import ASGIApp, Message, Receive, Scope, Send

KINDS = ("429", "401", "500-before", "500-after", "html", "cut")
FAULT = re.compile(r"(?P<method>[A-Z*]+) (?P<path>/\S*)=(?P<kind>[0-9a-z-]+)(/(?P<every>[1-9]\d*))?")


class Fault(NamedTuple):
    """One fault: calls of this method below this path go wrong, every so many."""

    method: str
    path: str
    kind: str
    every: int

    def fits(self, method: str, path: str) -> bool:
        """Say whether a call is one of those."""
        return self.method in {"*", method} and path.startswith(self.path)


def parse(text: str) -> Fault:
    """Return a fault such as `POST /api/v1/returns=500-after/3`; raises ValueError."""
    found = FAULT.fullmatch(text)
    if found is None or found["kind"] not in KINDS:
        msg = f"{text!r} is no fault: METHOD PATH=KIND/EVERY, with KIND one of {', '.join(KINDS)}"
        raise ValueError(msg)
    return Fault(found["method"], found["path"], found["kind"], int(found["every"] or 1))


class Faults:
    """Plays the faults that were switched on; the control interface is spared."""

    def __init__(self) -> None:
        self.on: list[Fault] = []
        self._counts: dict[Fault, count[int]] = {}

    def switch(self, texts: list[str]) -> None:
        """Play these faults in place of all others; raises ValueError."""
        self.on = [parse(text) for text in texts]
        self._counts = {fault: count(1) for fault in self.on}

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with its faults."""

        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            fault = self._draw(scope)
            if fault is None:
                await app(scope, receive, send)
            elif fault.kind in {"429", "401", "500-before", "html"}:
                await _answer(send, fault.kind)
            else:
                await app(scope, receive, _spoiled(send, fault.kind))

        return faulty

    def _draw(self, scope: Scope) -> Fault | None:
        method, path = str(scope.get("method", "")), str(scope.get("path", ""))
        if not method or path.startswith("/_sandbox"):
            return None
        fits = [fault for fault in self.on if fault.fits(method, path)]
        due = [fault for fault in fits if next(self._counts[fault]) % fault.every == 0]
        return due[0] if due else None


async def _answer(send: Send, kind: str) -> None:
    status, body, more = {
        "429": (429, b"{}", [(b"retry-after", b"1")]),
        "401": (401, b"{}", []),
        "html": (200, b"<html>One moment please</html>", []),
    }.get(kind, (503, b"", []))
    headers = [(b"content-type", b"text/html" if kind == "html" else b"application/json"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _spoiled(send: Send, kind: str) -> Send:
    async def spoiled(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [] if kind == "500-after" else [each for each in message["headers"] if each[0] != b"content-length"]
            status = 502 if kind == "500-after" else message["status"]
            await send({**message, "status": status, "headers": kept})
        elif message["type"] == "http.response.body":
            body = message["body"]
            await send({**message, "body": b"" if kind == "500-after" else body[: len(body) // 2]})

    return spoiled
