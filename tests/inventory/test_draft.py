"""Drafts of description files: the vocabulary in Chinese and English, the questions, and that answering them is enough."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine

from gis.errors import InvalidDescription, InvalidParameter, ReadError
from gis.inventory.description import Kind, read_description
from gis.inventory.draft import draft_description
from gis.inventory.headings import meaning

ROLES = {
    "x": "经度 东经 经度(°) 中心经度 lon Longitude LNG easting X坐标",
    "y": "纬度 北纬 纬度（度） lat Latitude northing",
    "id": "编号 企业编号 source_id plant_id GEM_unit_ID",
    "owner_code": "统一社会信用代码 组织机构代码 uscc owner_code",
    "name_zh": "企业名称 单位名称 电厂名称 name_zh",
    "name_en": "英文名称 name Plant_name facility",
    "industry": "行业 行业名称 所属行业 industry",
    "capacity": "产能 产能（万吨/年） 装机容量 装机容量(MW) capacity Capacity_(MW)",
    "supply_security": "保供 是否保供 supply_security",
    "region": "区县代码 行政区划代码 adcode county_code region 区县",
    "sector": "部门 源类别 sector",
    "year": "年份 年度 year Year",
    "species": "污染物 物种 pollutant species",
    "unit": "单位 unit",
    "value": "排放量 排放量(吨) value emissions",
    "": "备注 浓度 NOx浓度(mg/m3) SO2去除率 氨氮(吨) 是否脱硝 emission_factor_NOx remark code",
}


@pytest.mark.parametrize(("role", "heading"), [(r, h) for r, words in ROLES.items() for h in words.split()])
def test_roles_of_headings(role: str, heading: str) -> None:
    assert meaning(heading).role == role


@pytest.mark.parametrize(
    ("heading", "species", "unit", "year"),
    [
        ("氮氧化物排放量（吨）", "nox", "吨", None), ("CO2 (kt)", "co2", "kt", None), ("二氧化碳排放量(万吨/年)", "co2", "万吨/年", None),
        ("2020年NOx排放量(吨)", "nox", "吨", 2020), ("NOx_2021_t", "nox", "t", 2021), ("PM2.5排放量", "pm25", None, None),
        ("细颗粒物(吨)", "pm25", "吨", None), ("VOCs/吨", "vocs", "吨", None), ("NMVOC", "vocs", None, None),
        ("CO排放量（吨/年）", "co", "吨/年", None),
        ("Annual CO2 (million tonnes / annum)", "co2", "million tonnes / annum", None), ("一氧化碳", "co", None, None),
        ("PM10 [Mg]", "pm10", "Mg", None),
    ],
)  # fmt: skip
def test_headings_of_amounts(heading: str, species: str, unit: str | None, year: int | None) -> None:
    found = meaning(heading)
    assert (found.role, found.species, found.unit, found.year, found.doubt) == ("amount", species, unit, year, "")


@pytest.mark.parametrize("heading", ["颗粒物(吨)", "烟粉尘排放量（吨）", "CO2e (t)", "碳排放量（万吨）", "TSP (t)"])
def test_headings_that_are_doubted(heading: str) -> None:
    assert meaning(heading).role == "amount"
    assert meaning(heading).doubt


def plants(path: Path) -> Path:
    headings = "企业名称,行业,统一社会信用代码,经度,纬度,装机容量,保供,氮氧化物排放量（吨）,CO2排放量,颗粒物(吨),年份"
    path.write_bytes(f"{headings}\n甲电厂,电力,913201,118.5,31.5,600,是,120,5000,3,2020\n".encode("gb18030"))
    return path


def draft(path: Path, *files: Path) -> tuple[str, Path]:
    text = draft_description(list(files), name="试点")
    tomllib.loads(text)
    out = path / "draft.toml"
    out.write_text(text, "utf-8")
    return text, out


def answer(text: str, key: str, value: str) -> str:
    """The draft with the commented key of a question answered."""
    filled, n = re.subn(rf"(?m)^# {re.escape(key)} = \S.*?  # \?.*$", f"{key} = {value}", text, count=1)
    assert n == 1, key
    return filled


def test_a_table_drafted_answered_and_read(tmp_path: Path) -> None:
    text, out = draft(tmp_path, plants(tmp_path / "企业.csv"))
    assert "EPSG:4326" in text
    assert "GCJ-02" in text
    assert "BD-09" in text
    # Only the CRS and the unit are open: the industry column holds sectors, the year column years.
    with pytest.raises(
        InvalidDescription, match=r"(?s)crs \(or datum\).*unit of the amounts under 'CO2排放量' missing"
    ):
        read_description(out)
    out.write_text(answer(text, "unit", '"t/yr"'), "utf-8")
    with pytest.raises(InvalidDescription, match=r"1 question.*(?s:.*)crs"):
        read_description(out)
    out.write_text(answer(answer(text, "unit", '"t/yr"'), "datum", '"GCJ-02"'), "utf-8")
    found = read_description(out)
    part = found.parts[0]
    assert (found.name, found.years, found.species_used) == ("试点", [2020], ["CO2", "NOx"])
    assert (part.kind, part.encoding, part.datum) == (Kind.POINT, "gb18030", "GCJ-02")
    columns = part.columns
    assert (columns.x, columns.y, columns.name_zh, columns.sector) == ("经度", "纬度", "企业名称", "行业")
    assert (columns.owner_code, columns.capacity, columns.supply_security) == ("统一社会信用代码", "装机容量", "保供")
    assert {a.column: (a.species, a.unit) for a in part.amounts} == {
        "氮氧化物排放量（吨）": ("NOx", None),
        "CO2排放量": ("CO2", "t/yr"),
    }
    # What is doubtful is asked, never used.
    assert re.search(r"# \? 颗粒物\(吨\).*PM10", text)


def test_a_long_table_joined_to_its_polygons(tmp_path: Path) -> None:
    table = tmp_path / "areas.csv"
    rows = [
        (c, s, p, "kt/year", y, 1.5)
        for c in ("01", "02", "99")
        for s in ("PP", "ROAD", "TOTAL")
        for p in ("CO2", "NMVOC")
        for y in (2014, 2015)
    ]
    pd.DataFrame(rows, columns=["county_code", "sector", "species", "unit", "year", "value"]).to_csv(table, index=False)
    shapes = [shapely.box(118, 31, 119, 32), shapely.box(119, 31, 120, 32)]
    vector = tmp_path / "counties.gpkg"
    gpd.GeoDataFrame({"adcode": ["01", "02"], "名称": ["甲", "乙"]}, geometry=shapes, crs=4490).to_file(vector)
    text, out = draft(tmp_path, table, vector)
    part = read_description(out).parts[0]
    assert (part.kind, part.crosswalk) == (Kind.AREA, "reas")
    assert part.long is not None
    assert (part.long.value, part.long.species, part.long.unit_column) == ("value", "species", "unit")
    assert part.geometry is not None
    assert (part.geometry.key, part.geometry.column) == ("adcode", "county_code")
    assert [(t.column, t.values) for t in part.totals] == [("sector", ["TOTAL"])]
    assert "1 codes have no shape there: 99" in text
    assert read_description(out).years == [2014, 2015]
    # The polygons may be regions as well: offered, commented.
    assert '# code = "adcode"' in text
    assert read_description(out).regions == []


def test_a_table_without_places_or_years(tmp_path: Path) -> None:
    table = tmp_path / "totals_2019.csv"
    table.write_text("region,CO2 (kt)\nA,1\nB,2\n", "utf-8")
    text, out = draft(tmp_path, table)
    with pytest.raises(InvalidDescription, match="years"):
        read_description(out)
    assert "2019" in text
    out.write_text(answer(text, "years", "[2019]"), "utf-8")
    with pytest.raises(InvalidDescription, match=r"(?s)where are the sources.*sector and year"):
        read_description(out)


def test_coordinates_in_metres_and_swapped_ones_are_asked_about(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text("x,y,NOx (t)\n512345,3456789,1\n", "utf-8")
    assert "which projection" in draft(tmp_path, table)[0]
    table.write_text("lon,lat,NOx (t)\n31.5,118.5,1\n", "utf-8")
    assert "look swapped" in draft(tmp_path, table)[0]


def test_a_workbook_with_a_title_row(tmp_path: Path) -> None:
    book = tmp_path / "p.xlsx"
    frame = pd.DataFrame([["2020年清单", None, None], ["经度", "纬度", "NOx(吨)"], [118.5, 31.5, 2.0]])
    frame.to_excel(book, index=False, header=False)
    text, _ = draft(tmp_path, book)
    assert "header_row = 2" in text
    assert 'x = "经度"' in text


def test_vectors_with_amounts_and_without_a_crs(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame({"NOx_t": [1.0]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    roads = tmp_path / "roads.gpkg"
    lines.to_file(roads)
    text, _ = draft(tmp_path, roads)
    assert 'kind = "line"' in text
    assert "the file states its CRS: WGS 84" in text
    bare = tmp_path / "bare.shp"
    with pytest.warns(UserWarning, match="crs"):
        lines.set_crs(None, allow_override=True).to_file(bare)
    assert "the file states no CRS" in draft(tmp_path, bare)[0]


def test_shapefile_attributes_in_gbk(tmp_path: Path) -> None:
    path = tmp_path / "县.shp"
    gpd.GeoDataFrame({"名称": ["甲县"], "NOx_t": [1.0]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4490).to_file(
        path, encoding="GB18030"
    )
    path.with_suffix(".cpg").unlink(missing_ok=True)
    text, _ = draft(tmp_path, path)
    assert 'encoding = "gb18030"' in text
    assert 'name_zh = "名称"' in text


def test_rasters_and_gridded_files(tmp_path: Path) -> None:
    raster = tmp_path / "population.tif"
    with rasterio.open(
        raster,
        "w",
        driver="GTiff",
        width=2,
        height=2,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=Affine(1, 0, 0, 0, -1, 2),
    ) as out:
        out.write(np.ones((2, 2), np.float32), 1)
    meic = tmp_path / "2017_01_power_NOx.asc"
    meic.write_text("ncols 1\n", "utf-8")
    out_path = draft(tmp_path, raster, meic)[1]
    found = read_description(out_path)
    assert [(s.name, s.kind, s.values) for s in found.surrogates] == [("population", "raster", "density")]
    assert [(p.kind, p.format) for p in found.parts] == [(Kind.GRIDDED, "meic")]
    assert found.years == [2017]


def test_hostile_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no file"):
        draft_description([])
    with pytest.raises(ReadError, match="no such file"):
        draft_description([tmp_path / "missing.csv"])
    for name in ("broken.gpkg", "broken.tif", "broken.nc", "broken.xlsx", "broken.parquet"):
        path = tmp_path / name
        path.write_bytes(b"not at all")
        with pytest.raises(ReadError, match=name):
            draft_description([path])
    odd = tmp_path / 'a "quoted" \\ name.csv'
    odd.write_text('remark,"a ""b"""\n1,2\n', "utf-8")
    text, _ = draft(tmp_path, odd)
    assert "no column of amounts was recognised" in text
