"""A return number as QR and as Code 128, as pictures for pages; `hub.labels.paper` prints the same on paper.

Both have the quiet zone that their standards ask for: four modules around a QR (ISO/IEC 18004), ten beside a Code 128
(ISO/IEC 15417). A QR is made so that a quarter of it may be dirty.
"""

import io
from itertools import chain, repeat

import segno
from reportlab.graphics.barcode.code128 import Code128

QR_QUIET, BAR_QUIET = 4, 10
# In modules; a bar code is read across, so its height is only for the hand that aims.
BAR_HEIGHT = 40


def qr_modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the rows of a QR from the top, True where it is dark, without a quiet zone."""
    return tuple(tuple(map(bool, row)) for row in _qr(text).matrix)


def qr_svg(text: str) -> str:
    """Return a QR as SVG that scales to whatever holds it, dark on white in every colour scheme."""
    drawn = io.BytesIO()
    _qr(text).save(drawn, kind="svg", border=QR_QUIET, light="#fff", omitsize=True, xmldecl=False)
    return drawn.getvalue().decode()


def qr_png(text: str, *, pixels_per_module: int = 8) -> bytes:
    """Return a QR as PNG, for mail."""
    drawn = io.BytesIO()
    _qr(text).save(drawn, kind="png", border=QR_QUIET, scale=pixels_per_module)
    return drawn.getvalue()


def bars(text: str) -> tuple[tuple[int, int], ...]:
    """Return the bars of a Code 128 as where each begins and how wide it is, in modules from the left."""
    code = Code128(text, quiet=0)
    for step in (code.validate, code.encode, code.decompose):
        step()  # type: ignore[no-untyped-call]  # reportlab left them untyped
    found, at = [], 0
    # Capitals are bars, small letters spaces, and each letter's place in the alphabet is a width.
    for each in code.decomposed:
        width = ord(each.lower()) - ord("a") + 1
        if each.isupper():
            found.append((at, width))
        at += width
    return tuple(found)


def bar_svg(text: str) -> str:
    """Return a Code 128 as SVG that scales to whatever holds it, dark on white in every colour scheme."""
    drawn = bars(text)
    width = drawn[-1][0] + drawn[-1][1] + 2 * BAR_QUIET
    path = "".join(chain.from_iterable(zip(map(_bar, drawn), repeat("", len(drawn)), strict=True)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {BAR_HEIGHT}" shape-rendering="crispEdges" '
        f'preserveAspectRatio="none"><path fill="#fff" d="M0 0h{width}v{BAR_HEIGHT}H0z"/><path d="{path}"/></svg>'
    )


def _bar(bar: tuple[int, int]) -> str:
    at, width = bar
    return f"M{at + BAR_QUIET} 0h{width}v{BAR_HEIGHT}h-{width}z"


def _qr(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="q", boost_error=False)
