"""Keys for cookies, made from the master key, so that every web process of a hub reads every other's."""

import base64

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.settings import Settings


def master(settings: Settings) -> str:
    """Return the text of the master keys, current one first, from where `hub.runtime` found or made it."""
    if settings.master_keys is not None:
        return settings.master_keys
    return (settings.data / "master.keys").read_text(encoding="ascii")


def derive(master_keys: str, purpose: str) -> bytes:
    """Make 32 bytes for one purpose from the current master key (HKDF, RFC 5869); a new master key gives new ones."""
    current = master_keys.split(",", maxsplit=1)[0].strip()
    material = base64.b64decode(current.partition(":")[2], validate=True)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"hub.web " + purpose.encode()).derive(material)
