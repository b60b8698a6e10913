"""Units, evidence and tables over HTTP, against the published tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis.workspace import StoredComparison, StoredZoning, Workspace

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
        west, south, east, north = unit["bbox"]
        assert west < east and south < north


@pytest.mark.parametrize(
    "sort", ["rank", "-rank", "unit", "-unit", "area_km2", "-area_km2", "name_zh", "-score", "membership"]
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
