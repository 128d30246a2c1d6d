"""The kit under pytest: a connector's test is an empty subclass that names its package."""

from typing import ClassVar

import pytest

from hub.sdk.testing.broken import require
from hub.sdk.testing.report import Report, Status
from hub.sdk.testing.rules import RULES
from hub.sdk.testing.running import run, run_rule
from hub.sdk.testing.specimen import Specimen


class ConnectorSuite:
    """Runs every rule as a test of its own, and holds the whole against what the connector claims."""

    package: ClassVar[str]

    @pytest.mark.parametrize("name", sorted(RULES))
    async def test_rule(self, name: str) -> None:
        """Each rule that applies is kept."""
        result = await run_rule(Specimen(self.package), RULES[name])
        require(result.status is not Status.BROKEN, result.why)

    async def test_claim(self) -> None:
        """What quality.toml claims is what the kit saw."""
        report: Report = await run(self.package)
        require(report.ok, report.as_text())
