"""Styles of tiles: palettes for what is more or less, for what differs both ways, and for what is of a class.

A tile holds numbers, a style says how they look: changing one changes the palette of a picture and nothing else in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter

__all__ = ["GRADED", "Style", "StyleKind", "colours"]

Colour = tuple[int, int, int]


class StyleKind(StrEnum):
    """What a style is for."""

    SEQUENTIAL = "sequential"
    DIVERGING = "diverging"
    CLASSES = "classes"
    TIERS = "tiers"
    CHANGES = "changes"
    HOT = "hot"


@dataclass(frozen=True, slots=True)
class Style:
    """A style: colours from least to most, between which others lie, or one for every code from 1."""

    name: str
    kind: StyleKind
    title_zh: str
    title_en: str
    colours: tuple[Colour, ...]

    @property
    def graded(self) -> bool:
        """Whether colours lie between those that are given."""
        return self.kind in (StyleKind.SEQUENTIAL, StyleKind.DIVERGING)

    def palette(self, classes: int) -> NDArray[np.uint8]:
        """Red, green, blue and opacity of index 0, which is unseen, and of as many classes."""
        return _palette(self, classes)


@lru_cache(maxsize=256)
def _palette(style: Style, classes: int) -> NDArray[np.uint8]:
    if not 1 <= classes <= 255:
        raise InvalidParameter(f"{classes} classes; a palette has 1 to 255 beside the empty one")
    if not style.graded and classes > len(style.colours):
        raise InvalidParameter(f"style {style.name} has {len(style.colours)} colours, and {classes} are asked for")
    out = np.zeros((classes + 1, 4), np.uint8)
    out[1:, :3] = _between(style.colours, classes) if style.graded else style.colours[:classes]
    out[1:, 3] = 255
    out.flags.writeable = False
    return out


def _between(colours: Sequence[Colour], classes: int) -> NDArray[np.uint8]:
    """As many colours at even steps along a line through the given ones; one class has the last."""
    given = np.array(colours, np.float64)
    at = np.linspace(0.0, len(colours) - 1.0, classes) if classes > 1 else np.array([len(colours) - 1.0])
    mixed = [np.interp(at, np.arange(len(colours)), given[:, k]) for k in range(3)]
    out: NDArray[np.uint8] = np.rint(np.column_stack(mixed)).astype(np.uint8)
    return out


def colours(*texts: str) -> tuple[Colour, ...]:
    """Colours written as rrggbb, with spaces between them."""
    numbers = [int(text, 16) for group in texts for text in group.split()]
    return tuple((n >> 16, n >> 8 & 255, n & 255) for n in numbers)


# More is darker, as on a light map; `night` is for a dark one. Viridis and magma: Smith and van der Walt (2015); cividis: Nuñez,
# Anderton and Renslow (2018), made to look alike with and without colour blindness. All three are even in lightness.
_VIRIDIS = colours("fde725 c8e020 90d743 5ec962 35b779 20a486 21918c 287c8e 31688e 3b528b 443983 481f70 440154")
_MAGMA = colours("fcfdbf fed799 feb078 fc8961 f1605d d8456c b73779 932b80 721f81 51127c 2c115f 100b2d 000004")
_CIVIDIS = colours("fee838 e9d34e d2c060 bcae6c a59c74 918b78 7d7c78 6a6c71 575d6d 434e6c 2a3f6d 003170 00224e")
# Brewer (2003): RdBu and PuOr, told apart in the common kinds of colour blindness; less is blue or purple.
_RED_BLUE = colours("2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b")
_PURPLE_ORANGE = colours("542788 8073ac b2abd2 d8daeb f7f7f7 fee0b6 fdb863 e08214 b35806")

GRADED: tuple[Style, ...] = (
    Style("viridis", StyleKind.SEQUENTIAL, "翠绿渐变", "viridis", _VIRIDIS),
    Style("magma", StyleKind.SEQUENTIAL, "岩浆渐变", "magma", _MAGMA),
    Style("cividis", StyleKind.SEQUENTIAL, "色盲友好渐变", "cividis, colour-blind safe", _CIVIDIS),
    Style("greys", StyleKind.SEQUENTIAL, "灰度", "greys", colours("f0f0f0 bdbdbd 8a8a8a 595959 2b2b2b 000000")),
    Style("night", StyleKind.SEQUENTIAL, "深色底图", "for dark maps", tuple(reversed(_MAGMA[:-1]))),
    Style("contrast", StyleKind.SEQUENTIAL, "高对比度", "high contrast", colours("fff7bc fec44f f16913 b10026 000000")),
    Style("red-blue", StyleKind.DIVERGING, "红蓝双向", "red and blue", _RED_BLUE),
    Style("purple-orange", StyleKind.DIVERGING, "紫橙双向", "purple and orange", _PURPLE_ORANGE),
    Style("change-contrast", StyleKind.DIVERGING, "高对比度", "high contrast", colours("000050 0050d0 60b0ff ffffff ff9040 d02000 500000")),
)  # fmt: skip
