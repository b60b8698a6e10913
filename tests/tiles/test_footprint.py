"""Where pixels lie, beside PROJ pixel by pixel; nothing missed, nothing torn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer

from gis.grid import Grid
from gis.kernels.pixels import aim_row
from gis.tiles.footprint import TOLERANCE_PX, Footprint, footprint, lonlat_bounds, native_zoom
from gis.tiles.matrices import CGCS2000_QUAD, MATRICES, WEB_MERCATOR_QUAD, Tile
from gis.tiles.plane import Fold, fold_plane
from gis.tiles.raster import densities_t_km2, extremes
from tests.tiles.grids import GRIDS, positions, turned


def centres(place: Footprint):
    """Column and row of every pixel's centre as the kernels see them, NaN where they draw nothing."""
    col, row = np.full((2, place.size, place.size), np.nan)
    for part in place.parts:
        aim = np.empty((part.col.shape[1] - 1, 8))
        for y in range(part.y_start, part.y_stop):
            aim_row(part.col, part.row, part.x_start, part.x_stop, part.y_start, part.y_stop, y, False, aim)
            for line in aim:
                x = np.arange(int(line[0]), int(line[1]))
                col[y, x], row[y, x] = line[2] + line[3] * x, line[4] + line[5] * x
    return col, row


def some_tiles(grid: Grid, matrix, z: int):
    limits = matrix.limits(z, lonlat_bounds(grid))
    for x in np.unique(np.linspace(limits.x_first, limits.x_last, 3).astype(int)).tolist():
        for y in np.unique(np.linspace(limits.y_first, limits.y_last, 3).astype(int)).tolist():
            yield Tile(matrix, z, x, y)


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))
@pytest.mark.parametrize("name", [name for name in GRIDS if name != "other datum"])
def test_positions_are_those_of_proj_within_the_tolerance_and_no_pixel_is_missed(name, matrix) -> None:
    grid, drawn = GRIDS[name], 0
    for z in (matrix.min_zoom, 2, 4, 6, 9):
        for tile in some_tiles(grid, matrix, z):
            place = footprint(grid, tile, 64)
            col, row = positions(grid, tile, 64)
            inside = (col > 0) & (col < grid.cols) & (row > 0) & (row < grid.rows)
            if place is None:
                assert not inside.any()
                continue
            drawn += 1
            if not inside.any():
                continue
            our_col, our_row = centres(place)
            assert not np.isnan(our_col[inside]).any()
            our_col = turned(our_col, grid)
            for ours, theirs in ((our_col, col), (our_row, row)):
                # Over the edge of what the CRS knows there is no gradient.
                with np.errstate(invalid="ignore"):
                    pixel = np.hypot(np.gradient(theirs, axis=0), np.gradient(theirs, axis=1))
                    off = np.abs(ours - theirs)[inside] / pixel[inside]
                assert np.nanmax(off) <= TOLERANCE_PX
    assert drawn > 5


def test_the_finest_tiles() -> None:
    for name in ("albers", "lonlat"):
        grid = GRIDS[name]
        for matrix in MATRICES.values():
            z = matrix.max_zoom
            limits = matrix.limits(z, (105.0, 35.0, 105.0, 35.0))
            tile = Tile(matrix, z, limits.x_first, limits.y_first)
            col, row = positions(grid, tile, 256)
            our_col, our_row = centres(footprint(grid, tile))
            np.testing.assert_allclose(our_col, turned(col, grid), atol=1e-7)
            np.testing.assert_allclose(our_row, row, atol=1e-7)


def test_a_tile_beside_the_grid_has_no_footprint() -> None:
    for name in ("albers", "lonlat", "utm", "projected over the antimeridian"):
        limits = WEB_MERCATOR_QUAD.limits(6, (-70.0, -40.0, -70.0, -40.0))
        assert footprint(GRIDS[name], Tile(WEB_MERCATOR_QUAD, 6, limits.x_first, limits.y_first)) is None


