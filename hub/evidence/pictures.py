"""From whatever was sent to a picture that can be kept: small, upright, without a word about who took it and where."""

import hashlib
import io

import msgspec
from PIL import Image, ImageOps

from hub.kit.errors import Invalid, Malformed

FORMATS = ("JPEG", "PNG", "WEBP")
# More than telephones send, and less than a million returns' worth of memory.
MOST_BYTES = 20_000_000
MOST_PIXELS = 64_000_000
# Enough to read a serial number on a photo of a shoebox, in pixels of the longer side.
LONGEST_SIDE = 2_000
QUALITY = 82
# Pillow's own guard, which looks at headers before anything is unpacked, is to begin where ours ends.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class TooLarge(Malformed):
    """The photo is larger than the hub takes."""

    status = 413


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as it is kept, a JPEG; its sides are in pixels."""

    content: bytes
    digest: bytes
    width: int
    height: int


def prepare(sent: bytes) -> Picture:
    """Return the picture to keep: turned upright, at most 2,000 pixels long, and nothing but pixels.

    Raises `TooLarge` for too many bytes or pixels, `Invalid` for what is no photo or a broken one.
    """
    if len(sent) > MOST_BYTES:
        raise too_large()
    try:
        with Image.open(io.BytesIO(sent), formats=FORMATS) as opened:
            return _kept(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise _too_many_pixels() from fault
    except TooLarge:
        raise
    except Exception as fault:  # decoders raise whatever a broken file leads them to
        raise Invalid(
            "photo_unreadable", "This is no photo that can be read: send a whole JPEG, PNG or WebP file."
        ) from fault


def too_large() -> TooLarge:
    """Return the refusal of too many bytes."""
    return TooLarge("photo_too_large", f"A photo has at most {MOST_BYTES // 1_000_000} MB; make it smaller first.")


def _too_many_pixels() -> TooLarge:
    most = MOST_PIXELS // 1_000_000
    return TooLarge("photo_too_large", f"A photo has at most {most} million pixels; make it smaller first.")


def _kept(opened: Image.Image) -> Picture:
    if opened.width * opened.height > MOST_PIXELS:
        raise _too_many_pixels()
    # Small before it is turned: a decoder of JPEG then skips most of what would be thrown away.
    opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(opened)
    # On a fresh ground nothing stands but pixels: no metadata, no comment, no profile, no second frame.
    bare = Image.new("RGB", upright.size, "white")
    solid = upright.convert("RGBA")
    bare.paste(solid, mask=solid)
    written = io.BytesIO()
    bare.save(written, "JPEG", quality=QUALITY, optimize=True)
    content = written.getvalue()
    return Picture(
        content=content, digest=hashlib.sha256(content).digest(), width=upright.width, height=upright.height
    )  # fmt: skip
