"""The loader: every rule about rows, sources and amounts, and the same arrays whatever the order of rows."""

from __future__ import annotations

import calendar
import hashlib
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.errors import InvalidDescription, MissingCrs, ReadError, RefusedInput
from gis.inventory.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis.inventory.findings import Severity
from gis.inventory.load import read_inventory

POINTS = """
name = "试验"
years = [2020]
species_used = ["CO2", "NOx"]
[[parts]]
name = "plants"
kind = "point"
file = "p.csv"
crs = "EPSG:4490"
year = 2020
sector = "power"
columns = {id = "编号", name_zh = "名称", x = "经度", y = "纬度"}
amounts = [{column = "NOx(t/yr)", species = "NOx"}, {column = "CO2(万吨)", species = "CO2"}]
"""
HEAD = "编号,名称,经度,纬度,NOx(t/yr),CO2(万吨)\n"
LONG = """
name = "long"
years = [2019, 2020]
species_used = ["CO2", "NOx"]
[[parts]]
name = "plants"
kind = "point"
file = "p.csv"
crs = "EPSG:4490"
columns = {id = "id", x = "x", y = "y", sector = "sector", year = "year"}
long = {value = "value", species = "species", unit_column = "unit"}
"""
LONG_HEAD = "id,x,y,sector,year,species,unit,value\n"


def load(base, description, rows=None, *, lenient=True, **files):
    (base / "i.toml").write_text(description, "utf-8")
    if rows is not None:
        (base / "p.csv").write_text(rows, "utf-8")
    for name, data in files.items():
        data.to_parquet(base / f"{name}.parquet")
    return read_inventory(base / "i.toml", lenient=lenient)


def rules(inventory, severity=Severity.ERROR):
    return [f.rule for f in inventory.findings if f.severity is severity]


def found(inventory, rule):
    hits = [f for f in inventory.findings if f.rule == rule]
    assert hits, f"no finding {rule!r} among {[str(f) for f in inventory.findings]}"
    return hits[0]


def amounts(inventory, name=None):
    """{(source id, year, species, sector): t/yr} of a part, read through the positions of the model."""
    part = inventory.part(name) if name else inventory.parts[0]
    a, ids = part.amounts, part.sources["source_id"].tolist()
    return {
        (ids[s], inventory.years[y], inventory.species[k].code, inventory.sectors[c].code): m
        for s, y, k, c, m in zip(a.source, a.year, a.species, a.sector, a.mass_t.tolist(), strict=True)
    }


# -- wide and long tables ---------------------------------------------------------------------------------------------


