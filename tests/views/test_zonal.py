"""Polygons against brute force, against published units, and against the whole."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.errors import InvalidGeometry, InvalidParameter
from gis.views import Views
from gis.views.origins import Origins
from gis.views.places import ground_under
from gis.views.series import place_series, series
from gis.views.totals import By, totals
from gis.views.zonal import amounts_in, checked, contributors_in, inside, window_cells
from gis.workspace import Run, StoredZoning


@pytest.fixture(scope="module")
def origins(views: Views, run: Run) -> Origins:
    return Origins(views.files, run)


def _polygons(run: Run, count: int) -> list[shapely.Polygon]:
    west, south, east, north = run.grid.bounds
    rng = np.random.default_rng(11)
    found = []
    while len(found) < count:
        x, y = rng.uniform(west, east, 6), rng.uniform(south, north, 6)
        hull = shapely.convex_hull(shapely.MultiPoint(np.column_stack([x, y])))
        if isinstance(hull, shapely.Polygon):
            found.append(hull)
    return found


def test_fractions_are_those_of_an_intersection_with_every_cell(run: Run) -> None:
    grid = run.grid
    polygon = _polygons(run, 1)[0]
    found = inside(grid, polygon)
    cell = np.arange(grid.size)
    row, col = grid.row_col(cell)
    boxes = shapely.box(grid.x_edges[col], grid.y_edges[row + 1], grid.x_edges[col + 1], grid.y_edges[row])
    expected = shapely.area(shapely.intersection(boxes, polygon)) / (grid.dx * grid.dy)
    whole = np.zeros(grid.size)
    whole[found.cells] = found.fraction
    np.testing.assert_allclose(whole, expected, atol=1e-12)
    assert found.area_km2 == pytest.approx(polygon.area * 1e-6, rel=1e-9)
    assert found.outside_share == pytest.approx(0.0, abs=1e-12)


def test_a_polygon_beyond_the_grid_says_how_much_lies_there(run: Run) -> None:
    west, south, east, north = run.grid.bounds
    found = inside(run.grid, shapely.box(west - (east - west), south, east, north))
    assert found.outside_share == pytest.approx(0.5, abs=1e-9)
    away = inside(run.grid, shapely.box(east + 1e5, south, east + 2e5, north))
    assert len(away.cells) == 0 and away.area_km2 == 0.0 and away.outside_share == 1.0
    assert window_cells(run.grid, away.polygon) == 0
    assert window_cells(run.grid, shapely.box(west, south, east, north)) == run.grid.size


def test_points_count_where_they_stand_and_the_rest_by_area(views: Views, origins: Origins, run: Run) -> None:
    """Brute force: layers less the points in them, times fractions, and the points whose place is inside."""
    year = run.years[-1]
    points, x, y, cell = origins.points_in(np.arange(run.grid.size, dtype=np.int64), year)
    for polygon in _polygons(run, 6):
        zone = amounts_in(views, origins, inside(run.grid, polygon), year)
        cells = inside(run.grid, polygon)
        stands = shapely.contains_xy(polygon, x, y)
        for s, species in enumerate(run.species):
            mine = points.species == s
            spread = run.total(year, species).ravel() - np.bincount(cell[mine], points.mass_t[mine], run.grid.size)
            expected = cells.fraction @ spread[cells.cells] + points.mass_t[mine & stands].sum()
            assert zone.amount_t[s] == pytest.approx(expected, rel=1e-9)
        np.testing.assert_allclose(zone.by_sector_t.sum(axis=1), zone.amount_t, rtol=1e-12)
        np.testing.assert_allclose(zone.by_tier_t.sum(axis=1), zone.amount_t, rtol=1e-9)
        named = contributors_in(origins, zone, top=1_000_000)
        for s, species in enumerate(run.species):
            assert sum(c.mass_t for c in named[species]) == pytest.approx(zone.amount_t[s], rel=1e-9)


def test_the_whole_grid_holds_the_whole_run_and_halves_add_up(views: Views, origins: Origins, run: Run) -> None:
    west, south, east, north = run.grid.bounds
    middle = west + 12_345.6
    parts = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    for year in run.years:
        whole = amounts_in(views, origins, inside(run.grid, shapely.box(west, south, east, north)), year)
        held = sum(amounts_in(views, origins, inside(run.grid, p), year).by_sector_t for p in parts)
        np.testing.assert_allclose(held, whole.by_sector_t, rtol=1e-9)
        expected = totals(run, year, By.SPECIES).set_index("species")["amount_t"]
        np.testing.assert_allclose(whole.amount_t, [expected[s] for s in run.species], rtol=1e-9)


def test_gridded_parts_count_by_sector_from_the_layers(views: Views, world: Run) -> None:
    origins = Origins(views.files, world)
    cells = inside(world.grid, shapely.box(100.3, 20.7, 102.1, 40.2))
    zone = amounts_in(views, origins, cells, 2020)
    power = world.sectors.index("power")
    for s, species in enumerate(world.species):
        expected = cells.fraction @ world.layer(2020, species, "power").ravel()[cells.cells]
        assert zone.by_sector_t[s, power] == zone.amount_t[s] == pytest.approx(expected, rel=1e-12)
        assert zone.by_tier_t[s].tolist() == [0.0, 0.0, zone.amount_t[s], 0.0]
    assert contributors_in(origins, zone, top=3)["co2"][0].part == "grid"


def test_a_units_polygon_gives_the_units_own_figures(
    views: Views, origins: Origins, run: Run, zoning: StoredZoning
) -> None:
    units = zoning.tables["units"]
    assert len(units) > 3
    for row in units.itertuples():
        ground = ground_under(views.files, run, row.geometry)
        zone = amounts_in(views, origins, inside(run.grid, row.geometry, ground=ground), zoning.year)
        for s, species in enumerate(run.species):
            assert zone.amount_t[s] == pytest.approx(getattr(row, f"{species}_t"), rel=1e-9)


def test_a_series_of_a_place_has_every_year(views: Views, origins: Origins, run: Run, zoning: StoredZoning) -> None:
    row = zoning.tables["units"].iloc[0]
    found = place_series(views, origins, row.geometry, key=row.unit, name_zh="甲", name_en="A")
    assert found["year"].tolist() == [y for y in run.years for _ in run.species]
    own = found[found["year"] == zoning.year].set_index("species")
    for species in run.species:
        assert own.loc[species, "amount_t"] == pytest.approx(row[f"{species}_t"], rel=1e-9)
        whole = totals(run, zoning.year, By.SPECIES).set_index("species").loc[species, "amount_t"]
        assert own.loc[species, "share"] == pytest.approx(row[f"{species}_t"] / whole, rel=1e-9)
    every = series(run, By.SECTOR)
    for year in run.years:
        assert every[every["year"] == year]["amount_t"].sum() == pytest.approx(
            run.totals().query("year == @year")["sum_t"].sum(), rel=1e-12
        )


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(0, 0),
        shapely.Polygon(),
        shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
        shapely.LineString([(0, 0), (1, 1)]),
    ],
)
def test_what_is_no_polygon_is_refused(shape: shapely.Geometry) -> None:
    with pytest.raises(InvalidGeometry):
        checked(shape)


def test_an_unknown_year_is_refused(views: Views, origins: Origins, run: Run) -> None:
    with pytest.raises(InvalidParameter, match="1999"):
        amounts_in(views, origins, inside(run.grid, shapely.box(*run.grid.bounds)), 1999)
