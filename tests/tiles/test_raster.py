"""Pictures of planes beside brute force and GDAL's warp, and laws: nothing lost, nothing added."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.warp import Resampling, reproject

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.kernels.pixels import aim_row
from gis.tiles.footprint import footprint, lonlat_bounds
from gis.tiles.matrices import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Tile, TileMatrixSet
from gis.tiles.plane import Fold, Plane, areas, fold_plane
from gis.tiles.raster import densities_t_km2, extremes, sample_change, sample_density, sample_highest, sample_values
from tests.tiles.grids import GRIDS, amounts, positions

BREAKS = np.array([a * 10.0**e for e in range(-3, 4) for a in (1, 2, 5)])
MERCATOR, NATIONAL = WEB_MERCATOR_QUAD, CGCS2000_QUAD


def tile_at(matrix: TileMatrixSet, z: int, lon: float, lat: float) -> Tile:
    limits = matrix.limits(z, (lon, lat, lon, lat))
    return Tile(matrix, z, limits.x_first, limits.y_first)


def middle(grid: Grid) -> tuple[float, float]:
    west, south, east, north = lonlat_bounds(grid)
    return ((west + (east if east >= west else east + 360)) / 2 + 180) % 360 - 180, (south + north) / 2


def boxes(place, bounding):
    """Pixel, centre and size (columns and rows) of what each pixel stands on."""
    for part in place.parts:
        aim = np.empty((part.col.shape[1] - 1, 8))
        for y in range(part.y_start, part.y_stop):
            aim_row(part.col, part.row, part.x_start, part.x_stop, part.y_start, part.y_stop, y, bounding, aim)
            for first, stop, c, dc, r, dr, w, h in aim:
                for x in range(int(first), int(stop)):
                    yield y, x, c + dc * x, r + dr * x, w, h


def level_of(plane: Plane, place) -> int:
    fine = [k for k in range(len(plane.levels)) if 2**k <= place.cells_per_pixel]
    return max(fine, default=0)


def cover(low: float, high: float, count: int, cells: int, total: int):
    """Share of each of a level's cells that lies in an interval."""
    start = np.arange(count) * cells
    stop = np.minimum(start + cells, total)
    return np.maximum(np.minimum(stop, high) - np.maximum(start, low), 0) / (stop - start)


def between(at, centre, half):
    """Which middles lie in an interval, its lower end included; ends a rounding beside a middle are on it."""
    return (at - (centre - half) > -1e-9) & (at - (centre + half) < -1e-9)


CASES = [
    ("albers", MERCATOR, 4), ("albers", NATIONAL, 4), ("albers", MERCATOR, 8), ("albers", MERCATOR, 0),
    ("lonlat", MERCATOR, 3), ("lonlat", NATIONAL, 4), ("lonlat", NATIONAL, 7),
    ("mercator", MERCATOR, 3), ("mercator", MERCATOR, 5), ("utm", NATIONAL, 5), ("utm", MERCATOR, 9),
    ("over the antimeridian", MERCATOR, 0), ("over the antimeridian", NATIONAL, 4), ("projected over the antimeridian", MERCATOR, 0),
    ("0 to 360", MERCATOR, 1), ("0 to 360", NATIONAL, 1), ("-180 to 180", MERCATOR, 0), ("north pole", NATIONAL, 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "matrix", "z"), CASES)
