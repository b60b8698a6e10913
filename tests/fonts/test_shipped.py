"""The fonts of the package: what they cover, what they are made from, and that nothing the program says lacks a glyph."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont

from data.generate import fonts as generator
from gis.fonts.shipped import FAMILY, FILES, characters

ROOT = Path(__file__).parents[2]
COVERED = frozenset[int]().union(*characters())
# The end of a range in a regular expression, never shown.
NOT_SHOWN = {0x9FFF}
SUFFIXES = {".py", ".toml", ".html", ".css", ".js", ".ipynb", ".geojson"}


def texts() -> Iterator[Path]:
    """Files with words that figures, labels or the page may show."""
    for folder in ("gis", "service", "data", "notebooks"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and not {"vendor", "__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                yield path


def test_no_sign_that_the_program_or_the_demo_writes_lacks_a_glyph() -> None:
    missing = {}
    read = 0
    for path in texts():
        signs = {ord(sign) for sign in path.read_text(encoding="utf-8") if ord(sign) >= 0x20} - NOT_SHOWN
        read += len(signs)
        if lacking := signs - COVERED:
            missing[str(path.relative_to(ROOT))] = [f"{chr(c)} U+{c:04X}" for c in sorted(lacking)]
    assert read > 20_000 and not missing, missing


def test_the_lists_are_covered_whole() -> None:
    def gb2312(rows: range) -> set[int]:
        pairs = (bytes((row, cell)) for row in rows for cell in range(0xA1, 0xFF))
        return {ord(sign) for pair in pairs for sign in pair.decode("gb2312", errors="ignore")}

    first, second, third = characters()
    assert gb2312(range(0xB0, 0xD8)) <= first and gb2312(range(0xD8, 0xF8)) <= second
    assert gb2312(range(0xA1, 0xB0)) <= COVERED
    assert set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) <= first
    # Counties and districts that GB 2312 cannot write: 埇桥 浉河 硚口 瀍河 鄠邑 猇亭, and one beyond the first plane.
    assert set(map(ord, "埇浉硚瀍鄠猇𬇕")) <= third
    assert set(map(ord, "₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹ₓⁿ±×÷−≤≥≈√Σ∑σμπφΔ→←↑↓℃‰①（）《》、。“”‘’—…·㎡￥")) <= first
    greek = {c for c in range(0x386, 0x3CF) if unicodedata.name(chr(c), "")}
    assert greek <= first


def test_each_sign_is_in_one_file_and_each_file_below_a_megabyte() -> None:
    sets = characters()
    assert sum(map(len, sets)) == len(COVERED) > 9_900
    for file in FILES:
        assert file.path.stat().st_size < 1_000_000


def test_every_glyph_is_drawn() -> None:
    for file in FILES:
        with TTFont(file.path) as font:
            glyphs = font.getGlyphSet()
            empty = set()
            for code, name in font.getBestCmap().items():
                pen = BoundsPen(glyphs)
                glyphs[name].draw(pen)
                if pen.bounds is None:
                    empty.add(chr(code))
        # Only blanks and what steers a line is blank.
        assert all(unicodedata.category(sign) in ("Zs", "Cf", "Zl", "Zp") for sign in empty), empty


def test_the_licence_travels_with_the_files() -> None:
    licence = (FILES[0].path.parent / "OFL.txt").read_text()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["gis"]
    packed = {path.name for pattern in patterns for path in (ROOT / "gis").glob(pattern)}
    assert {"OFL.txt", *(file.path.name for file in FILES)} <= packed
    for file in FILES:
        with TTFont(file.path) as font:
            names = font["name"]
            assert names.getDebugName(1) == file.name and file.name.startswith(FAMILY)
            # Each holder's notice is in the licence's file, too.
            assert names.getDebugName(0).replace("© ", "Copyright ") == " ".join(licence.splitlines()[:4])
            assert "Open Font License, Version 1.1" in names.getDebugName(13)
            # No reserved font name is used; what was cut out of another font says so.
            assert "Noto" not in names.getDebugName(1) and "Noto Sans CJK SC 2.004" in names.getDebugName(10)


@pytest.mark.external
@pytest.mark.slow
def test_the_files_are_what_their_generator_makes(tmp_path: Path) -> None:
    sources = generator.Sources()
    for source in (sources.han, sources.latin, sources.symbols, sources.dingbats, sources.unihan):
        assert source.is_file(), "apt-get install fonts-noto-cjk fonts-noto-core unicode-data"
    made = generator.build(sources, tmp_path)
    assert [path.name for path in made] == [file.path.name for file in FILES]
    for path, file in zip(made, FILES, strict=True):
        assert path.read_bytes() == file.path.read_bytes(), f"{path.name}: python -m data.generate.fonts"
