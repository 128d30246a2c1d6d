"""Signing in at an account's or a partner's own OpenID provider.

The provider is its owner's server and is trusted for its owner only: it tells who somebody is within the domains that
the owner claimed, and what it opens is the owner's. All calls leave through the guarded way out.
"""
