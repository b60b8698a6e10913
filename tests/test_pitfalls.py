"""Pitfalls that other tools fell into, one test each, through the public interface and with numbers that can be checked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import netCDF4
import numba
import numpy as np
import pandas as pd
import pytest
import shapely

import gis
from gis.errors import InvalidGeometry, RefusedInput
from gis.inventory.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis.inventory.model import RasterSurrogate, SmokeSurrogate
from tests.allocation.inventories import CRS_M, Made

X0, Y0 = 500_000.0, 4_000_000.0
GRID = gis.Grid.covering((X0, Y0, X0 + 4_000, Y0 + 3_000), crs=CRS_M, cell=1000.0)
DEGREES = gis.Grid.covering((110, 30, 114, 33), crs="EPSG:4326", cell=1)


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in kilometres from the grid's south-west corner."""
    return shapely.box(X0 + 1000 * west, Y0 + 1000 * south, X0 + 1000 * east, Y0 + 1000 * north)


def line(*vertices: tuple[float, float]) -> shapely.LineString:
    """A line through kilometres from the grid's south-west corner."""
    return shapely.LineString([(X0 + 1000 * x, Y0 + 1000 * y) for x, y in vertices])


def series(*shapes: shapely.Geometry, crs: str = CRS_M) -> gpd.GeoSeries:
    return gpd.GeoSeries(list(shapes), crs=crs)


def cells(matrix, row: int = 0) -> dict[int, float]:
    """Shares of one row by cell id."""
    entries = matrix[[row]].tocoo()
    return dict(zip(entries.coords[1].tolist(), entries.data.tolist(), strict=True))


POINTS = """
name = "pitfall"
years = [2020]
species_used = ["CO2"]
bounds = [100.0, 20.0, 125.0, 45.0]
[[parts]]
name = "plants"
kind = "point"
file = "plants.csv"
DATUM
year = 2020
sector = "power"
columns = {id = "id", x = "lon", y = "lat"}
amounts = [{column = "co2", species = "CO2", unit = "t/yr"}]
"""


def points(base: Path, *rows: str, datum: str = 'crs = "EPSG:4326"', more: str = "") -> Path:
    """A description of points with one amount each; rows are ``id,lon,lat,co2``."""
    (base / "inventory.toml").write_text(POINTS.replace("DATUM", datum) + more, "utf-8")
    (base / "plants.csv").write_text("id,lon,lat,co2\n" + "".join(f"{row}\n" for row in rows), "utf-8")
    return base / "inventory.toml"


def at(findings, rule: str) -> list[tuple[str, int | None]]:
    """File and row of the findings of a rule."""
    return [(f.file, f.row) for f in findings if f.rule == rule]


# -- one area model -----------------------------------------------------------------------------------------------------


def test_pitfall_earth_radius_differs_from_tool_to_tool(tmp_path: Path) -> None:
    """A flux is turned into mass on the inventory's own sphere; the target's ellipsoid has its own areas, and both are named."""
    with netCDF4.Dataset(tmp_path / "v8.1_FT2022_AP_NOx_2019_ENE_flx.nc", "w") as file:
        for name, values in (("lat", [0.5, 1.5]), ("lon", [110.5, 111.5])):
            file.createDimension(name, 2)
            file.createVariable(name, "f8", (name,))[:] = values
        flux = file.createVariable("fluxes", "f8", ("lat", "lon"))
        flux[:] = [[1e-9, 0.0], [0.0, 0.0]]
        flux.units = "kg m-2 s-1"
    text = (
        'name = "flux"\nyears = [2019]\nspecies_used = ["NOx"]\n'
        '[[parts]]\nname = "edgar"\nkind = "gridded"\nformat = "edgar"\nfile = "*.nc"\n'
    )

    def mass(crs: str) -> tuple[float, str]:
        (tmp_path / "inventory.toml").write_text(text + crs, "utf-8")
        (part,) = gis.read_inventory(tmp_path / "inventory.toml").parts
        return float(np.nansum(part.fields[0].load())), part.area_model

    rate = 1e-9 * 365 * 86400 / 1000  # t per m² and year
    radius = 6_370_000.0
    sphere_m2 = radius**2 * math.radians(1) * math.sin(math.radians(1))
    ellipsoid_m2 = gis.Grid.covering((110, 0, 112, 2), crs="EPSG:4326", cell=1).cell_area_m2[1, 0]
    on_sphere, on_ellipsoid = mass('crs = "+proj=longlat +R=6370000 +type=crs"\n'), mass("")
    assert on_sphere[0] == pytest.approx(rate * sphere_m2, rel=1e-12) and "6370000 m, sphere" in on_sphere[1]
    assert on_ellipsoid[0] == pytest.approx(rate * ellipsoid_m2, rel=1e-12) and "WGS 84" in on_ellipsoid[1]
    assert on_sphere[0] / on_ellipsoid[0] - 1 == pytest.approx(
        0.0045, abs=5e-4
    )  # what the wrong radius would cost here
    allocation = gis.allocate(gis.read_inventory(tmp_path / "inventory.toml"), DEGREES)
    assert "6378137.0 m" in allocation.report["area_model"]


