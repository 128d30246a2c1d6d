"""Passwords, codes and PINs as pure functions."""

import secrets
from datetime import datetime

import pyotp
import segno
from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # the library has no annotations

from tenants.people.errors import FieldWrong

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
# 3 of 4 is "safely unguessable: moderate protection from offline slow-hash scenario" in zxcvbn's own words.
STRONG_ENOUGH = 3
# Its cost grows with the square of the length.
WEIGHED = 64
ISSUER = "Returns hub"
STEP_SECONDS = 30
# A phone's clock may be off by one step either way.
WINDOW = 1
RECOVERY_CODES = 10
# Without letters and digits that look alike. Sixteen of them are 78 bits, too many to find from a plain hash.
ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
PIN_LENGTHS = range(4, 7)


def check_password(field: str, password: str, *, about: tuple[str, ...] = ()) -> str:
    """Return the password if it is hard enough to guess for somebody who knows `about`; raises `FieldWrong`."""
    if len(password) < SHORTEST_PASSWORD:
        raise FieldWrong(field, "password_weak", f"Take at least {SHORTEST_PASSWORD} characters; a few words do well.")
    if len(password) > LONGEST_PASSWORD:
        raise FieldWrong(field, "password_long", f"Take at most {LONGEST_PASSWORD} characters.")
    found = zxcvbn(password[:WEIGHED], user_inputs=[*about, ISSUER, "returnshub"])
    if found["score"] < STRONG_ENOUGH:
        message = "This is too easy to guess. Take a few words that do not belong together, or let a manager make one."
        raise FieldWrong(field, "password_weak", message)
    return password


def new_totp_secret() -> str:
    """Make a secret for an authenticator app (RFC 6238), in base32."""
    return pyotp.random_base32()


def totp_address(secret: str, email: str) -> str:
    """Return the otpauth address that an app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def qr(text: str, title: str) -> str:
    """Return a QR code as inline SVG that needs no style of its own."""
    return segno.make(text, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", title=title)


def totp_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the step whose code this is, if it is one of now and later than the last that was taken."""
    typed = "".join(code.split())
    here = int(now.timestamp()) // STEP_SECONDS
    app = pyotp.TOTP(secret)
    for step in range(here - WINDOW, here + WINDOW + 1):
        if step > last_step and pyotp.utils.strings_equal(typed, app.generate_otp(step)):
            return step
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Make the codes that stand in for an app once each, like `k7mp-3xwt-9qbd-cn4v`."""
    return tuple("-".join(_letters() for _ in range(4)) for _ in range(RECOVERY_CODES))


def _letters() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(4))


def normalise_recovery_code(text: str) -> str:
    """Return a recovery code as it is hashed, however it was typed."""
    return "".join(character for character in text.lower() if character in ALPHABET)


def check_pin(pin: str) -> str:
    """Return the PIN if it is one and not among the first that anybody tries; raises `FieldWrong`."""
    if not (pin.isascii() and pin.isdigit() and len(pin) in PIN_LENGTHS):
        raise FieldWrong("pin", "pin_invalid", "A PIN has four to six digits.")
    if len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
        raise FieldWrong("pin", "pin_invalid", "This PIN is the first that anybody tries; take another one.")
    return pin
