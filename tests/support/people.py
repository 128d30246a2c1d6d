"""Callers of every role: principals that a test makes itself, where signing in is not what it is about."""

from uuid import UUID, uuid4

import httpx

from tenants.impersonation import service as impersonation
from tenants.impersonation.messages import ImpersonationView, NewImpersonation
from tenants.keys import service
from tenants.messages import Party, Principal, PrincipalKind, Role
from tests.support.caller import Caller

PLACEHOLDER = UUID(int=5)


def somebody(role: Role, owner: UUID = PLACEHOLDER, **more: object) -> Principal:
    """Return a person of this role, whose party is `owner`."""
    party = {} if role.party is Party.PLATFORM else {f"{role.party}_id": owner}
    return Principal(kind=PrincipalKind.USER, id=uuid4(), name="Ann", role=role, **party, **more)  # type: ignore[arg-type]


async def impersonate(account: UUID) -> ImpersonationView:
    """Let a support agent look with an account's eyes."""
    new = NewImpersonation(account_id=account, reason="They called us")
    return await impersonation.begin(new, somebody(Role.SUPPORT_AGENT))


class Crowd:
    """Lets made principals call the API: in place of a key each has a word, and keys work as ever."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api
        self._known: dict[str, Principal] = {}

    def caller(self, principal: Principal) -> Caller:
        """Return a caller of the API that is this principal."""
        word = f"word-{len(self._known)}"
        self._known[word] = principal
        return Caller(self._api, word)

    async def principal_of(self, plain: str) -> Principal | None:
        """Stand in for the look-up of keys."""
        return self._known.get(plain) or await service.principal_of(plain)
