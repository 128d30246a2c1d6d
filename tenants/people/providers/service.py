"""The verbs of providers."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from hub.audit.service import record
from hub.kit import clock, crypto, db
from hub.kit.crypto import Keyring, Secret
from hub.kit.egress import Egress, EgressClient, EgressError
from hub.kit.errors import HubError, Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from hub.kit.telemetry import log
from tenants.messages import Party, Principal
from tenants.people import engine as people_engine
from tenants.people import queries as people
from tenants.people import service as members
from tenants.people.ceremonies import service as ceremonies
from tenants.people.ceremonies.messages import Ceremony
from tenants.people.errors import FieldWrong
from tenants.people.messages import Owner, Profile, User
from tenants.people.providers import engine, queries
from tenants.people.providers.engine import NotProven
from tenants.people.providers.messages import Awaited, Claims, Discovered, NewProvider, ProviderView, Tokens, Went

_log = log("people")

WELL_KNOWN = "/.well-known/openid-configuration"
RETURN_PATH = "/sign-in/provider/return"
CALL_SECONDS = 10.0


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """What the flow needs around it: the way out, the keyring, and where the pages are."""

    egress: Egress
    keyring: Keyring
    address: str

    @property
    def redirect(self) -> str:
        """Where providers send browsers back to."""
        return self.address + RETURN_PATH


# set-up -------------------------------------------------------------------------------------------------


async def add(new: NewProvider, ways: Ways, *, by: Principal) -> ProviderView:
    """Store a provider that answers; admins claim the domain of their own proven address, support any."""
    owner = Owner(account_id=new.account_id, partner_id=new.partner_id)
    issuer = new.issuer.strip()
    domains = _domains(new)
    async with db.transaction(db.PLATFORM):
        await _require_owner(new, owner, by)
        await _require_claim(domains, by)
    try:
        await _discover(ways.egress, issuer)
    except (NotProven, EgressError) as fault:
        raise FieldWrong("issuer", "provider_unusable", f"No provider can be used at this issuer: {fault}.") from fault
    provider = ProviderView(
        id=new_id(), account_id=owner.account_id, partner_id=owner.partner_id, name=new.name, issuer=issuer,
        client_id=new.client_id, role=new.role, domains=domains, created_at=clock.now(),
    )  # fmt: skip
    sealed = ways.keyring.seal(new.client_secret.encode(), _place(provider.id))
    with taken("identity_domains_pkey", "domain_taken", "Another provider tells of one of these domains already."):
        async with db.transaction(db.PLATFORM):
            await queries.add(provider, sealed)
            await record(
                actor=by.actor, action="provider.added", subject=str(provider.id), account_id=owner.account_id,
                after=provider,
            )  # fmt: skip
    return provider


def _domains(new: NewProvider) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(people_engine.normalise_domain(each) for each in new.domains))
    except Invalid as wrong:
        raise FieldWrong("domains", wrong.code, wrong.message) from wrong


async def _require_owner(new: NewProvider, owner: Owner, by: Principal) -> None:
    party = Party.ACCOUNT if owner.account_id else Party.PARTNER
    if (owner.account_id is None) == (owner.partner_id is None) or not people_engine.grants_fit(new.role, party):
        message = "A provider belongs to one account or one partner, and its people get a role of that party."
        raise FieldWrong("role", "role_owner", message)
    if await people.name_of(owner) is None or not await members.stewards(by, owner):
        raise NotFound(f"{party}_not_found", f"There is no such {party}.")


async def _require_claim(domains: tuple[str, ...], by: Principal) -> None:
    if by.party is Party.PLATFORM:
        return
    user = await people.user(by.id)
    own = people_engine.domain_of(user.email) if user and user.verified_at else None
    foreign = [domain for domain in domains if domain != own]
    if foreign:
        message = f"Only support can claim {foreign[0]!r}: you can claim the domain of your own proven address."
        raise FieldWrong("domains", "domain_not_yours", message)


async def of(by: Principal) -> list[ProviderView]:
    """List the providers of whom somebody decides for."""
    async with db.transaction(db.PLATFORM):
        return await queries.providers(members.own(by)) if people_engine.is_steward(by) else []


async def remove(provider_id: UUID, *, by: Principal) -> None:
    """Forget a provider; whoever signed in through it is out. Raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        found = await queries.provider(provider_id)
        if found is None or not await members.stewards(
            by, Owner(account_id=found.account_id, partner_id=found.partner_id)
        ):
            raise NotFound("provider_not_found", "There is no such provider.")
        await queries.remove(provider_id)
        await record(
            actor=by.actor, action="provider.removed", subject=str(provider_id), account_id=found.account_id,
            before=found,
        )  # fmt: skip


def _place(provider_id: UUID) -> str:
    return crypto.place("identity_providers", "sealed", provider_id)


# signing in ---------------------------------------------------------------------------------------------