# -- one owner ----------------------------------------------------------------------------------------------------------


def test_pitfall_line_on_a_shared_edge_is_allocated_once() -> None:
    along_column, along_row = line((1, 0), (1, 3)), line((0, 1), (4, 1))
    shares = gis.lengths(series(along_column, along_row), GRID)
    assert cells(shares, 0) == pytest.approx({1: 1 / 3, 5: 1 / 3, 9: 1 / 3})  # x = 1 km is the left edge of column 1
    assert cells(shares, 1) == pytest.approx(
        {4: 0.25, 5: 0.25, 6: 0.25, 7: 0.25}
    )  # y = 1 km is the lower edge of row 1
    made = Made().shapes(
        "roads", "line", [along_column, along_row], [(0, "co2", "road", 2020, 3.0), (1, "co2", "road", 2020, 4.0)]
    )
    allocation = gis.allocate(made.inventory(), GRID)
    layer = allocation.layer(2020, "co2", "road")
    np.testing.assert_allclose(layer, [[0, 1, 0, 0], [1, 2, 1, 1], [0, 1, 0, 0]], rtol=1e-15)
    allocation.ledger.check()


def test_pitfall_point_on_an_edge_has_one_owner_and_the_outer_edge_is_closed() -> None:
    x = X0 + np.array([1000.0, 500.0, 1000.0, 0.0, 4000.0, 4000.0, 4000.0 + 1e-6])
    y = Y0 + np.array([500.0, 1000.0, 1000.0, 0.0, 3000.0, 0.0, 0.0])
    amount = 2.0 ** np.arange(7)
    found = gis.accumulate(x, y, amount, GRID)
    np.testing.assert_array_equal(found.values[0], [[0, 0, 0, 16], [2, 4, 0, 0], [8, 1, 0, 32]])
    assert found.outside.tolist() == [64.0]
    made = Made().points("plants", x, y, [(i, "co2", "power", 2020, m) for i, m in enumerate(amount)])
    allocation = gis.allocate(made.inventory(), GRID)
    np.testing.assert_array_equal(allocation.layer(2020, "co2", "power"), found.values[0])


# -- off the grid -------------------------------------------------------------------------------------------------------


def test_pitfall_polygon_partly_outside_keeps_its_full_measure() -> None:
    county = box(3, 0, 7, 1)  # a quarter inside
    assert cells(gis.coverage(series(county), GRID)) == pytest.approx({11: 0.25})
    made = Made().shapes("county", "area", [county], [(0, "co2", "waste", 2020, 8.0)])
    allocation = gis.allocate(made.inventory(), GRID)
    (row,) = allocation.ledger.table.itertuples()
    assert (row.input_t, row.allocated_t, row.outside_t) == pytest.approx((8.0, 2.0, 6.0))
    allocation.ledger.check()


