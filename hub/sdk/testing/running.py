"""Run the rules against one connector."""

import traceback

from hub.sdk.testing import checks
from hub.sdk.testing.bench import Bench
from hub.sdk.testing.report import Report, Result, Status
from hub.sdk.testing.rules import RULES, Rule, everybodys
from hub.sdk.testing.specimen import Specimen

__all__ = ["checks", "run", "run_rule"]


async def run(package: str) -> Report:
    """Run every rule that applies to a connector's package, each with a sandbox of its own."""
    specimen = Specimen(package)
    relevant = [each for each in RULES.values() if _is_relevant(each, specimen)]
    results = [await run_rule(specimen, each) for each in relevant]
    return Report.of(specimen, tuple(results))


def _is_relevant(rule: Rule, specimen: Specimen) -> bool:
    """Say whether a rule is about this kind of connector at all."""
    return rule.applies is everybodys or specimen.connector.manifest.warehousing is not None


async def run_rule(specimen: Specimen, rule: Rule) -> Result:
    """Run one rule; whatever the connector raises is a broken rule."""
    if not rule.applies(specimen.connector.manifest):
        return Result(rule, Status.DOES_NOT_APPLY)
    try:
        async with Bench.opened(specimen, sandbox=rule.applies is not everybodys) as bench:
            await rule.check(bench)
    except AssertionError as broken:
        return Result(rule, Status.BROKEN, str(broken))
    except Exception as fault:  # noqa: BLE001 - the connector's boundary: whatever it raises is told as its fault
        at = traceback.extract_tb(fault.__traceback__)[-1]
        return Result(rule, Status.BROKEN, f"{type(fault).__name__}: {fault} ({at.filename}:{at.lineno})")
    return Result(rule, Status.KEPT)
