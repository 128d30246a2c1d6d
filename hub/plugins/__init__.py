"""From `plugins.toml` to loaded connectors: everything is right, or the hub does not start.

Nothing is discovered by itself: a plugin that is not named in the file is not loaded, and one that is named and
broken is a problem with a sentence of its own, told together with all others.
"""
