"""The conformance kit: whether a connector keeps its promises, told before money moves.

A connector's test is a subclass of `suite.ConnectorSuite` that names its package and is empty otherwise, and `hub
connector test NAME` runs the same rules and prints what a person reads. Rules have a tier: bronze, it works; silver, it
never doubles and never loses; gold, it reads everything; platinum. `quality.toml` beside the connector says what it
claims, and the kit what it saw; a claim that was not seen is as red as a broken rule.
"""

from hub.sdk.testing.broken import Broken
from hub.sdk.testing.report import Report, Result, Status
from hub.sdk.testing.rules import RULES, Rule, Tier
from hub.sdk.testing.running import run, run_rule

__all__ = ["RULES", "Broken", "Report", "Result", "Rule", "Status", "Tier", "run", "run_rule"]
