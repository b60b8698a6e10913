"""The review report: one file that stands alone, in two languages, that no text of the input can break."""

from __future__ import annotations

import re
import shutil
import string
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.affinity import translate

from gis.errors import InvalidParameter
from gis.exports.report import LANGUAGES, write_report
from gis.exports.report.maps import Frame
from gis.exports.report.numbers import amount, count, percent, plain_number, probability
from gis.exports.report.png import data_address, shrink
from gis.exports.report.texts import Texts
from gis.exports.report.words import WORDS
from gis.grid import Grid
from gis.zoning.model import TABLES, Zoning, columns_of
from tests.zoning.made import CRS_M, counties, made_zoning

MANIFEST: Mapping[str, Any] = {
    "id": "z-0123456789ab", "name": "two", "created": "2024-06-01T08:00:00",
    "run": {
        "title_zh": "两县清单", "title_en": "Inventory of two counties", "source": "survey", "licence": "CC BY 4.0",
        "inputs": [{"name": "plants.csv", "sha256": "ab" * 32}],
    },
    "sectors": [{"code": "steel", "name": "Iron and steel", "name_zh": "钢铁冶炼"}],
    "regions": [{"role": "county", "file": "counties.gpkg", "version": "2020", "count": 2}],
    "made_with": {"cozone": "0.1.0"},
}  # fmt: skip
_VOID = {"meta", "br", "link", "img", "input", "hr", "col", "wbr"}
_SELF_CLOSED = {"path", "rect", "image", "polyline", "circle"}


