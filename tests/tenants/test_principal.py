"""A principal has the id of its own party and no other, for a scope is made from it."""

from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from hub.api.access import scope_of
from hub.kit import db
from tenants.messages import READ_ONLY, Party, Principal, PrincipalKind, Role
from tests.support.people import somebody

IDS = ("account_id", "partner_id", "warehouse_id")


def made(role: Role, **more: Any) -> Principal:
    return Principal(kind=PrincipalKind.KEY, id=uuid4(), name="till 3", role=role, **more)


@pytest.mark.parametrize("role", Role)
def test_a_principal_with_other_ids_than_its_partys_cannot_be_made(role: Role) -> None:
    for given in product((False, True), repeat=3):
        ids = {name: uuid4() for name, there in zip(IDS, given, strict=True) if there}
        fits = set(ids) == (set() if role.party is Party.PLATFORM else {f"{role.party}_id"})
        if fits:
            assert made(role, **ids).party is role.party
        else:
            with pytest.raises(ValueError, match="other ids than its party's"):
                made(role, **ids)


@pytest.mark.parametrize("role", Role)
def test_a_scope_is_of_one_party_and_read_only_for_who_only_reads(role: Role) -> None:
    owner = UUID(int=7)
    wanted = {
        Party.PLATFORM: db.PLATFORM,
        Party.ACCOUNT: db.account(owner),
        Party.PARTNER: db.partner(owner),
        Party.WAREHOUSE: db.warehouse(owner),
    }[role.party]
    scope = scope_of(somebody(role, owner))
    assert (scope.account, scope.partner, scope.warehouse, scope.platform) == (
        wanted.account, wanted.partner, wanted.warehouse, wanted.platform,
    )  # fmt: skip
    assert scope.read_only is (role in READ_ONLY)
    assert scope_of(somebody(role, owner, read_only=True)).read_only


def test_who_impersonates_is_named_and_changes_nothing() -> None:
    looked = made(Role.ACCOUNT_ADMIN, account_id=uuid4(), read_only=True, impersonator="support_agent:Ann")
    assert looked.actor == "account_admin:till 3 (seen by support_agent:Ann)"
    assert not looked.may_write
    with pytest.raises(ValueError, match="changes nothing"):
        made(Role.ACCOUNT_ADMIN, account_id=uuid4(), impersonator="support_agent:Ann")
