"""Query strings read the way the vendor does: any case, arrays repeated, unknown names ignored, bad values refused."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl

from connectors.channelengine.sandbox.refusals import invalid
from connectors.channelengine.sandbox.wire import in_utc

Word = TypeVar("Word", bound=StrEnum)
TRUTH = {"true": True, "false": False}
INT32_MAX = 2**31 - 1


class Query:
    """The parameters of one call; every wrong value is collected and `check` refuses them all at once."""

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        self._errors: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
            self._values.setdefault(name.lower(), []).append(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return every value of a repeated parameter, without doubles."""
        return tuple(dict.fromkeys(self._values.get(name.lower(), ())))

    def text(self, name: str) -> str | None:
        """Return a parameter's value."""
        return next(iter(self.texts(name)), None)

    def words(self, name: str, words: type[Word]) -> tuple[Word, ...]:
        """Return every value of a repeated parameter whose values are words of the vendor's."""
        return tuple(words(value) for value in self.known(name, list(words)))

    def word(self, name: str, words: type[Word], otherwise: Word) -> Word:
        """Return one word, or another when the parameter is absent."""
        return next(iter(self.words(name, words)), otherwise)

    def known(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return the values of a repeated parameter that are among the allowed ones; others are errors."""
        return tuple(value for value in self.texts(name) if value in allowed or self._wrong(name, value))

    def integers(self, name: str) -> tuple[int, ...]:
        """Return every value of a repeated parameter of whole numbers."""
        return tuple(int(value) for value in self.texts(name) if _is_int32(value) or self._wrong(name, value))

    def moment(self, name: str) -> datetime | None:
        """Return a date with time; one without a zone is taken as UTC."""
        value = self.text(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self._wrong(name, value)
            return None
        return in_utc(moment)

    def flag(self, name: str) -> bool | None:
        """Return true, false, or None when the parameter is absent."""
        value = self.text(name)
        if value is not None and value.lower() not in TRUTH:
            self._wrong(name, value)
        return None if value is None else TRUTH.get(value.lower())

    def page(self) -> int:
        """Return the page asked for; the first one is 1."""
        number = next(iter(self.integers("page")), 1)
        if number < 1:
            self._wrong("page", str(number))
        return number

    def not_played(self, *names: str) -> None:
        """Refuse documented filters this server does not play, because ignoring one would widen a list in silence."""
        for name in names:
            if name.lower() in self._values:
                self._errors[name] = ["This filter is documented but not played by the sandbox."]

    def check(self) -> None:
        """Refuse the call with 400 when any value was wrong."""
        if self._errors:
            raise invalid(self._errors)

    def _wrong(self, name: str, value: str) -> bool:
        self._errors.setdefault(name, []).append(f"The value '{value}' is not valid.")
        return False


def _is_int32(value: str) -> bool:
    return value.isascii() and value.removeprefix("-").isdigit() and abs(int(value)) <= INT32_MAX
