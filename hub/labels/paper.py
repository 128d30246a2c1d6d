"""Drawing on paper: texts, lines and codes at places in millimetres from the top left corner."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from hub.labels import codes, texts

INK, QUIET, LINE = "#111111", "#5b6068", "#c9ccd1"
# The font's tables are shared by all who draw.
_one = threading.Lock()


class Sheet:
    """One document; y grows downwards, as people read."""

    def __init__(self, canvas: Canvas, size: tuple[float, float]) -> None:
        self.canvas = canvas
        self.width, self.height = size

    def text(self, at: tuple[float, float], text: str, size: float, *, bold: bool = False, tone: str = INK) -> None:
        """Write a text whose base line begins at a place; the size is in points."""
        self._set(size, bold=bold, tone=tone)
        self.canvas.drawString(at[0] * mm, (self.height - at[1]) * mm, text)

    def right(self, at: tuple[float, float], text: str, size: float, *, bold: bool = False, tone: str = INK) -> None:
        """Write a text whose base line ends at a place."""
        self._set(size, bold=bold, tone=tone)
        self.canvas.drawRightString(at[0] * mm, (self.height - at[1]) * mm, text)

    def centred(self, at: tuple[float, float], text: str, size: float, *, bold: bool = False) -> None:
        """Write a text around a place."""
        self._set(size, bold=bold, tone=INK)
        self.canvas.drawCentredString(at[0] * mm, (self.height - at[1]) * mm, text)

    def fit(self, at: tuple[float, float], text: str, sizes: tuple[float, float], room: float, *, bold: bool) -> None:
        """Write a text in the largest size in which it fits a width in millimetres."""
        shown, size = texts.fitted(text, texts.BOLD if bold else texts.REGULAR, sizes, room * mm)
        self.text(at, shown, size, bold=bold)

    def rule(self, start: float, end: float, y: float, *, tone: str = LINE) -> None:
        """Draw a thin line across."""
        self.canvas.setStrokeColor(tone)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(start * mm, (self.height - y) * mm, end * mm, (self.height - y) * mm)

    def box(self, at: tuple[float, float], side: float) -> None:
        """Draw an empty square to tick."""
        self.canvas.setStrokeColor(QUIET)
        self.canvas.setLineWidth(0.7)
        self.canvas.rect(at[0] * mm, (self.height - at[1] - side) * mm, side * mm, side * mm)

    def qr(self, at: tuple[float, float], text: str, side: float) -> None:
        """Draw a QR, whose quiet zone is the caller's to keep free: four modules on each side."""
        rows = codes.qr_modules(text)
        module = side / len(rows)
        path = self.canvas.beginPath()
        for down, row in enumerate(rows):
            for start, length in _runs(row):
                x, y = at[0] + start * module, self.height - at[1] - (down + 1) * module
                path.rect(x * mm, y * mm, length * module * mm, module * mm)
        self._fill(path)

    def bars(self, at: tuple[float, float], text: str, room: float, height: float) -> None:
        """Draw a Code 128 over a width; its quiet zone is the caller's to keep free: ten modules on each side."""
        drawn = codes.bars(text)
        module = room / (drawn[-1][0] + drawn[-1][1])
        path = self.canvas.beginPath()
        for start, width in drawn:
            x, y = at[0] + start * module, self.height - at[1] - height
            path.rect(x * mm, y * mm, width * module * mm, height * mm)
        self._fill(path)

    def _fill(self, path: object) -> None:
        self.canvas.setFillColor("#000000")
        self.canvas.drawPath(path, stroke=0, fill=1)

    def _set(self, size: float, *, bold: bool, tone: str) -> None:
        texts.glyphs()
        self.canvas.setFont(texts.BOLD if bold else texts.REGULAR, size)
        self.canvas.setFillColor(tone)


def _runs(row: tuple[bool, ...]) -> Iterator[tuple[int, int]]:
    start = None
    for place, dark in enumerate((*row, False)):
        if dark and start is None:
            start = place
        if not dark and start is not None:
            yield start, place - start
            start = None


Draw = Callable[[Sheet], None]


def document(title: str, size: tuple[float, float], pages: list[Draw]) -> bytes:
    """Return a PDF with these pages, of one size in millimetres; the same pages make the same bytes."""
    with _one, _opened(title, size) as (canvas, written):
        for draw in pages:
            draw(Sheet(canvas, size))
            canvas.showPage()
    return written.getvalue()


@contextmanager
def _opened(title: str, size: tuple[float, float]) -> Iterator[tuple[Canvas, io.BytesIO]]:
    written = io.BytesIO()
    canvas = Canvas(written, pagesize=(size[0] * mm, size[1] * mm), invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("Returns hub")
    yield canvas, written
    canvas.save()


def spaced(number: str) -> str:
    """Return a return number in groups, as people read and type it: R7K3 Q9ZD 4AM."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