def test_pitfall_off_grid_sources_do_not_vanish() -> None:
    def made(policy: str) -> gis.Inventory:
        records = [(0, "co2", "power", 2020, 5.0), (1, "co2", "power", 2020, 1.0)]
        return Made().points("plants", [X0 - 10, X0 + 10], [Y0 + 10] * 2, records, off_grid=policy).inventory()

    kept = gis.allocate(made("keep"), GRID)
    (row,) = kept.ledger.table.itertuples()
    assert (row.input_t, row.allocated_t, row.outside_t) == (6.0, 1.0, 5.0)
    moved = gis.allocate(made("nearest"), GRID)
    assert moved.layer(2020, "co2", "power")[2, 0] == 6.0
    assert moved.report["notes"] == [
        {"part": "plants", "sources moved to the nearest cell": 1.0, "farthest move": pytest.approx(10.0)}
    ]
    with pytest.raises(InvalidGeometry, match="'plants-0'"):
        gis.allocate(made("error"), GRID)


# -- surrogates ---------------------------------------------------------------------------------------------------------


def test_pitfall_surrogate_of_zero_falls_down_its_chain() -> None:
    people = np.zeros(GRID.shape)
    people[2, :2] = 1.0, 3.0
    table = pd.DataFrame(
        {
            "region": ["counties-1", "counties-2"],
            "row": [2, 0],
            "col": [2, 0],
            "fraction": [1.0, 1e-36],
        }  # SMOKE's nothing
    )
    made = Made().shapes(
        "counties", "area", [box(0, 0, 2, 1), box(2, 0, 4, 1), box(0, 2, 4, 3)],
        [(0, "co2", "waste", 2020, 4.0), (1, "co2", "waste", 2020, 2.0), (2, "co2", "waste", 2020, 8.0)],
        surrogate=["people", "table"],
    )  # fmt: skip
    surrogates = {
        "people": RasterSurrogate("people", GRID, people, "amount"),
        "table": SmokeSurrogate("table", GRID, table),
    }
    allocation = gis.allocate(made.inventory(surrogates=surrogates), GRID)
    np.testing.assert_allclose(
        allocation.layer(2020, "co2", "waste"), [[2, 2, 2, 2], [0, 0, 0, 0], [1, 3, 2, 0]], rtol=1e-14
    )
    served = [(r["surrogate"], r["tier"], r["source_ids"]) for r in allocation.report["served"]]
    assert served == [
        ("people", "surrogate", []), ("table", "surrogate", ["counties-1"]), ("uniform", "uniform", ["counties-2"]),
    ]  # fmt: skip
    tiers = {t: allocation.tier_layer(2020, "co2", t).sum() for t in ("surrogate", "uniform")}
    assert tiers == pytest.approx({"surrogate": 6.0, "uniform": 8.0})


def test_pitfall_surrogate_of_zero_is_unallocatable_when_nothing_closes_the_chain() -> None:
    made = Made().shapes(
        "counties", "area", [box(0, 0, 2, 1)], [(0, "co2", "waste", 2020, 4.0)], surrogate="people", fallback="none"
    )
    allocation = gis.allocate(
        made.inventory(surrogates={"people": RasterSurrogate("people", GRID, np.zeros(GRID.shape), "amount")}), GRID
    )
    (row,) = allocation.ledger.table.itertuples()
    assert (row.allocated_t, row.unallocatable_t) == (0.0, 4.0)
    allocation.ledger.check()


# -- the antimeridian ---------------------------------------------------------------------------------------------------


def test_pitfall_ring_across_the_antimeridian_is_no_band_around_the_world() -> None:
    world = gis.Grid.covering((-180, -90, 180, 90), crs="EPSG:4326", cell=10)
    ring = shapely.Polygon([(175, 0), (-175, 0), (-175, 10), (175, 10)])
    row = 8  # 0 to 10 N
    assert cells(gis.coverage(series(ring, crs="EPSG:4326"), world)) == pytest.approx(
        {row * 36: 0.5, row * 36 + 35: 0.5}
    )
    way = shapely.LineString([(175, 5), (-175, 5)])
    assert cells(gis.lengths(series(way, crs="EPSG:4326"), world)) == pytest.approx({row * 36: 0.5, row * 36 + 35: 0.5})
    asia = gis.Grid.covering((170, 0, 190, 10), crs="EPSG:4326", cell=10)  # a grid may itself reach across
    assert cells(gis.coverage(series(ring, crs="EPSG:4326"), asia)) == pytest.approx({0: 0.5, 1: 0.5})


