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


def test_the_first_support_admin_is_made_on_the_command_line(tmp_path: Path) -> None:
    made = hub(tmp_path, "user", "create", "root@hub.example", HUB_PUBLIC_URL="https://returns.example")
    assert made.stdout.startswith("https://returns.example/links/hub_l"), made.stderr
    again = hub(tmp_path, "user", "link", "Root@Hub.Example", "--forget-factors")
    assert again.stdout.startswith("http://localhost:8800/links/hub_l")
    assert again.stdout != made.stdout
    for words, told in (
        (("user", "link", "nobody@hub.example"), "There is no user with this address."),
        (("user", "create", "nonsense"), "This is no e-mail address"),
    ):
        refused = hub(tmp_path, *words)
        assert (refused.returncode, told in refused.stderr, "Traceback" in refused.stderr) == (1, True, False)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"HUB_PUBLIC_URL": "returns.example/x"}, "HUB_PUBLIC_URL is an address such as"),
        ({"HUB_SMTP_URL": "smtps://mail.example"}, "HUB_SMTP_URL needs HUB_MAIL_FROM"),
        ({"HUB_SMTP_URL": "http://x", "HUB_MAIL_FROM": "a@b.example"}, "HUB_SMTP_URL cannot be used"),
        ({"HUB_MAIL_FROM": "a b\nc"}, "HUB_MAIL_FROM is an address"),
    ],
)
def test_settings_of_mail_and_pages_that_cannot_be_used_are_named(
    tmp_path: Path, environment: dict[str, str], told: str
) -> None:
    stopped = hub(tmp_path, "migrate" if "cannot be used" not in told else "web", **environment)
    assert (stopped.returncode, told in stopped.stderr) == (1, True), stopped.stderr
