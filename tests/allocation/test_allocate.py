"""Laws of allocation: mass closes, nothing depends on threads, and small cases that can be checked by hand."""

from __future__ import annotations

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.allocation.allocate import allocate
from gis.allocation.tiers import TIERS
from gis.errors import InvalidGeometry, LedgerOpen, NotFound
from gis.grid import Grid
from gis.inventory.description import Description
from gis.inventory.model import PolygonSurrogate, RasterSurrogate, SmokeSurrogate, SourceSurrogate
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from tests.allocation.inventories import CRS_M, Made
from tests.allocation.inventories import policy as policy_of

X0, Y0 = 500_000.0, 4_000_000.0
GRID = Grid.covering((X0, Y0, X0 + 10_000, Y0 + 8_000), crs=CRS_M, cell=1000.0)


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in kilometres from the grid's south-west corner."""
    return shapely.box(X0 + 1000 * west, Y0 + 1000 * south, X0 + 1000 * east, Y0 + 1000 * north)


def raster(
    values: np.ndarray, grid: Grid = GRID, name: str = "people", kind: str = "amount"
) -> dict[str, RasterSurrogate]:
    return {name: RasterSurrogate(name, grid, np.asarray(values, float), kind)}


# -- by hand --------------------------------------------------------------------------------------------------------


def test_a_point_lies_in_its_cell_and_beyond_the_grid_it_is_outside() -> None:
    made = Made().points(
        "plants", [X0 + 500, X0 - 1], [Y0 + 500, Y0], [(0, "co2", "power", 2020, 5.0), (1, "co2", "power", 2020, 3.0)]
    )
    allocation = allocate(made.inventory(), GRID)
    layer = allocation.layer(2020, "co2", "power")
    assert layer[7, 0] == 5.0 and layer.sum() == 5.0
    row = allocation.ledger.table.iloc[0]
    assert (row.input_t, row.allocated_t, row.outside_t) == (8.0, 5.0, 3.0)
    allocation.ledger.check()


def test_off_grid_points_can_be_an_error_or_go_to_the_nearest_cell() -> None:
    records = [(0, "co2", "power", 2020, 5.0)]
    with pytest.raises(InvalidGeometry, match="plants-0"):
        allocate(Made().points("plants", [X0 - 10], [Y0], records, off_grid="error").inventory(), GRID)
    moved = allocate(Made().points("plants", [X0 - 10], [Y0 + 1], records, off_grid="nearest").inventory(), GRID)
    assert moved.layer(2020, "co2", "power")[7, 0] == 5.0
    assert moved.report["notes"] == [
        {"part": "plants", "sources moved to the nearest cell": 1.0, "farthest move": 10.0}
    ]


def test_an_area_without_a_surrogate_is_spread_by_area() -> None:
    made = Made().shapes("county", "area", [box(0, 0, 2, 1.5)], [(0, "co2", "waste", 2020, 6.0)])
    layer = allocate(made.inventory(), GRID).layer(2020, "co2", "waste")
    np.testing.assert_allclose(layer[7, :2], 2.0, rtol=1e-14)
    np.testing.assert_allclose(layer[6, :2], 1.0, rtol=1e-14)
    assert np.count_nonzero(layer) == 4


def test_a_raster_spreads_by_its_amount_and_says_what_lies_beyond() -> None:
    people = np.zeros((8, 12))
    wide = Grid.covering((X0 - 1000, Y0, X0 + 11_000, Y0 + 8_000), crs=CRS_M, cell=1000.0)
    people[7, 0], people[7, 1], people[7, 2] = 1.0, 2.0, 5.0  # the first column lies west of the grid
    made = Made().shapes("county", "area", [box(-1, 0, 2, 1)], [(0, "co2", "waste", 2020, 8.0)], surrogate="people")
    allocation = allocate(made.inventory(surrogates=raster(people, wide)), GRID)
    layer = allocation.layer(2020, "co2", "waste")
    np.testing.assert_allclose(layer[7, :2], [2.0, 5.0], rtol=1e-14)
    assert allocation.ledger.table["outside_t"].iloc[0] == pytest.approx(1.0, rel=1e-14)
    allocation.ledger.check()


