"""What authors of connectors run: a new one from the skeleton, and the conformance kit with its report."""

import importlib.util
import shutil
import sys
from pathlib import Path

import connectors
from hub.kit.errors import Invalid
from hub.plugins.messages import ENTRY_POINTS
from hub.sdk.testing import Report, run

SKELETON = Path(next(iter(connectors.__path__))) / "skeleton"
TEXTS = {".py", ".md", ".toml"}
PROJECT = """\
[build-system]
requires = ["setuptools>=80"]
build-backend = "setuptools.build_meta"

[project]
name = "returns-hub-NAME"
version = "0.1.0"
description = "Connects TITLE to the returns hub"
requires-python = ">=3.11"
dependencies = ["returns-hub"]

# How the hub finds it, once plugins.toml says `entry_point = "NAME"`.
[project.entry-points."GROUP"]
NAME = "NAME"

[tool.setuptools]
packages.find = { include = ["NAME*"] }
package-data = { "*" = ["*.md", "*.toml"] }
"""
TEST = '''\
"""TITLE keeps what it claims."""

from hub.sdk.testing.suite import ConnectorSuite


class TestTITLE(ConnectorSuite):
    package = "NAME"
'''


def new(name: str, folder: Path) -> Path:
    """Write a Python project with a connector that keeps bronze as it is; raises `Invalid` with what stands in the way.

    Returns the project's folder.
    """
    if not (name.isidentifier() and name.islower()):
        raise Invalid("name_invalid", f"{name!r} is no name for a connector: lower-case letters, digits and _.")
    project = folder / name
    if project.exists():
        raise Invalid("folder_exists", f"{project} is there already; take another name or another folder.")
    if importlib.util.find_spec(name) is not None:
        raise Invalid("name_taken", f"Python has a module {name!r} already; take another name.")
    shutil.copytree(SKELETON, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in project.rglob("*"):
        if path.suffix in TEXTS:
            path.write_text(_renamed(path.read_text(encoding="utf-8"), name), encoding="utf-8")
    (project / "tests").mkdir()
    for path, text in ((project / "pyproject.toml", PROJECT), (project / "tests" / "test_conformance.py", TEST)):
        filled = text.replace("NAME", name).replace("TITLE", _title(name)).replace("GROUP", ENTRY_POINTS)
        path.write_text(filled, encoding="utf-8")
    return project


def _title(name: str) -> str:
    return name.replace("_", " ").title().replace(" ", "")


def _renamed(text: str, name: str) -> str:
    moved = text.replace("connectors.skeleton", name)
    return moved.replace("Skeleton", _title(name)).replace("skeleton", name)


async def test(name: str) -> Report:
    """Run the kit on a connector of the hub's own, or on any package that can be imported from here."""
    own = importlib.util.find_spec(f"connectors.{name}") if name.isidentifier() else None
    if own is None:
        # A project that `new` wrote holds its package in a folder of the same name.
        sys.path[:0] = [str(Path.cwd()), str(Path.cwd() / name)]
        if importlib.util.find_spec(name) is None:
            raise Invalid("connector_unknown", f"There is no connector {name!r} here, and no package of this name.")
    try:
        return await run(f"connectors.{name}" if own else name)
    except ValueError as fault:
        raise Invalid("connector_unfit", f"{fault}.") from fault
