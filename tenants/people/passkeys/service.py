"""The verbs of passkeys, as W3C's Web Authentication Level 3 describes them; the checks are those of `fido2`."""

import json
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hub.kit import clock, db
from hub.kit.crypto import Keyring
from hub.kit.errors import Invalid, NotFound
from hub.kit.ids import new_id
from hub.kit.refusals import taken
from tenants.people.ceremonies import service as ceremonies
from tenants.people.ceremonies.messages import Ceremony
from tenants.people.passkeys import queries
from tenants.people.passkeys.messages import PasskeyView, Question
from tenants.people.sessions.messages import Person

NAME = "Returns hub"
# What the library raises when an answer is not what it should be; it reads what anybody sends.
_WRONG = (ValueError, TypeError, KeyError, AttributeError, IndexError, AssertionError, RecursionError)


def _server(address: str) -> Fido2Server:
    """Return the checks for the pages at this address: their host is whom passkeys are made for."""
    host = urlsplit(address).hostname or ""
    return Fido2Server(PublicKeyCredentialRpEntity(name=NAME, id=host), verify_origin=lambda origin: origin == address)


async def ask_for_new(person: Person, keyring: Keyring, *, address: str) -> Question:
    """Ask a browser to make a passkey."""
    async with db.transaction(db.PLATFORM):
        held = [AttestedCredentialData(each) for each in await queries.credentials_of(person.id)]
    options, state = _server(address).register_begin(
        PublicKeyCredentialUserEntity(id=person.id.bytes, name=person.email, display_name=person.name),
        credentials=held,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    token = await ceremonies.begin(Ceremony.PASSKEY, msgspec.json.encode(state), keyring, user_id=person.id)
    return Question(options=json.dumps(dict(options)["publicKey"]), token=token)


async def add(person: Person, name: str, token: str, answer: str, keyring: Keyring, *, address: str) -> PasskeyView:
    """Store the passkey that a browser made; raises `Invalid` if the answer is not one to our question."""
    state = await ceremonies.finish(Ceremony.PASSKEY, token, keyring, user_id=person.id)
    if state is None:
        raise _wrong()
    try:
        made = _server(address).register_complete(msgspec.json.decode(state), json.loads(answer))
    except _WRONG as fault:
        raise _wrong() from fault
    credential = made.credential_data
    if credential is None:
        raise _wrong()
    passkey = PasskeyView(id=new_id(), name=name, created_at=clock.now(), used_at=None)
    with taken("passkeys_credential_id_key", "passkey_exists", "This passkey is here already."):
        async with db.transaction(db.PLATFORM):
            await queries.add(passkey, person.id, credential.credential_id, bytes(credential), made.counter)
    return passkey


async def ask_for_any(keyring: Keyring, *, address: str) -> Question:
    """Ask a browser for whichever passkey it has for these pages."""
    options, state = _server(address).authenticate_begin(user_verification=UserVerificationRequirement.REQUIRED)
    token = await ceremonies.begin(Ceremony.PASSKEY, msgspec.json.encode(state), keyring)
    return Question(options=json.dumps(dict(options)["publicKey"]), token=token)


async def owner(token: str, answer: str, keyring: Keyring, *, address: str) -> UUID | None:
    """Return whose passkey answered the question; None if the answer is not one to it."""
    state = await ceremonies.finish(Ceremony.PASSKEY, token, keyring)
    if state is None:
        return None
    try:
        told = AuthenticationResponse.from_dict(json.loads(answer))
    except _WRONG:
        return None
    if told is None:
        return None
    async with db.transaction(db.PLATFORM):
        held = await queries.by_credential(told.raw_id)
    if held is None or told.response.user_handle not in {None, held.user_id.bytes}:
        return None
    try:
        _server(address).authenticate_complete(
            msgspec.json.decode(state), [AttestedCredentialData(held.credential)], told
        )
    except _WRONG:
        return None
    async with db.transaction(db.PLATFORM):
        counted = await queries.use(held.id, told.response.authenticator_data.counter, clock.now())
    return held.user_id if counted else None


async def of_user(user_id: UUID) -> list[PasskeyView]:
    """List a user's passkeys."""
    async with db.transaction(db.PLATFORM):
        return await queries.of_user(user_id)


async def remove(passkey_id: UUID, user_id: UUID) -> None:
    """Forget one of a user's passkeys; raises `NotFound`."""
    async with db.transaction(db.PLATFORM):
        if not await queries.remove(passkey_id, user_id):
            raise NotFound("passkey_not_found", "You have no such passkey.")


def _wrong() -> Invalid:
    return Invalid("passkey_wrong", "The passkey could not be checked. Begin once more.")