def test_a_surrogate_of_zero_hands_on_and_the_report_says_to_whom() -> None:
    people = np.zeros((8, 10))
    people[0, 0] = 1.0
    records = [(0, "co2", "waste", 2020, 1.0), (1, "co2", "waste", 2020, 2.0)]
    counties = [box(0, 7, 1, 8), box(4, 4, 6, 6)]
    made = Made().shapes("county", "area", counties, records, surrogate="people")
    allocation = allocate(made.inventory(surrogates=raster(people)), GRID)
    served = {row["surrogate"]: row for row in allocation.report["served"]}
    assert served["people"]["sources"] == 1 and served["uniform"]["source_ids"] == ["county-1"]
    assert allocation.tier_layer(2020, "co2", "surrogate").sum() == 1.0
    assert allocation.tier_layer(2020, "co2", "uniform").sum() == pytest.approx(2.0)

    strict = Made().shapes("county", "area", counties, records, surrogate="people", fallback="none")
    refused = allocate(strict.inventory(surrogates=raster(people)), GRID)
    assert refused.ledger.table["unallocatable_t"].iloc[0] == 2.0
    refused.ledger.check()
    assert "people" in refused.weights[0].reason(1)


def test_surrogates_with_zeros_leave_the_footprint_they_share_alone() -> None:
    west, east = np.zeros((8, 10)), np.zeros((8, 10))
    west[:, :3], east[:, 3:] = 1.0, 1.0
    records = [
        (0, "co2", "waste", 2020, 6.0),
        (0, "co2", "residential", 2020, 5.0),
        (0, "co2", "agriculture", 2020, 4.0),
    ]
    made = Made().shapes(
        "county", "area", [box(1, 1, 5, 3)], records, surrogates={"waste": "west", "residential": "east"}
    )
    allocation = allocate(made.inventory(surrogates=raster(west, name="west") | raster(east, name="east")), GRID)
    allocation.ledger.check()
    np.testing.assert_allclose(allocation.layer(2020, "co2", "waste")[5:7, 1:5], [[1.5, 1.5, 0, 0]] * 2)
    np.testing.assert_allclose(allocation.layer(2020, "co2", "residential")[5:7, 1:5], [[0, 0, 1.25, 1.25]] * 2)
    np.testing.assert_allclose(allocation.layer(2020, "co2", "agriculture")[5:7, 1:5], 0.5)


def test_sources_as_a_surrogate_weigh_by_capacity_or_mass() -> None:
    made = (
        Made()
        .points("units", [X0 + 500, X0 + 1500, X0 + 9500], [Y0 + 500] * 3, [(0, "co2", "power", 2020, 9.0), (1, "co2", "power", 2020, 1.0)],
                columns={"capacity": [100.0, 300.0, 50.0]}, use="surrogate")
        .shapes("province", "area", [box(0, 0, 5, 5)], [(0, "nox", "power", 2020, 8.0)], surrogate="plants")
    )  # fmt: skip
    by_capacity = allocate(made.inventory(surrogates={"plants": SourceSurrogate("plants", "units", "capacity")}), GRID)
    np.testing.assert_allclose(by_capacity.layer(2020, "nox", "power")[7, :3], [2.0, 6.0, 0.0])
    by_mass = allocate(made.inventory(surrogates={"plants": SourceSurrogate("plants", "units", "co2")}), GRID)
    np.testing.assert_allclose(by_mass.layer(2020, "nox", "power")[7, :3], [7.2, 0.8, 0.0])
    assert by_mass.keys() == [(2020, "nox", "power")]  # the units' own CO2 is not allocated


