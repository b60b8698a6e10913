"""Amounts of units against sums by hand, and the mass that has to be there whatever the units."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS
from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions, Sparse
from gis.zoning.amounts import supply_secured, unit_amounts
from gis.zoning.sources import SOURCE_COLUMNS, PointSources

GRID = Grid.covering((500_000, 4_000_000, 510_000, 4_010_000), crs="EPSG:4547", cell=1000)
SPECIES, SECTORS = ("co2", "nox", "pm25"), ("power", "steel", "road", "residential")


def made(seed: int, points: int = 30) -> tuple[Emissions, PointSources]:
    """Random layers whose sectors, tiers and points add up to the totals of every cell."""
    rng = np.random.default_rng(seed)
    domain = Domain.of(GRID, rng.random(GRID.shape) < 0.8)
    n, kinds = domain.size, len(SPECIES)
    at = rng.integers(0, n, points)
    source = np.repeat(np.arange(points, dtype=np.int32), kinds)
    species = np.tile(np.arange(kinds, dtype=np.int8), points)
    sector = np.repeat(rng.integers(0, 2, points).astype(np.int8), kinds)
    mass = rng.lognormal(3, 2, points * kinds)
    table = pd.DataFrame(
        {c: [f"{c}{i}" for i in range(points)] for c in SOURCE_COLUMNS[:-1]}
        | {"supply_security": rng.random(points) < 0.2}
    )
    # Only columns that matter here are told apart: x and y are not used by amounts.
    held = PointSources(table, np.zeros(points), np.zeros(points), at, source, species, sector, mass)
    layers = np.zeros((kinds, len(SECTORS), n))
    np.add.at(layers, (species, sector, at[source]), mass)
    point_t = layers.sum(axis=1)
    spread = rng.lognormal(0, 1, (3, kinds, n)) * (rng.random((3, kinds, n)) < 0.5)
    layers[:, 1] += spread[0]
    layers[:, 2] += spread[1]
    layers[:, 3] += spread[2]
    tiers = {"point": point_t, "line": spread[1], "surrogate": spread[2], "uniform": spread[0]}
    emissions = Emissions(
        domain, 2020, SPECIES, SECTORS, layers.sum(axis=1), np.zeros((kinds, 0)), 0.5 * spread[2],
        {(s, k): Sparse.of(layers[i, j]) for i, s in enumerate(SPECIES) for j, k in enumerate(SECTORS)},
        {(s, t): Sparse.of(v[i]) for i, s in enumerate(SPECIES) for t, v in tiers.items()},
    )  # fmt: skip
    return emissions, held


def made_shares(seed: int, n: int, units: int) -> csr_array:
    """Shares of cells: half the cells lie in one unit, some are cut between two, the rest in none."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((units, n))
    for i in range(n):
        kind = rng.random()
        if kind < 0.5:
            dense[rng.integers(units), i] = 1.0
        elif kind < 0.7 and units > 1:
            a, b = rng.choice(units, 2, replace=False)
            part = rng.random()
            dense[a, i], dense[b, i] = part, 1.0 - part
    return csr_array(dense)


@given(seed=st.integers(0, 10_000), units=st.integers(1, 5))
@settings(max_examples=8, deadline=None)
def test_amounts_are_points_and_shares_of_the_rest(seed: int, units: int) -> None:
    emissions, points = made(seed)
    shares = made_shares(seed, emissions.domain.size, units)
    point_unit = np.random.default_rng(seed).integers(-1, units, len(points)).astype(np.int32)
    found = unit_amounts(emissions, points, shares, point_unit)
    dense = shares.toarray()
    for u in range(units):
        for s, name in enumerate(SPECIES):
            for k, sector in enumerate(SECTORS):
                layer = emissions.by_sector[name, sector].dense(emissions.domain.size)
                expected = float(dense[u] @ layer)
                for e in range(len(points.mass_t)):
                    if (points.species[e], points.sector[e]) == (s, k):
                        own = point_unit[points.source[e]] == u
                        expected += points.mass_t[e] * (own - dense[u, points.at[points.source[e]]])
                assert found.by_sector_t[u, s, k] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(found.by_sector_t.sum(axis=2), found.amount_t, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.by_tier_t.sum(axis=2), found.amount_t, rtol=1e-12, atol=1e-12)
    assert (found.shared_t <= found.by_tier_t[:, :, 2:].sum(axis=2) * (1 + 1e-12)).all()
    assert ((found.proxy_share() >= 0) & (found.proxy_share() <= 1)).all()


