"""Cells in tiles: every cell of a level belongs to one tile of a zoom, wherever the grid lies, and sums stay."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import Transformer

from gis.grid import Grid, Window
from gis.tiles.cells import CellSpan, area_block, cell_spans, finest_zoom, level_at, level_block, level_shape
from gis.tiles.lattice import lattice
from gis.tiles.matrices import MATRICES, Tile, TileMatrixSet
from gis.tiles.mvt import BUFFER, EXTENT
from gis.tiles.plane import Fold, fold_plane
from tests.tiles.grids import GRIDS, amounts, grid

MERCATOR, NATIONAL = MATRICES["WebMercatorQuad"], MATRICES["CGCS2000Quad"]
MERCATOR_END = 85.0511287798066
WIDE = ("0 to 360", "-180 to 180", "north pole")


def tiles(matrix: TileMatrixSet, z: int) -> list[Tile]:
    columns, rows = matrix.matrix_size(z)
    return [Tile(matrix, z, x, y) for x in range(columns) for y in range(rows)]


def lonlat_tiles(on: Grid, matrix: TileMatrixSet, z: int) -> list[Tile]:
    """Tiles that hold a corner or an edge of the grid, and those around them: few of a deep zoom."""
    t = Transformer.from_crs(on.crs, "EPSG:4326", always_xy=True)
    x, y = np.meshgrid(np.linspace(*on.bounds[::2], 60), np.linspace(*on.bounds[1::2], 60))
    lon, lat = t.transform(x.ravel(), y.ravel())
    found = set()
    for a, b in zip(np.mod(np.asarray(lon) + 180, 360) - 180, lat, strict=True):
        if np.isfinite(a) and np.isfinite(b):
            limits = matrix.limits(z, (a, b, a, b))
            found.add((limits.x_first, limits.y_first))
    columns, rows = matrix.matrix_size(z)
    around = {((x + i) % columns, y + j) for x, y in found for i in (-1, 0, 1) for j in (-1, 0, 1) if 0 <= y + j < rows}
    return [Tile(matrix, z, x, y) for x, y in sorted(around)]


def has_place(on: Grid, matrix: TileMatrixSet, level: int) -> NDArray[np.bool_]:
    """Cells of a level whose centre the matrix set holds, from pyproj."""
    rows, cols = level_shape(on, level)
    col, row = (np.minimum(np.arange(n + 1) * 2.0**level, most) for n, most in ((cols, on.cols), (rows, on.rows)))
    x, y = np.meshgrid(on.x_left + (col[1:] + col[:-1]) / 2 * on.dx, on.y_top - (row[1:] + row[:-1]) / 2 * on.dy)
    _, lat = Transformer.from_crs(on.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return np.isfinite(lat) & (np.abs(lat) <= (90 if matrix.geographic else MERCATOR_END))


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))
@pytest.mark.parametrize("name", GRIDS)
def test_each_cell_of_a_level_belongs_to_one_tile_of_a_zoom(name: str, matrix: TileMatrixSet) -> None:
    on = GRIDS[name]
    plane = fold_plane(amounts(on), Fold.SUM)
    for z in (matrix.min_zoom, 3) if name in WIDE else (matrix.min_zoom, 3, 6):
        level = level_at(on, matrix, z)
        times = np.zeros(level_shape(on, level), np.int64)
        total_t = 0.0
        for tile in tiles(matrix, z) if z <= 3 else lonlat_tiles(on, matrix, z):
            for found in cell_spans(on, tile):
                times[found.span.slices] += found.owned
                total_t += float(level_block(plane, level, found.span)[found.owned].sum())
                assert not (found.owned & ~found.placed).any()
        expected = has_place(on, matrix, level)
        wrong = (times != 1) & expected
        assert wrong.sum() == 0, f"zoom {z}: {np.argwhere(wrong)[:5]}"
        assert (times[~expected] == 0).all()
        whole = level_block(plane, level, Window(0, times.shape[0], 0, times.shape[1]))[expected].sum()
        assert total_t == pytest.approx(float(whole), rel=1e-12)


@pytest.mark.parametrize("name", GRIDS)
def test_no_tile_has_more_cells_than_it_has_room(name: str) -> None:
    on = GRIDS[name]
    for matrix in MATRICES.values():
        for z in (matrix.min_zoom, 4, 6):
            for tile in lonlat_tiles(on, matrix, z)[:40]:
                assert sum(int(found.owned.sum()) for found in cell_spans(on, tile)) <= 64 * 64 + 2 * 64


def corners_by_pyproj(on: Grid, found: CellSpan, tile: Tile) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    span, step = found.span, 2**found.level
    col = np.minimum(np.arange(span.col_start, span.col_stop + 1) * step, on.cols)
    row = np.minimum(np.arange(span.row_start, span.row_stop + 1) * step, on.rows)
    x, y = np.meshgrid(on.x_left + col * on.dx, on.y_top - row * on.dy)
    px, py = Transformer.from_crs(on.crs, tile.matrix.crs, always_xy=True).transform(x, y)
    west, _, _, north = tile.bounds
    scale = EXTENT / tile.matrix.span(tile.z)
    return (px - west) * scale, (north - py) * scale


@pytest.mark.parametrize("name", ["albers", "lonlat", "mercator", "utm", "other datum"])
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))
def test_corners_lie_where_pyproj_puts_them(name: str, matrix: TileMatrixSet) -> None:
    on = GRIDS[name]
    for z in (3, 6, 9, finest_zoom(on, matrix)):
        tile = lonlat_tiles(on, matrix, min(z, 9))[3 if z > 5 else 0]
        for found in cell_spans(on, tile):
            x, y = corners_by_pyproj(on, found, tile)
            far = np.hypot(found.x - x, found.y - y)
            assert far.max() < 0.1, f"{far.max()} units of {EXTENT} at zoom {z}"


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=list(MATRICES))
def test_tiles_side_by_side_have_the_same_corners(matrix: TileMatrixSet) -> None:
    on = GRIDS["albers"]
    tile = next(
        t for t in lonlat_tiles(on, matrix, 6) if cell_spans(on, t) and cell_spans(on, Tile(matrix, 6, t.x + 1, t.y))
    )
    (a,), (b,) = cell_spans(on, tile), cell_spans(on, Tile(matrix, 6, tile.x + 1, tile.y))
    rows = range(max(a.span.row_start, b.span.row_start), min(a.span.row_stop, b.span.row_stop))
    cols = range(max(a.span.col_start, b.span.col_start), min(a.span.col_stop, b.span.col_stop))
    assert len(rows) > 2 and len(cols) > 0
    for r in rows:
        for c in cols:
            at, bt = (r - a.span.row_start, c - a.span.col_start), (r - b.span.row_start, c - b.span.col_start)
            assert a.x[at] == pytest.approx(b.x[bt] + EXTENT, abs=1e-9) and a.y[at] == pytest.approx(b.y[bt], abs=1e-9)
            assert not (a.owned[at] and b.owned[bt])


def test_every_cell_that_a_tile_or_its_buffer_shows_is_in_its_span() -> None:
    on = GRIDS["albers"]
    for tile in lonlat_tiles(on, MERCATOR, 7)[::5]:
        level = level_at(on, MERCATOR, 7)
        rows, cols = level_shape(on, level)
        whole = lattice(on, MERCATOR, level, Window(0, rows, 0, cols))
        x, y = whole.centre_x * 2.0**7 - tile.x * EXTENT, whole.centre_y * 2.0**7 - tile.y * EXTENT
        inside = (x >= -BUFFER) & (x <= EXTENT + BUFFER) & (y >= -BUFFER) & (y <= EXTENT + BUFFER)
        shown = np.zeros((rows, cols), np.bool_)
        for found in cell_spans(on, tile):
            shown[found.span.slices] |= found.placed
        assert not (inside & ~shown).any()


def test_levels_coarser_than_a_plane_are_folded_on() -> None:
    on = grid("EPSG:4490", 0.1, 73, 54, 130, 200)
    values = amounts(on)
    for fold, plane in (
        (np.add, fold_plane(values.copy(), Fold.SUM)),
        (np.maximum, fold_plane((values > 1).astype(np.uint8), Fold.MAX)),
    ):
        level = len(plane.levels) + 2
        rows, cols = level_shape(on, level)
        found = level_block(plane, level, Window(0, rows, 0, cols))
        step = 2**level
        whole = plane.levels[0]
        expected = [
            [fold.reduce(whole[r * step : (r + 1) * step, c * step : (c + 1) * step], axis=None) for c in range(cols)]
            for r in range(rows)
        ]
        assert np.allclose(found, expected, rtol=1e-12)
        area = area_block(on, level, Window(0, rows, 0, cols))
        assert area.shape == (rows, cols) and area.sum() == pytest.approx(on.cell_area_m2.sum() / 1e6, rel=1e-12)


def test_the_last_zoom_shows_cells_of_64_pixels() -> None:
    on = GRIDS["albers"]
    z = finest_zoom(on, MERCATOR)
    assert level_at(on, MERCATOR, z) == 0
    width_px = 5000 / (MERCATOR.cell_size(z) * np.cos(np.radians(36)))
    assert 48 < width_px < 200
