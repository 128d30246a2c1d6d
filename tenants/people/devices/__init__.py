"""Shared devices of a warehouse, and the operators who sign in at them with a PIN."""
