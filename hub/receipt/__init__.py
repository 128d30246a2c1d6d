"""Receive: what arrived at a warehouse, as facts that are never changed.

Every receiving option speaks to the same desk with the same message. A receipt books quantities on the return's
lines; whether they are accepted is not this room's to say.
"""