# -- NaN ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [GRID, GRID.parent(2), gis.Grid.covering((116, 35.5, 118, 37), crs="EPSG:4326", cell=0.1)]
)
def test_pitfall_nan_in_a_gridded_inventory_is_no_value(target: gis.Grid) -> None:
    values = np.full(GRID.shape, 2.0)
    values[1, 1:3] = np.nan
    moved = gis.regrid(values, GRID, target, kind="amount")
    assert not np.isnan(moved.values).any()
    assert float(moved.values.sum() + moved.outside) == pytest.approx(20.0, rel=1e-12)
    assert int(moved.no_value) == 2
    allocation = gis.allocate(Made().gridded("meic", GRID, {("co2", "waste", 2020): values}).inventory(), target)
    assert allocation.report["no_value_cells"] == [
        {"part": "meic", "year": 2020, "species": "co2", "sector": "waste", "cells": 2}
    ]
    assert allocation.ledger.table["input_t"].tolist() == [20.0]
    allocation.ledger.check()


def test_pitfall_nan_is_not_spread_into_the_statistics_of_polygons() -> None:
    values = np.full(GRID.shape, 2.0)
    values[2, 1] = np.nan
    layer = gis.as_layers(values, GRID)
    found = gis.zonal(layer, series(box(0, 0, 2, 1)))
    row = found.iloc[0]
    assert (row["sum"], row["mean"], row["count"]) == pytest.approx((2.0, 2.0, 1.0))


# -- polygons -----------------------------------------------------------------------------------------------------------


def test_pitfall_invalid_polygon_is_refused_or_mended_and_reported(tmp_path: Path) -> None:
    bow = shapely.Polygon([(X0, Y0), (X0 + 2000, Y0 + 1000), (X0 + 2000, Y0), (X0, Y0 + 1000)])  # two triangles
    with pytest.raises(InvalidGeometry, match="row 0"):
        gis.coverage(series(bow), GRID)
    assert cells(gis.coverage(series(bow), GRID, invalid="repair")) == pytest.approx({8: 0.5, 9: 0.5})
    gpd.GeoDataFrame({"code": ["a"], "co2": [4.0]}, geometry=[bow], crs=CRS_M).to_file(
        tmp_path / "areas.geojson", driver="GeoJSON"
    )
    (tmp_path / "inventory.toml").write_text(
        'name = "bow"\nyears = [2020]\nspecies_used = ["CO2"]\n[[parts]]\nname = "areas"\nkind = "area"\nfile = "areas.geojson"\n'
        'year = 2020\nsector = "waste"\ncolumns = {id = "code"}\namounts = [{column = "co2", species = "CO2", unit = "t"}]\n',
        "utf-8",
    )
    (finding,) = [f for f in gis.check_inventory(tmp_path / "inventory.toml") if f.rule == "invalid-polygon"]
    assert (finding.row, finding.mass_t) == (1, {"co2": 4.0}) and "Self-intersection" in finding.reason
    lenient = gis.read_inventory(tmp_path / "inventory.toml", lenient=True)
    assert lenient.unread_t == {("refused", "areas", "co2"): 4.0}


def test_pitfall_overlapping_source_polygons_are_reported_before_allocation(tmp_path: Path) -> None:
    shapes = [shapely.box(110, 30, 112, 31), shapely.box(111, 30, 113, 31)]
    frame = gpd.GeoDataFrame({"code": ["a", "b"], "co2": [10.0, 20.0]}, geometry=shapes, crs=4326)
    frame.to_parquet(tmp_path / "areas.parquet")
    (tmp_path / "inventory.toml").write_text(
        'name = "o"\nyears = [2020]\nspecies_used = ["CO2"]\n[[parts]]\nname = "areas"\nkind = "area"\nfile = "areas.parquet"\n'
        'year = 2020\nsector = "waste"\ncolumns = {id = "code"}\namounts = [{column = "co2", species = "CO2", unit = "t"}]\n',
        "utf-8",
    )
    (finding,) = [f for f in gis.check_inventory(tmp_path / "inventory.toml") if f.rule == "overlapping-polygons"]
    assert finding.reason.startswith("a and b overlap") and "50.0% and 50.0%" in finding.reason
    assert finding.mass_t["co2"] == pytest.approx(
        5.0, rel=1e-9
    )  # half of 10 and half of 20 claim it: the less is double


