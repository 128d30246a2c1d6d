"""What can go wrong with the embedded engines."""


class EnginesFailed(Exception):  # noqa: N818 - reads as what happened, like the other failures an operator sees
    """The engines cannot run; the message says in plain words what is wrong and what to do."""
