"""Tile matrix sets beside morecantile and the national tables."""

from __future__ import annotations

import json
import math

import morecantile
import pytest

from gis.errors import InvalidParameter, NotFound
from gis.tiles.matrices import CGCS2000_QUAD, MATRICES, WEB_MERCATOR_QUAD, Tile, TileLimits, matrix_set

BOTH = pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))


def test_web_mercator_is_the_registered_definition() -> None:
    theirs = json.loads(morecantile.tms.get("WebMercatorQuad").model_dump_json(exclude_none=True))
    ours = WEB_MERCATOR_QUAD.json()
    for key in ("id", "uri", "crs", "orderedAxes", "wellKnownScaleSet"):
        assert ours[key] == theirs[key]
    assert len(ours["tileMatrices"]) == 25
    for mine, known in zip(ours["tileMatrices"], theirs["tileMatrices"], strict=False):
        for key in ("id", "cornerOfOrigin", "tileWidth", "tileHeight", "matrixWidth", "matrixHeight"):
            assert mine[key] == known[key]
        assert mine["pointOfOrigin"] == pytest.approx(known["pointOfOrigin"], abs=1e-6)
        assert mine["scaleDenominator"] == pytest.approx(known["scaleDenominator"], rel=1e-12)
        assert mine["cellSize"] == pytest.approx(known["cellSize"], rel=1e-12)


def test_the_national_levels() -> None:
    # GB/T 35634-2017: metres per pixel at the equator and scale at 96 dpi, which OGC's 0.28 mm makes a little less.
    table = {1: (78271.52, 295829355.45), 2: (39135.76, 147914677.73), 10: (152.87, 577791.71), 20: (0.15, 564.25)}
    for level, (metres, scale) in table.items():
        degrees = CGCS2000_QUAD.cell_size(level)
        on_ground = degrees * math.pi * 6378137 / 180
        assert on_ground == pytest.approx(metres, abs=5e-3)
        assert on_ground * 96 / 0.0254 == pytest.approx(scale, abs=5e-3)
        assert CGCS2000_QUAD.scale_denominator(level) * 0.28e-3 == pytest.approx(on_ground, rel=1e-12)
    assert CGCS2000_QUAD.cell_size(1) == 0.703125
    assert CGCS2000_QUAD.bounds(1, 0, 0) == (-180, -90, 0, 90)
    assert list(CGCS2000_QUAD.zooms) == list(range(1, 21))


def test_the_national_scheme_has_the_tiles_of_crs84_one_level_on() -> None:
    theirs = morecantile.tms.get("WorldCRS84Quad")
    for z in (1, 2, 7, 15):
        columns, rows = CGCS2000_QUAD.matrix_size(z)
        known = theirs.matrix(z - 1)
        assert (columns, rows) == (known.matrixWidth, known.matrixHeight)
        assert CGCS2000_QUAD.scale_denominator(z) == pytest.approx(known.scaleDenominator, rel=1e-9)
        x, y = columns - 1, rows // 3
        assert CGCS2000_QUAD.bounds(z, x, y) == pytest.approx(theirs.xy_bounds(x, y, z - 1), abs=1e-9)


def test_the_origin_follows_the_axis_order_of_the_crs() -> None:
    assert CGCS2000_QUAD.crs.axis_info[0].direction == "north"
    definition = CGCS2000_QUAD.json()
    assert definition["orderedAxes"] == ["Lat", "Lon"]
    assert definition["tileMatrices"][0]["pointOfOrigin"] == [90.0, -180.0]
    assert definition["tileMatrices"][0]["id"] == "1"


