"""Picqer keeps what it claims."""

from hub.sdk.testing.suite import ConnectorSuite


class TestPicqer(ConnectorSuite):
    package = "connectors.picqer"
