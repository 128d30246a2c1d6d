"""Run the sandbox by itself: `python -m connectors.channelengine.sandbox --tenant NAME=KEY`."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from connectors.channelengine.sandbox.faults import parse_fault
from connectors.channelengine.sandbox.server import create_app
from connectors.channelengine.sandbox.vendor import TENANT_NAME


def arguments(words: Sequence[str] | None = None) -> Namespace:
    """Read the command line; exits with a readable message when it is wrong."""
    parser = ArgumentParser(prog="python -m connectors.channelengine.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8801)
    parser.add_argument("--tenant", type=_tenant, action="append", default=[], metavar="NAME=KEY")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep everything over a restart")
    parser.add_argument("--fault", type=_fault, action="append", default=[], metavar="EFFECT=KIND[:ARG][/N|+N]")
    parser.add_argument("--calls-per-minute", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="choose what is left to chance")
    return parser.parse_args(words)


def main() -> None:
    """Serve until interrupted."""
    asked = arguments()
    app = create_app(
        tenants=dict(asked.tenant),
        journal=asked.journal,
        faults=asked.fault,
        calls_per_minute=asked.calls_per_minute,
        seed=asked.seed,
    )
    uvicorn.run(
        app, host=asked.host, port=asked.port, log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )


def _tenant(text: str) -> tuple[str, str]:
    name, equals, key = text.partition("=")
    if not (equals and key and TENANT_NAME.fullmatch(name)):
        raise ArgumentTypeError(f"'{text}' is not NAME=KEY")
    return name, key


def _fault(text: str) -> str:
    try:
        return parse_fault(text).text
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    main()
