"""Run ShipBob's sandbox."""

from connectors.sandboxes.serving import main
from connectors.shipbob.sandbox import create_app

if __name__ == "__main__":
    main("shipbob", "ShipBob", create_app, 8804)