def test_bounds_in_degrees() -> None:
    assert lonlat_bounds(GRIDS["lonlat"]) == pytest.approx((73, 18, 135, 54))
    assert lonlat_bounds(GRIDS["0 to 360"]) == (-180, -90, 180, 90)
    west, _, east, _ = lonlat_bounds(GRIDS["over the antimeridian"])
    assert (west, east) == pytest.approx((170, -170))
    west, south, east, north = lonlat_bounds(GRIDS["projected over the antimeridian"])
    assert west > 170 and east < -175 and 41 < south < north < 51
    assert lonlat_bounds(GRIDS["north pole"])[0::2] == (-180, 180) and lonlat_bounds(GRIDS["north pole"])[3] == 90


@pytest.mark.parametrize("name", GRIDS)
def test_bounds_hold_every_cell_and_hardly_more(name) -> None:
    grid = GRIDS[name]
    x, y = np.meshgrid(grid.x_centres[::7], grid.y_centres[::7])
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    west, south, east, north = lonlat_bounds(grid)
    width = (east - west) % 360 or 360.0
    off = (lon - west) % 360
    assert ((off <= width + 0.02) | (off >= 359.98)).all()
    assert lat.min() >= south - 0.02 and lat.max() <= north + 0.02
    assert lat.min() - south < 0.05 * (north - south) + 8 * grid.dy * (1 if grid.is_geographic else 1e-5)


def test_a_cut_of_the_crs_is_not_drawn_across() -> None:
    # Centred on 150° E, this projection has its cut at 30° W: pixels there would reach from one end of the world to the other.
    grid = Grid(
        crs="+proj=eqearth +lon_0=150", transform=Affine(50_000, 0, -17.25e6, 0, -50_000, 8.4e6), shape=(336, 690)
    )
    left = np.zeros(grid.shape)
    left[:, :10] = 1.0
    place = footprint(grid, Tile(WEB_MERCATOR_QUAD, 0, 0, 0))
    lon = (np.arange(256) + 0.5) / 256 * 360 - 180
    drawn = densities_t_km2(fold_plane(left, Fold.SUM), grid, place)[60:196]
    seen = np.flatnonzero((drawn > 0).any(axis=0))
    assert seen.size and (np.abs(lon[seen] + 30) < 25).all() and (lon[seen] > -32).all()


def test_a_footprint_is_kept_and_the_same_from_many_threads() -> None:
    grid = GRIDS["albers"]
    tiles = list(some_tiles(grid, WEB_MERCATOR_QUAD, 5))
    footprint.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda tile: footprint.__wrapped__(grid, tile), tiles * 4))
    for place, again in zip(made, made[len(tiles) :], strict=False):
        assert (place is None) == (again is None)
        if place is not None:
            assert all(
                (a.col == b.col).all() and (a.row == b.row).all() for a, b in zip(place.parts, again.parts, strict=True)
            )
    assert footprint(grid, tiles[0]) is footprint(grid, Tile(WEB_MERCATOR_QUAD, 5, tiles[0].x, tiles[0].y))


@pytest.mark.parametrize("name", ["albers", "lonlat", "mercator", "other datum"])
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))
def test_at_the_native_zoom_a_pixel_is_no_larger_than_a_cell(name, matrix) -> None:
    grid = GRIDS[name]
    z, lon = native_zoom(grid, matrix), 100.0
    limits = matrix.limits(z, (lon, 36.0, lon, 36.0))
    place = footprint(grid, Tile(matrix, z, limits.x_first, limits.y_first))
    above = matrix.limits(z - 1, (lon, 36.0, lon, 36.0))
    coarser = footprint(grid, Tile(matrix, z - 1, above.x_first, above.y_first))
    assert place.cells_per_pixel <= 1.05 < 2.2 * coarser.cells_per_pixel


def test_a_grid_that_the_matrix_set_cannot_show() -> None:
    # Beyond 85.05° N there is no Web Mercator.
    grid = Grid(crs="EPSG:4326", transform=Affine(0.1, 0, 0, 0, -0.1, 90), shape=(40, 100))
    for z in (0, 4):
        place = footprint(grid, Tile(WEB_MERCATOR_QUAD, z, (1 << z) // 2, 0))
        assert place is None or not extremes(fold_plane(np.ones(grid.shape, np.uint8), Fold.MAX), place)[5:].any()
    assert footprint(grid, Tile(CGCS2000_QUAD, 4, 8, 0)) is not None
