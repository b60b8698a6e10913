"""Pictures of legends: swatches and labels on white, as high and wide as they need."""

from __future__ import annotations

import io
from threading import Lock

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from gis.fonts.families import families
from gis.tiles.legend import Colour, Language, Legend

__all__ = ["draw"]

_DPI = 96.0
# All in pixels at a scale of 1.
_ROW, _SWATCH, _MARGIN, _GAP = 20, 26, 10, 8
_TITLE_PT, _TEXT_PT = 10.0, 9.0
# The text machinery of matplotlib is not made for threads.
_DRAWING = Lock()


def draw(legend: Legend, lang: Language, *, scale: int) -> bytes:
    """The legend as PNG."""
    with _DRAWING:
        return _drawn(legend, lang, scale)


def _drawn(legend: Legend, lang: Language, scale: int) -> bytes:
    zh = lang == "zh"
    title = legend.title_zh if zh else legend.title_en
    unit = f"{title}（{legend.unit}）" if zh and legend.unit else f"{title} ({legend.unit})" if legend.unit else title
    subtitle = legend.subtitle_zh if zh else legend.subtitle_en
    labels = [(entry, entry.label_zh if zh else entry.label_en) for entry in legend.entries]
    note = legend.note_zh if zh else legend.note_en
    names = families(unit, subtitle, note, *(text for _, text in labels), chinese=zh)
    heading = FontProperties(family=names, size=_TITLE_PT, weight="bold")
    plain = FontProperties(family=names, size=_TEXT_PT)
    small = FontProperties(family=names, size=_TEXT_PT - 1)
    lines = [(text, font) for text, font in ((unit, heading), (subtitle, plain)) if text]
    figure = Figure(dpi=_DPI * scale)
    canvas = FigureCanvasAgg(figure)
    widths = [_width(canvas, text, font) for text, font in lines]
    widths += [_SWATCH + _GAP + _width(canvas, text, plain) for _, text in labels]
    notes = _wrapped(canvas, note, small, max(260.0, *widths))
    widths += [_width(canvas, text, small) for text in notes]
    width = max(widths) + 2 * _MARGIN
    height = _ROW * (len(lines) + len(labels) + len(notes)) + 2 * _MARGIN
    figure.set_size_inches(width / _DPI, height / _DPI)
    page = _Page(figure, width, height)
    for text, font in lines:
        # The Chinese fonts of the package have one weight: a heading in them is thickened.
        page.write(text, _MARGIN, font, thick=zh and font is heading)
        page.next()
    for entry, text in labels:
        page.swatch(entry.colour)
        page.write(text, _MARGIN + _SWATCH + _GAP, plain)
        page.next()
    for text in notes:
        page.write(text, _MARGIN, small, colour="#555555")
        page.next()
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": "cozone"}, facecolor="white")
    return out.getvalue()


class _Page:
    """A figure that is filled from the top, in pixels."""

    def __init__(self, figure: Figure, width: float, height: float) -> None:
        self._figure, self._width, self._height = figure, width, height
        self._y = _MARGIN + _ROW / 2

    def write(self, text: str, x: float, font: FontProperties, *, colour: str = "black", thick: bool = False) -> None:
        effects = [withStroke(linewidth=0.6, foreground=colour)] if thick else None
        self._figure.text(
            x / self._width, 1 - self._y / self._height, text, fontproperties=font, va="center", ha="left", color=colour,
            parse_math=False, path_effects=effects,
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


def _wrapped(canvas: FigureCanvasAgg, text: str, font: FontProperties, width: float) -> list[str]:
    """Lines no wider than so many pixels: broken at spaces, or between Chinese signs."""
    lines = [""]
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