def test_polygons_lines_and_tables_as_surrogates() -> None:
    made = (
        Made()
        .shapes("roads", "line", [shapely.LineString([(X0 + a, Y0 + 500), (X0 + b, Y0 + 500)]) for a, b in ((100, 900), (1100, 1300))],
                [], use="surrogate")
        .shapes("county", "area", [box(0, 0, 2, 1)], [(0, "co2", "road", 2020, 10.0)], surrogate="by")
    )  # fmt: skip
    by_length = allocate(made.inventory(surrogates={"by": SourceSurrogate("by", "roads", "count")}), GRID)
    np.testing.assert_allclose(by_length.layer(2020, "co2", "road")[7, :2], [8.0, 2.0], rtol=1e-12)
    towns = PolygonSurrogate("by", gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=CRS_M), np.array([1.0, 4.0]))
    by_town = allocate(made.inventory(surrogates={"by": towns}), GRID)
    np.testing.assert_allclose(by_town.layer(2020, "co2", "road")[7, :2], [2.0, 8.0], rtol=1e-12)
    table = pd.DataFrame({"region": ["county-0"] * 2, "row": [7, 7], "col": [0, 1], "fraction": [0.25, 0.5]})
    by_table = allocate(made.inventory(surrogates={"by": SmokeSurrogate("by", GRID, table)}), GRID)
    np.testing.assert_allclose(by_table.layer(2020, "co2", "road")[7, :2], [2.5, 5.0])
    assert by_table.ledger.table["outside_t"].iloc[0] == pytest.approx(2.5)


def test_a_table_serves_every_source_of_its_region() -> None:
    columns = {"region": ["990101", "990101", ""], "source_id": ["a", "b", "990102"]}
    records = [(0, "co2", "road", 2020, 4.0), (1, "co2", "waste", 2020, 8.0), (2, "co2", "road", 2020, 3.0)]
    made = Made().shapes("county", "area", [box(0, 0, 2, 2)] * 3, records, surrogate="by", columns=columns)
    table = pd.DataFrame({"region": ["990101", "990102"], "row": [7, 6], "col": [0, 1], "fraction": [1.0, 1.0]})
    allocation = allocate(made.inventory(surrogates={"by": SmokeSurrogate("by", GRID, table)}), GRID)
    assert allocation.layer(2020, "co2", "waste")[7, 0] == 8.0
    assert allocation.layer(2020, "co2", "road")[7, 0] == 4.0 and allocation.layer(2020, "co2", "road")[6, 1] == 3.0


def test_points_in_a_total_are_taken_off_and_the_excess_is_reported() -> None:
    made = (
        Made()
        .points("plants", [X0 + 500, X0 + 4500], [Y0 + 500] * 2, [(0, "co2", "steel", 2020, 4.0), (1, "co2", "steel", 2020, 9.0)])
        .shapes("county", "area", [box(0, 0, 2, 2), box(4, 0, 6, 2)],
                [(0, "co2", "other_industry", 2020, 10.0), (1, "co2", "other_industry", 2020, 5.0)],
                subtract=["plants"], subtract_sectors={"other_industry": ["steel"]})
    )  # fmt: skip
    allocation = allocate(made.inventory(), GRID)
    table = allocation.ledger.table.set_index(["part", "sector"])
    county = table.loc[("county", "other_industry")]
    assert (county.input_t, county.superseded_t, county.excess_t) == (15.0, 9.0, 4.0)
    assert county.allocated_t == pytest.approx(6.0)
    assert allocation.layer(2020, "co2", "steel").sum() == 13.0
    allocation.ledger.check()


def test_a_point_on_a_shared_border_is_in_one_total() -> None:
    made = (
        Made()
        .points("plants", [X0 + 2000], [Y0 + 500], [(0, "co2", "steel", 2020, 4.0)])
        .shapes("county", "area", [box(0, 0, 2, 2), box(2, 0, 4, 2)],
                [(0, "co2", "steel", 2020, 10.0), (1, "co2", "steel", 2020, 10.0)], subtract=["plants"])
    )  # fmt: skip
    ledger = allocate(made.inventory(), GRID).ledger
    assert ledger.table.set_index("part").loc["county", "superseded_t"] == 4.0


