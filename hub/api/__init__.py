"""The API under `/api/v1`: who is asking, what they may see, and the verbs of the rooms as resources.

Handlers are thin: they turn a request into a room's or the process's verb and its answer into a view.
"""
