"""Monta keeps what it claims."""

from hub.sdk.testing.suite import ConnectorSuite


class TestMonta(ConnectorSuite):
    package = "connectors.monta"
