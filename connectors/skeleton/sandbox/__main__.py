"""Run Skeleton's sandbox."""

from connectors.sandboxes.serving import main
from connectors.skeleton.sandbox import create_app

if __name__ == "__main__":
    main("skeleton", "Skeleton", create_app, 8809)
