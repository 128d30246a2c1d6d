"""The commands of the audit log: prove it, and keep its end elsewhere."""

import os
from pathlib import Path

import msgspec

from hub.audit import service
from hub.audit.messages import Anchor, Verified
from hub.kit import db
from hub.kit.errors import Invalid


async def verify(anchors: Path | None) -> tuple[str, bool]:
    """Return what is to be told of the log, and whether it is sound. Raises `Invalid` for a file without anchors."""
    kept = read(anchors) if anchors else []
    async with db.transaction(db.PLATFORM):
        found = await service.verify(kept)
    return _words(found, len(kept)), found.sound


def read(path: Path) -> list[Anchor]:
    """Read the anchors of a file, one in each line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [msgspec.json.decode(line, type=Anchor) for line in lines if line.strip()]
    except (OSError, ValueError) as fault:
        raise Invalid("anchors_unreadable", f"{path} cannot be read as anchors of the audit log: {fault}") from fault


def _words(found: Verified, anchors: int) -> str:
    if found.broken is not None:
        return f"broken: entry {found.broken} does not follow from the one before it ({found.entries} entries)"
    if found.missed is not None:
        kept = found.missed
        return (
            f"cut off: entry {kept.entries}, {kept.id}, stood there at {kept.at:%Y-%m-%dT%H:%M:%SZ} and is not there "
            f"any more ({found.entries} entries)"
        )
    return f"sound: {found.entries} entries, {anchors} anchors"


async def anchor(to: Path | None) -> str:
    """Return the end of the log as one line of JSON; with a file, add it there, durably."""
    async with db.transaction(db.PLATFORM):
        line = msgspec.json.encode(await service.anchor()).decode()
    if to is not None:
        with to.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    return line
