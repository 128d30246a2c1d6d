"""What callers of this room hear."""

import msgspec

from hub.kit.crypto import Secret


class TotpSetUp(msgspec.Struct, frozen=True, kw_only=True):
    """A secret on its way into an authenticator app: as text, and as a QR code in SVG."""

    secret: Secret
    qr: Secret