def test_everything_shared_out_is_everything() -> None:
    """Units that take every cell and every point hold the input, and the split of a unit is the unit."""
    emissions, points = made(7)
    n = emissions.domain.size
    part = np.random.default_rng(1).random(n)
    whole = unit_amounts(emissions, points, csr_array(np.ones((1, n))), np.zeros(len(points), np.int32))
    np.testing.assert_allclose(whole.amount_t[0], emissions.amount_t.sum(axis=1), rtol=1e-13)
    halves = unit_amounts(
        emissions, points, csr_array(np.stack([part, 1 - part])), (np.arange(len(points)) % 2).astype(np.int32)
    )
    for name in ("amount_t", "by_sector_t", "by_tier_t", "shared_t"):
        np.testing.assert_allclose(getattr(halves, name).sum(axis=0), getattr(whole, name)[0], rtol=1e-12, atol=1e-12)


def test_a_point_counts_where_it_stands_and_not_by_area() -> None:
    emissions, points = made(3, points=1)
    i = int(points.at[0])
    dense = np.zeros((2, emissions.domain.size))
    dense[:, i] = 0.9, 0.1
    found = unit_amounts(emissions, points, csr_array(dense), np.array([1], np.int32))
    rest = emissions.amount_t[:, i] - points.mass_t
    np.testing.assert_allclose(found.amount_t, [0.9 * rest, 0.1 * rest + points.mass_t], rtol=1e-12)
    np.testing.assert_allclose(found.by_tier_t[:, :, TIERS.index("point")], [[0] * 3, points.mass_t], atol=1e-12)


def test_no_points_no_units_and_units_without_cells() -> None:
    emissions, _ = made(4, points=0)
    n = emissions.domain.size
    none = np.zeros(0, np.int32)
    assert unit_amounts(emissions, PointSources.none(), csr_array((0, n)), none).amount_t.shape == (0, 3)
    empty = unit_amounts(emissions, PointSources.none(), csr_array((2, n)), none)
    assert not empty.amount_t.any()
    assert not empty.proxy_share().any()


def test_supply_security_however_small() -> None:
    _, points = made(5)
    point_unit = (np.arange(len(points)) % 4 - 1).astype(np.int32)
    found = supply_secured(points, point_unit, units=3)
    flagged = points.table["supply_security"].to_numpy()
    assert found.tolist() == [bool(flagged[point_unit == u].any()) for u in range(3)]
    assert found.any()


def test_threads_change_nothing() -> None:
    emissions, points = made(6)
    shares = made_shares(6, emissions.domain.size, 4)
    point_unit = np.zeros(len(points), np.int32)
    two = unit_amounts(emissions, points, shares, point_unit)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = unit_amounts(emissions, points, shares, point_unit)
    finally:
        numba.set_num_threads(before)
    assert one.by_sector_t.tobytes() == two.by_sector_t.tobytes()
    assert one.amount_t.tobytes() == two.amount_t.tobytes()


def test_refusals() -> None:
    emissions, points = made(8)
    n = emissions.domain.size
    shares, at = csr_array(np.ones((1, n))), np.zeros(len(points), np.int32)
    with pytest.raises(InvalidParameter, match="columns"):
        unit_amounts(emissions, points, csr_array((1, n + 1)), at)
    with pytest.raises(InvalidParameter, match="entries of point_unit"):
        unit_amounts(emissions, points, shares, at[1:])
    with pytest.raises(InvalidParameter, match="point_unit from"):
        unit_amounts(emissions, points, shares, at + 1)
    with pytest.raises(InvalidParameter, match="shared out 2"):
        unit_amounts(emissions, points, csr_array(np.ones((2, n))), at)
    with pytest.raises(InvalidParameter, match="not negative"):
        unit_amounts(emissions, points, csr_array(-np.ones((1, n))), at)
    with pytest.raises(InvalidParameter, match="more than amount_t has there"):
        unit_amounts(emissions, replace(points, mass_t=points.mass_t * 2), shares, at)
    with pytest.raises(InvalidParameter, match="positions"):
        unit_amounts(emissions, replace(points, at=points.at + n), shares, at)
