"""Clicks against the layers, ranks and tables they are read from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from gis.errors import InvalidParameter, NotFound
from gis.projection import transformer
from gis.views import Views
from gis.views.lonlat import CRS84
from gis.views.origins import Origins
from gis.views.points import Points, cell_of
from gis.workspace import Run, StoredZoning


@pytest.fixture(scope="module")
def on_run(views: Views, run: Run) -> Points:
    return Points(views, Origins(views.files, run), run)


@pytest.fixture(scope="module")
def on_zoning(views: Views, run: Run, zoning: StoredZoning) -> Points:
    return Points(views, Origins(views.files, run), zoning)


def _lonlat(run: Run, cell: int) -> tuple[float, float]:
    x, y = run.grid.centre(cell)
    lon, lat = transformer(run.grid.crs, CRS84).transform(float(x), float(y))
    return lon, lat


def test_a_click_says_what_the_layers_say(on_run: Points, views: Views, run: Run) -> None:
    cells = np.random.default_rng(1).choice(run.grid.size, 40, replace=False).tolist()
    for year in run.years:
        total = {s: run.total(year, s).ravel() for s in run.species}
        area = run.grid.cell_area_m2.ravel() * 1e-6
        for cell in cells:
            lon, lat = _lonlat(run, cell)
            found = on_run.at(lon=lon, lat=lat, year=year)
            assert (found.cell.cell, found.year, found.run, found.contributors) == (cell, year, run.id, None)
            assert found.cell.valid == bool(run.valid.ravel()[cell])
            assert (found.cell.lon, found.cell.lat) == pytest.approx((lon, lat), abs=1e-9)
            for here in found.species:
                amount = total[here.species][cell]
                density = amount / area[cell]
                assert here.amount_t == amount and here.density_t_km2 == pytest.approx(density, rel=1e-12)
                if amount == 0:
                    assert (here.rank, here.share_area, here.hot) == (0, None, False)
                    continue
                denser = total[here.species] / area >= density * (1 - 1e-9)
                assert here.share_area == pytest.approx(area[denser].sum() / area[run.valid.ravel()].sum(), rel=1e-9)
                assert here.share_mass == pytest.approx(
                    total[here.species][denser].sum() / total[here.species].sum(), rel=1e-9
                )


def test_hot_is_what_the_threshold_says(on_run: Points, views: Views, run: Run) -> None:
    assert on_run.threshold is not None
    view = views.threshold(run, run.years[-1], on_run.threshold)
    hot = {s: view.hot(s).levels[0].ravel() > 0 for s in on_run.threshold.species}
    for cell in np.flatnonzero(hot["co2"])[:10].tolist() + np.flatnonzero(~hot["co2"])[:10].tolist():
        lon, lat = _lonlat(run, cell)
        for here in on_run.at(lon=lon, lat=lat).species:
            assert here.hot == bool(hot[here.species][cell])


def test_a_click_on_a_zoning_says_what_its_tables_say(on_zoning: Points, run: Run, zoning: StoredZoning) -> None:
    table = zoning.tables["cells"]
    for row in table.sample(30, random_state=1).to_dict("records"):
        lon, lat = _lonlat(run, int(row["cell"]))
        found = on_zoning.at(lon=lon, lat=lat, top=3)
        zoned = found.zoned
        assert zoned is not None and found.year == zoning.year
        assert (zoned.cell_class, zoned.tier, zoned.robustness, zoned.unit, zoned.patch) == (
            row["class"], row["tier"], row["robustness"], row["unit"], row["patch"],
        )  # fmt: skip
        for s, here in zip(zoned.species, found.species, strict=True):
            assert s.hot == here.hot == row[f"{s.species}_hot"]
            assert here.amount_t == pytest.approx(row[f"{s.species}_t"], rel=1e-12)
            assert s.z == pytest.approx(row[f"{s.species}_z"]) and s.p == pytest.approx(row[f"{s.species}_p"])
            assert s.tiers == {t: row[f"{s.species}_{t}"] for t in s.tiers} and sum(s.tiers.values()) == pytest.approx(
                1.0, abs=1e-5
            )
        assert found.contributors is not None and all(0 < len(c) <= 3 for c in found.contributors.values())


def test_units_and_conflicts_are_those_whose_polygon_holds_the_point(
    on_zoning: Points, run: Run, zoning: StoredZoning
) -> None:
    for name, key in (("units", "unit"), ("conflicts", "conflict")):
        table = zoning.tables[name]
        assert len(table)
        for row in table.itertuples():
            inner = shapely.point_on_surface(row.geometry)
            lon, lat = transformer(run.grid.crs, CRS84).transform(inner.x, inner.y)
            assert getattr(row, key) in getattr(on_zoning.at(lon=lon, lat=lat), name)


def test_another_year_of_a_zoning_has_no_classes(on_zoning: Points, run: Run, zoning: StoredZoning) -> None:
    other = next(y for y in run.years if y != zoning.year)
    lon, lat = _lonlat(run, int(zoning.tables["cells"]["cell"].iloc[0]))
    found = on_zoning.at(lon=lon, lat=lat, year=other)
    assert (found.zoned, found.units, found.conflicts) == (None, (), ())
    assert found.species[0].amount_t == run.total(other, "co2").ravel()[found.cell.cell]


def test_the_owner_of_an_edge_is_that_of_the_grid(views: Views, world: Run) -> None:
    points = Points(views, Origins(views.files, world), world)
    row, col = world.grid.index(x=101.0, y=30.0)
    assert points.at(lon=101.0, lat=30.0).cell.cell == int(row) * world.grid.cols + int(col)


@pytest.mark.parametrize("lon", [math.nan, math.inf, -181.0, 181.0, 1e308])
def test_what_is_no_longitude_is_refused(on_run: Points, lon: float) -> None:
    with pytest.raises(InvalidParameter, match="lon"):
        on_run.at(lon=lon, lat=30.0)
    with pytest.raises(InvalidParameter, match="lat"):
        on_run.at(lon=100.0, lat=lon)


def test_outside_the_grid_is_not_found(on_run: Points, views: Views, run: Run) -> None:
    for lon, lat in ((-100.0, 30.0), (0.0, 90.0), (180.0, -90.0)):
        with pytest.raises(NotFound, match="outside the grid"):
            on_run.at(lon=lon, lat=lat)
    for cell in (-1, run.grid.size, 2**61):
        with pytest.raises(NotFound, match="no cell"):
            cell_of(views, run, cell)
    with pytest.raises(InvalidParameter, match="year 1900"):
        on_run.at(lon=100.0, lat=30.0, year=1900)
