"""Debian's GDAL: what ogrinfo lists and ogr2ogr copies is what the workspace holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import numpy as np
import pytest

from gis.workspace import Run, StoredZoning, Workspace
from tests.service.clients.programs import program, run

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def workspace(published: Path) -> Iterator[Workspace]:
    with closing(Workspace(published)) as found:
        yield found


@pytest.fixture(scope="module")
def zoning(workspace: Workspace) -> StoredZoning:
    return workspace.zoning("latest")


@pytest.fixture(scope="module")
def province(workspace: Workspace) -> Run:
    return workspace.run("latest")


def _info(served: str, layer: str, *options: str) -> str:
    return run([program("ogrinfo"), "-ro", "-so", *options, f"OAPIF:{served}/ogc", layer])


def _requests(text: str) -> list[dict[str, list[str]]]:
    """Queries of the pages that GDAL fetched, as it tells with CPL_DEBUG."""
    found = re.findall(r"HTTP: Fetch\((\S+?)\)", text)
    return [parse_qs(urlsplit(url).query) for url in found if "/items" in url]


def _copy(served: str, layer: str, out: Path, *options: str) -> tuple[gpd.GeoDataFrame, str]:
    text = run(
        [
            program("ogr2ogr"),
            "-f",
            "GPKG",
            "--config",
            "CPL_DEBUG",
            "ON",
            *options,
            str(out),
            f"OAPIF:{served}/ogc",
            layer,
        ]
    )
    return gpd.read_file(out), text


def test_every_collection_is_listed_with_its_count(served: str, zoning: StoredZoning) -> None:
    listed = run([program("ogrinfo"), "-ro", f"OAPIF:{served}/ogc"])
    for kind in ("units", "cells", "hotspots", "conflicts"):
        assert f"{zoning.id}.{kind}" in listed
    units = zoning.zoning.tables["units"]
    assert f"Feature Count: {len(units)}" in _info(served, f"{zoning.id}.units")


def test_types_come_from_the_schema(served: str, zoning: StoredZoning) -> None:
    text = _info(served, f"{zoning.id}.units")
    assert re.search(r"^unit: String", text, re.M)
    assert re.search(r"^rank: Integer", text, re.M)
    assert re.search(r"^co2_t: Real", text, re.M)
    assert re.search(r"^area_km2: Real", text, re.M)


def test_units_to_geopackage(served: str, zoning: StoredZoning, tmp_path: Path) -> None:
    copied, _ = _copy(served, f"{zoning.id}.units", tmp_path / "units.gpkg")
    units = zoning.zoning.tables["units"]
    assert sorted(copied["unit"]) == sorted(units["unit"])
    assert copied["co2_t"].sum() == pytest.approx(units["co2_t"].sum(), rel=1e-12)
    # Degrees with seven decimals stand for about a centimetre.
    back = copied.set_index("unit").to_crs(units.crs).geometry.area
    assert np.allclose(back.sort_index(), units.set_index("unit").geometry.area.sort_index(), rtol=1e-5)


def test_where_is_pushed_down(served: str, zoning: StoredZoning, tmp_path: Path) -> None:
    units = zoning.zoning.tables["units"]
    least = float(units["co2_t"].median())
    copied, text = _copy(
        served, f"{zoning.id}.units", tmp_path / "some.gpkg", "-where", f"co2_t > {least!r} AND jurisdiction LIKE '33%'"
    )
    wanted = units[(units["co2_t"] > least) & units["jurisdiction"].str.startswith("33")]
    assert sorted(copied["unit"]) == sorted(wanted["unit"]) and 0 < len(wanted) < len(units)
    assert any("filter" in query for query in _requests(text)), text[-3000:]


def test_a_filter_without_case(served: str, zoning: StoredZoning, tmp_path: Path) -> None:
    units = zoning.zoning.tables["units"]
    name = str(units["class"].iloc[0])
    copied, _ = _copy(served, f"{zoning.id}.units", tmp_path / "ilike.gpkg", "-where", f"class ILIKE '{name.upper()}'")
    assert sorted(copied["unit"]) == sorted(units.loc[units["class"] == name, "unit"])


def test_spat_is_a_bbox(served: str, zoning: StoredZoning, tmp_path: Path) -> None:
    units = zoning.zoning.tables["units"].to_crs("OGC:CRS84")
    west, south, east, north = units.total_bounds
    box = (west, south, (west + east) / 2, (south + north) / 2)
    copied, text = _copy(served, f"{zoning.id}.units", tmp_path / "part.gpkg", "-spat", *map(str, box))
    wanted = units.cx[box[0] : box[2], box[1] : box[3]]
    assert sorted(copied["unit"]) == sorted(wanted["unit"]) and 0 < len(wanted)
    assert any("bbox" in query for query in _requests(text))


def test_pages_past_ten_thousand_rows(wide: tuple[str, Path], tmp_path: Path) -> None:
    """All cells of a run, page after page: none is lost and none is twice."""
    served, place = wide
    with Workspace(place) as workspace:
        run_ = workspace.run("latest")
        valid, years = run_.valid, run_.years
        expected = {s: sum(run_.total(y, s)[valid].sum() for y in years) for s in run_.species}
    copied, text = _copy(served, f"{run_.id}.cells", tmp_path / "cells.gpkg", "-oo", "PAGE_SIZE=5000")
    assert len(copied) == int(valid.sum()) * len(years) > 20_000
    assert not copied.duplicated(["cell", "year"]).any()
    for species, mass in expected.items():
        assert copied[f"{species}_t"].sum() == pytest.approx(mass, rel=1e-9)
    assert len([query for query in _requests(text) if query.get("limit") == ["5000"]]) >= len(copied) / 5000


def test_pages_are_as_large_as_gdal_asks_for(served: str, province: Run, tmp_path: Path) -> None:
    """3.6 asks for what it is told to; later versions for what the document allows."""
    _, text = _copy(served, f"{province.id}.cells", tmp_path / "large.gpkg", "-oo", "PAGE_SIZE=50000")
    assert max(int(query["limit"][0]) for query in _requests(text) if "limit" in query) == 50_000


def test_flatgeobuf_of_a_page_is_read(served: str, zoning: StoredZoning) -> None:
    text = run(
        [
            program("ogrinfo"),
            "-ro",
            "-so",
            "-al",
            f"/vsicurl/{served}/ogc/collections/{zoning.id}.units/items?f=fgb&limit=1000",
        ]
    )
    assert f"Feature Count: {len(zoning.zoning.tables['units'])}" in text


def test_a_part_of_a_download_is_read_by_its_index(served: str, zoning: StoredZoning, tmp_path: Path) -> None:
    table = zoning.zoning.tables["cells"]
    units = zoning.zoning.tables["units"].to_crs("OGC:CRS84")
    west, south, east, north = units.total_bounds
    out = tmp_path / "part.gpkg"
    source = f"/vsicurl/{served}/ogc/collections/{zoning.id}.cells/download?f=fgb"
    box = list(map(str, (west, south, (west + east) / 2, north)))
    run([program("ogr2ogr"), "-f", "GPKG", "-spat", *box, "-spat_srs", "OGC:CRS84", str(out), source])
    copied = gpd.read_file(out)
    assert 0 < len(copied) < len(table) and set(copied["cell"]) < set(table["cell"])


def test_geojson_is_strict(served: str, zoning: StoredZoning) -> None:
    """GDAL reads NaN in JSON; other clients do not, and get none."""
    import urllib.request

    with urllib.request.urlopen(f"{served}/ogc/collections/{zoning.id}.cells/items?limit=1000") as answer:
        text = answer.read().decode()

    def refuse(constant: str) -> Any:
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse)["type"] == "FeatureCollection"
