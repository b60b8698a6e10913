"""Real clients over a real server: GDAL reads a WMTS layer and its pixels are ours; OWSLib fetches a tile."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import rasterio
from owslib.wmts import WebMapTileService

from gis.tiles.matrices import matrix_set
from gis.workspace import Workspace
from tests.service.tiles.looking import ids, pixels

pytestmark = pytest.mark.external


def run(*words: object) -> str:
    # GDAL keeps what it fetched below the directory it runs in, unless told not to.
    environment = {**os.environ, "GDAL_ENABLE_WMS_CACHE": "NO"}
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body


@pytest.fixture(scope="module")
def zoning(published: Path) -> str:
    with Workspace(published) as workspace:
        return ids(workspace)[1]


def address(served: str, zoning: str, layer: str, matrix: str) -> str:
    return f"WMTS:{served}/wmts/1.0.0/WMTSCapabilities.xml,layer={zoning}.{layer},tilematrixset={matrix}"


@pytest.mark.parametrize("matrix", ["WebMercatorQuad", "CGCS2000Quad"])
def test_gdalinfo_knows_where_a_layer_is(served: str, zoning: str, matrix: str) -> None:
    about = json.loads(run("gdalinfo", "-json", address(served, zoning, "class", matrix)))
    tilejson = json.loads(fetched(f"{served}/tiles/{zoning}/class/{matrix}/tilejson.json"))
    assert [band["type"] for band in about["bands"]] == ["Byte"] * 4
    width, size = about["size"][0], about["geoTransform"][1]
    found = matrix_set(matrix)
    # The pixels are those of the deepest zoom that the layer names, and they cover its bounds and no more.
    assert size == pytest.approx(found.cell_size(tilejson["maxzoom"]), rel=1e-9)
    west, east = (found.from_lonlat(lon, 0.0)[0] for lon in tilejson["bounds"][0:3:2])
    assert about["geoTransform"][0] == pytest.approx(west, abs=2 * size)
    assert width * size == pytest.approx(east - west, abs=3 * size)
    assert str(found.epsg) in about["coordinateSystem"]["wkt"]


@pytest.mark.parametrize("matrix", ["WebMercatorQuad", "CGCS2000Quad"])
def test_gdal_translate_gets_our_pixels(served: str, zoning: str, matrix: str, tmp_path: Path) -> None:
    tilejson = json.loads(fetched(f"{served}/tiles/{zoning}/zoned/{matrix}/tilejson.json"))
    found, z = matrix_set(matrix), 9
    limits = found.limits(z, tilejson["bounds"])
    x, y = limits.x_first, limits.y_first
    west, south, east, north = found.bounds(z, x, y)
    target = tmp_path / "tile.tif"
    source = address(served, zoning, "zoned", matrix) + f",tilematrix={z},extendbeyonddateline=no"
    run(
        "gdal_translate",
        "-q",
        "-projwin",
        west,
        north,
        east,
        south,
        source,
        target,
        "--config",
        "GDAL_HTTP_TIMEOUT",
        "60",
    )
    ours = pixels(fetched(f"{served}/tiles/{zoning}/zoned/{matrix}/{z}/{x}/{y}.png"))
    with rasterio.open(target) as raster:
        theirs = np.moveaxis(raster.read(), 0, -1)
        left, top = raster.transform.c, raster.transform.f
    # GDAL cuts at the layer's bounds: what it has is compared with the same part of the tile.
    col, row = round((left - west) / found.cell_size(z)), round((north - top) / found.cell_size(z))
    part = ours[row : row + theirs.shape[0], col : col + theirs.shape[1]]
    theirs = theirs[: part.shape[0], : part.shape[1]]
    assert min(part.shape[:2]) > 50 and (part[..., 3] > 0).any()
    assert (part[..., 3] == theirs[..., 3]).all() and (part[part[..., 3] > 0] == theirs[part[..., 3] > 0]).all()


def test_gdal_reads_dimensions_and_styles(served: str, zoning: str) -> None:
    layers = run(
        "gdalinfo",
        f"WMTS:{served}/wmts/{zoning}/1.0.0/WMTSCapabilities.xml,layer={zoning}.class,style=classes-contrast",
    )
    assert "Size is" in layers


def test_owslib_fetches_a_tile_of_the_second_year(served: str, zoning: str) -> None:
    service = WebMapTileService(f"{served}/wmts")
    layer = f"{zoning}.density-co2"
    limits = service.contents[layer].tilematrixsetlinks["WebMercatorQuad"].tilematrixlimits["8"]
    years = service.contents[layer].dimensions["year"]["values"]
    assert len(years) == 2
    tiles = [
        service.gettile(layer=layer, tilematrixset="WebMercatorQuad", tilematrix="8", row=limits.mintilerow,
                        column=limits.mintilecol, format="image/png", year=year).read()
        for year in years
    ]  # fmt: skip
    assert all((pixels(tile)[..., 3] > 0).any() for tile in tiles) and tiles[0] != tiles[1]


def test_gdal_reads_vector_tiles_by_tilejson_fields(served: str, zoning: str, tmp_path: Path) -> None:
    tilejson = json.loads(fetched(f"{served}/tiles/{zoning}/units/WebMercatorQuad/tilejson.json"))
    tile = tmp_path / "0.mvt"
    tile.write_bytes(fetched(tilejson["tiles"][0].format(z=0, x=0, y=0)))
    about = run("ogrinfo", "-so", "-al", "-oo", "X=0", "-oo", "Y=0", "-oo", "Z=0", f"MVT:{tile}")
    count = next(line for line in about.splitlines() if line.startswith("Feature Count"))
    assert "Layer name: units" in about and int(count.partition(":")[2]) > 0
    for name in ("class: String", "area_km2: Real", "co2_t: Real"):
        assert name in about


def test_the_document_is_well_formed_for_a_strict_parser(served: str) -> None:
    root = ET.fromstring(fetched(f"{served}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities"))
    assert root.tag.endswith("Capabilities") and served in ET.tostring(root, encoding="unicode")