def test_lines_and_areas_off_the_grid_can_be_an_error_or_be_renormalised() -> None:
    shapes = [box(-3, 0, 1, 1), box(-3, 0, -1, 1), box(1, 0, 2, 1)]  # a quarter, nothing and all of them inside
    records = [(i, "co2", "waste", 2020, 4.0) for i in range(3)]
    with pytest.raises(InvalidGeometry, match=r"100\.000% of source 'county-1'.*2 source"):
        allocate(Made().shapes("county", "area", shapes, records, off_grid="error").inventory(), GRID)
    allocate(Made().shapes("county", "area", shapes[2:], records[:1], off_grid="error").inventory(), GRID)
    moved = allocate(Made().shapes("county", "area", shapes, records, off_grid="renormalise").inventory(), GRID)
    assert moved.layer(2020, "co2", "waste")[7, :3].tolist() == pytest.approx([4.0, 4.0, 0.0])
    (row,) = moved.ledger.table.itertuples()
    assert (row.allocated_t, row.outside_t) == pytest.approx((8.0, 4.0))
    assert moved.report["notes"] == [
        {"part": "county", "sources renormalised": 1.0, "largest share moved inside": pytest.approx(0.75)}
    ]
    moved.ledger.check()
    road = shapely.LineString([(X0 - 3000, Y0 + 500), (X0 + 1000, Y0 + 500)])
    with pytest.raises(InvalidGeometry, match=r"75\.000%"):
        allocate(
            Made().shapes("road", "line", [road], [(0, "co2", "road", 2020, 1.0)], off_grid="error").inventory(), GRID
        )


@pytest.mark.parametrize(
    ("kind", "policy"), [("area", "nearest"), ("line", "nearest"), ("point", "renormalise"), ("gridded", "error")]
)
def test_a_policy_off_the_grid_that_a_kind_cannot_follow_is_refused(kind: str, policy: str) -> None:
    with pytest.raises(ValueError, match=f"{policy}.*does not go with {kind}"):
        Description.model_validate({"name": "n", "years": [2020], "parts": [policy_of("p", kind, off_grid=policy)]})


# -- nested inventories ---------------------------------------------------------------------------------------------


def regions(shape: shapely.Polygon, code: str = "990100") -> Regions:
    frame = gpd.GeoDataFrame(
        {"code": [code], "name_zh": [""], "name_en": [""], "parent": [""]}, geometry=[shape], crs=CRS_M
    )
    return Regions((RegionLayer(Role.COUNTY, frame),))


def test_a_finer_inventory_replaces_a_coarser_one_without_gap_or_double_count() -> None:
    inner = box(2.3, 1.2, 6.6, 5.5)  # cuts through cells
    outer = box(0, 0, 10, 8)
    density = 3.0  # t per km², the same inside and outside: a gap or a double count would show in any cell
    fine = density * 4.3 * 4.3
    made = (
        Made()
        .shapes("coarse", "area", [outer], [(0, "co2", "waste", 2020, density * 80)])
        .shapes("fine", "area", [inner], [(0, "co2", "waste", 2020, fine)], replaces=[{"parts": ["coarse"]}])
    )
    allocation = allocate(made.inventory(), GRID)
    np.testing.assert_allclose(allocation.layer(2020, "co2", "waste"), density, rtol=1e-12)
    assert allocation.ledger.table.set_index("part").loc["coarse", "superseded_t"] == pytest.approx(fine, rel=1e-12)
    allocation.ledger.check()


@pytest.mark.parametrize("cell", [700.0, 2500.0])
def test_a_gridded_inventory_is_cut_exactly_whatever_its_cells(cell: float) -> None:
    coarse = Grid.covering((X0 - 1000, Y0 - 1000, X0 + 11_000, Y0 + 9_000), crs=CRS_M, cell=cell)
    inner = shapely.affinity.rotate(box(2.3, 1.2, 6.6, 5.5), 20)
    density = 3.0
    values = np.full(coarse.shape, density * (cell / 1000) ** 2)
    made = (
        Made()
        .gridded("coarse", coarse, {("co2", "waste", 2020): values})
        .shapes("fine", "area", [inner], [(0, "co2", "waste", 2020, density * inner.area / 1e6)],
                replaces=[{"parts": ["coarse"], "region": "990100"}])
    )  # fmt: skip
    allocation = allocate(made.inventory(regions=regions(inner)), GRID)
    np.testing.assert_allclose(allocation.layer(2020, "co2", "waste"), density, rtol=1e-11)
    allocation.ledger.check()


