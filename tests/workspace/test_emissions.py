"""What a zoning reads from a run: amounts, what rests on shared proxies, and the sources behind units, against the run itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.sparse import csr_array

from gis.allocation.allocate import allocate
from gis.errors import InvalidParameter
from gis.regions.model import Regions
from gis.regions.roles import Role
from gis.workspace import Run, Workspace
from gis.workspace.emissions import amounts_of, domain_of, emissions_of, sector_tiers
from gis.workspace.provenance import RunProvenance
from tests.allocation.inventories import Made
from tests.zoning.province import CRS_M, GRID, WEST, box, counties, layer, made, published, scattered

SOUTH = 4_000_000.0
SPECIES = ("co2", "nox", "pm25")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    road = [(5_200.0, 10_300.0), (45_700.0, 30_800.0)]
    inventory = made(scattered(25), road=road, homes=lambda year: year - 2018.0, years=(2019, 2020))
    return published(tmp_path_factory.mktemp("run"), inventory)


def test_amounts_are_the_runs(run: Run) -> None:
    domain = domain_of(run)
    found = emissions_of(run, domain, year=2020, species=SPECIES)
    for s, code in enumerate(SPECIES):
        np.testing.assert_array_equal(found.amount_t[s], run.total(2020, code).ravel()[domain.cells])
        inside, around = amounts_of(run, domain, 2020, code)
        np.testing.assert_array_equal(inside, found.amount_t[s])
        assert not len(around)
    for (code, sector), kept in found.by_sector.items():
        layer_t = run.layer(2020, code, sector).ravel()[domain.cells]
        np.testing.assert_array_equal(kept.dense(domain.size), layer_t)
        assert kept.total == pytest.approx(layer_t.sum(), rel=1e-12)
        some = np.arange(0, domain.size, 7)
        np.testing.assert_array_equal(kept.take(some), layer_t[some])
    with pytest.raises(KeyError):
        found.by_sector["co2", "shipping"]


def test_what_is_spread_over_counties_alike_is_shared_and_the_rest_is_not(run: Run) -> None:
    domain = domain_of(run)
    found = emissions_of(run, domain, year=2020, species=SPECIES)
    for s, code in enumerate(SPECIES):
        homes = run.layer(2020, code, "residential").ravel()[domain.cells]
        np.testing.assert_allclose(found.shared_t[s], homes, rtol=1e-9)


def test_what_a_proxy_placed_of_one_species_alone_is_not_shared(tmp_path: Path) -> None:
    inventory = Made(("co2", "nox"), (2020,), crs=CRS_M)
    shapes = list(counties().frame.geometry)
    inventory.shapes(
        "homes", "area", shapes, [(0, "co2", "residential", 2020, 30.0), (1, "co2", "residential", 2020, 20.0)]
    )
    inventory.points("plants", [WEST + 500], [SOUTH + 500], [(0, "nox", "power", 2020, 5.0)])
    run = published(tmp_path, inventory)
    found = emissions_of(run, domain_of(run), year=2020, species=("co2", "nox"))
    assert not found.shared_t.any()
    assert sector_tiers(run, year=2020, species=("co2", "nox")) == {
        ("co2", "residential"): "uniform", ("nox", "power"): "point",
    }  # fmt: skip


def test_a_gridded_inventory_is_one_shared_proxy(tmp_path: Path) -> None:
    inventory = Made(("co2", "nox"), (2020,), crs=CRS_M)
    coarse = GRID.parent(10)
    field = np.arange(1.0, coarse.size + 1).reshape(coarse.shape)
    inventory.gridded("coarse", coarse, {("co2", "waste", 2020): field, ("nox", "waste", 2020): field})
    run = published(tmp_path, inventory)
    found = emissions_of(run, domain_of(run), year=2020, species=("co2", "nox"))
    np.testing.assert_array_equal(found.shared_t, found.amount_t)
    assert sector_tiers(run, year=2020, species=("co2", "nox"))["co2", "waste"] == "surrogate"
    names = RunProvenance(run, found).contributors(
        csr_array(np.ones((1, found.domain.size))), np.zeros(0, np.int32), top=3
    )
    assert names["part"].tolist() == ["coarse", "coarse"]
    assert names["mass_t"].tolist() == pytest.approx([found.amount_t[0].sum(), found.amount_t[1].sum()])


def test_sources_beyond_the_domain_lie_around_it(tmp_path: Path) -> None:
    inventory = made([(15_500.0, 20_500.0, 1.0), (45_500.0, 20_500.0, 3.0)])
    found = inventory.inventory(regions=Regions((layer(Role.DOMAIN, [box(0, 0, 30_000, 50_000)], ["1"]),)))
    (tmp_path / "made.toml").write_text("# made\n", "utf-8")

    run = Workspace(tmp_path / "w").publish(allocate(replace(found, path=tmp_path / "made.toml"), GRID))
    domain = domain_of(run)
    assert domain.size == 30 * 50
    assert len(domain.around) == 1
    emissions = emissions_of(run, domain, year=2020, species=SPECIES)
    assert emissions.around_t[0].tolist() == [3e6]
    assert emissions.amount_t[0].sum() == 1e6
    inside, around = amounts_of(run, domain, 2020, "co2")
    assert inside.sum() == 1e6
    assert around.tolist() == [3e6]


def test_contributors_of_units_are_those_of_their_cells(run: Run) -> None:
    domain = domain_of(run)
    emissions = emissions_of(run, domain, year=2020, species=SPECIES)
    provenance = RunProvenance(run, emissions)
    points = provenance.points
    unit_of = np.full(domain.size, -1, np.int32)
    unit_of[100:160], unit_of[1500:1900] = 0, 1
    some = np.flatnonzero(unit_of >= 0)
    shares = csr_array((np.ones(len(some)), (unit_of[some], some)), shape=(2, domain.size))
    table = provenance.contributors(shares, unit_of[points.at], top=5)
    for unit in (0, 1):
        for code in SPECIES:
            expected = run.contributors(domain.cells[unit_of == unit], code, year=2020, top=5)
            mine = table[(table["unit"] == unit) & (table["species"] == code)]
            assert mine["source_id"].tolist() == expected["source_id"].tolist()
            np.testing.assert_allclose(mine["mass_t"], expected["mass_t"], rtol=1e-9)
            np.testing.assert_allclose(mine["share"], expected["share"], rtol=1e-9)


def test_half_a_cell_is_half_of_what_is_spread_and_points_stand_where_they_stand(run: Run) -> None:
    domain = domain_of(run)
    provenance = RunProvenance(run, emissions_of(run, domain, year=2020, species=SPECIES))
    points = provenance.points
    cell = int(points.at[0])
    shares = csr_array(([0.5], ([0], [cell])), shape=(1, domain.size))
    nowhere = np.full(len(points), -1, np.int32)
    spread = provenance.contributors(shares, nowhere, top=9)
    assert set(spread["tier"]) <= {"line", "uniform"}
    here = nowhere.copy()
    here[0] = 0
    both = provenance.contributors(shares, here, top=9)
    plant = both[both["tier"] == "point"]
    assert plant["source_id"].unique().tolist() == [points.table["source_id"].iloc[0]]
    assert plant.loc[plant["species"] == "co2", "mass_t"].sum() == pytest.approx(points.by_species(3)[0, 0])
    homes = both[(both["tier"] == "uniform") & (both["species"] == "co2")]["mass_t"].sum()
    county_t = 2 * 3e4 / shapely.area(counties().frame.geometry.iloc[0]) * 1e6
    assert homes == pytest.approx(county_t / 2, rel=1e-9)


def test_year_and_species_that_are_not_there(run: Run) -> None:
    with pytest.raises(InvalidParameter, match="year 2021"):
        emissions_of(run, domain_of(run), year=2021, species=SPECIES)
    with pytest.raises(InvalidParameter, match="so2"):
        emissions_of(run, domain_of(run), year=2020, species=("co2", "so2"))
