"""`hub check` on real engines: what is right is said, and everything that is wrong is named at once."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]


def hub(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    ours = {name: text for name, text in os.environ.items() if not name.startswith("HUB_")}
    return subprocess.run(
        [sys.executable, "-m", "hub", *words],
        cwd=ROOT,
        env={**ours, "HUB_DATA": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_hub_that_was_used_passes_its_own_check(tmp_path: Path) -> None:
    assert hub(tmp_path, "keys", "create").stdout.startswith("hub_p")
    checked = hub(tmp_path, "check", "--json")
    report = msgspec.json.decode(checked.stdout)
    assert (checked.returncode, report["ok"]) == (0, True), checked.stdout
    assert {finding["subject"] for finding in report["findings"]} >= {
        "plugins",
        "database role",
        "migrations",
        "audit log",
    }


@pytest.mark.parametrize("command", ["check", "web", "worker", "migrate", "up"])
def test_a_wrong_setting_stops_every_command_with_a_sentence(tmp_path: Path, command: str) -> None:
    stopped = hub(tmp_path, command, HUB_SWEEP_SECONDS="often", HUB_COLOUR="blue")
    told = stopped.stdout + stopped.stderr
    assert stopped.returncode == 1
    assert "HUB_SWEEP_SECONDS" in told
    assert "HUB_COLOUR" in told
    assert "Traceback" not in told
