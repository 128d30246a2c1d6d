"""Who is here and what they set up: accounts, partners, warehouses, connections, channels, policies.

Who may do what is in `permissions.toml`, the page to read first. `policies`, `configuration`, `keys` and
`impersonation` are rooms of their own.

Secrets of connections are sealed before they are stored and opened for one call at a time, in `vendors`.
The room knows the connector contract and nothing of returns.
"""
