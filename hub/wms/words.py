"""What the words of a partner's system mean: read, and said anew as a whole, by whom they concern."""

from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, db
from hub.kit.errors import NotFound
from hub.kit.ids import new_id
from hub.sdk import Hint, Meaning, SnapshotKey
from hub.wms import queries
from hub.wms.messages import Words, WordsView
from tenants import queries as tenant_queries
from tenants.messages import Party, Principal
from tenants.vendors import Vendors

CLIENT = "client"


async def show(vendors: Vendors, principal: Principal, connection_id: UUID, account_id: UUID | None) -> WordsView:
    """Return what a system's words mean; raises `NotFound` for a system or an account that is not the principal's."""
    async with db.transaction(db.PLATFORM):
        account = await _allowed(vendors, principal, connection_id, account_id)
        return await _shown(vendors, connection_id, account)


async def publish(
    vendors: Vendors, principal: Principal, connection_id: UUID, account_id: UUID | None, words: Words
) -> WordsView:
    """Replace what was said of a system's words, for one account or for all, and have what waits read anew."""

    async def work() -> WordsView:
        account = await _allowed(vendors, principal, connection_id, account_id)
        before = (await _shown(vendors, connection_id, account)).said
        if before != words:
            await queries.unsay(connection_id, account)
            await _say(connection_id, account, words, by=principal.actor)
            await record(
                actor=principal.actor, action="words.changed", subject=str(connection_id), account_id=account,
                before=before, after=words,
            )  # fmt: skip
        return await _shown(vendors, connection_id, account)

    return await db.attempt(db.PLATFORM, work)


async def _allowed(vendors: Vendors, principal: Principal, connection_id: UUID, account_id: UUID | None) -> UUID | None:
    """Return the account whose words are meant, None for what holds for all."""
    held = await tenant_queries.connection(connection_id)
    accounts = await queries.accounts_of(connection_id)
    own = {
        Party.PLATFORM: True,
        Party.PARTNER: held.partner_id == principal.partner_id,
        Party.ACCOUNT: principal.account_id in accounts,
    }
    if not own.get(principal.party, False) or vendors.connector(held.connector).manifest.warehousing is None:
        raise NotFound("connection_not_found", "There is no such connection to a warehouse's system.")
    wanted = principal.account_id if principal.party is Party.ACCOUNT and account_id is None else account_id
    if wanted is not None and (wanted not in accounts or principal.account_id not in {None, wanted}):
        raise NotFound("account_not_found", "This system receives for no such account.")
    return wanted


async def _shown(vendors: Vendors, connection_id: UUID, account_id: UUID | None) -> WordsView:
    held = await tenant_queries.connection(connection_id)
    warehousing = vendors.connector(held.connector).manifest.warehousing
    usual = Words(state=dict(warehousing.words), reason=dict(warehousing.reasons)) if warehousing else Words()
    return WordsView(
        connection_id=connection_id,
        account_id=account_id,
        said=await _said(connection_id, account_id),
        for_all=await _said(connection_id, None),
        usual=usual,
    )


async def _said(connection_id: UUID, account_id: UUID | None) -> Words:
    found = await queries.said(connection_id, account_id)
    clients = found.pop(CLIENT, {})
    return msgspec.convert({**found, CLIENT: next(iter(clients.values()), None)}, Words)


async def _say(connection_id: UUID, account_id: UUID | None, words: Words, *, by: str) -> None:
    now = clock.now()
    told: list[tuple[str, str, Meaning | str]] = [("state", word, means) for word, means in words.state.items()]
    told += [("reason", reason.value, code) for reason, code in words.reason.items()]
    told += [(CLIENT, CLIENT, words.client)] if words.client else []
    for kind, word, means in told:
        await queries.say(connection_id, account_id, kind, word, means, by=by, now=now)
    references = await queries.reread(connection_id, account_id)
    again = [Hint(key=f"words:{new_id()}", about=SnapshotKey(reference=each)) for each in references]
    await queries.store_hints(connection_id, again, now)
