"""Outgoing webhooks: each event of the feed told to the endpoints that want it, signed, in order for each return.

Signed and sent as Standard Webhooks 1.0.0 says. A delivery happens at least once, and its id is the same each time.
"""
