"""The cookies of signing in: out of reach of scripts, sent from our own pages and links, holding random tokens only."""

from litestar.datastructures import Cookie

# The session. It outlives the session itself, so that what was typed too late is known to be its owner's.
SESSION = "hub_signed_in"
# A browser that somebody signed in with before.
KNOWN = "hub_known"
# A shared device of a warehouse.
DEVICE = "hub_device"
# A sign-in under way at a provider.
PROVIDER = "hub_provider"
# A form that was typed in a session that had ended.
FORM = "hub_form"

DAY = 24 * 60 * 60
LASTS = {SESSION: 7 * DAY, KNOWN: 365 * DAY, DEVICE: 400 * DAY, PROVIDER: 15 * 60, FORM: DAY}


def cookie(name: str, value: str) -> Cookie:
    """Return a cookie to set; `Manners` adds `Secure` where the page came over TLS."""
    return Cookie(key=name, value=value, max_age=LASTS[name], httponly=True, samesite="lax", path="/")


def gone(name: str) -> Cookie:
    """Return a cookie that takes another away."""
    return Cookie(key=name, value="", max_age=0, httponly=True, samesite="lax", path="/")
