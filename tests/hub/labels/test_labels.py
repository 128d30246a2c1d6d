"""What is printed is read back by a scanner, whatever texts stand beside it."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from xml.etree import ElementTree as ET

import pypdfium2  # type: ignore[import-untyped]  # its makers left it so
import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from hub.kit.numbers import new_return_number, normalise
from hub.labels import codes, label, manifest, slip
from hub.labels.messages import Address, Label, Language, Manifest, Parcel, Slip, SlipLine
from hub.labels.paper import spaced
from hub.labels.texts import ELLIPSIS, printable
from tests.support.numbers import NUMBERS

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PLACE = Address(name="Return hub", lines=("Gate 7", "28197 Bremen"))
HOSTILE = st.text(max_size=400) | st.sampled_from(
    ["A" * 100_000, "\N{GRINNING FACE}" * 300, "שלום עולם", "مرحبا بالعالم", "\u202egnirts\u202c",
     "\0\x1b[31m\r\n\t\x7f",
     "<b>&amp;</i>", "Z\u0301\u0302\u0303" * 200, "\ud800", "%PDF-1.4 endstream endobj", "(((\\", "漢字", "\ufeff", ""]
)  # fmt: skip
DOTS_PER_INCH = 203  # what the plainest label printers have


def pages(pdf: bytes) -> list[Image.Image]:
    """Print a document."""
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=DOTS_PER_INCH / 72).to_pil() for page in document]


def words(pdf: bytes) -> list[str]:
    """The text of each page."""
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


def scanned(page: Image.Image) -> list[tuple[zxingcpp.BarcodeFormat, str]]:
    """Read every code on a page, as what it is and what it says."""
    return [(each.format, each.text) for each in zxingcpp.read_barcodes(page)]


def of(number: str, text: str = "Shoes") -> dict[str, Callable[[Language], bytes]]:
    """Every document about one return, with a text wherever a stranger's may stand."""
    address = Address(name=text, lines=(text, text))
    line = SlipLine(sku=text, name=text, quantity=10_000)
    parcel = Parcel(number=number, account=text, units=10_000, order_number=text)
    return {
        "label": partial(label.label_pdf, Label(number=number, account=text, to=address, order_number=text)),
        "own": partial(label.label_pdf, Label(number=number, account=text, to=address, sender=address)),
        "slip": partial(
            slip.slip_pdf,
            Slip(number=number, account=text, to=address, created_at=NOW, lines=(line,), order_number=text),
        ),
        "manifest": partial(
            manifest.manifest_pdf, Manifest(place=text, reference=text, printed_at=NOW, parcels=(parcel,))
        ),
    }


@settings(max_examples=25)
@given(NUMBERS)
def test_a_printed_number_is_read_back_from_both_of_its_codes(number: str) -> None:
    for name in ("label", "own", "slip"):
        (page,) = pages(of(number)[name](Language.ENGLISH))
        assert sorted(scanned(page), key=str) == [
            (zxingcpp.BarcodeFormat.Code128, number),
            (zxingcpp.BarcodeFormat.QRCode, number),
        ], name


@settings(max_examples=25)
@given(NUMBERS)
def test_a_number_on_a_page_is_read_back(number: str) -> None:
    png = Image.open(io.BytesIO(codes.qr_png(number)))
    assert [text for _, text in scanned(png)] == [number]
    assert [text for _, text in scanned(drawn(codes.bar_svg(number)))] == [number]
    assert ET.fromstring(codes.qr_svg(number)).get("viewBox") == "0 0 29 29"


def drawn(svg: str) -> Image.Image:
    """Draw the bars of an SVG, four pixels a module."""
    _, _, width, height = map(int, str(ET.fromstring(svg).get("viewBox")).split())
    picture = Image.new("L", (width * 4, height * 4), 255)
    for at, wide in re.findall(r"M(\d+) 0h(\d+)v\d+h-", svg):
        picture.paste(0, (int(at) * 4, 0, (int(at) + int(wide)) * 4, height * 4))
    return picture


@settings(max_examples=12)
@given(HOSTILE)
@example("\N{ZERO WIDTH JOINER}" * 5_000)
def test_no_text_breaks_a_document_or_hides_its_codes(text: str) -> None:
    number = new_return_number()
    for name, made in of(number, text).items():
        (page,) = pages(made(Language.GERMAN))
        assert number in [read for _, read in scanned(page)], name


@given(HOSTILE, st.integers(1, 60))
def test_what_is_printed_is_one_line_of_glyphs_that_is_not_too_long(text: str, most: int) -> None:
    shown = printable(text, most)
    assert len(shown) <= most
    assert shown == shown.strip()
    assert shown.isprintable()


def test_what_the_font_shows_stays_and_what_was_cut_is_marked() -> None:
    assert printable("Łódź  Ähren\tЖдём Ωδή", 40) == "Łódź Ähren Ждём Ωδή"
    assert printable("two \N{GRINNING FACE}\N{GRINNING FACE} faces", 40) == "two ? faces"
    assert printable("0123456789", 5) == "0123" + ELLIPSIS


def test_a_long_slip_has_every_line_once_and_the_number_on_every_page() -> None:
    number = new_return_number()
    lines = tuple(SlipLine(sku=f"SKU-{place:03}", name=None, quantity=1) for place in range(60))
    made = slip.slip_pdf(Slip(number=number, account="Shoes", to=PLACE, created_at=NOW, lines=lines), Language.FRENCH)
    texts = words(made)
    assert len(texts) == 4
    assert all(normalise(spaced(number)) == number and spaced(number) in text for text in texts)
    printed = [word for text in texts for word in text.split() if word.startswith("SKU-")]
    # Without a name a product goes by its SKU.
    assert printed == [line.sku for line in lines for _ in range(2)]
    assert [f"{page} / 4" in text for page, text in enumerate(texts, start=1)] == [True] * 4


def test_a_manifest_over_several_pages_is_scanned_parcel_by_parcel() -> None:
    numbers = [new_return_number() for _ in range(40)]
    parcels = tuple(Parcel(number=number, account="Shoes", units=2) for number in numbers)
    made = manifest.manifest_pdf(
        Manifest(place="Return hub", reference="P-7", printed_at=NOW, parcels=parcels), Language.DUTCH
    )
    read = [text for page in pages(made) for _, text in sorted(scanned(page), key=lambda each: numbers.index(each[1]))]
    assert read == numbers
    assert "80" in words(made)[0]
    assert ["Overgenomen door" in text for text in words(made)] == [False, False, True]


def test_a_manifest_of_nothing_is_one_page() -> None:
    nothing = Manifest(place="Return hub", reference=None, printed_at=NOW, parcels=())
    assert len(words(manifest.manifest_pdf(nothing, Language.ENGLISH))) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, {"label": "From", "slip": "23 November 2026", "manifest": "Taken over by"}),
        (Language.DUTCH, {"label": "Van", "slip": "Pakbon", "manifest": "Laadlijst"}),
        (Language.GERMAN, {"label": "Retoure", "slip": "23. November 2026", "manifest": "Ladeliste"}),
        (Language.FRENCH, {"label": "À", "slip": "Bon de retour", "manifest": "Bordereau"}),
    ],
)
def test_paper_is_printed_in_the_language_of_its_reader(language: Language, said: dict[str, str]) -> None:
    made = of(new_return_number())
    for name, text in said.items():
        assert text in "".join(words(made[name](language))), name


def test_the_same_paper_is_the_same_bytes() -> None:
    number = new_return_number()
    assert of(number)["label"](Language.ENGLISH) == of(number)["label"](Language.ENGLISH)
