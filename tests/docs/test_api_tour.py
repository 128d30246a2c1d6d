"""The tour is run as it stands on its page: its commands, its calls, its answers."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.book import ROOT, Block, blocks, differences, page

BASH, CURL = shutil.which("bash"), shutil.which("curl")
MARK = "--- block {} ---"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(folder: Path) -> dict[str, str]:
    """What a newcomer's shell has: the hub's programs on the path, and no setting of the hub."""
    programs = folder / "bin"
    programs.mkdir()
    command = programs / "hub"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hub "$@"\n')
    command.chmod(0o755)
    mine = {name: text for name, text in os.environ.items() if not name.startswith("HUB_")}
    return {
        **mine,
        "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), mine.get("PATH", ""))),
        "PYTHONPATH": str(ROOT),
        "HUB_DATA": str(folder / "data"),
    }


@contextmanager
def _running(command: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """Keep a command of the page running for as long as the block runs; what it says goes to `log`."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(BASH), "-c", f"exec env {command}"],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(address: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(address).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"{address} did not answer:\n{log.read_text()}")


def _script(found: list[Block]) -> str:
    steps = (f"echo; echo '{MARK.format(number)}'\n{block.text}" for number, block in _steps(found))
    return "set -euo pipefail\n" + "\n".join(steps)


def _steps(found: list[Block]) -> list[tuple[int, Block]]:
    return [(number, block) for number, block in enumerate(found) if block.language == "sh"]


def _told(output: str, number: int) -> Any:
    _, _, rest = output.partition(f"\n{MARK.format(number)}\n")
    return json.loads(rest.partition("\n--- block ")[0])


@pytest.mark.skipif(BASH is None or CURL is None, reason="the tour is written for bash and curl; one is missing here")
def test_the_tour_leads_from_an_empty_hub_to_settled_as_it_says(tmp_path: Path) -> None:
    vendor, hub = _free_port(), _free_port()
    ports = {"8800": hub, "8801": vendor}
    text = re.sub(r"\b880[01]\b", lambda found: str(ports[found[0]]), page("api-tour.md"))
    found = blocks(text)
    environment = _environment(tmp_path)
    commands = [block.text.removeprefix("$ ").strip() for block in found if block.language == "console"]
    assert len(commands) == 2
    with ExitStack() as running:
        for number, (command, health) in enumerate(
            zip(commands, (f":{vendor}/_sandbox/health", f":{hub}/health"), strict=True)
        ):
            log = tmp_path / f"{number}.log"
            running.enter_context(_running(command, environment, log))
            _wait_for(f"http://127.0.0.1{health}", log)
        done = subprocess.run(
            [str(BASH), "-c", _script(found)],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90,
            check=False,
        )  # fmt: skip
        ledger = httpx.get(f"http://127.0.0.1:{vendor}/_sandbox/demo/ledger").json()
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    answers = {number: _told(done.stdout, number) for number, _ in _answered(found)}
    wrong = [line for number, shown in _answered(found) for line in differences(shown, answers[number], f"{number}")]
    assert not wrong, "\n".join(wrong)
    settled = [answer for answer in answers.values() if isinstance(answer, dict) and answer.get("sync") == "confirmed"]
    assert [(answer["kind"], answer["status"]) for answer in settled] == [
        ("merchant", "completed"),
        ("channel", "completed"),
    ]
    refunds = [(entry["order_no"], entry["sku"], entry["quantity"]) for entry in ledger["entries"]]
    assert refunds == [("SO-1001", "SHOE-42", 1), ("SO-1001", "SHIRT-M", 1), ("SO-1002", "SHOE-42", 1)]


def _answered(found: list[Block]) -> list[tuple[int, Any]]:
    """Return each block of commands that an answer follows, by its number, with that answer."""
    answers = []
    for number, _ in _steps(found):
        after = found[number + 1 : number + 2]
        if after and after[0].language == "json":
            answers.append((number, json.loads(after[0].text)))
    return answers


def test_every_answer_of_the_page_is_compared() -> None:
    found = blocks(page("api-tour.md"))
    assert len(_answered(found)) == sum(block.language == "json" for block in found) >= 20


def test_an_answer_that_differs_is_noticed() -> None:
    shown = {"id": "…", "number": "R…", "lines": [{"sku": "A", "…": "…"}], "grades": ["A", "B"]}
    given = {"id": "1", "number": "R1", "lines": [{"sku": "A", "more": 1}], "grades": ["B", "A"]}
    assert differences(shown, given) == []
    changes: list[dict[str, Any]] = [
        {"id": ""},
        {"number": "X1"},
        {"lines": []},
        {"lines": [{"sku": "B"}]},
        {"grades": ["B"]},
        {"new": 1},
    ]
    for change in changes:
        assert differences(shown, {**given, **change}), change
    assert differences({"units": 1}, {"units": True})
    assert differences({"units": 1, "sku": "A"}, {"units": 1})