class Reading(HTMLParser):
    """What a browser would see: elements that have to close in order, attributes, visible text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.ids: list[str] = []
        self.tags: dict[str, int] = {}
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        assert tag not in _SELF_CLOSED, f"<{tag}> is not closed"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        assert tag in _SELF_CLOSED, f"<{tag}/> closes nothing in HTML"

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def _written(zoning: Zoning, path: Path, language: str = "en", **options: Any) -> str:
    options = {"manifest": MANIFEST, "outlines": _outlines(), **options}
    write_report(zoning, path, language=language, **options)
    return path.read_text("utf-8")


def _without_parameters(text: str) -> str:
    """What is read, but for the parameters, which stand as in their file."""
    return Reading(re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)).words


def _outlines() -> list[gpd.GeoSeries]:
    two = counties()
    return [gpd.GeoSeries([two.union_all()], crs=two.crs), two.geometry]


def _with(**columns: Any) -> Zoning:
    """The sample with columns of tables replaced: ``units__name_zh=...``."""
    base, tables = made_zoning(), {}
    for key, value in columns.items():
        table, column = key.split("__")
        frame = tables.get(table, base.tables[table]).copy()
        frame[column] = value
        tables[table] = frame
    return made_zoning(tables=tables)


def _empty(zoning: Zoning, *names: str) -> dict[str, pd.DataFrame]:
    return {name: zoning.tables[name].iloc[:0] for name in names}


# -- it stands alone --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_well_formed_and_loads_nothing(language: str, tmp_path: Path) -> None:
    text = _written(made_zoning(), tmp_path / "r.html", language)
    seen = Reading(text)
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert len(set(seen.ids)) == len(seen.ids)
    for tag, name, value in seen.attributes:
        if name == "src" or (name in ("href", "xlink:href") and tag != "a"):
            assert value.startswith("data:image/png;base64,"), (tag, name, value[:60])
        if tag == "a":
            assert name in ("href", "class") and (name == "class" or value[1:] in seen.ids), (name, value)
        assert not name.startswith("on"), name
    assert not {"script", "link", "iframe", "object", "embed", "img"} & set(seen.tags)
    assert not re.search(r"https?://|url\(|@import|//[a-z]", text.replace("<!DOCTYPE", ""))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_bytes_twice(language: str, tmp_path: Path) -> None:
    _written(made_zoning(), tmp_path / "a.html", language)
    _written(made_zoning(), tmp_path / "b.html", language)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="language 'fr'"):
        _written(made_zoning(), tmp_path / "r.html", "fr")
    with pytest.raises(InvalidParameter, match="-1 pages"):
        _written(made_zoning(), tmp_path / "r.html", unit_pages=-1)
    assert not (tmp_path / "r.html").exists()


# -- what it says -----------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words() -> None:
    assert set(WORDS) == set(LANGUAGES) and set(WORDS["zh"]) == set(WORDS["en"])
    for key in WORDS["zh"]:
        zh, en = WORDS["zh"][key], WORDS["en"][key]
        assert zh.strip() and en.strip(), key
        assert not re.search(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]", en), key
        fields = [sorted(str(f[1]) for f in string.Formatter().parse(t) if f[1] is not None) for t in (zh, en)]
        assert fields[0] == fields[1], key
        assert "{" not in re.sub(r"\{\d\}", "", zh + en), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_is_shown_for_a_name(language: str, tmp_path: Path) -> None:
    words = _without_parameters(_written(made_zoning(), tmp_path / "r.html", language))
    for code in (
        "co_control", "pollution_only", "carbon_only", "clustered_core", "isolated_core", "proxy_led", "supply_security",
        "red_line", "cross_jurisdiction", "units_title", "class =", "pm25", "nan", "NaN", "None",
    ):  # fmt: skip
        assert not re.search(rf"(?<![A-Za-z_]){code}(?![A-Za-z_])", words), code
    assert "{" not in words and "Undefined" not in words


def test_english_says_nothing_in_chinese_that_has_an_english_name(tmp_path: Path) -> None:
    zoning = _with(notes__text_zh="中文说明", units__review="中文理由 / English reason")
    words = _without_parameters(_written(zoning, tmp_path / "r.html", "en"))
    # The rules of the sample cannot be read, so that acts keep their official titles.
    rest = words.replace("中华人民共和国大气污染防治法(2018修正)", "")
    assert re.findall(r"[\u3400-\u9fff]+", rest) == []
    assert "English reason" in words
    assert "English reason" not in Reading(_written(zoning, tmp_path / "r.html", "zh")).words


def test_figures_stand_as_in_the_tables(tmp_path: Path) -> None:
    zoning = made_zoning()
    words = Reading(_written(zoning, tmp_path / "r.html")).words
    for _, unit in zoning.units.iterrows():
        assert unit["unit"] in words and unit["name_en"] in words
        assert amount(unit["co2_t"]) in words and percent(unit["nox_share"]) in words
    for row in zoning.tables["ledger"].itertuples():
        assert amount(row.input_t) in words and amount(row.remainder_t) in words
    total = zoning.units["co2_share"].sum()
    assert f"All units {len(zoning.units)} " in words and percent(total) in words
    assert "0.50 0.026 (0.000–0.080) 0.001 0.30" in words  # overlap beside its null and without shared mass
    assert "Draft for review" in words and "K-0001" in words and "999 shifts" in words
    assert "Iron and steel" in words and MANIFEST["run"]["inputs"][0]["sha256"] in words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_unit_page_is_a_draft_and_carbon_alone_orders_nothing(language: str, tmp_path: Path) -> None:
    w = WORDS[language]
    text = _written(made_zoning(), tmp_path / "r.html", language)
    articles = text.split('<article class="unit"')[1:]
    assert len(articles) == 5
    for article in articles:
        words = Reading("<article" + article.split("</article>")[0] + "</article>").words
        assert w["draft_tag"] in words and w["access_note"] in words
        carbon = f"{w['class']} {'仅碳' if language == 'zh' else 'carbon only'}" in words
        assert (w["carbon_only_long"] in words) is carbon
        assert (w["no_place"] in words) is carbon
        assert all(w[part] in words for part in ("spatial", "emission", "risk", "resource"))


def test_conditions_in_words() -> None:
    zoning = made_zoning()
    en = Texts.of(zoning, "en", MANIFEST["sectors"])
    zh = Texts.of(zoning, "zh", MANIFEST["sectors"])
    condition = (
        "class = co_control; tier = clustered_core; robustness = core; years_hot = 5; not proxy_led; share of region: nox 0.0312; "
        "steel: focus, nox 0.187, quotient pm25 3.2; power; industry: 炼铁 C3110; what else; "
        "blocked: supply_security (P1 甲; 乙厂); blocked: proxy_led"
    )
    assert en.condition(condition, ["P1 Jia"]) == (
        "Class: co-control; Evidence: clustered core; Robustness: robust; Years in which it met its rule: 5; not proxy-led; "
        "Of the region: NOx 3.1 %; Iron and steel: what the unit is about, NOx 18.7 %, quotient PM2.5 3.2; Power; "
        "industry: 炼铁 C3110; what else; on hold: security of supply (P1 Jia), proxy-led"
    )
    assert zh.condition("class = watch; steel: not focus") == "类别：关注；钢铁冶炼：非重点行业"
    assert en.industries("steel; 炼铁 C3110") == "Iron and steel, 炼铁 C3110" and en.industries("") == ""
    assert en.condition("") == ""


def test_halves_of_texts_and_names() -> None:
    zoning = made_zoning()
    en, zh = Texts.of(zoning, "en", ()), Texts.of(zoning, "zh", ())
    assert (zh.half("甲 / a"), en.half("甲 / a")) == ("甲", "a")
    assert (zh.half("A / B园:甲 / A / B park: a"), en.half("A / B园:甲 / A / B park: a")) == (
        "A / B园:甲",
        "A / B park: a",
    )
    assert zh.half("") == "" and en.half("one only") == "one only"
    assert en.own("甲", "") == "甲" and en.own(np.nan, None) == "" and zh.own("", "a") == "a"
    assert en.place("330001", "甲县", "") == "Jia" and en.place("9", "九", "") == "九"
    assert en.reason("one pollutant: vocs") == "one pollutant alone is hot (VOCs)"
    assert zh.reason("small") == "规模过小" and en.reason("else") == "else"


def test_notes_about_several_species_are_folded_and_warnings_come_first() -> None:
    zoning = made_zoning()
    table = pd.DataFrame(
        [
            ("a", "note", "CO2：同样", "CO2: alike"), ("a", "note", "NOx：同样", "NOx: alike"),
            ("b", "note", "NOx：另外", "NOx: other"), ("c", "warning", "注意", "beware"),
        ],
        columns=TABLES["notes"],
    )  # fmt: skip
    found = [(n.severity, n.text) for n in Texts.of(zoning, "en", ()).notes(table)]
    assert found == [("warning", "beware"), ("note", "CO2, NOx: alike"), ("note", "NOx: other")]
    assert Texts.of(zoning, "zh", ()).notes(table)[1].text == "CO2、NOx：同样"


def test_numbers() -> None:
    assert [amount(v) for v in (0, 1234567.8, 99.94, 0.01234, 5e-5, np.nan)] == [
        "0",
        "1,234,568",
        "99.9",
        "0.0123",
        "5.0e-05",
        "–",
    ]
    assert [percent(v) for v in (0, 1, 0.99951, 0.5, 0.0012, 1e-6, np.nan)] == [
        "0 %", "100 %", "100 %", "50.0 %", "0.12 %", "<0.01 %", "–",
    ]  # fmt: skip
    assert (
        [plain_number(v) for v in (1234.5, np.nan)] == ["1,234.50", "–"]
        and count(1e4) == "10,000"
        and count(np.nan) == "–"
    )
    assert [probability(v) for v in (0, 1e-6, 0.05, np.nan)] == ["0.000", "1.0e-06", "0.050", "–"]


# -- hostile and empty input ------------------------------------------------------------------------------------------

_HOSTILE = (
    "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</style></table><h1>", "{{ 7 * 7 }}{% raw %}", "&amp;&lt;",
    "\x00\x0b\x1b[31m", "工" * 4000, "🏭\U0001f9ea e\u0301 \u202egpj", "]]>-->",
)  # fmt: skip


@pytest.mark.parametrize("name", _HOSTILE, ids=range(len(_HOSTILE)))
def test_no_text_of_the_input_is_markup(name: str, tmp_path: Path) -> None:
    plain, hostile = made_zoning(), made_zoning()
    units = plain.tables["units"].copy()
    coded = {u: f"{u}{name}" for u in units["unit"]}
    tables: dict[str, pd.DataFrame] = {}
    for table in ("units", "sectors", "contributors", "access", "conflicts", "cells"):
        tables[table] = plain.tables[table].copy()
        tables[table]["unit"] = tables[table]["unit"].map(lambda u: coded.get(u, u))
    for column in ("name_zh", "name_en", "jurisdiction_zh", "jurisdiction_en", "review", "fit_codes", "cross_id"):
        tables["units"][column] = name
    for column in ("name_zh", "name_en", "source_id", "part"):
        tables["contributors"][column] = name
    for column in ("condition", "industry", "advice_zh", "advice_en", "legal_basis"):
        tables["access"][column] = name
    tables["conflicts"]["region_en"] = tables["conflicts"]["conflict"] = name
    tables["notes"] = plain.tables["notes"].assign(text_zh=name, text_en=name)
    tables["listed"] = plain.tables["listed"].assign(reason=name)
    hostile = made_zoning(tables=tables, run_name=name, rules=name)
    manifest = {
        **MANIFEST,
        "name": name,
        "made_with": {name: name},
        "run": {**MANIFEST["run"], "title_en": name, "licence": name},
    }
    for language in LANGUAGES:
        seen = Reading(_written(hostile, tmp_path / "r.html", language, manifest=manifest))
        assert not {"script", "img", "h1x"} & set(seen.tags) and seen.tags["h1"] == 1
        assert not any(n.startswith("on") for _, n, _ in seen.attributes)
        shown = "".join(c for c in name if c >= " ")
        assert " ".join(shown.split()) in seen.words
        assert not any(c < " " for c in seen.words)


def test_lone_surrogates_are_written_as_a_question_mark(tmp_path: Path) -> None:
    assert "t?w" in _written(made_zoning(), tmp_path / "r.html", manifest={**MANIFEST, "name": "t\ud800w"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_tables(language: str, tmp_path: Path) -> None:
    base, w = made_zoning(), WORDS[language]
    names = [n for n in TABLES if n not in ("ledger",)]
    zoning = made_zoning(tables=_empty(base, *names), rasters={})
    seen = Reading(_written(zoning, tmp_path / "r.html", language, manifest={}, outlines=()))
    for key in ("no_units", "no_conflicts", "no_sensitivity", "nothing_listed", "no_shifts"):
        assert w[key] in seen.words, key
    assert "page-1" not in seen.ids and "nan" not in seen.words
    Reading(_written(made_zoning(tables=_empty(base, "ledger")), tmp_path / "r.html", language))


def test_no_membership_and_no_null_are_dashes(tmp_path: Path) -> None:
    nulls = {
        f"overlap__{c}": np.nan
        for c in TABLES["overlap"]
        if "null" in c or "low" in c or "high" in c or c == "jaccard_p"
    }
    base = made_zoning()
    parameters = base.parameters.model_copy(
        update={"membership": base.parameters.membership.model_copy(update={"draws": 0})}
    )
    changed = _with(
        **nulls, overlap__shifts=0, units__membership=np.nan, units__robustness="", totals__low_t=np.nan, totals__high_t=np.nan,
        totals__relative_sd=np.nan,
    )  # fmt: skip
    zoning = made_zoning(tables=dict(changed.tables), parameters=parameters)
    words = Reading(_written(zoning, tmp_path / "r.html")).words
    assert WORDS["en"]["no_shifts"] in words and WORDS["en"]["no_membership"] in words
    assert "0.50 – – 0.30" in words and "nan" not in words.lower().replace("nanhai", "")


def test_one_pair_of_species(tmp_path: Path) -> None:
    base, two = made_zoning(), ("co2", "nox")
    tables = {}
    for name in TABLES:
        frame = base.tables[name]
        for column in ("species", "a", "b", "rank_by", "measured"):
            if column in frame:
                frame = frame[frame[column].isin(two)]
        tables[name] = frame[columns_of(name, two)]
    zoning = replace(base, tables=tables, species=two)
    words = Reading(_written(zoning, tmp_path / "r.html")).words
    assert "CO2 – NOx" in words and "VOCs" not in words


# -- maps -------------------------------------------------------------------------------------------------------------


def test_paths_close_where_they_began_and_keep_the_area() -> None:
    grid = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=1000)
    frame = Frame.of(grid, grid.bounds, width=400.0, most_height=400.0)
    shape = shapely.box(502_000, 4_002_000, 512_000, 4_009_000) - shapely.box(504_000, 4_004_000, 506_000, 4_006_000)
    path = frame.path([shape, shapely.Polygon(), None])
    drawn = _polygons(path)
    assert len(drawn) == 2
    per_km = 1.0 / frame.km_px**2
    assert drawn[0].area - drawn[1].area == pytest.approx((70 - 4) * per_km, rel=0.01)
    assert frame.path([]) == "" and frame.path([shapely.Point(1, 1).buffer(0)]) == ""


def test_a_unit_too_small_to_see_is_a_dot() -> None:
    grid = Grid.covering((500_000, 4_000_000, 520_000, 4_016_000), crs=CRS_M, cell=1000)
    frame = Frame.of(grid, grid.bounds, width=400.0, most_height=400.0)
    speck = shapely.box(510_000, 4_008_000, 510_010, 4_008_010)
    assert re.fullmatch(r"M[0-9.]+ [0-9.]+h2v2h-2z", frame.path([speck], least=2.0))
    assert frame.path([speck]) == ""


def test_a_pixel_shows_the_best_tier(tmp_path: Path) -> None:
    """Tier 1 is the best, though its number is the least."""
    codes = np.zeros((3000, 3000), np.uint8)
    codes[6, 6], codes[6, 7] = 1, 3
    grid = Grid.covering((500_000, 4_000_000, 503_000, 4_003_000), crs=CRS_M, cell=1)
    base = made_zoning()
    zoning = made_zoning(tables=_empty(base, *TABLES), grid=grid, rasters={"tier": codes})
    text = _written(zoning, tmp_path / "r.html", outlines=())
    found = next(v for _, n, v in Reading(text).attributes if n == "href" and v.startswith("data:"))
    best = np.zeros((1500, 1500), np.uint8)
    best[3, 3] = 3
    colours = {3: (122, 1, 119), 2: (221, 52, 151), 1: (251, 180, 185)}
    assert found == data_address(best, colours)


def test_shrink_is_the_greatest_of_a_block() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 9, (23, 17)).astype(np.uint8)
    expected = np.array([[codes[i : i + 3, j : j + 3].max() for j in range(0, 17, 3)] for i in range(0, 23, 3)])
    assert (shrink(codes, 8) == expected).all()
    assert shrink(codes, 23) is codes


def _polygons(path: str) -> list[shapely.Polygon]:
    """Rings of a path of M x y l dx dy … z, worked out step by step."""
    out = []
    for ring in filter(None, path.split("z")):
        start, steps = ring[1:].split("l")
        numbers = [float(v) for v in steps.split()]
        x, y = (float(v) for v in start.split())
        points = [(x, y)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            points.append((points[-1][0] + dx, points[-1][1] + dy))
        out.append(shapely.Polygon(points))
    return out


# -- large zonings ----------------------------------------------------------------------------------------------------


def _many(times: int) -> Zoning:
    """The sample's units so many times, each copy a little to the north."""
    base = made_zoning()

    def repeated(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        index = np.tile(np.arange(len(frame)), times)
        copy = np.repeat(np.arange(times), len(frame))
        out = frame.iloc[index].reset_index(drop=True)
        for column in columns:
            suffix = pd.Series(copy.astype(str)).str.zfill(5)
            out[column] = out[column].astype(str) + "-" + suffix
        if "geometry" in out:
            out["geometry"] = [translate(g, 0, 11.0 * k) for g, k in zip(out["geometry"], copy, strict=True)]
        return out

    tables = {n: repeated(base.tables[n], ["unit"]) for n in ("units", "sectors", "contributors", "access")}
    tables["units"]["rank"] = np.arange(1, len(tables["units"]) + 1)
    tables["conflicts"] = repeated(base.tables["conflicts"], ["conflict"])
    return made_zoning(tables=tables)


def test_a_national_zoning_is_a_picture_and_a_part_of_the_tables(tmp_path: Path) -> None:
    zoning = _many(800)
    started = time.perf_counter()
    text = _written(zoning, tmp_path / "r.html", unit_pages=20)
    took_s = time.perf_counter() - started
    seen = Reading(text)
    assert len(zoning.units) == 4000 > 3000
    assert WORDS["en"]["map_cells"].strip() in seen.words
    assert WORDS["en"]["more_units"].format(3000) in seen.words
    assert WORDS["en"]["more_rows"].format(500) in seen.words
    assert seen.tags["article"] == 20 and len(text) < 4e6
    # Far above the second or three it takes, so that a busy machine passes; reading rows of a frame one by one does not.
    assert took_s < 10
    few = _written(_many(2), tmp_path / "r.html", unit_pages=3)
    assert WORDS["en"]["map_cells"].strip() not in few and Reading(few).tags["article"] == 3
    assert "article" not in Reading(_written(_many(2), tmp_path / "r.html", unit_pages=0)).tags


# -- print ------------------------------------------------------------------------------------------------------------


@pytest.mark.external
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_browser_prints_it(language: str, tmp_path: Path) -> None:
    """Needs a browser, a Chinese font and poppler's programs."""
    chromium, pdfinfo, pdftotext = (shutil.which(p) for p in ("chromium", "pdfinfo", "pdftotext"))
    assert chromium is not None, "chromium is missing: apt-get install chromium fonts-noto-cjk"
    assert pdfinfo is not None and pdftotext is not None, "pdfinfo is missing: apt-get install poppler-utils"
    fonts = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=True).stdout
    assert fonts.strip(), "no Chinese font: apt-get install fonts-noto-cjk"
    _written(made_zoning(), tmp_path / "r.html", language)
    printed = tmp_path / "r.pdf"
    subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'user'}",
            "--no-pdf-header-footer", f"--print-to-pdf={printed}", (tmp_path / "r.html").as_uri(),
        ],
        capture_output=True, check=True, timeout=180,
    )  # fmt: skip
    about = subprocess.run([pdfinfo, printed], capture_output=True, text=True, check=True).stdout
    pages = int(re.search(r"Pages:\s+(\d+)", about)[1])  # type: ignore[index]
    text = subprocess.run([pdftotext, "-layout", printed, "-"], capture_output=True, text=True, check=True).stdout
    sheets = text.split("\f")[:-1]
    # Each unit begins a page of its own, and every page says what it is.
    assert pages == len(sheets) > 1 + len(made_zoning().units)
    draft = WORDS[language]["draft"].replace(" ", "")
    assert all(draft in sheet.replace(" ", "") for sheet in sheets)
    assert sum("CZ-33" in s and WORDS[language]["placed_by"] in s for s in sheets) == len(made_zoning().units)
