"""What becomes of a picture before it is kept."""

import hashlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hub.evidence import pictures
from hub.kit.errors import Invalid
from tests.support.photos import photo


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_is_kept_without_a_word_about_who_took_it_and_where(kind: str) -> None:
    sent = photo(kind=kind)
    assert opened(sent).getexif()
    kept = pictures.prepare(sent)
    shown = opened(kept.content)
    assert (shown.format, shown.size) == ("JPEG", (kept.width, kept.height))
    assert not shown.getexif()
    assert set(shown.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"Telephone" not in kept.content
    assert b"Exif" not in kept.content
    assert kept.digest == hashlib.sha256(kept.content).digest()


@pytest.mark.parametrize(
    ("turned", "white"), [(1, (0, 5)), (3, (-1, 5)), (6, (5, 0)), (8, (5, -1))], ids=["as is", "over", "right", "left"]
)
def test_a_photo_is_turned_upright_before_the_note_on_it_is_dropped(turned: int, white: tuple[int, int]) -> None:
    kept = pictures.prepare(photo(turned=turned))
    assert (kept.width, kept.height) == ((64, 48) if turned in {1, 3} else (48, 64))
    left, top = white[0] % kept.width, white[1] % kept.height
    assert min(opened(kept.content).convert("L").crop((left, top, left + 1, top + 1)).tobytes()) > 240


def test_a_large_photo_is_made_small_and_a_small_one_stays() -> None:
    large = pictures.prepare(photo(size=(4000, 3000)))
    assert (large.width, large.height) == (2000, 1500)
    assert (pictures.prepare(photo()).width, pictures.prepare(photo()).height) == (64, 48)


def test_what_shines_through_becomes_white() -> None:
    written = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(written, "PNG")
    assert min(opened(pictures.prepare(written.getvalue()).content).convert("L").tobytes()) > 250


def bomb(side: int) -> bytes:
    """A PNG of a few hundred bytes that says it is a square of this many pixels a side."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "sent", [bomb(9_000), bomb(60_000), b"\xff\xd8" + bytes(30_000_000)], ids=["9k", "60k", "30MB"]
)
def test_what_is_too_large_is_refused_before_it_is_unpacked(sent: bytes) -> None:
    with pytest.raises(pictures.TooLarge) as refused:
        pictures.prepare(sent)
    assert (refused.value.status, refused.value.code) == (413, "photo_too_large")


WHOLE = {kind: photo(kind=kind) for kind in ("JPEG", "PNG", "WEBP")}


@pytest.mark.parametrize("sent", [b"", b"%PDF-1.4", b"GIF89a" + bytes(50), b"<svg/>", WHOLE["JPEG"][:600], bomb(10)])
def test_what_is_no_whole_photo_is_refused(sent: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        pictures.prepare(sent)
    assert refused.value.code == "photo_unreadable"


@given(st.sampled_from(list(WHOLE)), st.integers(0, 2_000), st.binary(min_size=1, max_size=12))
def test_a_broken_photo_is_kept_or_refused_and_nothing_else(kind: str, place: int, noise: bytes) -> None:
    whole = WHOLE[kind]
    place %= len(whole)
    broken = whole[:place] + noise + whole[place + len(noise) :]
    try:
        assert opened(pictures.prepare(broken).content).format == "JPEG"
    except (Invalid, pictures.TooLarge):
        return
