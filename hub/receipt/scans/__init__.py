"""Scans: whatever was scanned or typed at a warehouse, and the few things that it may be.

`engine` is pure: it says what a code may stand for. `queries` looks all readings up in one statement over indexes, so
that a scan is answered as fast with a hundred thousand open returns as with a thousand.
"""
