"""The demonstration: three merchants with a receiving option each, both kinds of return, the sandbox's ledger as judge.

It drives the hub through its API only, as its users would, and can be killed and started again at any moment.
"""
