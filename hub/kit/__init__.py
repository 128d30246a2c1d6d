"""The floor every room stands on: time, ids, errors, database, queue, sealing, guarded HTTP, engines.

It knows nothing of returns. Nothing in here imports another room.
"""