@BOTH
def test_tiles_of_a_zoom_share_edges_and_cover_the_extent(matrix) -> None:
    for z in (matrix.min_zoom, 3, 11, matrix.max_zoom):
        columns, rows = matrix.matrix_size(z)
        x, y = columns // 3, rows // 2
        west, south, east, _north = matrix.bounds(z, x, y)
        assert matrix.bounds(z, min(x + 1, columns - 1), y)[0] in (east, west)
        assert matrix.bounds(z, x, y + 1)[3] == south if y + 1 < rows else south == matrix.extent[1]
        assert matrix.bounds(z, 0, 0)[0] == matrix.extent[0] and matrix.bounds(z, 0, 0)[3] == matrix.extent[3]
        last = matrix.bounds(z, columns - 1, rows - 1)
        assert last[1:3] == pytest.approx((matrix.extent[1], matrix.extent[2]), rel=1e-12)


@BOTH
def test_limits_hold_a_place_and_no_more(matrix) -> None:
    for lon, lat in ((116.4, 39.9), (-179.9, -84.0), (179.99, 84.9), (0.0, 0.0), (73.5, 18.2)):
        for z in (matrix.min_zoom, 5, 12):
            limits = matrix.limits(z, (lon, lat, lon, lat))
            assert limits.count == 1
            west, south, east, north = matrix.lonlat_bounds(z, limits.x_first, limits.y_first)
            assert west - 1e-9 <= lon <= east + 1e-9 and south - 1e-9 <= lat <= north + 1e-9


def test_limits_of_china_beside_morecantile() -> None:
    theirs = morecantile.tms.get("WebMercatorQuad")
    bounds = (73.4, 18.1, 135.1, 53.6)
    for z in range(12):
        tiles = list(theirs.tiles(*bounds, z))
        xs, ys = {t.x for t in tiles}, {t.y for t in tiles}
        assert WEB_MERCATOR_QUAD.limits(z, bounds) == TileLimits(min(xs), max(xs), min(ys), max(ys))


def test_limits_beyond_the_poles_and_over_the_antimeridian() -> None:
    assert WEB_MERCATOR_QUAD.limits(3, (-180, -90, 180, 90)) == TileLimits(0, 7, 0, 7)
    assert WEB_MERCATOR_QUAD.limits(3, (170, 0, -170, 10)).x_first == 0
    for bad in ((0, 0, math.nan, 1), (0, 2, 1, 1), (0, 0, math.inf, 1)):
        with pytest.raises(InvalidParameter):
            WEB_MERCATOR_QUAD.limits(3, bad)
    with pytest.raises(NotFound):
        CGCS2000_QUAD.limits(0, (0, 0, 1, 1))


@BOTH
def test_lonlat_there_and_back(matrix) -> None:
    for lon, lat in ((116.4, 39.9), (-179.9, -84.0), (0.0, 0.0)):
        assert matrix.to_lonlat(*matrix.from_lonlat(lon, lat)) == pytest.approx((lon, lat), abs=1e-12)


@pytest.mark.parametrize(
    ("matrix", "z", "x", "y"),
    [
        (WEB_MERCATOR_QUAD, -1, 0, 0), (WEB_MERCATOR_QUAD, 25, 0, 0), (WEB_MERCATOR_QUAD, 3, 8, 0), (WEB_MERCATOR_QUAD, 3, 0, -1),
        (CGCS2000_QUAD, 0, 0, 0), (CGCS2000_QUAD, 21, 0, 0), (CGCS2000_QUAD, 1, 0, 1), (CGCS2000_QUAD, 1, 2, 0),
        (WEB_MERCATOR_QUAD, 10**30, 0, 0), (WEB_MERCATOR_QUAD, 3, 10**30, 0),
    ],
)  # fmt: skip
def test_there_is_no_tile_outside(matrix, z, x, y) -> None:
    with pytest.raises(NotFound, match=matrix.id):
        Tile(matrix, z, x, y)


def test_matrix_sets_by_name() -> None:
    assert matrix_set("CGCS2000Quad") is CGCS2000_QUAD
    with pytest.raises(NotFound, match="WebMercatorQuad"):
        matrix_set("../etc")
    assert Tile(CGCS2000_QUAD, 2, 3, 1).bounds == (90, -90, 180, 0)
