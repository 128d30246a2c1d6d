"""Run ChannelEngine's sandbox: a vendor with its marketplaces, played on this machine."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import uvicorn

from connectors.channelengine.sandbox import control
from connectors.channelengine.sandbox.faults import FaultPlan
from connectors.channelengine.sandbox.server import create_app
from connectors.channelengine.sandbox.vendor import TENANT_NAME
from connectors.channelengine.sandbox.weather import ALL, OF_LISTS, OF_WEBHOOKS, Effect, Kind

WIDTH = 110


def arguments(words: Sequence[str] | None = None) -> Namespace:
    """Read the command line; exits with a readable message when it is wrong."""
    parser = ArgumentParser(
        prog="python -m connectors.channelengine.sandbox",
        description=__doc__,
        epilog=_more(),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8801)
    parser.add_argument(
        "--tenant", type=_tenant, action="append", default=[], metavar="NAME=KEY", help="an account and its API key"
    )
    parser.add_argument(
        "--journal", type=Path, metavar="FILE", help="keep everything over a restart but faults, limits and logs"
    )
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="FAULT", help="let calls go wrong; see below"
    )
    parser.add_argument(
        "--calls-per-minute", type=int, default=1_000_000, metavar="N", help="the limit of each endpoint"
    )
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


def _more() -> str:
    """Return what is said below the options: how faults are written, and what can be done while it runs."""
    of_answers = [kind for kind in Kind if kind not in OF_LISTS | OF_WEBHOOKS]
    lists, webhooks = ", ".join(sorted(OF_LISTS)), ", ".join(sorted(OF_WEBHOOKS))
    parts = (
        "A fault is [TENANT.]EFFECT=KIND[:ARGUMENT][/EVERY | +NEXT], such as settle=500-after/3 or poll=429:30+1.",
        f"EFFECT: {', '.join(Effect)}.",
        f"KIND of any call: {', '.join(of_answers)}. Of poll also {lists}; of webhook only {webhooks}.",
        f"`all` stands for {len(ALL)} faults that together still let a correct client finish: {', '.join(ALL)}.",
    )
    table = (control.__doc__ or "").partition("\n\n")[2]
    return "\n\n".join([*(fill(part, WIDTH, break_on_hyphens=False) for part in parts), "While it runs:", table])


def _tenant(text: str) -> tuple[str, str]:
    name, equals, key = text.partition("=")
    if not (equals and key and TENANT_NAME.fullmatch(name)):
        raise ArgumentTypeError(f"'{text}' is not NAME=KEY")
    return name, key


def _fault(text: str) -> str:
    try:
        FaultPlan([text])
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
    return text.strip()


if __name__ == "__main__":
    main()
