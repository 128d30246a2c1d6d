"""What people prove themselves with: passwords, codes of an authenticator app, recovery codes, passkeys, PINs."""
