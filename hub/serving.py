"""Serve the web process with uvicorn until told to stop."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from hub import app
from hub.runtime import Runtime
from hub.supervisor import follow_parent
from hub.worker import stop_on_signals


async def serve(runtime: Runtime, *, host: str, port: int) -> None:
    """Answer requests until SIGTERM, SIGINT or the end of the parent."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    application = app.build(runtime)
    async with asyncio.TaskGroup() as group:
        group.create_task(follow_parent(stop))
        await listen(application, host=host, port=port, stop=stop, end_streams=application.state.live.streams.end)


async def listen(
    application: Litestar,
    *,
    host: str,
    port: int,
    stop: asyncio.Event,
    end_streams: Callable[[], None],
    ready: asyncio.Event | None = None,
) -> None:
    """Answer requests until `stop` is set, `ready` telling from when on; what is under way comes to its end first."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=20,
    )
    server = _Server(config, ready or asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(_stop(server, stop, end_streams))
        await server.serve()
        stop.set()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one way to stop. It tells when it listens."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and tell so."""
        await super().startup(sockets)
        self._ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `stop_on_signals`."""
        yield


async def _stop(server: uvicorn.Server, stop: asyncio.Event, end_streams: Callable[[], None]) -> None:
    await stop.wait()
    # uvicorn waits for answers under way, and a stream is one that would not end by itself.
    end_streams()
    server.should_exit = True


def port_is_free(host: str, port: int) -> bool:
    """Say whether nobody listens at an address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
