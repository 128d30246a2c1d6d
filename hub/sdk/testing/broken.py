"""How a rule says that it is broken."""


class Broken(AssertionError):  # noqa: N818 - it says the fact
    """A rule is broken; the message says how, and what to do."""


def require(holds: object, how: str) -> None:
    """Raise `Broken` unless something holds."""
    if not holds:
        raise Broken(how)
