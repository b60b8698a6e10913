"""``python -m data.generate.fonts``: the fonts of gis/fonts, cut from Noto Sans CJK SC and its kin as Debian packs them.

apt-get install fonts-noto-cjk fonts-noto-core unicode-data
"""

from __future__ import annotations

import argparse
import bz2
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.misc.timeTools import timestampFromString
from fontTools.pens.boundsPen import ControlBoundsPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTCollection, TTFont

__all__ = ["COMMITTED", "Sources", "build", "characters", "common", "names", "rare", "signs"]

COMMITTED = Path(__file__).parent.parent.parent / "gis/fonts"
_NOTO = Path("/usr/share/fonts/truetype/noto")
_FAMILY = "Cozone Sans"
_STYLE = "Regular"
_REVISION = 1.0
# What the tables say of time does not depend on when they are made.
_MADE = timestampFromString("Wed Jan  1 00:00:00 2025")
# Most ideographs are as wide as they are high, so that their width is written once.
_EM = 1000
# Beside ASCII: Latin-1, Latin Extended-A, letters of Pinyin, accents, Greek, punctuation, superscripts and subscripts, currencies, units
# and numbers, arrows, operators, enclosed signs, shapes, CJK punctuation, squared units, full-width forms.
_BLOCKS = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x1CD, 0x1DC), (0x1F8, 0x1F9), (0x2C6, 0x2DD), (0x300, 0x304), (0x30C, 0x30C),
    (0x370, 0x3FF), (0x1D62, 0x1D65), (0x2000, 0x209C), (0x20A0, 0x20BF), (0x2100, 0x218F), (0x2190, 0x22FF),
    (0x2302, 0x230B), (0x2315, 0x2315), (0x2460, 0x24FF), (0x25A0, 0x25FF), (0x2605, 0x2606), (0x2630, 0x2630),
    (0x2699, 0x26A0), (0x26F6, 0x26F6), (0x2713, 0x2718), (0x2921, 0x2922), (0x2C7C, 0x2C7D),
    (0x3000, 0x303F), (0x3380, 0x33DF), (0xFF00, 0xFF5E), (0xFFE0, 0xFFE6),
)  # fmt: skip
_LICENCE = (
    "This Font Software is licensed under the SIL Open Font License, Version 1.1. This license is available with a FAQ at: "
    "https://openfontlicense.org"
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Files that the fonts are cut from: a glyph is that of the first one that has it."""

    han: Path = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
    latin: Path = _NOTO / "NotoSans-Regular.ttf"
    symbols: Path = _NOTO / "NotoSansSymbols-Regular.ttf"
    dingbats: Path = _NOTO / "NotoSansSymbols2-Regular.ttf"
    unihan: Path = Path("/usr/share/unicode/Unihan_OtherMappings.txt.bz2")


def signs() -> set[int]:
    """What is no ideograph: letters, figures, punctuation and signs, those of the first rows of GB 2312 among them."""
    return {code for first, last in _BLOCKS for code in range(first, last + 1)} | _gb2312(0xA1, 0xA3)


def common() -> set[int]:
    """Level 1 of GB 2312: the 3755 ideographs of most texts."""
    return _gb2312(0xB0, 0xD7)


def rare() -> set[int]:
    """Level 2 of GB 2312, 3008 more, and what it has of kana, Cyrillic, bopomofo and lines of tables."""
    return _gb2312(0xD8, 0xF7) | _gb2312(0xA4, 0xAF)


def names(unihan: Path) -> set[int]:
    """The Table of General Standard Chinese Characters (2013), whose third level is made of names of places and people."""
    with bz2.open(unihan, "rt", encoding="utf-8") as lines:
        return {int(line.split()[0][2:], 16) for line in lines if "\tkTGH\t" in line}


def _gb2312(first: int, last: int) -> set[int]:
    """Signs of the rows whose first bytes lie between these."""
    found = set()
    for row in range(first, last + 1):
        for cell in range(0xA1, 0xFF):
            text = bytes((row, cell)).decode("gb2312", errors="ignore")
            found.update(map(ord, text))
    return found


def characters(sources: Sources) -> tuple[set[int], set[int], set[int]]:
    """Signs of the three files, each sign in one of them."""
    first = signs() | common()
    second = rare() - first
    return first, second, names(sources.unihan) - first - second


def build(sources: Sources, to: Path) -> list[Path]:
    """Write the files and say which."""
    # The third of the collection is the one with the forms of the mainland.
    han = TTCollection(sources.han, lazy=True).fonts[2]
    fonts = (han, *(TTFont(path, lazy=True) for path in (sources.latin, sources.symbols, sources.dingbats)))
    written = []
    for number, codes in enumerate(characters(sources), 1):
        path = to / f"CozoneSans-{number}.otf"
        path.write_bytes(_font(number, codes, fonts))
        written.append(path)
    return written


def _font(number: int, codes: Iterable[int], sources: tuple[TTFont, ...]) -> bytes:
    """A font with these signs, as far as a source has them: the first source that has one."""
    glyphs, widths = _outlines(codes, sources)
    han = sources[0]
    family = f"{_FAMILY} {number}"
    made = FontBuilder(_EM, isTTF=False)
    made.setupGlyphOrder(list(glyphs))
    made.setupCharacterMap({int(name[1:], 16): name for name in glyphs if name != ".notdef"})
    postscript = family.replace(" ", "") + f"-{_STYLE}"
    made.setupCFF(
        postscript, {"FullName": family, "FamilyName": family}, glyphs, {"defaultWidthX": _EM, "nominalWidthX": 0}
    )
    made.setupHorizontalMetrics({name: (width, _left(glyphs[name])) for name, width in widths.items()})
    hhea, os2 = han["hhea"], han["OS/2"]
    made.setupHorizontalHeader(ascent=hhea.ascent, descent=hhea.descent)
    made.setupNameTable(_names(family, postscript, sources))
    made.setupOS2(
        sTypoAscender=os2.sTypoAscender, sTypoDescender=os2.sTypoDescender, usWinAscent=os2.usWinAscent,
        usWinDescent=os2.usWinDescent, sxHeight=os2.sxHeight, sCapHeight=os2.sCapHeight, fsType=0, achVendID="CZON",
    )  # fmt: skip
    made.setupPost()
    made.updateHead(fontRevision=_REVISION, created=_MADE, modified=_MADE)
    made.font.recalcTimestamp = False
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _outlines(codes: Iterable[int], sources: tuple[TTFont, ...]) -> tuple[dict[str, Any], dict[str, int]]:
    """Charstrings and widths by name, without hints: .notdef first, then in the order of the codes."""
    sets = [(font.getBestCmap(), font.getGlyphSet()) for font in sources]
    found = {".notdef": (sets[0][1][".notdef"], sets[0][1])}
    for code in sorted(codes):
        source = next((s for s in sets if code in s[0]), None)
        if source is not None:
            found[f"u{code:05X}"] = (source[1][source[0][code]], source[1])
    glyphs, widths = {}, {}
    for name, (glyph, glyph_set) in found.items():
        width = round(glyph.width)
        pen = T2CharStringPen(None if width == _EM else width, glyph_set)
        glyph.draw(pen)
        glyphs[name], widths[name] = pen.getCharString(), width
    return glyphs, widths


def _left(charstring: Any) -> int:
    """Left side bearing."""
    pen = ControlBoundsPen(None)
    charstring.draw(pen)
    return 0 if pen.bounds is None else int(pen.bounds[0])


def _names(family: str, postscript: str, sources: tuple[TTFont, ...]) -> dict[str, str]:
    origins = ", ".join(f"{s['name'].getDebugName(1)} {s['name'].getDebugName(5).split(';')[0][8:]}" for s in sources)
    return {
        "copyright": " ".join(dict.fromkeys(s["name"].getDebugName(0) for s in sources)),
        "familyName": family,
        "styleName": _STYLE,
        "uniqueFontIdentifier": f"{_REVISION:.3f};{postscript}",
        "fullName": family,
        "version": f"Version {_REVISION:.3f}",
        "psName": postscript,
        "description": f"A subset of {origins}, made for cozone.",
        "licenseDescription": _LICENCE,
        "licenseInfoURL": "https://openfontlicense.org",
    }


def main() -> None:
    """Make the fonts from the command line."""
    parser = argparse.ArgumentParser(prog="python -m data.generate.fonts", description=__doc__)
    parser.add_argument("--out", type=Path, default=COMMITTED, help="directory to write to (default: gis/fonts)")
    for source in fields(Sources):
        parser.add_argument(f"--{source.name}", type=Path, default=source.default, help="default: %(default)s")
    given = parser.parse_args()
    for path in build(Sources(**{source.name: getattr(given, source.name) for source in fields(Sources)}), given.out):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
