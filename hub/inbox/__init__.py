"""What vendors tell us: stored before it is acted on, and acted on once.

A poll reads one page, stores its elements and its cursor in one transaction, and then hands each element on. What
was stored and not handled, because a worker died or an element failed, is handed on again by the next poll.
"""
