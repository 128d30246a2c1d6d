"""How each marketplace treats returns, as the sandbox's own data, with the public source of each fact beside it.

Of what is not known `UNKNOWN` holds: one update settles a channel return, and a merchant return is
refunded when it is created.
"""

from connectors.channelengine.sandbox.tenancy import ChannelReturns, Manner, MerchantReturns

UNKNOWN = Manner()

# Mirakl takes a refund only while the shop's balance covers it (help centre, "Mirakl: refunds").
MIRAKL = Manner(balance_needed=True)

# By the beginning of the global channel name, in lower case, for "Amazon" is also "Amazon DE" and "bol" is "bol.com".
KNOWN = {
    # Exported only when marked received, whoever created it; old open ones are cancelled (help centre, "bol: returns").
    "bol": Manner(merchant_returns=MerchantReturns.WHEN_RECEIVED, cancel_after_days=21),
    # Imported for administration only, with the date of export already set (help centre, "Amazon: returns").
    "amazon": Manner(channel_returns=ChannelReturns.INFORMATIONAL),
    # Updating to received exports it (help centre, "Kaufland: returns").
    "kaufland": Manner(),
    # A rejection needs a reason for each item since autumn 2024, which the API has no field for.
    "otto": Manner(rejection_needs_reason=True),
    # The seller learns of a return when the parcel arrives, and reports it.
    "zalando": Manner(channel_returns=ChannelReturns.NONE),
    "about you": Manner(channel_returns=ChannelReturns.NONE),
    "mirakl": MIRAKL,
    "blokker": MIRAKL,
    "conrad": MIRAKL,
    "vidaxl": MIRAKL,
    "fonq": MIRAKL,
}


def manner_by_itself(marketplace: str) -> Manner:
    """Return how a marketplace treats returns if nobody has said otherwise."""
    name = marketplace.casefold()
    return next((manner for known, manner in KNOWN.items() if _is(name, known)), UNKNOWN)


def _is(name: str, known: str) -> bool:
    rest = name.removeprefix(known)
    return name.startswith(known) and (not rest or not rest[0].isalnum())