def test_density_is_amount_over_area_of_the_cells_under_the_pixel(name, matrix, z) -> None:
    grid = GRIDS[name]
    plane = fold_plane(amounts(grid), Fold.SUM)
    place = footprint(grid, tile_at(matrix, z, *middle(grid)), 64)
    drawn = densities_t_km2(plane, grid, place)
    level = level_of(plane, place)
    values, cells = plane.levels[level], 2**level
    km2 = areas(grid, level).block(slice(None), slice(None))
    rng, seen = np.random.default_rng(0), 0
    for y, x, c, r, w, h in boxes(place, bounding=False):
        if rng.random() > 0.15 or math.isnan(w):
            continue
        turn = place.turn_cols
        if w <= 1 and h <= 1:
            i, j = math.ceil(r) - 1, math.floor(c % turn if turn else c)
            held = 0 <= i < grid.rows and 0 <= j < grid.cols
            expected = plane.levels[0][i, j] / grid.cell_area_m2[i, j] * 1e6 if held else 0.0
        else:
            rows = cover(r - h / 2, r + h / 2, values.shape[0], cells, grid.rows)
            shifts = (-turn, 0, turn) if turn else (0,)
            cols = sum(cover(c % turn + s - w / 2 if turn else c - w / 2, (c % turn + s if turn else c) + w / 2,
                             values.shape[1], cells, grid.cols) for s in shifts)  # fmt: skip
            amount, area = rows @ values @ cols, rows @ km2 @ cols
            expected = amount / area if amount else 0.0
        assert drawn[y, x] == pytest.approx(expected, rel=1e-9, abs=1e-300)
        seen += expected > 0
    assert seen > 0


@pytest.mark.parametrize(("name", "matrix", "z"), CASES)
@pytest.mark.parametrize(("fold", "dtype"), [(Fold.MAX, np.uint8), (Fold.MAX, np.float32), (Fold.LEAST, np.uint32)])
def test_the_extreme_is_that_of_the_cells_in_the_pixel(name, matrix, z, fold, dtype) -> None:
    grid = GRIDS[name]
    rng = np.random.default_rng(3)
    source = (rng.random(grid.shape) * 200 * (rng.random(grid.shape) < 0.2)).astype(dtype)
    plane = fold_plane(source, fold)
    place = footprint(grid, tile_at(matrix, z, *middle(grid)), 64)
    drawn = extremes(plane, place)
    level = level_of(plane, place)
    values, cells = plane.levels[level], 2**level
    i, j = np.arange(values.shape[0]) + 0.5, np.arange(values.shape[1]) + 0.5
    for y, x, c, r, w, h in boxes(place, bounding=True):
        if rng.random() > 0.1 or math.isnan(w):
            continue
        turn = place.turn_cols
        if w <= 1 and h <= 1:
            a, b = math.ceil(r) - 1, math.floor(c % turn if turn else c)
            expected = plane.levels[0][a, b] if 0 <= a < grid.rows and 0 <= b < grid.cols else 0
        else:
            half_w, half_h = max(w / cells, 1) / 2, max(h / cells, 1) / 2
            at = c % turn if turn else c
            near = [between(j, (at + s) / cells, half_w) for s in ((-turn, 0, turn) if turn else (0,))]
            block = values[between(i, r / cells, half_h)][:, np.any(near, axis=0)]
            block = block[block > 0]
            expected = 0 if not block.size else block.max() if fold is Fold.MAX else block.min()
        assert drawn[y, x] == expected


# -- GDAL


def warped(values, grid: Grid, tile: Tile, method: Resampling, size: int = 256):
    west, _, east, north = tile.bounds
    pixel = (east - west) / size
    out = np.zeros((size, size))
    reproject(
        values, out, src_transform=grid.transform, src_crs=rasterio.CRS.from_wkt(grid.crs.to_wkt()), resampling=method,
        dst_transform=Affine(pixel, 0, west, 0, -pixel, north), dst_crs=rasterio.CRS.from_wkt(tile.matrix.crs.to_wkt()),
        tolerance=1e-3,
    )  # fmt: skip
    return out


@pytest.mark.parametrize("matrix", [MERCATOR, NATIONAL], ids=["mercator", "national"])
@pytest.mark.parametrize("name", ["albers", "lonlat", "mercator", "utm"])
def test_zoomed_in_it_is_the_nearest_cell_as_gdal_finds_it(name, matrix) -> None:
    grid = GRIDS[name]
    values = amounts(grid)
    density = values / grid.cell_area_m2 * 1e6
    for z in (8, 10):
        tile = tile_at(matrix, z, *middle(grid))
        ours = densities_t_km2(fold_plane(values, Fold.SUM), grid, footprint(grid, tile))
        col, row = positions(grid, tile, 256)
        exact = density[np.ceil(row).astype(int) - 1, np.floor(col).astype(int)]
        theirs = warped(density, grid, tile, Resampling.nearest)
        # On the border of two cells a hundredth of a pixel decides, and GDAL interpolates positions by an eighth of a cell.
        assert np.isclose(ours, exact, rtol=1e-12).mean() > 0.999
        assert np.isclose(ours, theirs, rtol=1e-12).mean() > 0.96


