"""GeoPandas and OWSLib, as analysts call them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from owslib.ogcapi.features import Features

from gis.workspace import StoredZoning, Workspace

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def zoning(published: Path) -> StoredZoning:
    with Workspace(published) as workspace:
        found = workspace.zoning("latest")
        assert found.zoning.tables
        return found


def test_geopandas_reads_a_page(served: str, zoning: StoredZoning) -> None:
    frame = gpd.read_file(f"{served}/ogc/collections/{zoning.id}.units/items?limit=1000")
    units = zoning.zoning.tables["units"]
    assert sorted(frame["unit"]) == sorted(units["unit"])
    assert frame.crs.equals("OGC:CRS84") or frame.crs.equals("EPSG:4326")
    assert frame["co2_t"].sum() == pytest.approx(units["co2_t"].sum(), rel=1e-12)


@pytest.mark.parametrize("form", ["json", "fgb", "csv", "parquet"])
def test_geopandas_reads_whole_collections(served: str, zoning: StoredZoning, form: str, tmp_path: Path) -> None:
    import urllib.request

    path = tmp_path / f"units.{'geojson' if form == 'json' else form}"
    with urllib.request.urlopen(f"{served}/ogc/collections/{zoning.id}.units/download?f={form}") as answer:
        path.write_bytes(answer.read())
        assert answer.headers["Content-Disposition"].startswith("attachment")
    frame = gpd.read_parquet(path) if form == "parquet" else gpd.read_file(path)
    units = zoning.zoning.tables["units"]
    assert sorted(frame["unit"]) == sorted(units["unit"])
    assert np.asarray(frame["co2_t"], float).sum() == pytest.approx(units["co2_t"].sum(), rel=1e-9)


def test_owslib_finds_its_way(served: str, zoning: StoredZoning) -> None:
    features = Features(f"{served}/ogc")
    units = f"{zoning.id}.units"
    assert units in features.feature_collections()
    assert features.api()["openapi"].startswith("3.0")
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in features.conformance()["conformsTo"]
    assert "co2_t" in features.collection_queryables(units)["properties"]
    page = features.collection_items(units, limit=2)
    assert page["numberMatched"] == len(zoning.zoning.tables["units"])
    code = page["features"][0]["id"]
    assert features.collection_item(units, code)["id"] == code
    box = features.collection(units)["extent"]["spatial"]["bbox"][0]
    assert features.collection_items(units, bbox=box)["numberMatched"] == page["numberMatched"]
    top = features.collection_items(units, filter="co2_t > 0", limit=1)
    assert top["numberReturned"] == 1