def test_one_part_may_replace_in_one_region_for_one_sector_and_elsewhere_for_another() -> None:
    frame = gpd.GeoDataFrame(
        {"code": ["w", "e"], "name_zh": "", "name_en": "", "parent": ""},
        geometry=[box(0, 0, 2, 8), box(6, 0, 10, 8)],
        crs=CRS_M,
    )
    records = [(0, "co2", s, 2020, 10.0) for s in ("power", "steel")]
    values = np.full(GRID.shape, 1.0)
    made = (
        Made()
        .shapes("coarse", "area", [box(0, 0, 10, 8)], records)
        .gridded("background", GRID, {("co2", "power", 2020): values, ("co2", "steel", 2020): values})
        .points("new", [X0 + 500], [Y0 + 500], [(0, "co2", "waste", 2020, 1.0)], replaces=[
            {"parts": ["coarse", "background"], "region": "w", "sectors": ["power"]},
            {"parts": ["coarse", "background"], "region": "e", "sectors": ["steel"]},
        ])
    )  # fmt: skip
    allocation = allocate(made.inventory(regions=Regions((RegionLayer(Role.COUNTY, frame),))), GRID)
    taken = allocation.ledger.table.set_index(["part", "sector"])["superseded_t"]
    assert taken["coarse", "power"] == pytest.approx(2.0) and taken["coarse", "steel"] == pytest.approx(4.0)
    assert taken["background", "power"] == pytest.approx(16.0) and taken["background", "steel"] == pytest.approx(32.0)
    assert (allocation.layer(2020, "co2", "steel")[:, 6:] == 0).all() and (
        allocation.layer(2020, "co2", "steel")[:, :6] > 0
    ).all()
    allocation.ledger.check()


def test_replacing_keeps_to_its_species_sectors_and_points() -> None:
    inner = box(0, 0, 4, 4)
    made = (
        Made()
        .points("old plants", [X0 + 500, X0 + 9500], [Y0 + 500] * 2,
                [(0, "co2", "power", 2020, 1.0), (0, "nox", "power", 2020, 2.0), (0, "co2", "steel", 2020, 4.0),
                 (1, "co2", "power", 2020, 8.0)])
        .points("new plants", [X0 + 700], [Y0 + 700], [(0, "co2", "power", 2020, 16.0)],
                replaces=[{"parts": ["old plants"], "region": "990100", "sectors": ["power"]}])
    )  # fmt: skip
    allocation = allocate(made.inventory(regions=regions(inner)), GRID)
    assert allocation.layer(2020, "co2", "power").sum() == 24.0
    assert allocation.layer(2020, "nox", "power").sum() == 2.0
    assert allocation.layer(2020, "co2", "steel").sum() == 4.0
    assert allocation.ledger.by_species().set_index("species").loc["co2", "superseded_t"] == 1.0


def test_nan_in_a_gridded_inventory_is_counted_and_adds_nothing() -> None:
    values = np.full(GRID.shape, 2.0)
    values[3, 3] = np.nan
    allocation = allocate(Made().gridded("g", GRID, {("co2", "waste", 2020): values}).inventory(), GRID)
    layer = allocation.layer(2020, "co2", "waste")
    assert layer[3, 3] == 0.0 and layer.sum() == 2.0 * 79
    assert allocation.report["no_value_cells"][0]["cells"] == 1
    allocation.ledger.check()


# -- provenance -----------------------------------------------------------------------------------------------------