async def go(email: str, next_page: str, ways: Ways) -> Went | None:
    """Send a browser to the provider of an address's domain; None if nobody claimed it."""
    normal = people_engine.normalise_email(email)
    async with db.transaction(db.PLATFORM):
        provider = await queries.for_domain(people_engine.domain_of(normal))
    if provider is None:
        return None
    try:
        discovered = await _discover(ways.egress, provider.issuer)
    except (NotProven, EgressError) as fault:
        raise _failed(provider, str(fault)) from fault
    awaited = engine.new_awaited(provider, next_page)
    cookie = await ceremonies.begin(Ceremony.PROVIDER, msgspec.json.encode(awaited), ways.keyring)
    there = engine.address(discovered, provider, awaited, ways.redirect, normal)
    return Went(address=there, name=provider.name, cookie=Secret(cookie))


async def back(query: Mapping[str, str], cookie: str | None, ways: Ways) -> tuple[ProviderView, User, str]:
    """Return who came back from which provider and where they wanted to go; raises `HubError`."""
    kept = await ceremonies.finish(Ceremony.PROVIDER, cookie, ways.keyring)
    if kept is None:
        message = "This sign-in was begun in another browser, or too long ago. Begin once more."
        raise Invalid("provider_answer_unexpected", message)
    awaited = msgspec.json.decode(kept, type=Awaited)
    async with db.transaction(db.PLATFORM):
        provider = await queries.provider(awaited.provider_id)
        sealed = await queries.sealed(awaited.provider_id)
    if provider is None or sealed is None:
        raise Invalid("provider_answer_unexpected", "This provider was removed meanwhile.")
    secret = Secret(ways.keyring.open(sealed, _place(provider.id)).decode())
    try:
        claims = await _claims(query, awaited, provider, secret, ways)
    except (NotProven, EgressError) as fault:
        raise _failed(provider, str(fault)) from fault
    return provider, await _user(provider, claims), awaited.next


async def _claims(
    query: Mapping[str, str], awaited: Awaited, provider: ProviderView, secret: Secret, ways: Ways
) -> Claims:
    code = engine.code_of(query, awaited, provider.issuer)
    discovered = await _discover(ways.egress, provider.issuer)
    headers, body = engine.token_request(discovered, provider.client_id, secret, code, awaited.verifier, ways.redirect)
    async with ways.egress.client(secrets=(secret.reveal(), code)) as http:
        tokens = _decoded(await _call(http, "POST", discovered.token_endpoint, headers, body), Tokens)
        claims = engine.read_id_token(
            tokens.id_token, await _call(http, "GET", discovered.jwks_uri), issuer=provider.issuer,
            client_id=provider.client_id, nonce=awaited.nonce, access_token=tokens.access_token, now=clock.now(),
        )  # fmt: skip
        if claims.email is None and discovered.userinfo_endpoint is not None:
            bearer = {"authorization": f"Bearer {tokens.access_token}"}
            told = _decoded(await _call(http, "GET", discovered.userinfo_endpoint, bearer), Claims)
            if told.sub != claims.sub:
                raise NotProven("it told of somebody else than it signed in")
            claims = told
    return claims


async def _discover(egress: Egress, issuer: str) -> Discovered:
    async with egress.client() as http:
        return engine.check_discovered(await _call(http, "GET", issuer.rstrip("/") + WELL_KNOWN), issuer)


async def _call(
    http: EgressClient, method: str, url: str, headers: Mapping[str, str] | None = None, content: bytes | None = None
) -> bytes:
    answer = await http.request(method, url, headers=headers, content=content, deadline=CALL_SECONDS)
    if not answer.is_success:
        raise NotProven(f"it answered {answer.status_code}")
    return answer.content


def _decoded(content: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(json.loads(content), kind)
    except (ValueError, RecursionError) as fault:
        raise NotProven("its answer cannot be read") from fault


async def _user(provider: ProviderView, claims: Claims) -> User:
    """Return the user of a subject: the one known from before, the one with the proven address, or a new one."""
    try:
        email = people_engine.normalise_email(claims.email or "")
    except Invalid:
        email = ""
    fits = claims.is_verified and people_engine.domain_of(email) in provider.domains
    async with db.transaction(db.PLATFORM):
        known = await queries.known(provider.id, claims.sub)
        user = await people.user(known) if known else None
        if user is None:
            if not fits:
                raise _failed(provider, "it tells of no proven address in the domains that were claimed")
            user = await people.user_by_email(email) or await members.add_user(email, _profile(claims, email))
            await queries.know(provider.id, claims.sub, user.id)
            # Only now: whoever was removed since is not let in again by the next sign-in.
            owner = Owner(account_id=provider.account_id, partner_id=provider.partner_id)
            await people.add_membership(new_id(), user.id, provider.role, owner, clock.now(), provider.id)
        return user


def _profile(claims: Claims, email: str) -> Profile:
    name = "".join(each for each in claims.name or "" if each.isprintable()).strip()[:100]
    return Profile(name=name or email.partition("@")[0][:100])


def _failed(provider: ProviderView, why: str) -> HubError:
    _log.warning("provider failed", provider_id=str(provider.id), why=why)
    return Invalid("provider_failed", f"Signing in through {provider.name} did not work: {why}.")
