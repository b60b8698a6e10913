"""Who emits here, where does this source go: the answers add up to the layers, cell by cell, on the demo province."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gis
from gis.kernels.sums import compensated_sum

DEMO = Path(__file__).parents[2] / "data" / "demo"


@pytest.fixture(scope="module")
def demo() -> gis.Allocation:
    grid = gis.read_grid(DEMO / "grid-1km.toml").parent(5)
    return gis.allocate(gis.read_inventory(DEMO / "inventory.toml"), grid)


def total(allocation: gis.Allocation, year: int, species: str) -> np.ndarray:
    return sum(allocation.layer(*key) for key in allocation.keys() if key[:2] == (year, species)).ravel()


@pytest.mark.parametrize(("year", "species"), [(2019, "co2"), (2023, "nox"), (2021, "vocs")])
def test_contributors_add_up_to_the_layers_in_any_cell(demo: gis.Allocation, year: int, species: str) -> None:
    layer = total(demo, year, species)
    rng = np.random.default_rng(year)
    some = rng.choice(np.flatnonzero(layer > 0), 25, replace=False)
    kinds = set()
    for cell in some.tolist():
        found = demo.contributors(cell, species, year=year)
        assert found["mass_t"].sum() == pytest.approx(layer[cell], rel=1e-12)
        assert found["share"].sum() == pytest.approx(1.0) and found["mass_t"].is_monotonic_decreasing
        kinds |= {str(demo.inventory.part(part).kind) for part in found["part"]}
        by_sector = found.groupby("sector")["mass_t"].sum()
        for sector, mass in by_sector.items():
            assert mass == pytest.approx(demo.layer(year, species, str(sector)).ravel()[cell], rel=1e-12)
    assert {"line", "area", "gridded"} <= kinds
    for cell in rng.choice(np.flatnonzero(layer == 0), 5).tolist():
        assert len(demo.contributors(cell, species, year=year)) == 0


def test_contributors_of_all_cells_are_what_was_allocated(demo: gis.Allocation) -> None:
    """Subtracted points, what a finer inventory replaced and what lies outside are in no cell."""
    found = demo.contributors(np.arange(demo.grid.size), "so2", year=2022)
    table = demo.ledger.table.query("year == 2022 and species == 'so2'")
    assert table["superseded_t"].sum() > 0 and table["outside_t"].sum() > 0
    for part, group in found.groupby("part"):
        allocated = table.loc[table["part"] == part, "allocated_t"].sum()
        assert compensated_sum(group["mass_t"].to_numpy()) == pytest.approx(allocated, rel=1e-12)
    assert set(found["part"]) == set(table.loc[table["allocated_t"] > 0, "part"])
    tiers = found.groupby("tier")["mass_t"].sum()
    for tier in tiers.index:
        assert tiers[tier] == pytest.approx(demo.tier_layer(2022, "so2", str(tier)).sum(), rel=1e-12)


def test_cells_of_a_source_and_contributors_of_a_cell_say_the_same(demo: gis.Allocation) -> None:
    rng = np.random.default_rng(8)
    compared = set()
    for weights in demo.weights:
        part = demo.inventory.part(weights.part)
        placed = np.flatnonzero(weights.used & (np.diff(weights.shares.indptr) > 0))
        for i in rng.choice(placed, min(2, len(placed)), replace=False).tolist():
            source_id = str(part.sources["source_id"].iloc[i])
            where = demo.cells(source_id, part=part.name)
            mine = where[where["policy"] == (" > ".join(weights.chain) or str(weights.kind))]
            assert set(mine["cell"]) >= set(weights.shares[[i]].indices.tolist())
            if part.policy.subtract or part.policy.replaces or weights.chain or len(mine) != len(where):
                continue  # one policy, nothing taken off: amount × share is the mass
            cell, share = int(mine["cell"].iloc[0]), mine["share"].iloc[0]
            for k in np.flatnonzero(part.amounts.source == i)[:3].tolist():
                a = part.amounts
                found = demo.contributors(cell, demo.species[a.species[k]], year=demo.years[a.year[k]])
                row = found[(found["source_id"] == source_id) & (found["sector"] == demo.sectors[a.sector[k]])]
                assert row["mass_t"].sum() == pytest.approx(a.mass_t[k] * share, rel=1e-12)
                compared.add(str(part.kind))
    assert compared == {"point", "line"}
