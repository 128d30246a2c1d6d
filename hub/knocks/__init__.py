"""Knocks: a vendor calls an address of ours when something changed, and the hub looks for itself what it was.

A knock is a hint and never data. Its address carries a secret of the connection; who knows it can have the connection
polled a little sooner, and nothing else.
"""
