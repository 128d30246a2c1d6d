"""What the tests of the way out share."""

import pytest

from hub.kit import egress_wire


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were dialled; nobody answers there."""
    seen: list[str] = []

    async def dial(address: object, _: int) -> None:
        seen.append(str(address))
        raise ConnectionRefusedError

    monkeypatch.setattr(egress_wire, "_open", dial)
    return seen
