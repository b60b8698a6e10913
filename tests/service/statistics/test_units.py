"""Units, evidence and tables over HTTP, against the published tables."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from gis.workspace import StoredComparison, StoredZoning, Workspace
from service.routes.answers import unitfiles

BASE = "/api/results"


@pytest.fixture(scope="module")
def zoning(published: Path) -> StoredZoning:
    with Workspace(published) as workspace:
        return workspace.zoning("latest")


@pytest.fixture(scope="module")
def comparison(published: Path) -> StoredComparison:
    with Workspace(published) as workspace:
        return workspace.comparison("latest")


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_units_are_those_of_the_table(client: TestClient, zoning: StoredZoning) -> None:
    table = zoning.tables["units"].set_index("unit")
    found = ok(client.get(f"{BASE}/{zoning.id}/units"))
    assert found["number_matched"] == len(table) == len(found["units"])
    assert [u["rank"] for u in found["units"]] == sorted(table["rank"])
    for unit in found["units"]:
        row = table.loc[unit["unit"]]
        assert (unit["class"], unit["name_zh"], unit["review"], unit["cells"]) == (
            row["class"],
            row["name_zh"],
            row["review"],
            row["cells"],
        )
        for s in unit["species"]:
            code = s["species"]
            assert (s["t"], s["t_km2"], s["share"]) == (row[f"{code}_t"], row[f"{code}_t_km2"], row[f"{code}_share"])
        assert (f"{unit['review_zh']} / {unit['review_en']}" if unit["review"] else "") == unit["review"]
        assert not re.search(r"[一-鿿]", unit["review_en"]) and bool(unit["review_zh"]) == bool(unit["review"])
        west, south, east, north = unit["bbox"]
        assert west < east and south < north


@pytest.mark.parametrize(
    "sort",
    [
        "rank",
        "-rank",
        "unit",
        "-unit",
        "area_km2",
        "-area_km2",
        "name_zh",
        "name_en",
        "-score",
        "membership",
        "-proxy_share",
    ],
)
def test_units_in_any_order_and_by_pages(client: TestClient, zoning: StoredZoning, sort: str) -> None:
    address = f"{BASE}/{zoning.id}/units"
    whole = ok(client.get(address, params={"sort": sort}))["units"]
    name = sort.removeprefix("-")
    values = [u[name] for u in whole]
    assert values == sorted(values, reverse=sort.startswith("-"))
    pages = [
        ok(client.get(address, params={"sort": sort, "limit": 3, "offset": at}))["units"]
        for at in range(0, len(whole), 3)
    ]
    assert [u["unit"] for page in pages for u in page] == [u["unit"] for u in whole]


@pytest.mark.parametrize("sort", ["co2_t", "-nox_t"])
def test_units_by_what_they_emit(client: TestClient, zoning: StoredZoning, sort: str) -> None:
    table = zoning.tables["units"].sort_values([sort.removeprefix("-"), "unit"], ascending=[sort[0] != "-", True])
    found = ok(client.get(f"{BASE}/{zoning.id}/units", params={"sort": sort}))["units"]
    assert [u["unit"] for u in found] == table["unit"].tolist()
    rows = client.get(f"{BASE}/{zoning.id}/units.csv", params={"sort": sort}).text.splitlines()[1:]
    assert [row.split(",")[0].strip('"') for row in rows] == table["unit"].tolist()
    strange = client.get(f"{BASE}/{zoning.id}/units", params={"sort": "so2_t"})
    assert strange.status_code == 400 and "co2_t, nox_t, pm25_t" in strange.json()["detail"]


def test_jurisdictions_are_those_of_the_units(client: TestClient, zoning: StoredZoning) -> None:
    table = zoning.tables["units"]
    found = ok(client.get(f"{BASE}/{zoning.id}/jurisdictions"))["jurisdictions"]
    assert [j["code"] for j in found] == sorted(set(table["jurisdiction"]))
    for row in found:
        mine = table[table["jurisdiction"] == row["code"]]
        assert (row["units"], row["name_zh"], row["name_en"]) == (
            len(mine), mine["jurisdiction_zh"].iloc[0], mine["jurisdiction_en"].iloc[0],
        )  # fmt: skip
        assert {k: n for k, n in row["classes"].items() if n} == mine["class"].astype(str).value_counts().to_dict()


def test_units_searched_and_filtered(client: TestClient, zoning: StoredZoning) -> None:
    address = f"{BASE}/{zoning.id}/units"
    table = zoning.tables["units"]
    for klass in ("co_control", "watch"):
        found = ok(client.get(address, params={"class": klass}))
        assert {u["unit"] for u in found["units"]} == set(table[table["class"] == klass]["unit"])
    code = table["unit"].iloc[1]
    assert [u["unit"] for u in ok(client.get(address, params={"search": code.lower()}))["units"]] == [code]
    zh = ok(client.get(address, params={"search": table["jurisdiction_zh"].iloc[0]}))
    assert zh["number_matched"] == int((table["jurisdiction_zh"] == table["jurisdiction_zh"].iloc[0]).sum())
    for strange in ("%", "' or 1=1 --", ".*", "[a-z]+", "厂厂", "\\"):
        assert ok(client.get(address, params={"search": strange}))["number_matched"] == 0
    led = ok(client.get(address, params={"proxy_led": "true"}))
    assert led["number_matched"] == int(table["proxy_led"].sum())


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "geometry"},
        {"sort": "rank; drop"},
        {"class": "none"},
        {"limit": 0},
        {"limit": 10**7},
        {"offset": -1},
        {"search": ""},
    ],
)
def test_units_asked_for_wrongly(client: TestClient, zoning: StoredZoning, wrong: dict[str, Any]) -> None:
    answer = client.get(f"{BASE}/{zoning.id}/units", params=wrong)
    assert answer.status_code == 400 and answer.headers["content-type"] == "application/problem+json"


def test_the_page_of_a_unit(client: TestClient, anonymous: TestClient, zoning: StoredZoning) -> None:
    for unit in zoning.tables["units"]["unit"]:
        found = ok(client.get(f"{BASE}/{zoning.id}/units/{unit}"))
        for name in ("sectors", "tiers", "access", "contributors", "conflicts"):
            table = zoning.tables[name]
            assert len(found[name]) == int((table["unit"] == unit).sum()), name
        hidden = ok(anonymous.get(f"{BASE}/{zoning.id}/units/{unit}"))
        assert hidden["contributors"] is None and hidden["unit"] == found["unit"]


def test_contributors_of_a_unit(client: TestClient, anonymous: TestClient, zoning: StoredZoning) -> None:
    unit = zoning.tables["units"].sort_values("rank")["unit"].iloc[0]
    address = f"{BASE}/{zoning.id}/units/{unit}/contributors"
    found = ok(client.get(address, params={"top": 2}))["contributors"]
    table = zoning.tables["contributors"].query("unit == @unit and position <= 2")
    assert sum(len(rows) for rows in found.values()) == len(table)
    assert anonymous.get(address).status_code == 401


def test_evidence_of_a_unit_names_no_facility(anonymous: TestClient, zoning: StoredZoning) -> None:
    for unit in zoning.tables["units"]["unit"].head(5):
        answer = anonymous.get(f"{BASE}/{zoning.id}/units/{unit}/evidence")
        found = ok(answer)
        assert found["score"]["score"] == pytest.approx(
            zoning.tables["units"].set_index("unit").loc[unit, "score"], abs=1e-8
        )
        assert found["steps"][0]["step"] == "hot_sets" and found["inputs"] == zoning.manifest["run"]["inputs"]
        assert not re.search(r"Plant \d|第\d+厂", answer.text)


def test_tables_of_a_zoning(client: TestClient, zoning: StoredZoning) -> None:
    for name in ("ledger", "sensitivity", "stability", "notes", "evidence"):
        found = ok(client.get(f"{BASE}/{zoning.id}/{name}", params={"limit": 10_000}))
        table = zoning.tables[name]
        assert found["columns"] == list(table.columns) and found["number_matched"] == len(found["rows"]) == len(table)
    found = ok(client.get(f"{BASE}/{zoning.id}/conflicts"))
    assert [c["conflict"] for c in found["conflicts"]] == zoning.tables["conflicts"]["conflict"].tolist()
    assert "geometry" not in found["conflicts"][0]
    run = ok(client.get(f"{BASE}/{zoning.run_id}/ledger"))
    assert "allocated_t" in run["columns"] and run["number_matched"] == len(run["rows"])


_ASKED: list[dict[str, str]] = [
    {}, {"sort": "-area_km2"}, {"class": "co_control", "sort": "name_zh"}, {"search": "330101"}, {"search": "no such"},
    {"proxy_led": "false", "sort": "-score"},
]  # fmt: skip


@pytest.mark.parametrize("asked", _ASKED)
def test_a_list_of_units_as_files(
    client: TestClient, zoning: StoredZoning, asked: dict[str, str], tmp_path: Path
) -> None:
    address, left = f"{BASE}/{zoning.id}/units", set(Path(tempfile.gettempdir()).glob("cozone-units-*"))
    listed = ok(client.get(address, params={**asked, "limit": "1000"}))["units"]
    answer = client.get(f"{address}.csv", params=asked)
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{zoning.id}.units.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [r["unit"] for r in rows] == [u["unit"] for u in listed]
    for row, unit in zip(rows, listed, strict=True):
        for name in ("class", "name_zh", "name_en", "review_zh", "review_en", "tier", "jurisdiction"):
            assert row[name] == unit[name]
        for name in ("area_km2", "score", "membership", "rank", "cells"):
            assert float(row[name]) == unit[name] if unit[name] is not None else row[name] == ""
        assert [float(row[side]) for side in ("west", "south", "east", "north")] == unit["bbox"]
        assert {s["species"]: float(row[f"{s['species']}_t"]) for s in unit["species"]} == {
            s["species"]: s["t"] for s in unit["species"]
        }
    assert "POLYGON" not in answer.text and "nan" not in answer.text
    made = client.get(f"{address}.gpkg", params=asked)
    assert (
        made.headers["content-type"] == "application/geopackage+sqlite3"
        and made.headers["etag"] != answer.headers["etag"]
    )
    (tmp_path / "units.gpkg").write_bytes(made.content)
    frame = gpd.read_file(tmp_path / "units.gpkg", layer="units")
    assert frame["unit"].tolist() == [u["unit"] for u in listed] and frame.crs == zoning.grid.crs
    own = zoning.tables["units"].set_index("unit")
    assert all(g.equals(own.geometry[u]) for u, g in zip(frame["unit"], frame.geometry, strict=True))
    assert {"review_zh", "review_en"} < set(frame) and not {"grid_west", "geometry_84", "review"} & set(frame)
    assert set(Path(tempfile.gettempdir()).glob("cozone-units-*")) <= left


def test_files_of_units_asked_for_wrongly(
    client: TestClient, zoning: StoredZoning, comparison: StoredComparison
) -> None:
    for wrong, status in (
        (f"{zoning.id}/units.xls", 400), (f"{zoning.id}/units.", 404), (f"{zoning.id}/units.csv?limit=5", 400),
        (f"{zoning.id}/units.csv?sort=geometry", 400), (f"{zoning.run_id}/units.csv", 404), (f"{comparison.id}/units.gpkg", 404),
    ):  # fmt: skip
        answer = client.get(f"{BASE}/{wrong}")
        assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json", wrong


def test_a_spreadsheet_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    table = pa.table(
        {
            "name": ["=1+1", "+86", "-x", "@sum", "plain", "a=b", "", None],
            "t": [-1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, None],
        }
    )
    unitfiles._write_csv(table, tmp_path / "made.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "made.csv").read_bytes().decode("utf-8-sig"))))
    assert [r[0] for r in rows[1:]] == ["'=1+1", "'+86", "'-x", "'@sum", "plain", "a=b", "", ""]
    assert [r[1] for r in rows[1:]] == ["-1.5", "2", "3", "4", "5", "6", "7", ""]


def test_changes_have_names_places_and_can_be_chosen(
    client: TestClient, published: Path, comparison: StoredComparison
) -> None:
    address, table = f"{BASE}/{comparison.id}/changes", comparison.tables["units"]
    with Workspace(published) as workspace:
        sides = [workspace.zoning(z).tables["units"].set_index("unit") for z in (comparison.a, comparison.b)]
    boxes = {
        u["unit"]: u["bbox"]
        for z in (comparison.a, comparison.b)
        for u in ok(client.get(f"{BASE}/{z}/units?limit=1000"))["units"]
    }
    found = ok(client.get(address))
    assert found["columns"] == [*table.columns, "a_name_zh", "a_name_en", "b_name_zh", "b_name_en", "bbox"]
    for row in found["rows"]:
        for side, units in zip("ab", sides, strict=True):
            for name in ("name_zh", "name_en"):
                assert row[f"{side}_{name}"] == (units.loc[row[side], name] if row[side] else None)
        west, south, east, north = row["bbox"]
        assert west < east and south < north and (row["a"] in boxes or row["b"] in boxes)
    for relation, count in table["relation"].value_counts().items():
        some = ok(client.get(address, params={"relation": relation, "limit": 1}))
        assert some["number_matched"] == count and len(some["rows"]) == 1
        assert some["rows"][0] == next(r for r in found["rows"] if r["relation"] == relation)
    both = table[(table["a"] != "") & (table["b"] != "")]
    other = int((both["a_class"].astype(str) != both["b_class"].astype(str)).sum())
    assert ok(client.get(address, params={"class_changed": "true"}))["number_matched"] == other
    assert ok(client.get(address, params={"class_changed": "false"}))["number_matched"] == len(table) - other
    for klass in ("co_control", "watch"):
        count = int(((table["a_class"].astype(str) == klass) | (table["b_class"].astype(str) == klass)).sum())
        assert ok(client.get(address, params={"class": klass}))["number_matched"] == count
    one = next(r for r in found["rows"] if r["b"])
    for text in (one["b"], one["b_name_zh"], one["b_name_en"].upper()):
        some = ok(client.get(address, params={"search": text}))["rows"]
        texts = [{str(r[f"{side}{n}"]).casefold() for side in "ab" for n in ("", "_name_zh", "_name_en")} for r in some]
        assert one in some and all(text.casefold() in each for each in texts) and len(some) < len(found["rows"])
    assert ok(client.get(address, params={"search": "' or 1=1"}))["number_matched"] == 0
    for wrong in ({"relation": "gone"}, {"class_changed": "perhaps"}, {"sort": "a"}):
        assert client.get(address, params=wrong).status_code == 400


def test_a_comparison_over_http(client: TestClient, comparison: StoredComparison) -> None:
    found = ok(client.get(f"{BASE}/{comparison.id}/changes"))
    assert (found["a"], found["b"], found["number_matched"]) == (
        comparison.a,
        comparison.b,
        len(comparison.tables["units"]),
    )
    summary = ok(client.get(f"{BASE}/{comparison.id}/summary"))
    for name, rows in summary.items():
        assert len(rows) == len(comparison.tables[name])
    for name in ("changes", "summary"):
        assert client.get(f"{BASE}/{comparison.a}/{name}").status_code == 404
    for name in ("units", "conflicts", "sensitivity", "ledger", "totals"):
        assert client.get(f"{BASE}/{comparison.id}/{name}").status_code == 404


def test_unknown_units_are_not_found(client: TestClient, zoning: StoredZoning) -> None:
    for unit in ("CZ-0", "%2e%2e%2fx", "%00", "'%20or%201=1", "厂"):
        for rest in ("", "/evidence", "/contributors"):
            answer = client.get(f"{BASE}/{zoning.id}/units/{unit}{rest}")
            assert answer.status_code in (400, 404) and answer.headers["content-type"] == "application/problem+json"