def test_every_tonne_is_traced_to_its_source_and_back() -> None:
    made = (
        Made()
        .points(
            "plants",
            [X0 + 500, X0 + 600],
            [Y0 + 500] * 2,
            [(0, "co2", "power", 2020, 5.0), (1, "co2", "steel", 2020, 7.0)],
        )
        .shapes("county", "area", [box(0, 0, 2, 1)], [(0, "co2", "waste", 2020, 2.0)])
        .gridded("g", GRID, {("co2", "agriculture", 2020): np.full(GRID.shape, 0.5)})
    )
    allocation = allocate(made.inventory(), GRID)
    cell = int(GRID.cell_id(row=7, col=0))
    found = allocation.contributors(cell, "co2")
    assert found["mass_t"].tolist() == [7.0, 5.0, 1.0, 0.5]
    assert found["source_id"].tolist()[:3] == ["plants-1", "plants-0", "county-0"]
    total = sum(allocation.layer(2020, "co2", s)[7, 0] for s in allocation.sectors)
    assert found["mass_t"].sum() == pytest.approx(total, rel=1e-14)
    where = allocation.cells("county-0")
    assert where["cell"].tolist() == [cell, cell + 1] and where["share"].tolist() == [0.5, 0.5]
    with pytest.raises(NotFound, match="nobody"):
        allocation.cells("nobody")


def test_new_amounts_for_the_same_geometries_reuse_the_weights_and_stale_ones_are_not_reused() -> None:
    def county(mass: float, east: float = 2.0) -> Made:
        return Made().shapes(
            "county", "area", [box(0, 0, east, 1)], [(0, "co2", "waste", 2020, mass)], surrogate="people"
        )

    people = np.ones(GRID.shape)
    first = allocate(county(2.0).inventory(surrogates=raster(people)), GRID)
    again = allocate(county(9.0).inventory(surrogates=raster(people)), GRID, reuse=first)
    assert again.weights[0] is first.weights[0]
    assert again.layer(2020, "co2", "waste").sum() == pytest.approx(9.0)
    people[7, 0] = 5.0
    moved = allocate(county(2.0).inventory(surrogates=raster(people)), GRID, reuse=first)
    grown = allocate(county(2.0, 3.0).inventory(surrogates=raster(np.ones(GRID.shape))), GRID, reuse=first)
    other_grid = allocate(county(2.0).inventory(surrogates=raster(np.ones(GRID.shape))), GRID.parent(2), reuse=first)
    for fresh in (moved, grown, other_grid):
        assert fresh.weights[0] is not first.weights[0]
    np.testing.assert_allclose(moved.layer(2020, "co2", "waste")[7, :2], [2 * 5 / 6, 2 / 6])


# -- laws -----------------------------------------------------------------------------------------------------------


@st.composite
def inventories(draw: st.DrawFn) -> tuple[Made, dict[str, RasterSurrogate], Regions]:
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sectors = ("power", "steel", "road", "waste")

    def records(n: int) -> list[tuple[int, str, str, int, float]]:
        return [
            (i, s, str(rng.choice(sectors)), 2020, float(10.0 ** rng.uniform(-6, 9) * rng.integers(0, 2)))
            for i in range(n) for s in ("co2", "nox") for _ in range(rng.integers(0, 3))
        ]  # fmt: skip

    def spot(n: int) -> tuple[np.ndarray, np.ndarray]:
        return X0 + rng.uniform(-3e3, 13e3, n), Y0 + rng.uniform(-3e3, 11e3, n)

    n = draw(st.integers(1, 25))
    made = Made().points("plants", *spot(n), records(n))
    lines = [shapely.LineString(np.column_stack(spot(int(rng.integers(2, 6))))) for _ in range(n)]
    made.shapes("roads", "line", lines, records(n))
    blobs = [shapely.Point(x, y).buffer(rng.uniform(50, 4000)) for x, y in zip(*spot(n), strict=True)]
    made.shapes("counties", "area", blobs, records(n), surrogate=["people", "plants"], subtract=["plants"])
    own = Grid.covering((X0 - 4000, Y0 - 4000, X0 + 9000, Y0 + 9000), crs=CRS_M, cell=float(rng.uniform(400, 3000)))
    made.gridded("background", own, {("co2", "waste", 2020): rng.uniform(0, 5, own.shape)})
    hole = shapely.Point(X0 + 5000, Y0 + 4000).buffer(float(rng.uniform(500, 5000)))
    made.points("city", *spot(3), records(3),
                replaces=[{"parts": ["background", "counties", "roads", "plants"], "region": "990100", "species": ["CO2"]}])  # fmt: skip
    people = rng.uniform(0, 1, own.shape) * (rng.uniform(0, 1, own.shape) > 0.7)
    return (
        made,
        {
            "people": RasterSurrogate("people", own, people, "density"),
            "plants": SourceSurrogate("plants", "plants", "co2"),
        },
        regions(hole),
    )  # type: ignore[dict-item]