def test_pitfall_shares_are_float64_throughout() -> None:
    thirds = gis.coverage(series(box(0, 0, 3, 1)), GRID)
    assert thirds.dtype == np.float64
    assert max(abs(share - 1 / 3) for share in cells(thirds).values()) < 1e-15
    tiny = shapely.box(X0 + 999.999, Y0 + 100, X0 + 1000.002, Y0 + 101)  # 1 mm in one cell, 2 mm in the next
    assert cells(gis.coverage(series(tiny), GRID)) == pytest.approx({8: 1 / 3, 9: 2 / 3}, rel=1e-6)
    assert gis.coverage(series(tiny), GRID).sum() == pytest.approx(1.0, abs=1e-15)
    made = Made().points(
        "p", [X0 + 1.0] * 2, [Y0 + 1.0] * 2, [(0, "co2", "power", 2020, 1e8), (1, "co2", "power", 2020, 1e-6)]
    )
    assert gis.allocate(made.inventory(), GRID).layer(2020, "co2", "power")[2, 0] == 1e8 + 1e-6


# -- weights ------------------------------------------------------------------------------------------------------------


def test_pitfall_weights_are_keyed_by_content_not_by_file_name(tmp_path: Path) -> None:
    path = points(tmp_path, "a,110.5,30.5,5", "b,111.5,30.5,7")
    first = gis.allocate(gis.read_inventory(path), DEGREES)
    points(
        tmp_path, "b,111.5,30.5,70", "a,110.5,30.5,50"
    )  # the same places in the same file: other amounts, other order
    again = gis.allocate(gis.read_inventory(path), DEGREES, reuse=first)
    assert again.weights[0] is first.weights[0]
    assert again.layer(2020, "co2", "power")[2].tolist() == [50.0, 70.0, 0.0, 0.0]
    points(tmp_path, "a,110.5,30.5,5", "b,112.5,30.5,7")  # the same file name, another place
    moved = gis.allocate(gis.read_inventory(path), DEGREES, reuse=first)
    assert moved.weights[0].key != first.weights[0].key
    assert moved.layer(2020, "co2", "power")[2].tolist() == [5.0, 0.0, 7.0, 0.0]


# -- totals -------------------------------------------------------------------------------------------------------------


def test_pitfall_points_also_contained_in_an_area_total_are_reconciled() -> None:
    made = (
        Made()
        .points("plants", X0 + np.array([500.0, 2500.0]), [Y0 + 500] * 2,
                [(0, "co2", "steel", 2020, 4.0), (1, "co2", "steel", 2020, 9.0)])
        .shapes("counties", "area", [box(0, 0, 2, 1), box(2, 0, 4, 1)],
                [(0, "co2", "steel", 2020, 10.0), (1, "co2", "steel", 2020, 6.0)], subtract=["plants"])
    )  # fmt: skip
    allocation = gis.allocate(made.inventory(), GRID)
    # 10 - 4 is left to spread over the first county; the second has nothing left, not minus three.
    np.testing.assert_allclose(allocation.layer(2020, "co2", "steel")[2], [4 + 3, 3, 9, 0])
    counties = allocation.ledger.table.set_index("part").loc["counties"]
    assert (counties.input_t, counties.allocated_t, counties.superseded_t, counties.excess_t) == (16.0, 6.0, 10.0, 3.0)
    allocation.ledger.check()


TOTALS = """
name = "totals"
years = [2020]
species_used = ["CO2"]
[[parts]]
name = "cities"
kind = "point"
file = "cities.csv"
crs = "EPSG:4326"
year = 2020
columns = {id = "city", x = "lon", y = "lat", sector = "sector", region = "city"}
amounts = [{column = "co2", species = "CO2", unit = "t"}]
sectors = {"ROAD" = "road", "WC" = "residential"}
"""


