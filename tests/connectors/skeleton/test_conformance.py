"""What new connectors begin as keeps every rule that applies to it."""

from hub.sdk.testing.suite import ConnectorSuite


class TestSkeleton(ConnectorSuite):
    package = "connectors.skeleton"
