"""Who is here and what they set up: accounts, partners, warehouses, connections, channels, policies, API keys.

Secrets of connections are sealed before they are stored and opened for one call at a time, in `vendors`.
The room knows the connector contract and nothing of returns.
"""
