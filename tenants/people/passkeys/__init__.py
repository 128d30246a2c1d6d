"""Passkeys (WebAuthn): signing in with a key that a person's device keeps, and their password for nothing."""
