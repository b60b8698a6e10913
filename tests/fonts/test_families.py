"""Families of figures: the package's own, whatever the machine has; the machine's only for what the package lacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from matplotlib import font_manager

from gis.fonts import families as module
from gis.fonts.families import LATIN, families
from gis.fonts.shipped import FILES

OWN = [file.name for file in FILES]
# An ideograph of extension G, which neither the package nor a machine of ours has in a listed font of the table.
STRANGE = "𰻝"


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[font_manager.FontManager]:
    """matplotlib's list with its own fonts alone, and a scan of the machine that is an error."""

    def scan(*_: object, **__: object) -> list[str]:
        raise AssertionError("the machine was scanned for fonts")

    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [f for f in manager.ttflist if "mpl-data" in f.fname])
    monkeypatch.setattr(font_manager, "findSystemFonts", scan)
    module._installed.cache_clear()
    yield manager
    module._installed.cache_clear()


def test_the_machine_is_not_asked_for_what_the_package_has(fonts: font_manager.FontManager) -> None:
    assert families("排放强度 CO₂ ≥ 5 t/km²，埇桥区 𬇕") == [LATIN, *OWN]
    assert families("排放强度", chinese=True) == [*OWN, LATIN]
    assert families() == [LATIN, *OWN]
    # Once is enough.
    assert [(f.name, f.weight) for f in fonts.ttflist if f.name in OWN] == [(n, w) for n in OWN for w in (400, 700)]


def test_a_font_of_the_machine_comes_last_where_a_sign_is_missing(
    fonts: font_manager.FontManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/nowhere/NotoSansCJK-Regular.ttc", "/nowhere/x.ttf"])
    assert families(f"规{STRANGE}") == [LATIN, *OWN]
    fonts.ttflist.append(font_manager.FontEntry(fname="/nowhere/SimHei.ttf", name="SimHei"))
    assert families(f"规{STRANGE}") == [LATIN, *OWN, "SimHei"] and families("规") == [LATIN, *OWN]


def test_a_font_that_matplotlib_does_not_list_is_found(
    fonts: font_manager.FontManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(path: str) -> None:
        fonts.ttflist.append(font_manager.FontEntry(fname=path, name="Source Han Sans SC"))

    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/x/DejaVu.ttf", "/x/SourceHanSans-Regular.ttc"])
    assert families("规")[-1] == OWN[-1]
    monkeypatch.setattr(fonts, "addfont", add)
    assert families(STRANGE)[-1] == "Source Han Sans SC"


_ALONE = """
import sys, warnings
warnings.simplefilter("error")
import gis.tiles.glyphs, gis.fonts.shipped, gis.tiles.legend
assert "matplotlib" not in sys.modules
from matplotlib import font_manager, rcParams
before, settings = list(font_manager.fontManager.ttflist), dict(rcParams)
import gis.fonts.families, gis.tiles.legendpicture, gis.exports.thumbnail, gis.hotspots.curveplot
assert font_manager.fontManager.ttflist == before and dict(rcParams) == settings
font_manager.fontManager.ttflist = [f for f in before if "mpl-data" in f.fname]
def scan(*_, **__):
    raise AssertionError("scanned")
font_manager.findSystemFonts = scan
from gis.tiles.legend import Entry, Legend
def legend(title):
    entry = Entry(colour=(200, 10, 20, 255), label_zh="核心区 ≥ 5，埇桥区", label_en="core ≥ 5", low=5.0)
    return Legend(
        layer="class", style="classes", title_zh=title, title_en="CO₂ 埇桥 τ", unit="t/km²/yr", parameters={}, subtitle_zh="2022 年",
        subtitle_en="2022", note_zh="缩小时为“平均值”——同一分级。", note_en="Zoomed out, means.", entries=(entry,),
    )
for lang in ("zh", "en"):
    legend("排放强度 CO₂ PM₂.₅").png(lang)
assert dict(rcParams) == settings
font_manager.findSystemFonts = lambda: []
try:
    legend("\\U00030EDD").png("zh")
except UserWarning as error:
    print(error)
"""


def test_without_any_font_installed_no_glyph_is_missing() -> None:
    done = subprocess.run([sys.executable, "-c", _ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # The same with a sign that nobody has is noticed.
    assert "missing from font" in done.stdout
    # And matplotlib had nothing to say of weights or families that it looked for in vain.
    assert not done.stderr, done.stderr
