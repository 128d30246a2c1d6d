"""A caller of the API: one key, and an Idempotency-Key of its own for each change unless one is given."""

from itertools import count
from typing import Any

import httpx

API = "/api/v1"
_keys = count(1)


class Caller:
    """Calls the API with one key."""

    def __init__(self, api: httpx.AsyncClient, key: str) -> None:
        self._api = api
        self._key = key

    def headers(self, once: str | None = None) -> dict[str, str]:
        """What every call carries."""
        return {"authorization": f"Bearer {self._key}", "idempotency-key": once or f"call:{next(_keys)}"}

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """Read something."""
        return await self._api.get(API + path, params=params, headers=self.headers())

    async def post(self, path: str, body: Any = None, *, once: str | None = None) -> httpx.Response:
        """Change something."""
        return await self.send("POST", path, body, once=once)

    async def send(self, method: str, path: str, body: Any = None, *, once: str | None = None) -> httpx.Response:
        """Change something by any method."""
        return await self._api.request(method, API + path, json=body, headers=self.headers(once))


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return an answer's status and the code of its problem, after a look at the shape that all problems share."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"].endswith(told["title"])
    assert told["detail"]
    return answer.status_code, told["title"]
