"""The pure decisions of people and signing in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kit.errors import Invalid
from hub.web import kept
from tenants.messages import Party, Role
from tenants.people import engine
from tenants.people.errors import FieldWrong
from tenants.people.factors import engine as factors
from tenants.people.messages import Language, Membership, Owner, Reach
from tenants.people.sessions import engine as sessions
from tenants.people.sessions.messages import Method, Person, Session, Stage, Through
from tenants.people.throttle import engine as throttle
from tests.support.people import PLACEHOLDER, somebody

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OTHER = UUID(int=77)
LIMITS = (throttle.PERSON, throttle.ADDRESS, throttle.OPERATOR, throttle.DEVICE)


# addresses ----------------------------------------------------------------------------------------------


@given(st.emails())
def test_an_address_is_one_however_its_letters_are_written(email: str) -> None:
    try:
        normal = engine.normalise_email(email)
    except Invalid:
        return
    assert normal == engine.normalise_email(normal) == normal.lower()
    assert engine.normalise_email(f" {email.upper()} ") == engine.normalise_email(email.lower())
    assert engine.domain_of(normal).isascii()


@given(st.text(max_size=40))
def test_whatever_is_typed_is_an_address_without_control_characters_or_is_refused(text: str) -> None:
    try:
        normal = engine.normalise_email(text)
    except Invalid:
        return
    assert normal.isprintable()
    assert normal.count("@") == 1


@pytest.mark.parametrize("text", ["", "shop", "shop.", "-a.example", "a b.example", "shop.example/x", "é.example"])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no domain"):
        engine.normalise_domain(text)


# who decides for whom -----------------------------------------------------------------------------------


@given(st.sampled_from(Role), st.sampled_from(["account_id", "partner_id", "warehouse_id", ""]), st.booleans())
def test_nobody_decides_for_another_party(role: Role, field: str, own: bool) -> None:  # noqa: FBT001 - given by hypothesis
    owner = Owner(**({field: PLACEHOLDER if own else OTHER} if field else {}))
    may = engine.may_steward(somebody(role), owner)
    if role in {Role.SUPPORT_ADMIN, Role.PLATFORM}:
        assert may
    elif role in {Role.ACCOUNT_ADMIN, Role.PARTNER_ADMIN}:
        assert may is (own and field == f"{role.party}_id")
    else:
        assert not may


def test_who_only_looks_with_anothers_eyes_decides_for_nobody() -> None:
    looking = somebody(Role.ACCOUNT_ADMIN, read_only=True, impersonator="sue")
    assert not engine.may_steward(looking, Owner(account_id=PLACEHOLDER))
    assert engine.roles_to_give(looking) == ()


@given(st.sampled_from(Role))
def test_nobody_gives_a_role_of_another_party_but_that_of_a_warehouse(role: Role) -> None:
    given_ = engine.roles_to_give(somebody(role))
    if role.party is not Party.PLATFORM:
        assert {each.party for each in given_} <= {role.party, Party.WAREHOUSE}
    assert set(given_) <= set(engine.ROLES)


def test_what_is_seen_is_ones_own() -> None:
    reach = Reach(account_id=PLACEHOLDER, warehouse_ids=(OTHER,))
    assert engine.is_within(reach, Owner(account_id=PLACEHOLDER))
    assert engine.is_within(reach, Owner(warehouse_id=OTHER))
    for owner in (Owner(), Owner(account_id=OTHER), Owner(partner_id=PLACEHOLDER), Owner(warehouse_id=PLACEHOLDER)):
        assert not engine.is_within(reach, owner)


# sessions -----------------------------------------------------------------------------------------------


def membership(
    role: Role = Role.ACCOUNT_ADMIN, *, owner: UUID | None = PLACEHOLDER, made_by: UUID | None = None
) -> Membership:
    given_ = {f"{role.party}_id": owner} if role.party is not Party.PLATFORM else {}
    ids = {name: given_.get(name) for name in ("account_id", "partner_id", "warehouse_id")}
    return Membership(id=UUID(int=1), role=role, at="x", provider_id=made_by, used=False, **ids)


def session(*choices: Membership, method: Method = Method.PASSWORD, **facts: object) -> Session:
    person = {"has_password": True, "has_totp": False, "has_passkey": False}
    person |= {name: value for name, value in facts.items() if name in person}  # type: ignore[misc]  # flags only
    return Session(
        id=UUID(int=2), method=method, operator=None, through=None, choices=choices,
        membership=choices[0] if choices else None, second_at=NOW if facts.get("shown") else None,
        person=Person(
            id=UUID(int=3), email="a@b.example", name="Ann", locale=Language.ENGLISH, time_zone="UTC", **person
        ),
    )  # fmt: skip


@given(st.sampled_from(Method), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(engine.ROLES))
def test_a_platform_role_acts_only_after_a_second_factor_and_a_second_factor_that_is_there_is_asked_for(
    method: Method, totp: bool, passkey: bool, shown: bool, role: Role  # noqa: FBT001 - given by hypothesis
) -> None:  # fmt: skip
    if method in {Method.PIN, Method.PROVIDER}:
        return
    made = session(membership(role), method=method, has_totp=totp, has_passkey=passkey, shown=shown)
    acts = sessions.principal(made) is not None
    if not shown and (totp or passkey):
        assert (acts, sessions.stage(made)) == (False, Stage.SECOND_FACTOR)
    elif not shown and role.party is Party.PLATFORM:
        assert (acts, sessions.stage(made)) == (False, Stage.ENROL)
    else:
        assert acts


def test_who_has_nothing_to_act_as_acts_as_nothing() -> None:
    assert sessions.stage(session()) is Stage.CHOOSE
    assert sessions.principal(session()) is None


@given(
    st.sampled_from([None, UUID(int=8), UUID(int=9)]),
    st.sampled_from([PLACEHOLDER, OTHER]),
    st.sampled_from(engine.ROLES),
    st.sampled_from([None, UUID(int=8)]),
)
def test_a_provider_opens_its_owners_memberships_and_what_it_made_opens_through_it_alone(
    made_by: UUID | None, owner: UUID, role: Role, came_through: UUID | None
) -> None:
    held = membership(role, owner=owner, made_by=made_by)
    through = Through(id=came_through, account_id=PLACEHOLDER, partner_id=None) if came_through else None
    opens = sessions.opens(held, through)
    if through is None:
        assert opens is (made_by is None)
    elif opens:
        assert role.party is Party.ACCOUNT
        assert owner == PLACEHOLDER
        assert made_by in {None, came_through}


# throttling ---------------------------------------------------------------------------------------------


@given(st.sampled_from(LIMITS), st.integers(0, 10_000))
def test_waits_grow_and_end(limit: throttle.Limit, failures: int) -> None:
    wait = throttle.wait(failures, limit)
    assert timedelta(0) <= wait <= limit.longest
    assert wait <= throttle.wait(failures + 1, limit)
    assert (wait == timedelta(0)) is (failures < limit.free)


@pytest.mark.parametrize("limit", [throttle.PERSON, throttle.OPERATOR])
def test_a_day_of_guessing_is_too_short_for_a_four_digit_pin(limit: throttle.Limit) -> None:
    tries, spent = 0, timedelta(0)
    while spent < timedelta(days=1):
        tries += 1
        spent += throttle.wait(tries, limit)
    assert tries < 150


def test_a_lane_is_stored_under_a_hash_and_shows_nobody() -> None:
    lane = throttle.Lane("email", "ann@shop.example", throttle.PERSON)
    assert b"ann" not in lane.key
    assert "ann" not in repr(lane)
    assert lane.key != throttle.Lane("address", "ann@shop.example", throttle.PERSON).key


# factors ------------------------------------------------------------------------------------------------


@given(st.integers(-3, 3), st.integers(0, 10_000_000))
def test_a_code_is_taken_within_a_step_of_now_and_never_twice(offset: int, seconds: int) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    now = NOW + timedelta(seconds=seconds)
    code = pyotp.TOTP(secret).at(now + timedelta(seconds=30 * offset))
    step = factors.totp_step(secret, code, now, 0)
    if abs(offset) <= 1:
        assert step is not None
        assert factors.totp_step(secret, code, now, step) != step
    else:
        assert step is None or step != int(now.timestamp()) // 30 + offset


@given(st.text(max_size=300))
def test_a_password_is_long_and_hard_to_guess_or_refused(password: str) -> None:
    try:
        taken = factors.check_password("password", password)
    except FieldWrong:
        return
    assert 12 <= len(taken) <= 200


@pytest.mark.parametrize("password", ["password1234", "returnshub12345", "ann@shop.example", "aaaaaaaaaaaaaaaaaa"])
def test_what_anybody_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(FieldWrong, match="too easy to guess"):
        factors.check_password("password", password, about=("ann@shop.example", "Ann"))


def test_recovery_codes_are_told_apart_and_read_however_they_are_typed() -> None:
    codes = factors.new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        assert factors.normalise_recovery_code(f" {code.upper().replace('-', ' ')} ") == code.replace("-", "")


@given(st.text("0123456789ab٣", max_size=8))
def test_a_pin_is_four_to_six_digits_and_no_row_of_them(pin: str) -> None:
    try:
        factors.check_pin(pin)
    except FieldWrong:
        return
    assert pin.isascii()
    assert 4 <= len(pin) <= 6
    assert len(set(pin)) > 1


# forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["password", "current_password", "pin", "code", "_csrf_token", "client_secret", "key", "answer", "new_pin"]
)
def test_a_field_that_opens_something_is_never_kept(name: str) -> None:
    assert kept.keepable({name: "x", "name": "Ann"}) == {"name": "Ann"}


def test_a_form_comes_back_to_its_own_page_and_to_no_other_site() -> None:
    assert kept.page_of("/a", "http://hub/account?x=1", "hub") == "/account?x=1"
    for referer in (None, "", "https://evil.example/account", "http://hub//evil.example", "nonsense"):
        assert kept.page_of("/a", referer, "hub") == "/a"