def test_a_wide_table_of_points(tmp_path):
    inventory = load(
        tmp_path, POINTS, HEAD + 'A,甲厂,116.5,40.1,"1,234.5",3.2\nB,乙厂,117.5,39.1,１２,\n', lenient=False
    )
    assert amounts(inventory) == {
        ("A", 2020, "nox", "power"): 1234.5, ("A", 2020, "co2", "power"): 32000.0, ("B", 2020, "nox", "power"): 12.0,
    }  # fmt: skip
    part = inventory.part("plants")
    row = part.position("A")
    assert (part.x[row], part.y[row]) == (116.5, 40.1)
    assert part.sources.loc[row, ["name_zh", "file", "row"]].tolist() == ["甲厂", "p.csv", 2]
    assert part.crs.to_epsg() == 4490
    assert rules(inventory, Severity.NOTE) == ["empty-amount"] and found(inventory, "empty-amount").count == 1
    assert [f.name for f in inventory.inputs] == ["i.toml", "p.csv"]
    data = (tmp_path / "p.csv").read_bytes()
    assert (inventory.inputs[1].size, inventory.inputs[1].sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert not any(a.flags.writeable for a in (part.x, part.y, part.amounts.mass_t))


def test_a_long_table_is_one_source_with_many_amounts(tmp_path):
    rows = LONG_HEAD + "".join(
        f"A,116,40,{s},{y},{k},kt,{v}\n" for v, (s, y, k) in enumerate(
            [(s, y, k) for s in ("power", "钢铁") for y in (2019, 2020) for k in ("NOx", "CO2")], start=1)
    )  # fmt: skip
    inventory = load(tmp_path, LONG, rows, lenient=False)
    assert len(inventory.parts[0]) == 1
    assert amounts(inventory)[("A", 2019, "nox", "steel")] == 5000.0
    a = inventory.parts[0].amounts
    keys = list(zip(a.source, a.year, a.species, a.sector, strict=True))
    assert len(keys) == 8 and keys == sorted(keys)


def test_units_by_row_use_the_days_of_their_own_year(tmp_path):
    units = {"t/d": 1.0, "kg/h": 24e-3, "g/s": 0.0864, "t/month": None, "万吨/年": None}
    rows = LONG_HEAD + "".join(
        f"S{i}{y},{110 + i},40,power,{y},NOx,{u},7\n" for i, u in enumerate(units) for y in (2019, 2020)
    )
    got = amounts(load(tmp_path, LONG, rows, lenient=False))
    for i, (text, per_day) in enumerate(units.items()):
        for year in (2019, 2020):
            days = 366 if calendar.isleap(year) else 365
            expected = {"t/month": 84.0, "万吨/年": 7e4}.get(text) or 7 * per_day * days
            assert got[(f"S{i}{year}", year, "nox", "power")] == pytest.approx(expected, rel=1e-14)


def test_moles_and_bases_need_their_species(tmp_path):
    rows = LONG_HEAD + "A,110,40,power,2020,NOx,mol,2000000\n"
    assert amounts(load(tmp_path, LONG, rows, lenient=False)) == {("A", 2020, "nox", "power"): pytest.approx(92.011)}


def test_columns_may_state_sector_and_year(tmp_path):
    text = POINTS.replace("years = [2020]", "years = [2019, 2020]").replace(
        '{column = "CO2(万吨)", species = "CO2"}',
        '{column = "CO2(万吨)", species = "CO2", sector = "钢铁", year = 2019}',
    )
    inventory = load(tmp_path, text, HEAD + "A,,116,40,1,2\n", lenient=False)
    assert amounts(inventory) == {("A", 2020, "nox", "power"): 1.0, ("A", 2019, "co2", "steel"): 2e4}


def test_two_columns_of_one_species_add_up(tmp_path):
    text = POINTS.replace('{column = "CO2(万吨)", species = "CO2"}', '{column = "CO2(万吨)", species = "NOx"}')
    assert amounts(load(tmp_path, text, HEAD + "A,,116,40,1,2\n", lenient=False)) == {
        ("A", 2020, "nox", "power"): 20001.0
    }


def test_several_files_make_one_part_and_columns_may_change_places(tmp_path):
    (tmp_path / "q.csv").write_text("名称,CO2(万吨),NOx(t/yr),纬度,经度,编号\n丙,,5,41,115,C\n", "gb18030")
    text = POINTS.replace('"p.csv"', '["p.csv", "q.*"]')
    inventory = load(tmp_path, text, HEAD + "A,,116,40,1,2\n", lenient=False)
    assert amounts(inventory)[("C", 2020, "nox", "power")] == 5.0
    assert dict(zip(inventory.parts[0].sources["source_id"], inventory.parts[0].sources["file"], strict=True)) == {
        "A": "p.csv", "C": "q.csv",
    }  # fmt: skip


def test_rows_without_id_are_numbered_by_file_and_row(tmp_path):
    text = POINTS.replace('id = "编号", ', "")
    inventory = load(tmp_path, text, HEAD + "A,,116,40,1,2\nA,,116,40,1,2\n", lenient=False)
    assert sorted(inventory.parts[0].sources["source_id"]) == ["p.csv:2", "p.csv:3"]


def test_attributes_are_read(tmp_path):
    text = POINTS.replace(
        'name_zh = "名称", ',
        'name_zh = "名称", capacity = "装机", supply_security = "保供", industry = "行业", region = "县", ',
    )
    head = HEAD.strip() + ",装机,保供,行业,县\n"
    rows = 'A,甲,116,40,1,2,"1,200",是,火电,110101.0\nB,乙,117,40,1,2,,否,,\nC,,118,40,1,2,3,Y,,\nD,,119,40,1,2,3,,,\n'
    part = load(tmp_path, text, head + rows, lenient=False).parts[0]
    s = part.sources.set_index("source_id")
    assert s["supply_security"].to_dict() == {"A": True, "B": False, "C": True, "D": False}
    assert s["capacity"]["A"] == 1200.0 and np.isnan(s["capacity"]["B"])
    assert s.loc["A", ["industry", "region"]].tolist() == ["火电", "110101"] and s["industry"]["B"] == ""
    bad = load(tmp_path, text, head + "A,甲,116,40,1,2,many,是,,\nB,乙,117,40,1,2,,perhaps,,\n")
    assert rules(bad) == ["unparsable-number", "unreadable-flag"] and len(bad.parts[0]) == 0


# -- rows that are not read --------------------------------------------------------------------------------------------


def test_select_totals_years_species_and_left_out_are_counted_not_read(tmp_path):
    text = LONG.replace('kind = "point"', 'kind = "point"\ncrosswalk = "reas"\nsectors = {OTRA = ""}') + (
        '\n[[parts.select]]\ncolumn = "id"\nnot_values = ["WC*"]\n[[parts.select]]\ncolumn = "y"\nmin = 10\n'
        '[[parts.totals]]\ncolumn = "sector"\nvalues = ["TOTAL", "*-BF"]\n'
    )
    rows = [
        "A,116,40,PP,2020,NOx,t,1", "WC,116,40,PP,2020,NOx,t,2", "WC1,116,40,nonsense,1,alien,t,2", "A,116,5,PP,2020,NOx,t,4",
        "A,116,40,TOTAL,2020,NOx,t,8", "A,116,40,PP-BF,2020,CO2,t,16", "A,116,40,TOTAL,2018,NOx,t,32", "A,116,40,PP,2018,NOx,t,64",
        "A,116,40,PP,2020,SO2,t,128", "A,116,40,OTRA,2020,NOx,t,256", "A,116,40,IND,2020,CO2,t,512",
    ]  # fmt: skip
    inventory = load(tmp_path, text, LONG_HEAD + "\n".join(rows) + "\n", lenient=False)
    assert amounts(inventory) == {("A", 2020, "nox", "power"): 1.0, ("A", 2020, "co2", "other_industry"): 512.0}
    assert inventory.unread_t == {
        ("not selected", "plants", "nox"): 6.0, ("total", "plants", "nox"): 8.0, ("total", "plants", "co2"): 16.0,
        ("other year", "plants", "nox"): 96.0, ("other species", "plants", "so2"): 128.0, ("left out", "plants", "nox"): 256.0,
    }  # fmt: skip
    assert found(inventory, "not-selected").count == 3 and found(inventory, "total").mass_t == {"nox": 8.0, "co2": 16.0}
    assert inventory.total_rows[["sector_name", "species", "mass_t", "row"]].to_numpy().tolist() == [
        ["TOTAL", 1, 8.0, 6], ["PP-BF", 0, 16.0, 7],
    ]  # fmt: skip


def test_only_the_star_is_special_in_a_pattern(tmp_path):
    text = POINTS + (
        '\n[[parts.select]]\ncolumn = "编号"\nvalues = ["A[1]", "B?"]\n'
        '[[parts.select]]\ncolumn = "名称"\nvalues = ["甲*"]\nmissing = true\n'
    )
    rows = "A[1],甲厂,116,40,1,\nA1,甲厂,117,40,1,\nB?,,118,40,1,\nBC,甲厂,119,40,1,\nB?,乙厂,119,40,1,\n"
    assert sorted(load(tmp_path, text, HEAD + rows, lenient=False).parts[0].sources["source_id"]) == ["A[1]", "B?"]


def test_a_row_of_another_year_is_no_source(tmp_path):
    text = (
        POINTS.replace("year = 2020\n", "")
        .replace('x = "经度"', 'year = "名称", x = "经度"')
        .replace('name_zh = "名称", ', "")
    )
    inventory = load(tmp_path, text, HEAD + "A,2020年,116,40,1,\nB,2011,117,40,1,\nC,2020.0,118,40,,\n", lenient=False)
    assert sorted(inventory.parts[0].sources["source_id"]) == ["A", "C"]
    assert inventory.unread_t == {("other year", "plants", "nox"): 1.0}


# -- rows in error -------------------------------------------------------------------------------------------------------

BAD_WIDE = {
    "A,甲,116,40,-1,2": ("negative-amount", "NOx(t/yr)", "-1", {"co2": 2e4}),
    "A,甲,116,40,inf,2": ("infinite-amount", "NOx(t/yr)", "inf", {"co2": 2e4}),
    "A,甲,116,40,1e305,1e308": ("infinite-amount", "CO2(万吨)", "1e308", {"nox": 1e305}),
    "A,甲,116,40,NaN,2": ("unparsable-number", "NOx(t/yr)", "NaN", {"co2": 2e4}),
    "A,甲,116,40,约3,2": ("unparsable-number", "NOx(t/yr)", "约3", {"co2": 2e4}),
    "A,甲,,40,1,": ("missing-coordinate", "经度", "", {"nox": 1.0}),
    "A,甲,116,北纬40,1,": ("unparsable-number", "纬度", "北纬40", {"nox": 1.0}),
    "A,甲,116,inf,1,": ("unparsable-number", "纬度", "inf", {"nox": 1.0}),
    "A,甲,116,40,1": ("ragged-row", "", "A | 甲 | 116 | 40 | 1", {}),
    "A,甲,0,0,1,": ("zero-coordinates", None, None, {"nox": 1.0}),
}


@pytest.mark.parametrize("row", BAD_WIDE)
def test_a_bad_row_is_refused_by_file_row_column_value_and_reason(tmp_path, row):
    rule, column, value, mass = BAD_WIDE[row]
    text = HEAD + "G,好,115,41,1,1\n" + row + "\n"
    with pytest.raises(RefusedInput, match=r"p\.csv, row 3"):
        load(tmp_path, POINTS, text, lenient=False)
    inventory = load(tmp_path, POINTS, text)
    finding = inventory.findings.errors[0]
    assert (finding.file, finding.row, finding.part) == ("p.csv", 3, "plants") and finding.reason
    if column is not None:
        assert (finding.rule, finding.column, finding.value) == (rule, column, value)
    assert finding.mass_t == pytest.approx(mass)
    assert {k[2]: v for k, v in inventory.unread_t.items() if k[0] == "refused"} == pytest.approx(mass)
    assert inventory.parts[0].sources["source_id"].tolist() == ["G"]
    assert len(inventory.findings.refused) == 1
    assert (
        inventory.findings.refused[0] | {"file": "p.csv", "row": 3, "编号": "A", "名称": "甲"}
        == inventory.findings.refused[0]
    )


BAD_LONG = {
    "A,116,40,power,2020,NOx,斤,1": ("unknown-unit", "unit", "斤"),
    "A,116,40,power,2020,NOx,,1": ("unknown-unit", "unit", ""),
    "A,116,40,power,2020,NOx,t/km2,1": ("density-unit", "unit", "t/km2"),
    "A,116,40,power,2020,PM2.5,mol,1": (None, "", ""),
    "A,116,40,power,2020,CO2,ktNO2,1": ("unknown-unit", "unit", "ktNO2"),
    "A,116,40,power,2020,NOxx,t,1": ("unknown-species", "species", "NOxx"),
    "A,116,40,power,2020,,t,1": ("unknown-species", "species", ""),
    "A,116,40,electricity,2020,NOx,t,1": ("unknown-sector", "sector", "electricity"),
    "A,116,40,,2020,NOx,t,1": ("unknown-sector", "sector", ""),
    "A,116,40,power,,NOx,t,1": ("invalid-year", "year", ""),
    "A,116,40,power,20-20,NOx,t,1": ("invalid-year", "year", "20-20"),
}


@pytest.mark.parametrize("row", BAD_LONG)
def test_names_that_mean_nothing_are_one_finding_a_name(tmp_path, row):
    rule, column, value = BAD_LONG[row]
    text = LONG_HEAD + "G,115,41,power,2020,NOx,t,1\n" + (row + "\n") * 2
    inventory = load(tmp_path, LONG, text)
    if rule is None:
        assert not inventory.findings.errors
        return
    assert rules(inventory) == [rule]
    finding = inventory.findings.errors[0]
    assert (finding.row, finding.column, finding.value, finding.count) == (3, column, value, 2)
    assert "(2 rows: 3, 4)" in finding.reason
    assert [r["row"] for r in inventory.findings.refused] == [3, 4]
    assert amounts(inventory) == {("G", 2020, "nox", "power"): 1.0}


def test_many_findings_of_one_kind_are_listed_up_to_a_limit_and_all_counted(tmp_path):
    rows = "".join(f"S{i},,{100 + i / 1000},40,-1,\n" for i in range(1500))
    inventory = load(tmp_path, POINTS, HEAD + rows)
    errors = inventory.findings.errors
    assert len(errors) == 1001 and sum(f.count for f in errors) == 1500
    assert len(inventory.findings.refused) == 1500


def test_faults_of_the_description_are_said_as_such(tmp_path):
    rows = HEAD + "A,甲,116,40,1,2\n"
    for old, new, message in (
        ("year = 2020\n", "", "year"),
        ('sector = "power"', 'sector = "powr"', "sector 'powr' is not known"),
        ('species = "NOx"', 'species = "NOxx"', "species 'NOxx' is not known"),
        ('"NOx(t/yr)"', '"名称"', "under '名称'"),
        (
            '{column = "NOx(t/yr)", species = "NOx"}',
            '{column = "NOx(t/yr)", species = "NOx", unit = "t/km2"}',
            "per area",
        ),
        (', x = "经度", y = "纬度"', "", "where are the sources?"),
        ('kind = "point"', 'kind = "area"', "x and y make points"),
        ('"EPSG:4490"', '"EPSG:0"', "is not one pyproj knows"),
        ('species = "NOx"}', 'species = "NOx", sector = "paper"}', "sector 'paper'"),
    ):
        with pytest.raises(InvalidDescription, match=re.escape(message)):
            load(tmp_path, POINTS.replace(old, new), rows)
    with pytest.raises((MissingCrs, InvalidDescription), match="crs"):
        load(tmp_path, POINTS.replace('crs = "EPSG:4490"\n', ""), rows)
    with pytest.raises(ReadError, match="no column is headed '经度'"):
        load(tmp_path, POINTS, rows.replace("经度", "东经"))
    with pytest.raises(InvalidDescription, match="too many to be a sector"):
        many = "".join(f"A{i},116,40,s{i},2020,NOx,t,1\n" for i in range(5001))
        load(tmp_path, LONG, LONG_HEAD + many)


def test_headings_without_rows_are_a_part_without_sources(tmp_path):
    for text, head in ((POINTS, HEAD), (LONG, LONG_HEAD)):
        inventory = load(tmp_path, text, head)
        assert len(inventory.parts[0]) == 0 and found(inventory, "empty-part").severity is Severity.WARNING


# -- rows against each other -------------------------------------------------------------------------------------------


def test_one_id_in_several_places(tmp_path):
    rows = HEAD + "A,甲,116,40,1,\nA,甲,117,40,2,\nB,乙,118,40,4,\n"
    inventory = load(tmp_path, POINTS, rows)
    assert rules(inventory) == ["duplicate-source-id"]
    finding = found(inventory, "duplicate-source-id")
    assert "'A' stands in 2 places: p.csv row 2 (116, 40); p.csv row 3 (117, 40)" in finding.reason
    assert finding.mass_t == {"nox": 3.0} and finding.count == 2
    assert inventory.parts[0].sources["source_id"].tolist() == ["B"]
    allowed = load(
        tmp_path, POINTS.replace("year = 2020\n", 'year = 2020\nduplicates = "allow"\n'), rows, lenient=False
    )
    assert (
        sorted(allowed.parts[0].sources["source_id"]) == ["A", "A", "B"] and allowed.parts[0].amounts.mass_t.sum() == 7
    )


def test_one_id_in_several_files_and_places(tmp_path):
    (tmp_path / "q.csv").write_text(HEAD + "A,甲,117,40,2,\n")
    inventory = load(tmp_path, POINTS.replace('"p.csv"', '["p.csv", "q.csv"]'), HEAD + "A,甲,116,40,1,\n")
    assert [(f.rule, f.file, f.row) for f in inventory.findings.errors] == [
        ("duplicate-source-id", "p.csv", 2), ("duplicate-source-id", "q.csv", 2),
    ]  # fmt: skip
    assert len(inventory.findings.refused) == 2


def test_a_row_that_stands_twice_is_used_once(tmp_path):
    inventory = load(tmp_path, POINTS, HEAD + "A,甲,116,40,1,2\nB,乙,117,40,3,\nA,甲,116,40,1,2\n")
    finding = found(inventory, "duplicate-row")
    assert rules(inventory) == ["duplicate-row"] and finding.row == 4
    assert "p.csv row 2 (116, 40) and p.csv row 4 (116, 40)" in finding.reason
    assert finding.mass_t == {"nox": 1.0, "co2": 2e4} and finding.count == 2
    assert amounts(inventory)[("A", 2020, "nox", "power")] == 1.0
    assert inventory.unread_t == {("refused", "plants", "nox"): 1.0, ("refused", "plants", "co2"): 2e4}
    with pytest.raises(RefusedInput, match="duplicate-row"):
        load(tmp_path, POINTS, HEAD + "A,甲,116,40,1,2\nA,甲,116,40,1,2\n", lenient=False)


def test_of_contradicting_rows_none_is_used(tmp_path):
    inventory = load(tmp_path, POINTS, HEAD + "A,甲,116,40,1,2\nA,甲,116,40,9,2\n")
    assert "contradict" in found(inventory, "duplicate-row").reason
    assert amounts(inventory) == {("A", 2020, "co2", "power"): 2e4}
    assert inventory.unread_t == {("refused", "plants", "nox"): 10.0, ("refused", "plants", "co2"): 2e4}


def test_two_names_of_one_sector_are_no_duplicates(tmp_path):
    text = LONG.replace('kind = "point"', 'kind = "point"\ncrosswalk = "reas"')
    rows = LONG_HEAD + "A,116,40,IND,2020,NOx,t,1\nA,116,40,CMB,2020,NOx,t,2\n"
    assert amounts(load(tmp_path, text, rows, lenient=False)) == {("A", 2020, "nox", "other_industry"): 3.0}


def test_rows_of_one_source_that_disagree_are_told(tmp_path):
    text = LONG.replace('x = "x"', 'capacity = "cap", name_en = "name", x = "x"')
    head = LONG_HEAD.strip() + ",cap,name\n"
    rows = "A,116,40,power,2020,NOx,t,1,5,b\nA,116,40,power,2020,CO2,t,1,7,a\nA,116,40,power,2019,CO2,t,1,,\n"
    inventory = load(tmp_path, text, head + rows, lenient=False)
    assert rules(inventory, Severity.WARNING) == ["attributes-differ"] * 2
    assert inventory.parts[0].sources.loc[0, ["name_en", "capacity"]].tolist() == ["a", 7.0]


# -- geometry -------------------------------------------------------------------------------------------------------------

AREAS = """
name = "areas"
years = [2020]
species_used = ["CO2", "NOx"]
[[parts]]
name = "counties"
kind = "area"
file = "p.csv"
year = 2020
columns = {sector = "sector"}
long = {value = "v", species = "k", unit = "t"}
geometry = {file = "c.parquet", key = "code", column = "县"}
"""


def counties(codes=(110101.0, 110102.0, 110103.0)):
    shapes = [shapely.box(110 + i, 30, 111 + i, 31) for i in range(len(codes))]
    return gpd.GeoDataFrame({"code": list(codes)}, geometry=shapes, crs=4490)


def test_geometry_found_by_a_code(tmp_path):
    rows = "县,sector,k,v\n110101,power,NOx,1\n110101,road,NOx,2\n110102,power,CO2,4\n999999,power,NOx,8\n999999,road,CO2,16\n"
    inventory = load(tmp_path, AREAS, rows, c=counties())
    part = inventory.parts[0]
    assert sorted(part.sources["source_id"]) == ["110101", "110102"] == sorted(part.sources["region"])
    assert shapely.equals(part.shapes[part.position("110102")], shapely.box(111, 30, 112, 31))
    assert amounts(inventory)[("110101", 2020, "nox", "road")] == 2.0
    finding = found(inventory, "no-geometry")
    assert (finding.row, finding.value, finding.count, finding.mass_t) == (5, "999999", 2, {"nox": 8.0, "co2": 16.0})
    assert rules(inventory) == ["no-geometry"]
    unused = found(inventory, "unused-geometry")
    assert unused.severity is Severity.NOTE and unused.count == 1 and "110103" in unused.reason
    assert {f.name for f in inventory.inputs} == {"i.toml", "p.csv", "c.parquet"}


def test_features_that_share_a_code_are_one_geometry(tmp_path):
    inventory = load(tmp_path, AREAS, "县,sector,k,v\n110101,power,NOx,1\n", c=counties(["110101", "110101", "110102"]))
    assert inventory.parts[0].shapes[0].area == pytest.approx(2.0)
    assert found(inventory, "repeated-key").severity is Severity.WARNING and not inventory.findings.errors


def roads(shapes):
    return gpd.GeoDataFrame({"id": [f"R{i}" for i in range(len(shapes))], "NOx (t)": 1.0}, geometry=shapes, crs=4490)


ROADS = """
name = "roads"
years = [2020]
species_used = ["NOx"]
[[parts]]
name = "roads"
kind = "line"
file = "c.parquet"
year = 2020
sector = "road"
columns = {id = "id"}
amounts = [{column = "NOx (t)", species = "NOx"}]
"""


def test_a_vector_file_carries_its_own_geometry(tmp_path):
    line, other = shapely.LineString([(110, 30, 5), (111, 31, 6)]), shapely.LineString([(112, 30), (113, 31)])
    several = shapely.GeometryCollection([line, shapely.MultiLineString([shapely.force_3d(other)])])
    shapes = [
        line,
        shapely.MultiLineString([line, other]),
        several,
        shapely.box(0, 0, 1, 1),
        None,
        shapely.LineString(),
    ]
    inventory = load(tmp_path, ROADS, c=roads(shapes))
    part = inventory.parts[0]
    assert sorted(part.sources["source_id"]) == ["R0", "R1", "R2"]
    assert not shapely.has_z(part.shapes.to_numpy()).any()
    assert part.shapes[part.position("R2")].geom_type == "MultiLineString"
    assert [(f.rule, f.row) for f in inventory.findings.errors] == [
        ("missing-geometry", 5), ("missing-geometry", 6), ("geometry-kind", 4),
    ]  # fmt: skip
    assert inventory.unread_t == {("refused", "roads", "nox"): 3.0}


def test_wkt_columns(tmp_path):
    text = AREAS.split("[[parts]]")[0] + (
        '[[parts]]\nname = "a"\nkind = "area"\nfile = "p.csv"\nyear = 2020\nsector = "农业"\ncrs = "EPSG:4490"\n'
        'columns = {id = "id", wkt = "w"}\namounts = [{column = "v", species = "NOx", unit = "kg"}]\n'
    )
    rows = "id;w;v\nA;POLYGON ((110 30, 111 30, 111 31, 110 30));1000\nB;POLYGON ((110 30;5\nC;POINT (1 2);7\n"
    inventory = load(tmp_path, text, rows)
    assert amounts(inventory) == {("A", 2020, "nox", "agriculture"): 1.0}
    assert [(f.rule, f.row, f.column) for f in inventory.findings.errors] == [
        ("missing-geometry", 3, "w"), ("geometry-kind", 4, "w"),
    ]  # fmt: skip


@pytest.mark.parametrize(("datum", "forward"), [("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)])
def test_obfuscated_datums_become_wgs84(tmp_path, datum, forward):
    x, y = forward(116.391, 39.907)
    text = POINTS.replace('crs = "EPSG:4490"', f'datum = "{datum}"')
    part = load(tmp_path, text, HEAD + f"A,甲,{float(x)!r},{float(y)!r},1,\n", lenient=False).parts[0]
    assert (part.x[0], part.y[0]) == pytest.approx((116.391, 39.907), abs=1e-9) and part.crs.to_epsg() == 4326
    square = np.array([(116.3, 39.9), (116.4, 39.9), (116.4, 40.0), (116.3, 39.9)])
    shifted = shapely.LineString(np.column_stack(forward(square[:, 0], square[:, 1])))
    lines = load(
        tmp_path, ROADS.replace("year = 2020", f'year = 2020\ndatum = "{datum}"'), c=roads([shifted]), lenient=False
    )
    assert shapely.get_coordinates(lines.parts[0].shapes.to_numpy()) == pytest.approx(square, abs=1e-9)
    bare = roads([shifted]).set_crs(None, allow_override=True)
    without = load(tmp_path, ROADS.replace("year = 2020", f'year = 2020\ndatum = "{datum}"'), c=bare, lenient=False)
    assert shapely.get_coordinates(without.parts[0].shapes.to_numpy()) == pytest.approx(square, abs=1e-9)
    with pytest.raises(InvalidDescription, match="means longitude and latitude"):
        projected = roads([shifted]).to_crs(3857)
        load(tmp_path, ROADS.replace("year = 2020", f'year = 2020\ndatum = "{datum}"'), c=projected)


def test_points_of_a_vector_file(tmp_path):
    text = ROADS.replace('"line"', '"point"')
    shapes = [shapely.Point(110, 30), shapely.MultiPoint([(111, 31)]), shapely.MultiPoint([(1, 1), (2, 2)])]
    inventory = load(tmp_path, text, c=roads(shapes))
    part = inventory.parts[0]
    assert {i: (x, y) for i, x, y in zip(part.sources["source_id"], part.x, part.y, strict=True)} == {
        "R0": (110.0, 30.0), "R1": (111.0, 31.0),
    }  # fmt: skip
    assert rules(inventory) == ["geometry-kind"]


def test_files_of_one_part_share_a_crs(tmp_path):
    roads([shapely.LineString([(0, 0), (1, 1)])]).to_crs(3857).to_file(tmp_path / "d.gpkg", driver="GPKG")
    text = ROADS.replace('"c.parquet"', '["c.parquet", "d.gpkg"]')
    with pytest.raises(InvalidDescription, match="describe them as two parts"):
        load(tmp_path, text, c=roads([shapely.LineString([(0, 0), (1, 1)])]))


# -- surrogates, regions, progress ---------------------------------------------------------------------------------------


def test_surrogates_regions_and_progress(tmp_path):
    counties().assign(people=[1.0, None, 3.0], 名称="县").to_parquet(tmp_path / "c.parquet")
    text = POINTS + (
        '\n[[surrogates]]\nname = "people"\nkind = "polygons"\nfile = "c.parquet"\nweight = "people"\n'
        '[[surrogates]]\nname = "big"\nkind = "sources"\npart = "plants"\nweight = "co2"\n'
        '[[regions]]\nrole = "county"\nfile = "c.parquet"\ncode = "code"\nname_zh = "名称"\nversion = "v1"\n'
        '[[regions]]\nrole = "domain"\nfile = "c.parquet"\ncode = "code"\n[[regions]]\nrole = "buffer"\nbuffer_m = 1000.0\n'
    )
    (tmp_path / "i.toml").write_text(text, "utf-8")
    (tmp_path / "p.csv").write_text(HEAD + "A,甲,110.5,30.5,1,2\n", "utf-8")
    told = []
    inventory = read_inventory(tmp_path / "i.toml", progress=lambda what, share: told.append((what, share)))
    assert [what for what, _ in told] == ["regions", "plants", "surrogates", "done"] and told[-1][1] == 1.0
    people = inventory.surrogates["people"]  # in an order of their content
    weights = {shape.wkb: value for shape, value in zip(people.shapes, people.values.tolist(), strict=True)}
    assert [weights[shape.wkb] for shape in counties().geometry] == [1.0, 0.0, 3.0]
    assert found(inventory, "surrogate-empty").count == 1
    assert inventory.surrogates["big"].weight == "co2"
    assert [str(layer.role) for layer in inventory.regions] == ["county", "domain", "buffer"]
    assert inventory.regions.layers[0].frame["code"].tolist() == ["110101", "110102", "110103"]
    counties().assign(people=[1.0, -1.0, 3.0], 名称="县").to_parquet(tmp_path / "c.parquet")
    with pytest.raises(ReadError, match=r"c\.parquet: feature 2 has people = -1\.0"):
        read_inventory(tmp_path / "i.toml")


# -- the order of rows ------------------------------------------------------------------------------------------------------


def arrays(part):
    a = part.amounts
    place = (
        part.x.tobytes() + part.y.tobytes() if part.x is not None else b"".join(shapely.to_wkb(part.shapes.to_numpy()))
    )
    # What a row is called by its number is information, not content.
    ids = [i if ":" not in i else "" for i in part.sources["source_id"]]
    sources = part.sources.assign(source_id=ids).drop(columns=["row", "file"])
    return [place, *(v.tobytes() for v in (a.source, a.species, a.sector, a.year, a.mass_t)), sources.to_csv()]


ID = st.sampled_from(["", "A", "B", "C", "厂"])
ROW = st.tuples(ID, st.integers(100, 102), st.sampled_from(["power", "钢铁", "steel"]), st.sampled_from([2019, 2020]),
                st.sampled_from(["NOx", "CO2"]), st.sampled_from(["t", "kt/d"]), st.sampled_from(["1", "2.5", "-1", "x", ""]))  # fmt: skip


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=12), data=st.data(), allow=st.booleans())
def test_long_rows_in_any_order_give_the_same_arrays(tmp_path, rows, data, allow):
    text = LONG.replace('kind = "point"', f'kind = "point"\nduplicates = "{"allow" if allow else "refuse"}"')
    lines = [f"{i},{x},40,{s},{y},{k},{u},{v}\n" for i, x, s, y, k, u, v in rows]
    shuffled = data.draw(st.permutations(lines))
    first = load(tmp_path, text, LONG_HEAD + "".join(lines))
    second = load(tmp_path, text, LONG_HEAD + "".join(shuffled))
    assert arrays(first.parts[0]) == arrays(second.parts[0])
    assert first.unread_t == second.unread_t
    assert sorted(rules(first)) == sorted(rules(second))


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(9)))
def test_features_in_any_order_give_the_same_arrays(tmp_path, order):
    shapes = [shapely.LineString([(100 + i % 3, 30), (101, 31 + i // 3), (102 + i, 30)]) for i in range(8)]
    shapes.append(shapely.MultiLineString([shapes[0], shapes[5]]))
    data = roads(shapes)
    expected = load(tmp_path, ROADS, c=data, lenient=False)
    got = load(tmp_path, ROADS, c=data.iloc[list(order)], lenient=False)
    assert arrays(got.parts[0]) == arrays(expected.parts[0])


def test_mass_of_a_table_is_all_accounted_for(tmp_path):
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({
        "id": rng.integers(0, 400, 3000).astype(str), "x": 110, "y": 40, "sector": rng.choice(["power", "TOTAL", "钢铁"], 3000),
        "year": rng.choice([2018, 2019, 2020], 3000), "species": rng.choice(["NOx", "CO2", "SO2"], 3000), "unit": "t",
        "value": rng.lognormal(0, 3, 3000),
    })  # fmt: skip
    text = LONG + '\n[[parts.totals]]\ncolumn = "sector"\nvalues = ["TOTAL"]\n'
    inventory = load(tmp_path, text, frame.to_csv(index=False))
    read = inventory.parts[0].amounts.mass_t.sum() + sum(inventory.unread_t.values())
    assert read == pytest.approx(frame["value"].sum(), rel=1e-12)
    assert ("refused", "plants", "nox") in inventory.unread_t


# -- gridded parts and surrogates --------------------------------------------------------------------------------------------


def write_raster(path, values):
    values = np.asarray(values, np.float64)
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float64", crs="EPSG:4490",
        transform=rasterio.Affine(1, 0, 110, 0, -1, 40), nodata=np.nan,
    ) as raster:  # fmt: skip
        raster.write(values, 1)


def test_gridded_parts_and_raster_surrogates_come_with_their_files(tmp_path):
    write_raster(tmp_path / "nox.tif", [[1.0, 2.0], [np.nan, 4.0]])
    text = POINTS + (
        '\n[[parts]]\nname = "grid"\nkind = "gridded"\n[[parts.fields]]\nfile = "nox.tif"\nspecies = "NOx"\nsector = "road"\n'
        'year = 2020\nunit = "kt/yr"\nkind = "amount"\n'
        '[[surrogates]]\nname = "people"\nkind = "raster"\nfile = "nox.tif"\nvalues = "amount"\n'
    )
    inventory = load(tmp_path, text, HEAD + "A,甲,116,40,1,2\n", lenient=False)
    totals = inventory.totals().set_index(["part", "species", "sector"])["mass_t"].to_dict()
    assert totals[("grid", "nox", "road")] == 7000.0 and totals[("plants", "co2", "power")] == 2e4
    surrogate = inventory.surrogates["people"]
    assert surrogate.kind == "amount" and surrogate.grid.shape == (2, 2) and np.nansum(surrogate.values) == 7.0
    assert [f.name for f in inventory.inputs] == ["i.toml", "nox.tif", "p.csv"]
    with pytest.raises(ReadError, match=r"surrogate 'people': no such file 'gone\.tif'"):
        load(tmp_path, text.replace('"raster"\nfile = "nox.tif"', '"raster"\nfile = "gone.tif"'), HEAD)
