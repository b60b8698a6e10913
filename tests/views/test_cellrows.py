"""Cells as rows: each valid cell of each year once, in order; boxes and windows never miss a cell."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.grid import Grid, Window
from gis.views import Views
from gis.views import cellrows as module
from gis.views.cellrows import RunCells
from gis.views.lattice import (
    _by_cell,
    corners_84,
    grid_bounds_84,
    outer_boxes,
    polygons,
    rings_of,
    window_of,
)
from gis.workspace import Run

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
GRIDS = {
    "albers": Grid(crs=ALBERS, transform=Affine(20_000, 0, -2_600_000, 0, -20_000, 5_900_000), shape=(200, 240)),
    "degrees": Grid(crs="EPSG:4490", transform=Affine(0.25, 0, 73.0, 0, -0.5, 54.0), shape=(80, 250)),
    "zone": Grid(crs="EPSG:4549", transform=Affine(500, 0, 400_000, 0, -500, 3_600_000), shape=(130, 90)),
}


def everything(rows: RunCells) -> dict[str, np.ndarray]:
    blocks = list(rows.blocks(None, None))
    return {n: np.concatenate([b.column(n).to_numpy() for b in blocks]) for n in rows.schema.names}


@pytest.mark.parametrize("block", [1, 700, 1 << 18])
def test_rows_are_the_valid_cells_of_every_year(
    run: Run, views: Views, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    rows = RunCells(run, views)
    found = everything(rows)
    row, col = np.nonzero(run.valid)
    assert rows.number == len(run.years) * len(row) == len(found["cell"])
    for i, year in enumerate(run.years):
        part = slice(i * len(row), (i + 1) * len(row))
        np.testing.assert_array_equal(found["year"][part], year)
        np.testing.assert_array_equal(found["cell"][part], row * run.grid.cols + col)
        np.testing.assert_array_equal(found["row"][part], row)
        for species in run.species:
            total = run.total(year, species)[row, col]
            np.testing.assert_array_equal(found[f"{species}_t"][part], total)
            np.testing.assert_array_equal(
                found[f"{species}_t_km2"][part], total / (run.grid.cell_area_m2[row, col] * 1e-6)
            )


def test_columns_have_the_types_of_the_schema(run: Run, views: Views) -> None:
    rows = RunCells(run, views)
    block = next(iter(rows.blocks(None, None)))
    for field in rows.schema:
        assert block.column(field.name, np.arange(3)).type == field.type
        assert block.column(field.name, np.array([2])).to_pylist() == block.column(field.name).to_pylist()[2:3]


def test_a_feature_is_found_by_its_id(run: Run, views: Views) -> None:
    rows = RunCells(run, views)
    for block in rows.blocks(None, None):
        for at in (0, block.count - 1):
            fid = block.ids(np.array([at]))[0].as_py()
            found = rows.find(fid)
            assert found is not None
            assert found[0].ids(found[1]).to_pylist() == [fid]
            assert found[0].wkb(found[1]).equals(block.wkb(np.array([at])))
    year = run.years[0]
    numbers = ("x", run.grid.size, "007", "٣", "9" * 40, "")
    for wrong in ("", "-", "1", "1999-1", *(f"{year}-{n}" for n in numbers)):
        assert rows.find(wrong) is None


@pytest.mark.parametrize("name", GRIDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_boxes_hold_the_cells_and_little_more(name: str, data: st.DataObject) -> None:
    grid = GRIDS[name]
    top, left = data.draw(st.integers(0, grid.rows - 1)), data.draw(st.integers(0, grid.cols - 1))
    window = Window(top, data.draw(st.integers(top + 1, grid.rows)), left, data.draw(st.integers(left + 1, grid.cols)))
    row, col = (v.ravel() + start for v, start in zip(np.indices(window.shape), (top, left), strict=True))
    rings = corners_84(grid, row, col)
    west, south, east, north = (side.ravel() for side in outer_boxes(grid, window))
    assert (west <= rings[:, :, 0].min(axis=1)).all()
    assert (east >= rings[:, :, 0].max(axis=1)).all()
    assert (south <= rings[:, :, 1].min(axis=1)).all()
    assert (north >= rings[:, :, 1].max(axis=1)).all()
    width = np.ptp(rings[:, :, 0], axis=1)
    assert ((east - west) - width <= 0.5 * width).all()


@pytest.mark.parametrize("name", GRIDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_window_misses_no_cell_of_a_box(name: str, data: st.DataObject) -> None:
    grid = GRIDS[name]
    west, south, east, north = grid_bounds_84(grid)
    x = sorted(data.draw(st.tuples(*[st.floats(west - 5, east + 5)] * 2)))
    y = sorted(data.draw(st.tuples(*[st.floats(south - 5, north + 5)] * 2)))
    cells = np.arange(0, grid.size, 7)
    row, col = grid.row_col(cells)
    inside = shapely.intersects(
        shapely.box(x[0], y[0], x[1], y[1]), shapely.from_wkb(polygons(corners_84(grid, row, col)).to_pylist())
    )
    window = window_of(grid, (x[0], y[0], x[1], y[1]))
    if window is None:
        assert not inside.any()
        return
    held = (row >= window.row_start) & (row < window.row_stop) & (col >= window.col_start) & (col < window.col_stop)
    assert held[inside].all()


@pytest.mark.parametrize("name", GRIDS)
def test_corners_are_the_same_numbers_whichever_way_they_are_found(name: str) -> None:
    grid = GRIDS[name]
    row, col = (v.ravel() + 3 for v in np.indices((40, 50)))
    np.testing.assert_array_equal(corners_84(grid, row, col), np.round(_by_cell(grid, row, col), 7))


def test_a_grid_from_0_to_360_lies_on_both_sides_of_greenwich() -> None:
    grid = Grid(crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 90), shape=(180, 360))
    rings = corners_84(grid, np.array([10, 10]), np.array([10, 350]))
    assert rings[:, 0, 0].tolist() == [10.0, -10.0]
    assert grid_bounds_84(grid) == (-180.0, -90.0, 180.0, 90.0)
    west, _, east, _ = outer_boxes(grid, Window(10, 11, 0, 360))
    assert west.min() >= -180.0 - 1e-6
    assert east.max() <= 180.0 + 1e-6
    window = window_of(grid, (-20.0, 0.0, -10.0, 10.0))
    assert window is not None
    assert window.col_start <= 340 < 350 <= window.col_stop


def test_polygons_are_closed_rings() -> None:
    rings = corners_84(GRIDS["albers"], np.array([5]), np.array([7]))
    made = polygons(rings)
    shape = shapely.from_wkb(made[0].as_py())
    assert shape.is_valid
    assert shape.exterior.is_ccw
    assert shape.exterior.coords[0] == shape.exterior.coords[-1]
    found = rings_of(made)
    assert found is not None
    np.testing.assert_array_equal(found[:, :4], rings)
    assert rings_of(polygons(rings[:0])) is None