def test_zoomed_out_it_is_the_mean_as_gdal_finds_it_where_axes_agree() -> None:
    grid = GRIDS["mercator"]
    values = amounts(grid)
    for z in (3, 4):
        tile = tile_at(MERCATOR, z, *middle(grid))
        place = footprint(grid, tile)
        assert place.cells_per_pixel > 1.9
        ours = densities_t_km2(fold_plane(values, Fold.SUM), grid, place)
        amount, area = (
            warped(v, grid, tile, Resampling.average) for v in (values, np.ascontiguousarray(grid.cell_area_m2))
        )
        theirs = np.divide(amount, area, out=np.zeros_like(area), where=area > 0)
        # GDAL leaves out a row of pixels of which the grid covers next to nothing.
        inner = slice(0, 126) if z == 3 else slice(None)
        if z == 4:
            np.testing.assert_allclose(ours, theirs * 1e6, rtol=1e-9)
        assert ours[inner].sum() == pytest.approx(theirs[inner].sum() * 1e6, rel=1e-3)
        assert np.corrcoef(ours[inner].ravel(), theirs[inner].ravel())[0, 1] > 0.97


@pytest.mark.parametrize(("z", "most"), [(3, 0.01), (4, 0.01)])
def test_zoomed_out_and_turned_it_is_close_to_gdals_mean(z, most) -> None:
    grid = GRIDS["albers"]
    values = amounts(grid)
    tile = tile_at(MERCATOR, z, 100, 36)
    ours = densities_t_km2(fold_plane(values, Fold.SUM), grid, footprint(grid, tile))
    theirs = warped(values / grid.cell_area_m2 * 1e6, grid, tile, Resampling.average)
    inner = (ours > 0) & (theirs > 0)
    assert inner.mean() > 0.2
    assert np.corrcoef(np.log(ours[inner]), np.log(theirs[inner]))[0, 1] > 0.95
    assert ours.sum() == pytest.approx(theirs.sum(), rel=most)


# -- laws