def test_pitfall_rows_that_repeat_a_total_are_named_and_compared(tmp_path: Path) -> None:
    rows = ["ROAD,2", "WC,3", "ROAD-BF,1", "TOTAL,6"]
    (tmp_path / "cities.csv").write_text(
        "city,lon,lat,sector,co2\n" + "".join(f"甲,110.5,30.5,{row}\n" for row in rows), "utf-8"
    )
    path = tmp_path / "inventory.toml"
    declared = TOTALS + '[[parts.totals]]\ncolumn = "sector"\nvalues = ["TOTAL", "*-BF"]\n'
    path.write_text(declared, "utf-8")
    inventory = gis.read_inventory(path)
    assert inventory.unread_t == {("total", "cities", "co2"): 7.0}
    allocation = gis.allocate(inventory, DEGREES)
    assert sum(allocation.layer(*key).sum() for key in allocation.keys()) == 5.0
    (mismatch,) = [f for f in gis.check_inventory(path) if f.rule == "total-mismatch"]
    assert "TOTAL" in mismatch.reason and "6" in mismatch.reason and "5" in mismatch.reason
    path.write_text(TOTALS, "utf-8")  # undeclared, the names are no sectors: an error, never a double count
    with pytest.raises(RefusedInput, match="TOTAL"):
        gis.read_inventory(path)


# -- rows that cannot be right ------------------------------------------------------------------------------------------


def test_pitfall_duplicate_ids_swapped_coordinates_null_island_and_far_away_are_found_by_row(tmp_path: Path) -> None:
    path = points(
        tmp_path, "ok,110.5,30.5,1", "twice,111.5,30.5,2", "twice,112.5,31.5,4", "swapped,30.5,110.5,8", "null,0,0,16", "far,140,30.5,32",
    )  # fmt: skip
    findings = gis.check_inventory(path)
    assert at(findings, "duplicate-source-id") == [("plants.csv", 3)]
    assert at(findings, "swapped-coordinates") == [("plants.csv", 5)]
    assert at(findings, "null-island") == [("plants.csv", 6)]
    assert at(findings, "outside-bounds") == [("plants.csv", 7)]
    with pytest.raises(RefusedInput):
        gis.read_inventory(path)
    lenient = gis.read_inventory(path, lenient=True)
    assert lenient.unread_t == {("refused", "plants", "co2"): 2.0 + 4.0 + 8.0 + 16.0}
    assert sorted(lenient.parts[0].sources["source_id"]) == ["far", "ok"]


@pytest.mark.parametrize(("datum", "shift"), [("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)])
def test_pitfall_shifted_datums_are_converted_when_declared(tmp_path: Path, datum: str, shift) -> None:
    lon, lat = (float(v) for v in shift(116.4, 39.9))
    assert math.hypot(lon - 116.4, lat - 39.9) > 0.005  # half a kilometre and more
    (part,) = gis.read_inventory(points(tmp_path, f"a,{lon!r},{lat!r},1", datum=f'datum = "{datum}"')).parts
    assert (part.x[0], part.y[0]) == pytest.approx((116.4, 39.9), abs=1e-9)


# -- laws through the front door ----------------------------------------------------------------------------------------


def test_chunks_and_threads_give_the_same_bytes() -> None:
    rng = np.random.default_rng(3)
    x, y = X0 + rng.uniform(-500, 4500, 20_000), Y0 + rng.uniform(-500, 3500, 20_000)
    values = rng.lognormal(0, 5, (20_000, 2))
    whole = gis.accumulate(x, y, values, GRID)
    chunked = gis.Accumulated.open(GRID, species=2)
    for part in np.array_split(np.arange(20_000), 7):
        gis.accumulate(x[part], y[part], values[part], GRID, into=chunked)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        single = gis.accumulate(x, y, values, GRID)
    finally:
        numba.set_num_threads(before)
    for other in (chunked, single):
        assert other.values.tobytes() == whole.values.tobytes() and other.outside.tobytes() == whole.outside.tobytes()
