"""Run Picqer's sandbox."""

from connectors.picqer.sandbox import create_app
from connectors.sandboxes.serving import main

if __name__ == "__main__":
    main("picqer", "Picqer", create_app, 8802)
