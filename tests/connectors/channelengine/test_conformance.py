"""ChannelEngine keeps what the kit asks of every connector."""

from hub.sdk.testing import RULES, Tier
from hub.sdk.testing.rules import everybodys
from hub.sdk.testing.running import run


async def test_every_rule_that_is_everybodys_is_kept() -> None:
    report = await run("connectors.channelengine")
    assert report.ok, report.as_text()
    assert {each.rule.name for each in report.results} == {n for n, each in RULES.items() if each.applies is everybodys}
    assert report.tier is Tier.BRONZE