@pytest.mark.parametrize("name", ["albers", "lonlat", "utm", "north pole"])
@pytest.mark.parametrize("z", [1, 2, 3])
def test_density_over_the_pixels_gives_back_what_was_emitted(name, z) -> None:
    grid = GRIDS[name]
    # Nothing at the edge: pixels there would count the density of their inner part for the whole.
    values, edge = amounts(grid), np.ones(grid.shape, np.bool_)
    edge[grid.rows // 8 : -grid.rows // 8, grid.cols // 8 : -grid.cols // 8] = False
    values[edge] = 0.0
    plane = fold_plane(values, Fold.SUM)
    total, limits = 0.0, NATIONAL.limits(z, lonlat_bounds(grid))
    for x in range(limits.x_first, limits.x_last + 1):
        for y in range(limits.y_first, limits.y_last + 1):
            tile = Tile(NATIONAL, z, x, y)
            place = footprint(grid, tile)
            if place is None:
                continue
            west, _, _, north = tile.bounds
            cell = NATIONAL.cell_size(z)
            pixels = Grid(crs="EPSG:4490", transform=Affine(cell, 0, west, 0, -cell, north), shape=(256, 256))
            total += (densities_t_km2(plane, grid, place) * pixels.cell_area_m2).sum() / 1e6
    assert total == pytest.approx(values.sum(), rel=0.01)


@pytest.mark.parametrize("name", ["albers", "lonlat", "mercator", "projected over the antimeridian"])
@pytest.mark.parametrize("z", [0, 2, 4, 5])
def test_no_hot_cell_is_lost_and_none_is_drawn_where_there_is_none(name, z) -> None:
    grid = GRIDS[name]
    rng = np.random.default_rng(z)
    row, col = rng.integers(0, grid.rows, 12), rng.integers(0, grid.cols, 12)
    values = np.zeros(grid.shape, np.uint8)
    values[row, col] = 3
    plane = fold_plane(values, Fold.MAX)
    x, y = Transformer.from_crs(grid.crs, MERCATOR.crs, always_xy=True).transform(
        grid.x_centres[col], grid.y_centres[row]
    )
    pixel = MERCATOR.cell_size(z)
    u, v = (x - MERCATOR.extent[0]) / pixel, (MERCATOR.extent[3] - y) / pixel
    size = 256 << z
    drawn = np.zeros((0, 2))
    for tile_x, tile_y in {(int(a // 256), int(b // 256)) for a, b in zip(u, v, strict=True)}:
        for near_x in range(max(tile_x - 1, 0), min(tile_x + 2, 1 << z)):
            place = footprint(grid, Tile(MERCATOR, z, near_x, tile_y))
            if place is not None:
                seen = np.argwhere(sample_highest(plane, place, np.arange(256, dtype=np.uint8)) == 3)
                drawn = np.vstack([drawn, seen[:, ::-1] + 0.5 + [256 * near_x, 256 * tile_y]])
    cell_px = max(1.0, 1.5 / footprint(grid, tile_at(MERCATOR, z, *middle(grid))).cells_per_pixel)
    off = np.maximum(
        np.abs((drawn[:, None, 0] - u[None] + size / 2) % size - size / 2), np.abs(drawn[:, None, 1] - v[None])
    )
    assert off.min(axis=0).max() <= 1.0
    # A cell is shown where its parent is: within the parent, and a pixel that the parent reaches into.
    assert off.min(axis=1).max() <= 1.0 + 1.5 * cell_px


@pytest.mark.parametrize("name", ["albers", "lonlat", "0 to 360"])
def test_four_tiles_continue_each_other(name) -> None:
    grid = GRIDS[name]
    plane = fold_plane(amounts(grid), Fold.SUM)
    tile = tile_at(MERCATOR, 4, *middle(grid))
    whole = densities_t_km2(plane, grid, footprint(grid, tile, 512))
    finer = [[Tile(MERCATOR, 5, 2 * tile.x + b, 2 * tile.y + a) for b in (0, 1)] for a in (0, 1)]
    drawn = [[footprint(grid, t) for t in row] for row in finer]
    mosaic = np.block([[densities_t_km2(plane, grid, p) if p else np.zeros((256, 256)) for p in row] for row in drawn])
    off = np.abs(mosaic - whole) <= 0.05 * np.maximum(mosaic, whole)
    assert off.mean() > 0.98
    assert (mosaic > 0).sum() == pytest.approx((whole > 0).sum(), rel=2e-3)


def test_where_a_grid_around_the_globe_begins_does_not_matter() -> None:
    values = amounts(GRIDS["0 to 360"])
    from_zero = fold_plane(values, Fold.SUM)
    from_west = fold_plane(np.ascontiguousarray(np.roll(values, 360, axis=1)), Fold.SUM)
    for matrix, z, lon in (
        (MERCATOR, 0, 0.0),
        (MERCATOR, 2, 1.0),
        (MERCATOR, 2, -179.0),
        (NATIONAL, 3, 0.5),
        (MERCATOR, 6, 0.01),
    ):
        tile = tile_at(matrix, z, lon, 20.0)
        a, b = (
            densities_t_km2(plane, GRIDS[name], footprint(GRIDS[name], tile))
            for plane, name in ((from_zero, "0 to 360"), (from_west, "-180 to 180"))
        )
        assert (a > 0).mean() > 0.3
        assert np.isclose(a, b, rtol=1e-9).mean() > 0.999


# -- classes


@given(
    st.lists(st.floats(-1e30, 1e30, allow_subnormal=False), min_size=0, max_size=40, unique=True).map(sorted),
    st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_classes_are_counts_of_breaks(breaks, seed) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.lognormal(0, 20, 3000), breaks, np.nextafter(breaks, np.inf), [0.0]])
    values = np.resize(np.abs(values), (64, 64)).astype(np.float32)
    grid = Grid(crs="EPSG:3857", transform=Affine(1, 0, 0, 0, -1, 64), shape=(64, 64))
    place = footprint(grid, tile_at(MERCATOR, 24, 1e-5, 1e-5), 256)
    plane = fold_plane(values, Fold.MAX)
    ours = sample_values(plane, place, breaks)
    shown = extremes(plane, place).astype(float)
    np.testing.assert_array_equal(ours, np.where(shown > 0, 1 + np.searchsorted(breaks, shown, side="right"), 0))


def test_change_is_classed_by_sign_and_size_and_empty_only_where_nothing_is_emitted() -> None:
    grid = GRIDS["lonlat"]
    before, after = amounts(grid, 1), amounts(grid, 2)
    before[:100], after[:100] = 0.0, 0.0
    after[100:150] = before[100:150]
    planes = [fold_plane(v, Fold.SUM) for v in (before, after)]
    breaks = [-10.0, -1.0, -0.0001, 0.0001, 1.0, 10.0]
    for z in (4, 7):
        place = footprint(grid, tile_at(NATIONAL, z, 104, 38))
        a, b = (densities_t_km2(plane, grid, place) for plane in planes)
        ours = sample_change(*planes, grid, place, breaks)
        expected = np.where((a == 0) & (b == 0), 0, 1 + np.searchsorted(breaks, b - a, side="right"))
        np.testing.assert_array_equal(ours, expected)
    assert {1, 2, 6, 7} <= set(np.unique(ours))


def test_density_by_breaks() -> None:
    grid = GRIDS["albers"]
    plane = fold_plane(amounts(grid), Fold.SUM)
    place = footprint(grid, tile_at(MERCATOR, 5, 100, 36))
    density = densities_t_km2(plane, grid, place)
    expected = np.where(density > 0, 1 + np.searchsorted(BREAKS, density, side="right"), 0)
    np.testing.assert_array_equal(sample_density(plane, grid, place, BREAKS), expected)
    assert len(np.unique(expected)) > 8


def test_a_table_recodes_the_highest_class() -> None:
    grid = GRIDS["albers"]
    plane = fold_plane((amounts(grid) > 5).astype(np.uint8) * 7, Fold.MAX)
    place = footprint(grid, tile_at(MERCATOR, 5, 100, 36))
    table = np.zeros(256, np.uint8)
    table[7] = 2
    np.testing.assert_array_equal(sample_highest(plane, place, table), (extremes(plane, place) == 7) * 2)


def test_what_does_not_fit_is_refused() -> None:
    grid = GRIDS["albers"]
    place = footprint(grid, tile_at(MERCATOR, 5, 100, 36))
    amount, klass = fold_plane(amounts(grid), Fold.SUM), fold_plane(np.zeros(grid.shape, np.uint8), Fold.MAX)
    for breaks in ([1, 1], [2, 1], [math.nan], [math.inf], [[1.0]], list(range(300))):
        with pytest.raises(InvalidParameter, match="breaks"):
            sample_density(amount, grid, place, breaks)
    with pytest.raises(InvalidParameter):
        densities_t_km2(klass, grid, place)
    with pytest.raises(InvalidParameter):
        densities_t_km2(amount, GRIDS["lonlat"], place)
    with pytest.raises(InvalidParameter):
        extremes(amount, place)
    with pytest.raises(InvalidParameter):
        sample_highest(klass, place, np.zeros(10, np.uint8))


def test_a_tile_over_a_pole_costs_no_more_than_another() -> None:
    # Pixels beside the pole are a thousandth of a cell wide, those at the edge of the grid hundreds of cells.
    grid = Grid(crs="EPSG:3413", transform=Affine(2000, 0, -4e6, 0, -2000, 4e6), shape=(4000, 4000))
    place = footprint(grid, Tile(NATIONAL, 1, 0, 0))
    sides = [max(w, h) for *_, w, h in boxes(place, bounding=False) if not math.isnan(w)]
    assert max(sides) <= 10 * place.cells_per_pixel
    plane = fold_plane(np.ones(grid.shape), Fold.SUM)
    drawn = densities_t_km2(plane, grid, place)
    assert (drawn[:40] > 0).all()
    ground = 1e6 / np.ascontiguousarray(grid.cell_area_m2)
    assert drawn[drawn > 0].min() >= ground.min() * (1 - 1e-9) and drawn.max() <= ground.max() * (1 + 1e-9)
