"""Meanings: what the indices of a tile stand for and which colour each has. Tiles take the palette, legends the entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.exports.styles import CHANGE_STYLES, CLASS_STYLES, TIER_STYLES, ClassStyle
from gis.tiles.legend import Entry
from gis.tiles.scales import MEMBERSHIP, SHARES, Scale, change_scale, number
from gis.views.layers import Kind
from gis.views.styles import CHANGE_CODES, CLASS_CODES, STYLES, TIER_CODES

__all__ = ["Meaning", "meaning"]

Palette = NDArray[np.uint8]
_MEAN = (
    "缩小时为按面积平均的强度；配色分级对该排放物各行业、各年份和各级缩放一致。",
    "Zoomed out, densities are area-averaged; breaks are the same for all sectors, years and zooms of a species.",
)
_NOTES = {
    Kind.DENSITY: _MEAN,
    Kind.CHANGE: ("缩小时为按面积平均的强度之差。", "Zoomed out, differences of area-averaged densities."),
    Kind.RANK: ("缩小时显示其下最密集的网格。", "Zoomed out, a pixel shows the densest cell below it."),
    Kind.HOT: ("缩小时，其下有热点网格即显示。", "Zoomed out, a pixel is hot where a cell below it is."),
    Kind.CLASS: (
        "按阈值实时划分，未经连片与校核；缩小时显示最高类别。",
        "At this threshold, before units are delineated; zoomed out, the highest class shows.",
    ),
    Kind.ZONED: ("缩小时显示最高类别。", "Zoomed out, the highest class shows."),
    Kind.TIER: ("缩小时显示最强证据。", "Zoomed out, the strongest evidence shows."),
    Kind.MEMBERSHIP: (
        "不确定性抽样中保持不变的比例；缩小时显示最高值。",
        "Share of the draws in which a cell stays hot or in its class; zoomed out, the highest shows.",
    ),
    Kind.CHANGES: (
        "缩小时显示最大的变化：新增先于类别变化，再先于退出。",
        "Zoomed out, what entered shows before what changed, and that before what left.",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """A palette by index, what its entries stand for from top to bottom, and the breaks, where there are any."""

    palette: Palette
    entries: tuple[Entry, ...]
    note_zh: str
    note_en: str
    breaks: tuple[float, ...] = ()


@lru_cache(maxsize=1024)
def meaning(kind: Kind, style: str, density: Scale | None = None) -> Meaning:
    """What the indices of a kind of layer mean in a style; densities and their changes take the scale of their species."""
    if kind in (Kind.DENSITY, Kind.CHANGE):
        if density is None:
            raise InvalidParameter(f"a layer of {kind} needs a scale")
        return _graded(kind, style, density if kind is Kind.DENSITY else change_scale(density))
    if kind is Kind.RANK:
        return _ranked(style)
    if kind is Kind.MEMBERSHIP:
        return _membership(style)
    return _coded(kind, style)


def _graded(kind: Kind, style: str, scale: Scale) -> Meaning:
    palette = STYLES[style].palette(scale.classes)
    signed = kind is Kind.CHANGE
    labels = _between(scale.breaks, number, (" 至 ", " to ") if signed else (" – ", " – "))
    if signed:
        middle = scale.classes // 2
        bound = number(scale.breaks[middle])
        labels[middle] = (f"变化不足 {bound}", f"changed by less than {bound}")
    entries = _entries(palette, labels, (None, *scale.breaks, None))
    return Meaning(palette, entries[::-1], *_NOTES[kind], breaks=scale.breaks)


def _ranked(style: str) -> Meaning:
    # The densest come first, and are the strongest.
    palette = STYLES[style].palette(len(SHARES) + 1).copy()
    palette[1:] = palette[:0:-1]
    palette.flags.writeable = False
    texts = [_percent(s) for s in SHARES]
    labels = [(f"最密集的 {texts[0]}", f"densest {texts[0]}")]
    labels += [(f"前 {a}–{b}", f"{a} to {b}") for a, b in pairwise(texts)]
    labels.append(("其余有排放的网格", "all others that emit"))
    return Meaning(palette, _entries(palette, labels, (0.0, *SHARES, 1.0)), *_NOTES[Kind.RANK], breaks=SHARES)


def _membership(style: str) -> Meaning:
    palette = STYLES[style].palette(len(MEMBERSHIP) + 1)
    entries = _entries(palette, _between(MEMBERSHIP, _percent), (0.0, *MEMBERSHIP, 1.0))
    return Meaning(palette, entries[::-1], *_NOTES[Kind.MEMBERSHIP], breaks=MEMBERSHIP)


def _coded(kind: Kind, style: str) -> Meaning:
    if kind is Kind.HOT:
        palette = STYLES[style].palette(1)
        entries: tuple[Entry, ...] = (
            Entry(colour=_colour(palette, 1), label_zh="热点网格", label_en="hot cells", code="hot"),
        )
        return Meaning(palette, entries, *_NOTES[kind])
    names, codes = _named(kind)
    palette = STYLES[style].palette(len(codes))
    entries = tuple(
        Entry(colour=_colour(palette, codes[n.code]), label_zh=n.name_zh, label_en=n.name_en, code=n.code)
        for n in names
    )
    return Meaning(palette, entries, *_NOTES[kind])


def _named(kind: Kind) -> tuple[Sequence[ClassStyle], Mapping[str, int]]:
    if kind is Kind.TIER:
        return TIER_STYLES, TIER_CODES
    if kind is Kind.CHANGES:
        return CHANGE_STYLES, CHANGE_CODES
    return CLASS_STYLES, CLASS_CODES


def _between(
    breaks: Sequence[float], write: Callable[[float], str], to: tuple[str, str] = (" – ", " – ")
) -> list[tuple[str, str]]:
    """Labels of the classes between breaks, in both languages, from the least."""
    texts = [write(b) for b in breaks]
    labels = [(f"< {texts[0]}", f"< {texts[0]}")]
    labels += [(f"{a}{to[0]}{b}", f"{a}{to[1]}{b}") for a, b in pairwise(texts)]
    return [*labels, (f"≥ {texts[-1]}", f"≥ {texts[-1]}")]


def _percent(share: float) -> str:
    return f"{number(round(share * 100, 10))} %"


def _entries(palette: Palette, labels: Sequence[tuple[str, str]], bounds: Sequence[float | None]) -> tuple[Entry, ...]:
    """Entries of all classes, from the first."""
    return tuple(
        Entry(colour=_colour(palette, i), label_zh=zh, label_en=en, low=low, high=high)
        for i, ((zh, en), (low, high)) in enumerate(zip(labels, pairwise(bounds), strict=True), 1)
    )


def _colour(palette: Palette, index: int) -> tuple[int, int, int, int]:
    r, g, b, a = palette[index].tolist()
    return r, g, b, a
