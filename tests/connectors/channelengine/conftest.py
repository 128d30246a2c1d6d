"""The scripted vendor as fixtures, and the sandbox without a socket."""

from collections.abc import AsyncIterator

import pytest

from tests.support.channelengine import paths, vendor
from tests.support.merchant import Merchant
from tests.support.vendor import Vendor

__all__ = ["paths", "vendor"]


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Vendor]:
    """The sandbox in memory, shared by the run."""
    async with Vendor().in_memory() as made:
        yield made


@pytest.fixture
async def shop(sandbox: Vendor) -> Merchant:
    """A new tenant of the sandbox, which works and shows real time."""
    await sandbox.calm()
    return Merchant(sandbox, *await sandbox.tenant())
