"""API keys: made, narrowed, rotated with overlap and ended; of a key only its visible prefix and a hash are kept.

What a key may do at most is its role's, in `tenants.permissions`; who may make which key is decided in `hub.api`.
"""
