"""What we tell others: one message per event of a return, written in the transaction that made it happen.

The messages are a feed that programs read by cursor. Mail to people is queued here in the same way; workers send it.
"""
