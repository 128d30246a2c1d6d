"""Run a sandbox from the command line, and send its hooks on their way."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Callable

import httpx
import uvicorn
from litestar.types import ASGIApp

from connectors.sandboxes import control

SECONDS_BETWEEN_LOOKS = 0.2


def main(name: str, title: str, create_app: Callable[[], ASGIApp], port: int) -> None:
    """Serve until interrupted."""
    parser = ArgumentParser(prog=f"hub sandbox {name}", description=f"Run {title}, played on this machine.")
    parser.epilog = (control.__doc__ or "").partition("\n\n")[2]
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port)
    asked = parser.parse_args()
    asyncio.run(_serve(create_app(), asked.host, asked.port))


async def _serve(app: ASGIApp, host: str, port: int) -> None:
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    courier = asyncio.create_task(deliver(app))
    await server.serve()
    courier.cancel()


async def deliver(app: ASGIApp) -> None:
    """Send every hook to its address once; whoever does not take it has the next poll to find it by."""
    sent = 0
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar and httpx describe the same ASGI
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as house, httpx.AsyncClient() as world:
        while True:
            told = (await house.get("/_sandbox/outbox")).json()
            for each in told[sent:]:
                try:
                    await world.post(each["address"], content=each["body"], headers=each["headers"], timeout=10)
                except httpx.HTTPError:
                    continue
            sent = len(told)
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
