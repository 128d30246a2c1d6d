"""The refusals that are peculiar to people and signing in."""

from hub.kit.errors import HubError, Invalid


class Throttled(HubError):  # noqa: N818 - it says the fact
    """There were too many wrong tries; the next one is looked at after a wait."""

    status = 429


class FieldWrong(Invalid):
    """What was typed into one field cannot be taken; a form shows the sentence by it."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(code, message, field=field)
        self.field = field
