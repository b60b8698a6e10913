"""Files: what another program reads from them is what the pages say."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from pyproj import CRS

from gis.errors import InvalidParameter
from service.errors import TooLarge
from service.features.collection import Collection
from service.features.crs import crs_named
from service.features.download import _write, downloaded
from service.features.formats import DOWNLOADS, PAGES, encoded, format_named
from service.features.query import Query, read_query
from service.features.select import select
from service.library import Library
from service.settings import Settings
from tests.service.features.conftest import Ask
from tests.service.published import HOSTILE

NAMES = ("units", "hotspots", "zoned", "conflicts", "cells", "sources", "changes")
BINARY = [f.name for f in DOWNLOADS if f.name in ("gpkg", "fgb", "parquet")]


def frame(path: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


def numbers(table: pd.DataFrame) -> pd.Series:
    return table.select_dtypes("number").drop(columns=["id", "fid"], errors="ignore").sum()


@pytest.mark.parametrize("which", NAMES)
@pytest.mark.parametrize("form", [f.name for f in DOWNLOADS])
def test_a_download_holds_the_collection(
    library: Library, collections: dict[str, Collection], ask: Ask, which: str, form: str
) -> None:
    collection = collections[which]
    path = downloaded(library, collection, form)
    expected = pd.DataFrame([f["properties"] for f in ask(which, limit="50000")["features"]])
    found = pd.read_csv(path) if form == "csv" else frame(path)
    assert len(found) == collection.number == len(expected)
    assert {f.name for f in collection.fields} <= set(found.columns)
    sums = numbers(expected)
    np.testing.assert_allclose(numbers(found)[sums.index].to_numpy(float), sums.to_numpy(float), rtol=1e-6)
    if form in BINARY:
        assert CRS(found.crs).equals(collection.grid.crs, ignore_axis_order=True)
        assert found.geometry.is_valid.all()
    assert downloaded(library, collection, form) == path


@pytest.mark.parametrize("form", ["gpkg", "fgb", "parquet"])
def test_downloads_keep_the_cells_edges(library: Library, collections: dict[str, Collection], form: str) -> None:
    cells = collections["cells"]
    found = frame(downloaded(library, cells, form))
    bounds = found.geometry.bounds
    grid = cells.grid
    np.testing.assert_array_equal(bounds["minx"], grid.x_edges[found["col"]])
    np.testing.assert_array_equal(bounds["maxy"], grid.y_edges[found["row"]])
    if form == "parquet":
        assert "id" in found.columns  # where no property names a feature


@pytest.mark.parametrize("form", [f.name for f in DOWNLOADS])
def test_the_same_collection_makes_the_same_file(tmp_path: Path, collections: dict[str, Collection], form: str) -> None:
    paths = [tmp_path / f"{i}{format_named(form, DOWNLOADS).suffix}" for i in range(2)]
    for path in paths:
        _write(collections["units"], format_named(form, DOWNLOADS), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths  # nothing is left beside them


def test_downloads_are_bounded(collections: dict[str, Collection], published: Path) -> None:
    small = Library(Settings(workspace=published, download_rows=10))
    with pytest.raises(TooLarge, match="downloads go up to 10"):
        downloaded(small, collections["cells"], "csv")
    small.close()


def test_formats_are_listed(library: Library, collections: dict[str, Collection]) -> None:
    page = select(collections["units"], Query(limit=1))
    with pytest.raises(InvalidParameter, match="csv, fgb, parquet"):
        encoded(page, "shp")
    with pytest.raises(InvalidParameter, match="parquet, fgb, gpkg, csv, json"):
        downloaded(library, collections["units"], "../../etc/passwd")


# -- pages --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", NAMES)
def test_a_page_as_csv(library: Library, collections: dict[str, Collection], ask: Ask, which: str) -> None:
    page = select(collections[which], read_query(collections[which], {"limit": "50"}, library.settings))
    data = encoded(page, "csv")
    assert data.startswith(b"\xef\xbb\xbf")
    found = pd.read_csv(io.BytesIO(data), keep_default_na=False, dtype=str)
    expected = ask(which, limit="50")["features"]
    assert len(found) == len(expected)
    shapes = shapely.from_wkt(found["wkt"].tolist())
    assert shapely.equals(shapes, shapely.from_geojson([orjson.dumps(f["geometry"]).decode() for f in expected])).all()
    for name in (f.name for f in collections[which].fields if f.type == "string"):
        assert found[name].tolist() == [f["properties"][name] or "" for f in expected]


def test_csv_follows_the_axis_order(library: Library, collections: dict[str, Collection]) -> None:
    query = {"limit": "1", "crs": "http://www.opengis.net/def/crs/EPSG/0/4490"}
    page = select(collections["cells"], read_query(collections["cells"], query, library.settings))
    shape = shapely.from_wkt(pd.read_csv(io.BytesIO(encoded(page, "csv")))["wkt"][0])
    assert 37 < shape.bounds[0] < 38 < 110 < shape.bounds[1]


@pytest.mark.parametrize("which", NAMES)
@pytest.mark.parametrize("form", ["fgb", "parquet"])
def test_a_page_as_a_file(
    library: Library, collections: dict[str, Collection], tmp_path: Path, which: str, form: str
) -> None:
    collection = collections[which]
    for crs in ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/4490"):
        query = read_query(collection, {"limit": "20", "crs": crs}, library.settings)
        page = select(collection, query)
        path = tmp_path / f"{which}.{form}"
        path.write_bytes(encoded(page, form))
        found = frame(path)
        assert len(found) == page.number_returned
        assert CRS(found.crs).equals(crs_named(collection.grid, crs, "crs").crs, ignore_axis_order=True)
        bounds = shapely.total_bounds(shapely.from_wkb(page.geometry.to_pylist()))
        np.testing.assert_allclose(found.total_bounds, bounds)  # x before y, whatever the CRS declares


def test_geoparquet_says_where_its_row_groups_lie(library: Library, collections: dict[str, Collection]) -> None:
    path = downloaded(library, collections["units"], "parquet")
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    boxes = pq.read_table(path)["bbox"].to_pylist()
    shapes = gpd.read_parquet(path).geometry
    assert [tuple(b.values()) for b in boxes] == [tuple(row) for row in shapes.bounds.to_numpy()]


def test_an_empty_page_is_a_file(library: Library, collections: dict[str, Collection], tmp_path: Path) -> None:
    page = select(collections["units"], read_query(collections["units"], {"filter": "false"}, library.settings))
    for form in PAGES:
        path = tmp_path / f"empty{form.suffix}"
        path.write_bytes(encoded(page, form.name))
        assert len(pd.read_csv(path) if form.name == "csv" else frame(path)) == 0


def test_geopackages_are_of_the_version_that_all_read(library: Library, collections: dict[str, Collection]) -> None:
    path = downloaded(library, collections["units"], "gpkg")
    info = pyogrio.read_info(path)
    assert info["geometry_type"] == "MultiPolygon"
    assert pyogrio.list_layers(path)[:, 0].tolist() == [collections["units"].id]
    assert path.read_bytes()[60:64] == (10200).to_bytes(4, "big")


def test_data_is_never_altered(library: Library, collections: dict[str, Collection]) -> None:
    for form in ("csv", "parquet", "fgb", "gpkg"):
        path = downloaded(library, collections["sources"], form)
        found = pd.read_csv(path) if form == "csv" else frame(path)
        assert HOSTILE in found["name_zh"].tolist()
