"""Slows guessing without locking anybody out: delays that grow with wrong tries and end by themselves."""
