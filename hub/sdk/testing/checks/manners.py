"""What a connector may not do: the hub does it, for all connectors alike."""

import ast
import base64
import sys
from collections.abc import Iterator

from hub.sdk import Effect, SnapshotKey
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.broken import require
from hub.sdk.testing.rules import Tier, everybodys, rule
from hub.sdk.testing.wire import Fault

FORBIDDEN_MODULES = {
    "socket", "ssl", "asyncio", "threading", "multiprocessing", "subprocess", "urllib.request", "http.client", "ftplib",
    "smtplib", "sqlite3", "logging", "tempfile", "shutil", "pathlib", "random", "secrets", "time", "os",
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
CLOCKS = {"now", "utcnow", "today"}
FORBIDDEN_ATTRIBUTES = {"environ", "getenv", "sleep"}


@rule(Tier.BRONZE, "It imports the contract, itself and the standard library, and its sandbox nothing of the hub",
      applies=everybodys)  # fmt: skip
async def imports(bench: Bench) -> None:
    """Read the sources of both."""
    package = bench.specimen.package
    for place, tree in bench.specimen.sources().items():
        for name in _imported(tree):
            root = name.partition(".")[0]
            fits = name.startswith((package, "hub.sdk")) or root == "msgspec" or root in sys.stdlib_module_names
            require(
                fits and "sandbox" not in name.split("."), f"{place} imports {name}; a connector knows hub.sdk only"
            )
    for place, tree in bench.specimen.sources(sandbox=True).items():
        for name in _imported(tree):
            own = name.startswith(package) and not name.startswith(f"{package}.sandbox")
            require(
                name.partition(".")[0] not in {"hub", "tenants"} and not own,
                f"{place} imports {name}; a sandbox shares no code with the connector, so that neither hides a mistake",
            )


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                yield f"{node.module}.{each.name}"


@rule(Tier.BRONZE, "It never sleeps, stores, logs past the hub, keeps a clock or opens anything of its own",
      applies=everybodys)  # fmt: skip
async def quiet_sources(bench: Bench) -> None:
    """Read the sources for what only the hub does."""
    for place, tree in bench.specimen.sources().items():
        for name in _imported(tree):
            stem = {name, name.rpartition(".")[0], name.partition(".")[0]} & FORBIDDEN_MODULES
            require(not stem, f"{place} imports {name}: the hub does that for every connector")
        for node in ast.walk(tree):
            found = _forbidden(node)
            require(found is None, f"{place}:{getattr(node, 'lineno', 0)} uses {found}: the hub does that")


def _forbidden(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
        return node.attr
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            return node.func.id
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            return f"{ast.unparse(node.func)}(), and context.now is the time"
    return None


@rule(Tier.BRONZE, "It keeps nothing from one call to the next", applies=everybodys)
async def no_memory(bench: Bench) -> None:
    """See that no method of the connector writes to itself, and that no module has a global that changes."""
    for place, tree in bench.specimen.sources().items():
        for node in ast.walk(tree):
            require(not isinstance(node, ast.Global), f"{place} has a global that changes")
            if isinstance(node, ast.ClassDef) and any("Connector" in ast.unparse(base) for base in node.bases):
                kept = next((getattr(each, "lineno", 0) for each in ast.walk(node) if _writes_to_self(each)), None)
                require(kept is None, f"{place}:{kept} keeps something on self; another worker does not have it")


def _writes_to_self(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return False
    return any(isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self" for each in targets)


@rule(Tier.BRONZE, "It calls its own hosts only, and touches no file, socket, process or environment")
async def own_hosts(bench: Bench) -> None:
    """Play a short road and look at what was called and touched."""
    await _short_road(bench)
    require(not bench.wire.strayed, f"it called {bench.wire.strayed and bench.wire.strayed[0]}")
    require(not bench.watch.noticed, f"it {bench.watch.noticed and bench.watch.noticed[0]}")


@rule(Tier.BRONZE, "No secret is in an address, an outcome or a log")
async def secrets(bench: Bench) -> None:
    """Play a short road, and a login that is refused, and look for each secret in what was said."""
    await _short_road(bench)
    for place in range(3):
        for fault in (Fault.LIMITED, Fault.NO_KEY, Fault.BROKEN_BEFORE):
            message = await bench.announcement()
            bench.wire.begin((place, fault))
            await bench.call(Effect.ANNOUNCE.value, message, key="announce:secret")
    bench.wire.begin()
    said = [*bench.log.said, *map(repr, bench.outcomes), *(each.url for each in bench.wire.sent)]
    shapes = [shape for secret in bench.secrets for shape in _shapes(secret)]
    require(
        not any(shape in text for shape in shapes for text in said), "a secret is in an address, an outcome or a log"
    )


def _shapes(secret: str) -> Iterator[str]:
    """Give what a secret looks like: as it is, and inside of something that is written in base64."""
    yield secret
    for before in range(3):
        made = base64.b64encode(b" " * before + secret.encode()).decode()
        # The first and the last group also hold what stands beside it.
        yield made[4:-4] if before else made[:-4]


async def _short_road(bench: Bench) -> None:
    bench.wire.begin()
    await bench.call("check")
    message = await bench.announced()
    await bench.receive(message.return_number, ("SHOE", 1, bench.word()))
    await bench.call("snapshot", SnapshotKey(return_number=message.return_number))
    await bench.call("changes", None)
    await bench.call(Effect.WITHDRAW.value, message)
