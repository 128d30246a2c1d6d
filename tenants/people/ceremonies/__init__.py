"""What a browser is in the middle of, kept sealed until it comes back: once, and not for long."""
