import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.channelengine.profiles import PROFILES, profile
from hub.sdk import ChannelReturns, FullRejection, MerchantReturns, Profile
from tests.support.channelengine import ENGINE

BOL = PROFILES["bol",]


def known(family: str) -> Profile:
    found = ENGINE.profile(family)
    assert found is not None
    return found


@pytest.mark.parametrize("family", ["bol", "BOL", "bol.com", "Bol.com NL", "bolcom", " bol - Belgium ", "bol (LVB)"])
def test_a_marketplace_is_known_however_its_name_is_written(family: str) -> None:
    assert profile(family) == BOL


@pytest.mark.parametrize("family", ["", "bolia", "bolt market", "Otto Office", "My own shop", "\u4e2d\u6587", "com"])
def test_a_marketplace_that_only_sounds_like_another_is_unknown(family: str) -> None:
    assert profile(family) is None


@pytest.mark.parametrize(
    ("family", "like"),
    [
        ("Amazon.co.uk", "amazon"),
        ("Amazon FBA Österreich", "amazon"),
        ("Kaufland.de", "kaufland"),
        ("Kaufland Global Marketplace SK", "kaufland"),
        ("OTTO Market", "otto"),
        ("Zalando Partner Program", "zalando"),
        ("AboutYou DE", "aboutyou"),
        ("vidaXL", "mirakl"),
        ("Conrad (Mirakl)", "mirakl"),
        ("Some Department Store (Mirakl)", "mirakl"),
    ],
)
def test_countries_and_ways_of_selling_do_not_make_another_marketplace(family: str, like: str) -> None:
    assert profile(family) == PROFILES[like,]


@given(st.text(max_size=30))
def test_no_name_is_too_odd_to_ask_for(family: str) -> None:
    assert profile(family) is None or isinstance(profile(family), Profile)


@pytest.mark.parametrize("name", list(PROFILES), ids=" ".join)
def test_every_profile_keeps_its_limits_and_is_found_by_its_own_name(name: tuple[str, ...]) -> None:
    found = profile(" ".join(name))
    assert found == PROFILES[name]
    assert msgspec.convert(msgspec.to_builtins(found), Profile) == found


def test_at_bol_a_return_is_paid_on_receipt_and_canceled_after_three_weeks() -> None:
    assert (BOL.channel_returns, BOL.merchant_returns, BOL.auto_cancel_days) == (
        ChannelReturns.SETTLE,
        MerchantReturns.CREATE_THEN_RECEIVE,
        21,
    )


def test_at_amazon_and_with_zalandos_own_solution_customers_returns_are_only_shown() -> None:
    assert known("Amazon DE").channel_returns is ChannelReturns.INFORMATIONAL
    assert known("Zalando ZRS Plus").channel_returns is ChannelReturns.INFORMATIONAL
    assert known("Zalando ZRS").merchant_returns is MerchantReturns.UNSUPPORTED


def test_zalando_and_about_you_hear_of_a_return_from_the_merchant() -> None:
    for family in ("Zalando", "About You"):
        assert known(family).channel_returns is ChannelReturns.NONE
        assert known(family).merchant_returns is MerchantReturns.CREATE
    assert known("About You").full_rejection is FullRejection.BY_HAND


def test_otto_wants_a_reason_for_each_rejection() -> None:
    assert known("OTTO").rejection_reason_required


def test_mirakl_refuses_late_and_tries_again_by_itself_for_a_while() -> None:
    found = known("Mirakl")
    assert 0 < found.retry_days < found.late_refusal_days


@pytest.mark.parametrize("family", ["Shopify", "Channel API", "Kaufland"])
def test_what_was_decided_is_told_and_a_creation_pays_where_nothing_else_is_known_of_it(family: str) -> None:
    assert known(family) == Profile()