@settings(max_examples=25, deadline=None)
@given(inventories())
def test_the_ledger_always_closes_and_mass_is_never_negative(
    case: tuple[Made, dict[str, RasterSurrogate], Regions],
) -> None:
    made, surrogates, found = case
    allocation = allocate(made.inventory(surrogates=surrogates, regions=found), GRID)
    allocation.ledger.check()
    for year, species, sector in allocation.keys():
        assert (allocation.layer(year, species, sector) >= 0).all()
    for species in allocation.species:
        layers = sum(allocation.layer(2020, species, s) for s in allocation.sectors)
        tiers = sum(allocation.tier_layer(2020, species, t) for t in TIERS)
        np.testing.assert_allclose(layers, tiers, rtol=1e-12, atol=1e-12 * max(1.0, float(np.max(layers))))
        assert (allocation.valid | (layers == 0)).all()


@settings(max_examples=5, deadline=None)
@given(inventories())
def test_threads_change_no_bit(case: tuple[Made, dict[str, RasterSurrogate], Regions]) -> None:
    made, surrogates, found = case
    layers = []
    for threads in (1, 2):
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        allocation = allocate(made.inventory(surrogates=surrogates, regions=found), GRID)
        layers.append([allocation.layer(*key).tobytes() for key in allocation.keys()])
    assert layers[0] == layers[1]


def test_a_million_equal_points_in_one_cell_close() -> None:
    n = 1_000_000
    made = Made().points("plants", np.full(n, X0 + 500.0), np.full(n, Y0 + 500.0), [])
    inventory = made.inventory()
    from gis.inventory.model import Amounts

    part = inventory.parts[0]
    zeros = np.zeros(n, np.int16)
    object.__setattr__(part, "amounts", Amounts(np.arange(n), zeros, zeros, zeros, np.full(n, 0.1)))
    allocation = allocate(inventory, GRID)
    allocation.ledger.check()
    assert allocation.layer(2020, "co2", "power")[7, 0] == pytest.approx(1e5, rel=1e-15)


def test_a_ledger_that_does_not_close_says_where() -> None:
    made = Made().points("plants", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 5.0)])
    ledger = allocate(made.inventory(), GRID).ledger
    ledger.layers.loc[0, "allocated_t"] = 4.0
    with pytest.raises(LedgerOpen, match="2020 co2 power"):
        ledger.check()


def test_layers_are_lazy_and_selectable() -> None:
    made = Made(years=(2019, 2020)).points(
        "plants", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 5.0), (0, "nox", "steel", 2019, 2.0)]
    )
    layers = allocate(made.inventory(), GRID).layers
    assert layers.dims == ("year", "species", "sector", "y", "x")
    assert float(layers.sel(year=2020, species="co2", sector="power").sum()) == 5.0
    assert float(layers.sel(year=2019, species="nox").sum()) == 2.0
    assert layers.isel(y=slice(6, 8), x=0).sel(year=2020, species="co2", sector="power").values.tolist() == [0.0, 5.0]


def test_valid_is_half_the_domain_or_a_source() -> None:
    frame = gpd.GeoDataFrame(
        {"code": ["d"], "name_zh": [""], "name_en": [""], "parent": [""]}, geometry=[box(0, 0, 2.6, 1.4)], crs=CRS_M
    )
    domain = Regions((RegionLayer(Role.DOMAIN, frame),))
    made = Made().points("plants", [X0 + 9500], [Y0 + 500], [(0, "co2", "power", 2020, 5.0)])
    valid = allocate(made.inventory(regions=domain), GRID).valid
    assert valid[7, :4].tolist() == [True, True, True, False] and not valid[6].any() and valid[7, 9]
