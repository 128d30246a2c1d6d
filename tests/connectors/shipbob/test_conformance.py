"""ShipBob keeps what it claims."""

from hub.sdk.testing.suite import ConnectorSuite


class TestShipBob(ConnectorSuite):
    package = "connectors.shipbob"
