"""Statistics over HTTP: bounds, budgets, agreement with what is published, and what anonymous clients see."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import shapely
from starlette.testclient import TestClient

from gis.projection import transformer
from gis.views.lonlat import CRS84
from gis.workspace import Run, StoredZoning, Workspace
from service.main import create_app
from service.settings import Settings

BASE = "/api/results"
HOSTILE = '<script>alert("厂")</script>'


@pytest.fixture(scope="module")
def run(published: Path) -> Run:
    with Workspace(published) as workspace:
        return workspace.run("latest")


@pytest.fixture(scope="module")
def zoning(published: Path) -> StoredZoning:
    with Workspace(published) as workspace:
        return workspace.zoning("latest")


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, status: int, says: str = "") -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    detail = answer.json()["detail"]
    assert says in detail and "/tmp" not in detail and "Traceback" not in detail


# -- tables -----------------------------------------------------------------------------------------------------------------


def test_totals_by_everything_have_one_whole(client: TestClient, run: Run, zoning: StoredZoning) -> None:
    for by in ("species", "sector", "tier", "county", "township", "park"):
        found = ok(client.get(f"{BASE}/{zoning.id}/totals", params={"by": by, "limit": 10_000}))
        assert (found["year"], found["by"]) == (zoning.year, by) and found["method"]["zh"]
        for species in run.species:
            amount = sum(r["amount_t"] for r in found["rows"] if r["species"] == species)
            assert amount == pytest.approx(run.total(zoning.year, species).sum(), rel=1e-9)
    units = ok(client.get(f"{BASE}/{zoning.id}/totals", params={"by": "unit"}))
    assert units["total_rows"] == len(zoning.tables["units"]) * len(zoning.species)
    refused(client.get(f"{BASE}/{run.id}/totals", params={"by": "unit"}), 404, "no units")


def test_pages_of_totals_put_together_are_the_whole(client: TestClient, zoning: StoredZoning) -> None:
    address = f"{BASE}/{zoning.id}/totals"
    whole = ok(client.get(address, params={"by": "township"}))["rows"]
    parts = [
        ok(client.get(address, params={"by": "township", "limit": 7, "offset": at}))["rows"]
        for at in range(0, len(whole), 7)
    ]
    assert [row for part in parts for row in part] == whole
    assert ok(client.get(address, params={"by": "township", "offset": 10**8}))["rows"] == []


def test_series_of_everything_and_of_one_place(client: TestClient, run: Run, zoning: StoredZoning) -> None:
    address = f"{BASE}/{zoning.id}/series"
    for by in ("species", "sector", "tier"):
        rows = ok(client.get(address, params={"by": by}))["rows"]
        assert {r["year"] for r in rows} == set(run.years)
    unit = zoning.tables["units"].iloc[0]
    rows = ok(client.get(address, params={"by": "unit", "key": unit.unit}))["rows"]
    own = {r["species"]: r["amount_t"] for r in rows if r["year"] == zoning.year}
    assert own == {s: pytest.approx(unit[f"{s}_t"], rel=1e-9) for s in zoning.species}
    county = ok(client.get(address, params={"by": "county", "key": "330101"}))["rows"]
    assert {r["key"] for r in county} == {"330101"} and len(county) == len(run.years) * len(run.species)
    refused(client.get(address, params={"by": "unit"}), 400, "key")
    refused(client.get(address, params={"by": "sector", "key": "power"}), 400, "key")
    refused(client.get(address, params={"by": "county", "key": "nobody"}), 404, "no county")
    refused(client.get(f"{BASE}/{run.id}/series", params={"by": "unit", "key": unit.unit}), 404, "has no units")


def test_concentration_and_overlap(client: TestClient, run: Run, zoning: StoredZoning) -> None:
    found = ok(client.get(f"{BASE}/{zoning.id}/concentration", params={"rank_by": "NOx"}))
    assert found["rank_by"] == "nox" and [c["species"] for c in found["curves"]] == list(run.species)
    refused(client.get(f"{BASE}/{run.id}/concentration", params={"rank_by": "so2"}), 400, "not in run")
    assert client.get(f"{BASE}/{run.id}/concentration", params={"rank_by": "unobtainium"}).status_code in (400, 422)
    own = ok(client.get(f"{BASE}/{zoning.id}/overlap"))
    assert own["published"] and own["rows"][0]["shifts"] == zoning.tables["overlap"]["shifts"].iloc[0]
    other = ok(client.get(f"{BASE}/{zoning.id}/overlap", params={"share": zoning.parameters.hot.q / 2}))
    assert not other["published"] and other["rows"][0]["jaccard_null"] is None
    live = ok(client.get(f"{BASE}/{run.id}/overlap", params={"year": zoning.year, "share": zoning.parameters.hot.q}))
    assert [r["jaccard"] for r in live["rows"]] == pytest.approx([r["jaccard"] for r in own["rows"]], rel=1e-12)


def test_a_slider_of_thresholds_grows(client: TestClient, run: Run) -> None:
    cells = []
    for share in (0.01, 0.03, 0.1):
        found = ok(client.get(f"{BASE}/{run.id}/threshold", params={"share": share, "min_pollutants": 1}))
        assert found["threshold"]["share"] == share and set(found["cuts"]) == set(found["threshold"]["species"])
        cells.append(sum(c["cells"] for c in found["classes"]))
    assert 0 < cells[0] < cells[1] < cells[2]
    for wrong in (
        {"share": 0},
        {"share": 1},
        {"share": "nan"},
        {"share": "inf"},
        {"mode": "x"},
        {"min_pollutants": 9},
        {"share": -1},
        {"min_cells": 0},
        {"min_cells": 10_001},
        {"min_cells": 2.5},
        {"min_cells": "many"},
    ):
        refused(client.get(f"{BASE}/{run.id}/threshold", params=wrong), 400)


def test_small_patches_fall_and_are_told_apart(client: TestClient, zoning: StoredZoning) -> None:
    address = f"{BASE}/{zoning.id}/threshold"
    whole, sized = (ok(client.get(address, params=p)) for p in ({"share": 0.2}, {"share": 0.2, "min_cells": 6}))
    assert (whole["threshold"].pop("min_cells"), sized["threshold"].pop("min_cells")) == (1, 6)
    assert whole["threshold"] == sized["threshold"] and whole["cuts"] == sized["cuts"]
    assert whole == ok(client.get(address, params={"share": 0.2, "min_cells": 1})) | {"threshold": whole["threshold"]}
    for before, after in zip(whole["classes"], sized["classes"], strict=True):
        assert before["class"] == after["class"] and before["small_patches"] == 0
        for what in ("cells", "patches", "area_km2"):
            assert before[what] == pytest.approx(after[what] + after[f"small_{what}"])
        for s in zoning.species:
            assert after[f"{s}_t"] <= before[f"{s}_t"] * (1 + 1e-12)
            assert after[f"{s}_proxy_share"] is None or 0 <= after[f"{s}_proxy_share"] <= 1
    assert sum(c["small_cells"] for c in sized["classes"]) > 0 < sum(c["cells"] for c in sized["classes"])


# -- points and cells -----------------------------------------------------------------------------------------------------------


def _middle(run: Run, zoning: StoredZoning) -> tuple[float, float]:
    inner = shapely.point_on_surface(zoning.tables["units"].sort_values("rank").geometry.iloc[0])
    lon, lat = transformer(run.grid.crs, CRS84).transform(inner.x, inner.y)
    return lon, lat


def test_a_click(client: TestClient, anonymous: TestClient, run: Run, zoning: StoredZoning) -> None:
    lon, lat = _middle(run, zoning)
    found = ok(client.get(f"{BASE}/{zoning.id}/point", params={"lon": lon, "lat": lat, "top": 2}))
    assert found["units"] and found["zoned"]["class"] and found["places"][0]["role"] == "county"
    assert all(0 < len(c) <= 2 for c in found["contributors"].values())
    hidden = ok(anonymous.get(f"{BASE}/{zoning.id}/point", params={"lon": lon, "lat": lat}))
    assert hidden["contributors"] is None and {**found, "contributors": None} == hidden


@pytest.mark.parametrize(
    "wrong",
    [
        {"lon": "nan"},
        {"lon": "inf"},
        {"lat": 91},
        {"lon": 1e308},
        {"lon": "east"},
        {"lon": ""},
        {"year": 1900},
        {"top": 0},
        {"top": 10**9},
    ],
)
def test_a_click_that_cannot_be(client: TestClient, run: Run, zoning: StoredZoning, wrong: dict[str, Any]) -> None:
    lon, lat = _middle(run, zoning)
    refused(client.get(f"{BASE}/{zoning.id}/point", params={"lon": lon, "lat": lat, **wrong}), 400)


def test_a_click_beyond_the_grid_and_on_a_comparison(client: TestClient, run: Run) -> None:
    refused(client.get(f"{BASE}/{run.id}/point", params={"lon": -70, "lat": -30}), 404, "outside the grid")
    refused(client.get(f"{BASE}/c-latest/point", params={"lon": 0, "lat": 0}), 404, "is a comparison")


def test_contributors_of_a_cell(client: TestClient, anonymous: TestClient, run: Run) -> None:
    cell = int(run.total(run.years[-1], "nox").argmax())
    found = ok(client.get(f"{BASE}/{run.id}/cells/{cell}/contributors"))
    expected = run.contributors(cell, "nox", top=10)
    assert [c["source_id"] for c in found["contributors"]["nox"]] == expected["source_id"].tolist()
    refused(anonymous.get(f"{BASE}/{run.id}/cells/{cell}/contributors"), 401, "key")
    refused(client.get(f"{BASE}/{run.id}/cells/{run.grid.size}/contributors"), 404, "no cell")
    for wrong in ("-1", "1.5", "x", str(2**70)):
        refused(client.get(f"{BASE}/{run.id}/cells/{wrong}/contributors"), 400)


def test_names_come_as_they_are_and_as_json(client: TestClient, run: Run) -> None:
    """Data is not altered; that nobody takes it for markup is up to content types and to those who show it."""
    plants = run.sources("plants")
    hostile = plants[plants["name_zh"] == HOSTILE].iloc[0]
    row, col = run.grid.index(x=hostile.geometry.x, y=hostile.geometry.y)
    cell = int(run.grid.cell_id(row=row, col=col))
    answer = client.get(f"{BASE}/{run.id}/cells/{cell}/contributors", params={"top": 100})
    assert HOSTILE in [c["name_zh"] for c in answer.json()["contributors"]["co2"]]
    assert (
        answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"
    )


# -- polygons ---------------------------------------------------------------------------------------------------------------------


def _box(run: Run, grow: float = 0.0) -> dict[str, Any]:
    west, south, east, north = run.grid.bounds
    ring = shapely.box(west - grow, south - grow, east + grow, north + grow).segmentize(1000).exterior
    lon, lat = transformer(run.grid.crs, CRS84).transform(*ring.xy)
    return {"type": "Polygon", "coordinates": [[list(p) for p in zip(lon, lat, strict=True)]]}


def test_a_polygon_over_everything_holds_everything(
    client: TestClient, anonymous: TestClient, run: Run, zoning: StoredZoning
) -> None:
    for ground in ("false", "true"):
        found = ok(client.post(f"{BASE}/{zoning.id}/zonal", params={"ground": ground}, json=_box(run, grow=2000)))
        assert found["cells"] == run.grid.size and 0.05 < found["outside_share"] < 0.2
        for here in found["species"]:
            whole = run.total(zoning.year, here["species"]).sum()
            assert here["amount_t"] == pytest.approx(whole, rel=1e-9) and here["share"] == pytest.approx(1.0, rel=1e-9)
            assert sum(here["sectors"].values()) == pytest.approx(whole, rel=1e-9)
        areas = zoning.tables["cells"].groupby("class")["area_km2"].sum()
        for row in found["classes"]:
            assert row["area_km2"] == pytest.approx(areas.get(row["class"], 0.0), rel=1e-9)
    hidden = ok(anonymous.post(f"{BASE}/{zoning.id}/zonal", json=_box(run)))
    assert hidden["contributors"] is None and found["contributors"]["co2"]


@pytest.mark.parametrize(("least", "size"), [(1, 1), (2, 1), (1, 4)])
def test_a_polygon_over_everything_has_the_areas_of_a_threshold(
    client: TestClient, run: Run, zoning: StoredZoning, least: int, size: int
) -> None:
    wanted = {"share": 0.1, "mode": "area", "min_pollutants": least, "min_cells": size, "year": zoning.year}
    whole = ok(client.get(f"{BASE}/{zoning.id}/threshold", params=wanted))
    found = ok(client.post(f"{BASE}/{zoning.id}/zonal", params=wanted, json=_box(run, grow=2000)))["at_threshold"]
    assert found["threshold"] == whole["threshold"]
    areas = {row["class"]: row["area_km2"] for row in whole["classes"]}
    assert {c["class"]: c["area_km2"] for c in found["classes"]} == pytest.approx(areas, rel=1e-9)
    assert sum(areas.values()) > 0


def test_a_polygon_has_the_classes_of_another_year_at_its_threshold(
    client: TestClient, run: Run, zoning: StoredZoning
) -> None:
    other = next(y for y in run.years if y != zoning.year)
    found = ok(client.post(f"{BASE}/{zoning.id}/zonal", params={"year": other}, json=_box(run)))
    assert (
        found["classes"] == found["at_threshold"]["classes"]
        and found["hot_share"] == found["at_threshold"]["hot_share"]
    )
    refused(client.post(f"{BASE}/{zoning.id}/zonal", params={"share": 0.9}, json=_box(run)), 400, "share")


def test_a_feature_and_a_multipolygon_are_taken(client: TestClient, run: Run) -> None:
    polygon = _box(run)
    plain = ok(client.post(f"{BASE}/{run.id}/zonal", json=polygon))
    feature = ok(
        client.post(f"{BASE}/{run.id}/zonal", json={"type": "Feature", "properties": None, "geometry": polygon})
    )
    multi = ok(
        client.post(f"{BASE}/{run.id}/zonal", json={"type": "MultiPolygon", "coordinates": [polygon["coordinates"]]})
    )
    assert plain == feature == multi
    assert (
        client.post(f"{BASE}/{run.id}/zonal", json=polygon).headers.get("cache-control")
        != "public, max-age=31536000, immutable"
    )


_RING = [[110.0, 35.0], [110.1, 35.0], [110.1, 35.1], [110.0, 35.0]]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"3", b'"Polygon"', b"\xff\xfe", b"[" * 100_000, b'{"type":"Polygon","coordinates":' + b"[" * 5000,
        *(json.dumps(b).encode() for b in (
            {}, {"type": "Polygon"}, {"type": "Point", "coordinates": [0, 0]}, {"type": "Polygon", "coordinates": None},
            {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[]]},
            {"type": "Polygon", "coordinates": [_RING[:3]]},
            {"type": "Polygon", "coordinates": [[*_RING[:3], [0, 0]]]}, {"type": "Polygon", "coordinates": [[["a", "b"]] * 4]},
            {"type": "Polygon", "coordinates": [[[1e308, 0], [0, 1], [1, 1], [1e308, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[1, 1], [1, 1], [1, 1], [1, 1]]]},
            {"type": "Polygon", "coordinates": [[[True, 1], [0, 1], [1, 1], [True, 1]]]},
            {"type": "Polygon", "coordinates": [[[-70, -30], [-69, -30], [-69, -29], [-70, -30]]]},
            {"type": "Polygon", "coordinates": {"0": _RING}}, {"type": "MultiPolygon", "coordinates": [_RING]},
            {"type": "Feature", "geometry": None}, {"type": "Feature", "geometry": {"type": "Feature", "geometry": None}},
        )),
        b'{"type":"Polygon","coordinates":[[[NaN,0],[0,1],[1,1],[NaN,0]]]}',
        b'{"type":"Polygon","coordinates":[[[Infinity,0],[0,1],[1,1],[Infinity,0]]]}',
        b'{"type":"Polygon","coordinates":[[[1e999,0],[0,1],[1,1],[1e999,0]]]}',
        b'{"type":"Polygon","coordinates":[[[' + b"9" * 400 + b',0],[0,1],[1,1],[0,0]]]}',
    ],
)  # fmt: skip
def test_bodies_that_are_no_polygon_are_refused(client: TestClient, run: Run, body: bytes) -> None:
    refused(client.post(f"{BASE}/{run.id}/zonal", content=body, headers={"Content-Type": "application/json"}), 400)


def test_polygons_beyond_the_budgets_are_refused(published: Path, run: Run) -> None:
    settings = Settings(workspace=published, polygon_vertices=100, polygon_cells=50)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        refused(client.post(f"{BASE}/{run.id}/zonal", json=_box(run)), 413, "100 at most")
        box = _box(run)["coordinates"][0]
        corner = [box[0], box[30], box[60], box[0]]
        refused(
            client.post(f"{BASE}/{run.id}/zonal", json={"type": "Polygon", "coordinates": [corner]}), 413, "50 at most"
        )
    with TestClient(create_app(Settings(workspace=published, body_mb=0.001)), raise_server_exceptions=False) as client:
        refused(client.post(f"{BASE}/{run.id}/zonal", json=_box(run)), 413)


def test_no_answer_holds_a_number_that_json_does_not_know(client: TestClient, run: Run, zoning: StoredZoning) -> None:
    for name in (
        "totals",
        "overlap",
        "concentration",
        "sensitivity",
        "evidence",
        "notes",
        "units",
        "conflicts",
        "ledger",
        "series",
    ):
        text = client.get(f"{BASE}/{zoning.id}/{name}").text
        json.loads(text, parse_constant=pytest.fail)
    assert math.isfinite(run.total(run.years[0], "co2").sum())
