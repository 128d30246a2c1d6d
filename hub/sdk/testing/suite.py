"""The kit under pytest: a connector's test is an empty subclass that names its package."""

from typing import ClassVar

import pytest

from hub.sdk.testing.broken import require
from hub.sdk.testing.report import Report, Status
from hub.sdk.testing.rules import RULES
from hub.sdk.testing.running import run


class ConnectorSuite:
    """Runs every rule as a test of its own, and holds the whole against what the connector claims."""

    package: ClassVar[str]
    seen: ClassVar[dict[str, Report]] = {}

    async def _report(self) -> Report:
        """Return what the kit saw; every rule runs once."""
        if self.package not in self.seen:
            self.seen[self.package] = await run(self.package)
        return self.seen[self.package]

    @pytest.mark.parametrize("name", sorted(RULES))
    async def test_rule(self, name: str) -> None:
        """Each rule that applies is kept."""
        (result,) = [each for each in (await self._report()).results if each.rule.name == name]
        require(result.status is not Status.BROKEN, result.why)

    async def test_claim(self) -> None:
        """What quality.toml claims is what the kit saw."""
        report = await self._report()
        require(report.ok, report.as_text())
