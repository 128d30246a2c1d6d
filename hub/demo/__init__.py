"""The demonstration: three merchants with three receiving options, both kinds of return, and a sandbox to judge them.

Its ledger has the last word. It drives the hub through its API only, as its users would, and can be killed and started
again at any moment.
"""
