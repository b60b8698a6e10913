"""Styles by name: the graded ones of tiles, and those of classes, whose colours are those of every other export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gis.exports.styles import CHANGE_STYLES, CLASS_STYLES, TIER_STYLES, ClassStyle
from gis.tiles.styles import GRADED, Style, StyleKind, colours
from gis.zoning.classes import CellClass

__all__ = ["CHANGE_CODES", "CLASS_CODES", "STYLES", "TIER_CODES", "styles_for"]

# Numbers of classes, tiers and changes as they stand in planes, in ascending order.
CLASS_CODES: Mapping[str, int] = MappingProxyType({c.code: int(c) for c in CellClass if c})
TIER_CODES: Mapping[str, int] = MappingProxyType({style.code: n for n, style in enumerate(TIER_STYLES, 1)})
# What entered outweighs what changed, and that what left: a parent shows the highest.
CHANGE_CODES: Mapping[str, int] = MappingProxyType({"left": 1, "changed": 2, "entered": 3})


def _coded(styles: Sequence[ClassStyle], codes: Mapping[str, int]) -> tuple[tuple[int, int, int], ...]:
    found = {style.code: style.colour for style in styles}
    return tuple(found[code] for code in codes)


_CODED = (
    Style("classes", StyleKind.CLASSES, "管控类别", "classes", _coded(CLASS_STYLES, CLASS_CODES)),
    # Okabe and Ito (2008), and black for the class that counts most; in the order watch, carbon, pollution, both.
    Style("classes-contrast", StyleKind.CLASSES, "高对比度", "high contrast", colours("f0e442 0072b2 d55e00 000000")),
    Style("tiers", StyleKind.TIERS, "证据层级", "tiers", _coded(TIER_STYLES, TIER_CODES)),
    Style("tiers-greys", StyleKind.TIERS, "灰度", "greys", colours("000000 595959 a6a6a6")),
    Style("changes", StyleKind.CHANGES, "变化", "changes", _coded(CHANGE_STYLES, CHANGE_CODES)),
    Style("changes-contrast", StyleKind.CHANGES, "高对比度", "high contrast", colours("0072b2 f0e442 000000")),
    Style("hot", StyleKind.HOT, "热点", "hot cells", colours("a50f15")),
    Style("hot-contrast", StyleKind.HOT, "高对比度", "high contrast", colours("000000")),
)

STYLES: Mapping[str, Style] = MappingProxyType({style.name: style for style in (*GRADED, *_CODED)})


def styles_for(kind: StyleKind) -> tuple[str, ...]:
    """Names of the styles of a kind, the default first."""
    return tuple(name for name, style in STYLES.items() if style.kind is kind)
