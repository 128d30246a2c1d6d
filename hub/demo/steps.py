"""The three bars of the road, as a terminal shows them."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """The three bars of the road."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, dict[str, int]] = {}

    def begin(self, total: int) -> None:
        """Show the bars, empty."""
        for name in ("initiated", "received", "settled"):
            self._tasks[name] = self._progress.add_task(name, total=total)
            self._counts[name] = {}

    def initiated(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns are there."""
        self._set("initiated", tenant, count)

    def received(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns have arrived."""
        self._set("received", tenant, count)

    def settled(self, tenant: str, count: int) -> None:
        """Note how many of a merchant's returns are settled."""
        self._set("settled", tenant, count)

    def _set(self, name: str, tenant: str, count: int) -> None:
        self._counts[name][tenant] = count
        self._progress.update(self._tasks[name], completed=sum(self._counts[name].values()))


@contextmanager
def shown(console: Console) -> Iterator[Steps]:
    """Show the bars for as long as the block runs."""
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield Steps(progress)
