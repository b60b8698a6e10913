"""Glyphs for labels of MapLibre: 256 code points of the fonts of the package as signed distance fields, in the protocol buffers of fontnik.

https://github.com/mapbox/node-fontnik: 24 pixels an em, 3 pixels around each glyph, a radius of 8, a cutoff of 0.25.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import NotFound
from gis.fonts.shipped import FAMILY, FILES, characters
from gis.kernels.distances import distance_fields
from gis.tiles.protobuf import field, number, signed

__all__ = ["CODES", "FONTSTACK", "first_code", "glyph_range"]

FONTSTACK = FAMILY
CODES = 256
_LAST = 0x10FFFF
_EM_PX = 24
_BUFFER_PX = 3
# MapLibre draws the baseline of a centred line as far below its anchor as this height less 17 pixels (SHAPING_DEFAULT_OFFSET). fontnik
# takes the font's own ascender, 28 here, which would put labels two pixels too low; 26 puts the middle of ideographs (9.1 pixels above
# the baseline) and of capitals and figures (8.8) on the anchor.
_ABOVE_BASELINE_PX = 26
_CLOSE = 79
_RANGE = re.compile(r"(0|[1-9]\d{0,6})-([1-9]\d{0,6})")


@dataclass(frozen=True, slots=True, eq=False)
class _Glyph:
    """A glyph at 24 pixels an em: y upward, the baseline at 0; a blank has no vertices."""

    code: int
    advance_px: int
    vertices: NDArray[np.float64]
    codes: NDArray[np.uint8]

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in whole pixels, without what is around it."""
        drawn = self.vertices[self.codes != _CLOSE]
        if not len(drawn):
            return 0, 0, 0, 0
        (left, bottom), (right, top) = np.rint(drawn.min(axis=0)), np.rint(drawn.max(axis=0))
        return int(left), int(top), int(right - left), int(top - bottom)


def first_code(fontstack: str, asked: str) -> int:
    """The first code point of a range such as 0-255 of a font that there is."""
    if fontstack != FONTSTACK:
        raise NotFound(f"there is no font {fontstack[:60]!r}; there is {FONTSTACK!r}")
    match = _RANGE.fullmatch(asked)
    first, last = map(int, match.groups()) if match else (1, 1)
    if first % CODES or last != first + CODES - 1 or last > _LAST:
        raise NotFound(f"there is no range {asked[:30]!r} of glyphs; ranges are 0-255, 256-511 … {_LAST - 255}-{_LAST}")
    return first


def glyph_range(first: int) -> bytes:
    """The glyphs of 256 code points, as far as the fonts have them."""
    glyphs = sorted(_glyphs(first), key=lambda glyph: glyph.code)
    fields = _fields(glyphs)
    message = [field(1, FONTSTACK.encode()), field(2, f"{first}-{first + CODES - 1}".encode())]
    message += [field(3, _message(glyph, pixels)) for glyph, pixels in zip(glyphs, fields, strict=True)]
    return field(1, b"".join(message))


def _glyphs(first: int) -> Iterator[_Glyph]:
    # matplotlib takes a fifth of a second to import, which a server that is asked for tiles must not wait for.
    from matplotlib.ft2font import FT2Font, LoadFlags

    asked = frozenset(range(first, first + CODES))
    for file, has in zip(FILES, characters(), strict=True):
        if found := asked & has:
            # Not shared: FreeType draws a face in one thread only.
            font = FT2Font(str(file.path))
            font.set_size(_EM_PX, 72)
            for code in found:
                metrics = font.load_char(code, flags=LoadFlags.NO_HINTING)
                vertices, codes = font.get_path()
                yield _Glyph(code, round(metrics.linearHoriAdvance / 65536), vertices, np.asarray(codes, np.uint8))


def _fields(glyphs: list[_Glyph]) -> list[bytes]:
    """The distance field of each glyph; of a blank, nothing."""
    drawn = [(i, glyph.box()) for i, glyph in enumerate(glyphs) if glyph.box()[2] and glyph.box()[3]]
    fields = [b""] * len(glyphs)
    if not drawn:
        return fields
    around = 2 * _BUFFER_PX
    boxes = np.array([(x - _BUFFER_PX, y + _BUFFER_PX, w + around, h + around) for _, (x, y, w, h) in drawn], np.int64)
    shown = [glyphs[i] for i, _ in drawn]
    start = np.cumsum([0, *(len(glyph.codes) for glyph in shown)], dtype=np.int64)
    out_start = np.cumsum([0, *(boxes[:, 2] * boxes[:, 3])], dtype=np.int64)
    out = np.empty(out_start[-1], np.uint8)
    vertices = np.concatenate([glyph.vertices for glyph in shown])
    codes = np.concatenate([glyph.codes for glyph in shown])
    distance_fields(vertices, codes, start, boxes, out_start, out)
    for k, (i, _) in enumerate(drawn):
        fields[i] = out[out_start[k] : out_start[k + 1]].tobytes()
    return fields


def _message(glyph: _Glyph, pixels: bytes) -> bytes:
    left, top, width, height = glyph.box()
    parts = [number(1, glyph.code), field(2, pixels) if pixels else b"", number(3, width), number(4, height)]
    return b"".join((*parts, signed(5, left), signed(6, top - _ABOVE_BASELINE_PX), number(7, glyph.advance_px)))
