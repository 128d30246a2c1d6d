"""How the marketplaces behind ChannelEngine treat returns: data, found by the vendor's global name of the channel.

What is said of a marketplace comes from ChannelEngine's help centre where nothing else is named, read in 2025; of most
articles only the beginning was to be had, so an account may change every field. A marketplace that is not here has no
profile, and a person of the account lets its first settlement go.
"""

import re
import unicodedata
from collections.abc import Mapping

from hub.sdk import ChannelReturns, FullRejection, MerchantReturns, Profile

Name = tuple[str, ...]

BOL = Profile(
    # "bol: returns": open ones are imported every quarter of an hour, and only what is received is exported.
    channel_returns=ChannelReturns.SETTLE,
    # The same: marking as received is one and the same step for both kinds, and bol hears of neither before it.
    merchant_returns=MerchantReturns.CREATE_THEN_RECEIVE,
    # The same, in its older text: an open return is canceled after 60 days, of which 21 are the standard.
    auto_cancel_days=21,
)

AMAZON = Profile(
    # "Amazon: returns": FBA and FBM returns arrive for administration, marked as exported, so nothing is sent back.
    channel_returns=ChannelReturns.INFORMATIONAL,
    # The same: a merchant return can be created by API; that its creation refunds is not contradicted anywhere.
    merchant_returns=MerchantReturns.CREATE,
)

KAUFLAND = Profile(
    # "Kaufland: returns": read every hour as in progress, and processed there once updated to received.
    channel_returns=ChannelReturns.SETTLE,
    # The same: for sellers abroad it becomes a refund by cancelation; German ones use Kaufland's own return service.
    merchant_returns=MerchantReturns.CREATE,
)

MIRAKL = Profile(
    # "Mirakl: refunds": whether customers' returns come through differs by operator; where they do, they are settled.
    channel_returns=ChannelReturns.SETTLE,
    # The same: a merchant return is exported as a refund.
    merchant_returns=MerchantReturns.CREATE,
    # The same: it is refused while the shop's payable balance is too small or the order not yet received, which
    # nothing but a notification tells. How long the export is repeated is not written; a payment cycle is our guess.
    late_refusal_days=21,
    retry_days=14,
)

ZALANDO = Profile(
    # Channable's help, "Zalando order handling": partners hear of a return when the parcel arrives and report it then.
    channel_returns=ChannelReturns.NONE,
    merchant_returns=MerchantReturns.CREATE,
)

ZALANDO_ZRS = Profile(
    # "Zalando Return Solution": Zalando handles labels, parcels and reimbursement, in its own centres or with yours.
    channel_returns=ChannelReturns.INFORMATIONAL,
    merchant_returns=MerchantReturns.UNSUPPORTED,
)

OTTO = Profile(
    # A release note of another integrator: since autumn 2024 each rejected item needs a reason. v2 has no field for it.
    rejection_reason_required=True,
)

ABOUT_YOU = Profile(
    # About You's pages for partners: customers use the enclosed label, and sellers mark what came back.
    channel_returns=ChannelReturns.NONE,
    # The same: marking refunds by itself, so what is rejected is not marked; photos go to customer service.
    merchant_returns=MerchantReturns.CREATE,
    full_rejection=FullRejection.BY_HAND,
    # The same: within 24 hours of receipt.
    decision_days=1,
)

SHOPIFY = Profile(
    # The table of features per channel: returns and refunds, of the merchant and of the channel.
    channel_returns=ChannelReturns.SETTLE,
    merchant_returns=MerchantReturns.CREATE,
)

CHANNEL_API = Profile(
    # "Channel API: returns" and the Channel API 2.17.0: the channel reads both kinds, and each line's accepted and
    # rejected quantities, which say what it should refund and what not.
    channel_returns=ChannelReturns.SETTLE,
    merchant_returns=MerchantReturns.CREATE,
)

PROFILES: Mapping[Name, Profile] = {
    ("bol",): BOL,
    ("bolcom",): BOL,
    ("amazon",): AMAZON,
    ("kaufland",): KAUFLAND,
    # The operators that "Mirakl: refunds" names; others are known by the word itself.
    ("mirakl",): MIRAKL,
    ("blokker",): MIRAKL,
    ("conrad",): MIRAKL,
    ("fonq",): MIRAKL,
    ("vidaxl",): MIRAKL,
    ("zalando",): ZALANDO,
    ("zalando", "zrs"): ZALANDO_ZRS,
    ("zrs",): ZALANDO_ZRS,
    ("otto",): OTTO,
    ("about", "you"): ABOUT_YOU,
    ("aboutyou",): ABOUT_YOU,
    ("shopify",): SHOPIFY,
    ("channel", "api"): CHANNEL_API,
    ("api", "channel"): CHANNEL_API,
    ("channelengine", "api"): CHANNEL_API,
}

# What may stand behind a marketplace's name without making it another one; a country's code has two letters.
BESIDES = frozenset(
    """
    com market marketplace marketplaces global international europe partner program plus pure
    austria belgium czechia france germany italy luxembourg netherlands poland slovakia spain sweden switzerland
    osterreich belgie belgique deutschland italia nederland polska espana sverige schweiz
    fba fbm lvb vvb zfs mirakl
    """.split()  # noqa: SIM905 - words read better as text than as a list
)


def profile(family: str) -> Profile | None:
    """Return a marketplace's profile by its global name, however it is written; None for an unknown one.

    Words that say where or in which way one sells there do not matter; any other word makes it another marketplace.
    """
    plain = unicodedata.normalize("NFKD", family).encode("ascii", "ignore").decode()
    words = tuple(re.findall(r"[a-z0-9]+", plain.casefold()))
    for length in range(len(words), 0, -1):
        found = PROFILES.get(words[:length])
        if found and all(map(_beside, words[length:])):
            return found
    return MIRAKL if "mirakl" in words else None


def _beside(word: str) -> bool:
    return word in BESIDES or len(word) == len("nl") or word.isdigit()
