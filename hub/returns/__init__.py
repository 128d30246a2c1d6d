"""The return itself: its states, lines and timeline.

`states` is pure and decides what may happen to a return; `service` stores what it decided, with the timeline entry
and the outbox message, in the caller's transaction. It starts no effects: `hub.process` says what follows what.
"""
