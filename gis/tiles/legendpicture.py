"""Pictures of legends: swatches and labels on white, as high and wide as they need."""

from __future__ import annotations

import io
from threading import Lock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from gis.tiles.fonts import LATIN, chinese_font
from gis.tiles.legend import Colour, Language, Legend

__all__ = ["draw"]

_DPI = 96.0
# All in pixels at a scale of 1.
_ROW, _SWATCH, _MARGIN, _GAP = 20, 26, 10, 8
_TITLE_PT, _TEXT_PT = 10.0, 9.0
# The text machinery of matplotlib is not made for threads.
_DRAWING = Lock()


def draw(legend: Legend, lang: Language, *, scale: int) -> bytes:
    """The legend as PNG; in English where the machine has no Chinese font."""
    with _DRAWING:
        return _drawn(legend, "zh" if lang == "zh" and chinese_font() else "en", scale)


def _font(points: float, *, bold: bool = False) -> FontProperties:
    chinese = chinese_font()
    families = [LATIN] if chinese is None else [LATIN, chinese]
    return FontProperties(family=families, size=points, weight="bold" if bold else "normal")


def _drawn(legend: Legend, lang: Language, scale: int) -> bytes:
    zh = lang == "zh"
    title = legend.title_zh if zh else legend.title_en
    unit = f"{title}（{legend.unit}）" if zh and legend.unit else f"{title} ({legend.unit})" if legend.unit else title
    lines = [(unit, _font(_TITLE_PT, bold=True)), (legend.subtitle_zh if zh else legend.subtitle_en, _font(_TEXT_PT))]
    lines = [(text, font) for text, font in lines if text]
    labels = [(entry, entry.label_zh if zh else entry.label_en) for entry in legend.entries]
    note = legend.note_zh if zh else legend.note_en
    figure = Figure(dpi=_DPI * scale)
    canvas = FigureCanvasAgg(figure)
    widths = [_width(canvas, text, font) for text, font in lines]
    widths += [_SWATCH + _GAP + _width(canvas, text, _font(_TEXT_PT)) for _, text in labels]
    notes = _wrapped(canvas, note, max(260.0, *widths))
    widths += [_width(canvas, text, _font(_TEXT_PT - 1)) for text in notes]
    width = max(widths) + 2 * _MARGIN
    height = _ROW * (len(lines) + len(labels) + len(notes)) + 2 * _MARGIN
    figure.set_size_inches(width / _DPI, height / _DPI)
    page = _Page(figure, width, height)
    for text, font in lines:
        page.write(text, _MARGIN, font)
        page.next()
    for entry, text in labels:
        page.swatch(entry.colour)
        page.write(text, _MARGIN + _SWATCH + _GAP, _font(_TEXT_PT))
        page.next()
    for text in notes:
        page.write(text, _MARGIN, _font(_TEXT_PT - 1), colour="#555555")
        page.next()
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": "cozone"}, facecolor="white")
    return out.getvalue()


class _Page:
    """A figure that is filled from the top, in pixels."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self._figure, self._width, self._height = figure, width, height
        self._y = _MARGIN + _ROW / 2

    def write(self, text: str, x: float, font: FontProperties, *, colour: str = "black") -> None:
        self._figure.text(
            x / self._width, 1 - self._y / self._height, text, fontproperties=font, va="center", ha="left", color=colour,
            parse_math=False,
        )  # fmt: skip

    def swatch(self, colour: Colour) -> None:
        tall = _ROW - 4
        box = Rectangle(
            (_MARGIN / self._width, 1 - (self._y + tall / 2) / self._height), _SWATCH / self._width, tall / self._height,
            transform=self._figure.transFigure, facecolor=[c / 255 for c in colour], edgecolor="#777777", linewidth=0.5,
        )  # fmt: skip
        self._figure.add_artist(box)

    def next(self) -> None:
        self._y += _ROW


def _width(canvas: FigureCanvasAgg, text: str, font: FontProperties) -> float:
    """Width of a text in pixels at a scale of 1."""
    drawn = Text(0, 0, text, fontproperties=font, figure=canvas.figure, parse_math=False)
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    return float(drawn.get_window_extent(renderer).width) * _DPI / canvas.figure.dpi


def _wrapped(canvas: FigureCanvasAgg, text: str, width: float) -> list[str]:
    """Lines no wider than so many pixels: broken at spaces, or between Chinese signs."""
    lines, font = [""], _font(_TEXT_PT - 1)
    for word in _words(text):
        if lines[-1] and _width(canvas, lines[-1] + word, font) > width:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines if line.strip()]


def _words(text: str) -> list[str]:
    words = [""]
    for sign in text:
        if sign == " " or ord(sign) > 0x2E7F:
            # No line begins with a stop: it stays with the sign before it.
            words.append(sign) if sign not in "，。；：）、" else words.__setitem__(-1, words[-1] + sign)
        else:
            words[-1] += sign
    return words
