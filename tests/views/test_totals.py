"""Totals: nothing is lost between regions, and every way of telling amounts apart gives the same whole."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.errors import InvalidParameter, NotFound
from gis.views import Views
from gis.views.origins import Origins
from gis.views.places import extent, ground_under, place_of, places_at, roles_of
from gis.views.totals import COLUMNS, REGIONS, By, region_totals, totals
from gis.views.zonal import amounts_in, inside
from gis.workspace import Run


@pytest.fixture(scope="module")
def origins(views: Views, run: Run) -> Origins:
    return Origins(views.files, run)


@pytest.mark.parametrize("by", [By.SPECIES, By.SECTOR, By.TIER])
def test_every_way_of_telling_apart_has_the_same_whole(run: Run, by: By) -> None:
    for year in run.years:
        found = totals(run, year, by)
        assert list(found.columns) == list(COLUMNS)
        for species in run.species:
            mine = found[found["species"] == species]
            expected = run.total(year, species).sum()
            assert mine["amount_t"].sum() == pytest.approx(expected, rel=1e-12)
            assert mine["share"].sum() == pytest.approx(1.0, rel=1e-9)
        assert (found["name_zh"] != "").all() and (found["name_en"] != "").all()


@pytest.mark.parametrize("by", REGIONS)
def test_regions_and_what_lies_in_none_are_the_whole(views: Views, origins: Origins, run: Run, by: By) -> None:
    for year in run.years:
        found = region_totals(views, origins, year, by)
        assert (found["amount_t"] >= 0).all() and found["key"].iloc[-1] == ""
        for species in run.species:
            mine = found[found["species"] == species]
            assert mine["amount_t"].sum() == pytest.approx(run.total(year, species).sum(), rel=1e-9)


@pytest.mark.parametrize("by", REGIONS)
def test_a_region_has_what_lies_in_its_polygon(views: Views, origins: Origins, run: Run, by: By) -> None:
    year = run.years[-1]
    found = region_totals(views, origins, year, by).set_index(["key", "species"])["amount_t"]
    for code in found.index.get_level_values("key").unique()[:5]:
        if code:
            _, polygon = place_of(views.files, run, str(by), code)
            zone = amounts_in(views, origins, inside(run.grid, polygon), year)
            for s, species in enumerate(run.species):
                assert found[code, species] == pytest.approx(zone.amount_t[s], rel=1e-9)


def test_regions_that_the_run_does_not_have_are_refused(views: Views, world: Run) -> None:
    with pytest.raises(InvalidParameter, match="no county; it has no regions"):
        region_totals(views, Origins(views.files, world), 2020, By.COUNTY)
    with pytest.raises(InvalidParameter, match="no park"):
        place_of(views.files, world, "park", "P1")
    assert roles_of(world) == () and ground_under(views.files, world, shapely.box(100, 20, 101, 21)) is None


def test_regions_at_points_against_the_regions_themselves(views: Views, run: Run) -> None:
    west, south, east, north = run.grid.bounds
    rng = np.random.default_rng(4)
    for x, y in zip(rng.uniform(west, east, 50), rng.uniform(south, north, 50), strict=True):
        expected = [
            (str(layer.role), code)
            for layer in run.regions
            for code, shape in zip(layer.frame["code"], layer.frame.geometry, strict=True)
            if shape.intersects(shapely.Point(x, y))
        ]
        assert [(p.role, p.code) for p in places_at(views.files, run, x, y)] == expected
    assert places_at(views.files, run, west - 1e6, south) == []


def test_a_region_by_its_code(views: Views, run: Run) -> None:
    place, polygon = place_of(views.files, run, "county", "330101")
    expected = run.regions.find("330101").iloc[0]
    assert place.name_zh == "区330101" and polygon.equals(expected)
    with pytest.raises(NotFound, match="no county has the code '999999'"):
        place_of(views.files, run, "county", "999999")


def test_the_extent_holds_every_corner(run: Run, world: Run) -> None:
    assert extent(world.grid) == pytest.approx(world.grid.bounds)
    west, south, east, north = extent(run.grid)
    assert west < east and south < north and 0.3 < north - south < 1.0
