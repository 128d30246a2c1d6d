"""Run Monta's sandbox."""

from connectors.monta.sandbox import create_app
from connectors.sandboxes.serving import main

if __name__ == "__main__":
    main("monta", "Monta", create_app, 8803)
