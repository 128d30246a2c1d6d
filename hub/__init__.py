"""The returns hub: it imports returns, has them received and settles them, once.

This package holds the core. `hub.app`, `hub.worker` and `hub.cli` are its composition roots;
every other room is imported by the rooms above it and never the other way round.
"""
