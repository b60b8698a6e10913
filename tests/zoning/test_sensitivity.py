"""The sweep against a slow zoning of every variant by plain numpy and scipy's labels."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, rank_layers
from gis.kernels.variants import link_queens
from gis.zoning.classes import CellClass, class_table
from gis.zoning.model import TABLES
from gis.zoning.parameters import Hot, Parameters
from gis.zoning.sensitivity import sensitivity, variants_of

PLANE = Grid.covering((500_000, 3_500_000, 540_000, 3_530_000), crs="EPSG:4547", cell=1000)
EQUAL = Grid.covering((0, 0, 40_000, 30_000), crs="EPSG:6933", cell=1000)
DEGREES = Grid.covering((100, 20, 120, 50), crs="EPSG:4490", cell=1.0)
GLOBE = Grid.covering((-180, -30, 180, 30), crs="EPSG:4490", cell=10.0)


def amounts(domain: Domain, species: int, seed: int) -> np.ndarray:
    """Heavy-tailed and smooth, a fifth of the cells empty, three cells equal."""
    rng = np.random.default_rng(seed)
    common = ndimage.gaussian_filter(rng.normal(size=domain.grid.shape), 1.5).ravel()[domain.cells]
    out = np.exp(8 * common + rng.normal(size=(species, domain.size)))
    out[:, rng.random(domain.size) < 0.2] = 0.0
    out[:, rng.choice(domain.size, 3, replace=False)] = 5.0
    return out


def made_domain(grid: Grid, seed: int = 1) -> Domain:
    return Domain.of(grid, np.random.default_rng(seed).random(grid.shape) < 0.9)


def both_orders(domain: Domain, amount_t: np.ndarray) -> dict:
    return {order: rank_layers(domain, amount_t, order=order) for order in Order}


def pieces(mask: np.ndarray, wraps: bool) -> int:
    """Queen-connected pieces; around the globe by labelling two copies side by side and joining what meets at the seam."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not wraps:
        return count
    parent = list(range(count + 1))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for r in range(mask.shape[0]):
        for d in (-1, 0, 1):
            if 0 <= r + d < mask.shape[0] and labels[r, -1] and labels[r + d, 0]:
                parent[root(labels[r, -1])] = root(labels[r + d, 0])
    return len({root(i) for i in range(1, count + 1)})


def slow(domain: Domain, amount_t: np.ndarray, mode: Mode, q: float, least: int, emitting: bool) -> np.ndarray:
    """Classes of the domain's cells with the hot sets built one cell at a time."""
    area = domain.area_km2
    inside = (amount_t > 0).any(axis=0) if emitting else np.ones(domain.size, bool)
    bits = np.zeros(domain.size, np.int64)
    for s, amount in enumerate(amount_t):
        key = amount if mode is Mode.COUNT else amount / area
        weight = {Mode.AREA: area, Mode.COUNT: np.ones(domain.size), Mode.MASS: amount}[mode]
        whole = weight[inside].sum()
        order = [i for i in np.argsort(-key, kind="stable") if inside[i] and amount[i] > 0]
        groups = [list(g) for _, g in itertools.groupby(order, key=lambda i: float(f"{key[i]:.9g}"))]
        held = 0.0
        for group in groups:
            if held >= q * whole * (1 - 1e-12):
                break
            after = held + weight[group].sum()
            if len(group) > 1 and after / whole - q > 0.005 + 1e-12:
                break
            bits[group] |= 1 << s
            held = after
    return class_table(len(amount_t) - 1, least)[bits]


@pytest.mark.parametrize(("grid", "seed"), [(PLANE, 1), (EQUAL, 2), (DEGREES, 3), (GLOBE, 4)])
@pytest.mark.parametrize("base", [Hot(), Hot(mode="mass", q=0.6, q_low=0.7), Hot(mode="count", min_pollutants=1)])
def test_every_variant_as_the_slow_one(grid: Grid, seed: int, base: Hot) -> None:
    domain = made_domain(grid, seed)
    amount_t = amounts(domain, 4, seed)
    sweep = (0.3, 0.6) if base.mode == "mass" else (0.02, 0.05, 0.1)
    parameters = Parameters(hot=base, sweep=sweep)
    layers = both_orders(domain, amount_t)
    table, stability = sensitivity(domain, layers, parameters)
    assert list(table.columns) == list(TABLES["sensitivity"])
    assert list(stability.columns) == list(TABLES["stability"])
    found = {}
    for name, rows in table.groupby("variant", sort=False):
        one = rows.iloc[0]
        found[name] = slow(domain, amount_t, Mode(one["mode"]), one["q"], one["min_pollutants"], one["emitting_only"])
    nominal = found[table.loc[table["is_base"], "variant"].iloc[0]]
    for _, row in table.iterrows():
        klass = CellClass[row["class"].upper()]
        mine = found[row["variant"]] == klass
        theirs = nominal == klass
        assert row["cells"] == mine.sum(), row["variant"]
        assert row["area_km2"] == pytest.approx(domain.area_km2[mine].sum())
        assert row["patches"] == pieces(domain.on_grid(mine), grid.wraps), row["variant"]
        either = domain.area_km2[mine | theirs].sum()
        common = domain.area_km2[mine & theirs].sum() / either if either else np.nan
        assert row["jaccard"] == pytest.approx(common, nan_ok=True)
    every = np.stack(list(found.values()))
    for _, row in stability.iterrows():
        klass = CellClass[row["class"].upper()]
        always, ever = (every == klass).all(axis=0), (every == klass).any(axis=0)
        assert (row["always"], row["sometimes"]) == (always.sum(), (ever & ~always).sum())
        assert row["area_always_km2"] == pytest.approx(domain.area_km2[always].sum())
        assert row["area_sometimes_km2"] == pytest.approx(domain.area_km2[ever & ~always].sum())


def test_variants_are_the_product_once() -> None:
    domain = made_domain(PLANE)
    layers = both_orders(domain, amounts(domain, 4, 5))
    by_mode = {m: layers[Order.AMOUNT if m is Mode.COUNT else Order.DENSITY] for m in Mode}
    variants = variants_of(domain, by_mode, Parameters(sweep=(0.01, 0.05)))
    keys = [(v.mode, v.q, v.min_pollutants, v.emitting_only) for v in variants]
    assert len(set(keys)) == len(keys) == 3 * 2 * 3 + 2 * 2
    assert [v for v in variants if v.is_base] == [
        v for v in variants if keys[variants.index(v)] == ("area", 0.05, 2, False)
    ]
    whole = variants_of(domain, by_mode, Parameters(sweep=(0.01, 0.05), emitting_only=True))
    assert not any(v.emitting_only for v in whole)


def test_the_base_is_added_to_the_sweep_and_agrees_with_itself() -> None:
    domain = made_domain(EQUAL)
    density = {Order.DENSITY: rank_layers(domain, amounts(domain, 4, 6))}
    table, _ = sensitivity(domain, density, Parameters(sweep=(0.01,), hot=Hot(q=0.07)))
    base = table[table["is_base"]]
    assert (base["q"] == 0.07).all()
    assert base.loc[base["cells"] > 0, "jaccard"].eq(1.0).all()


def test_mass_variants_are_as_large_as_the_base_on_the_mean() -> None:
    domain = made_domain(PLANE)
    amount_t = amounts(domain, 3, 7)
    table, _ = sensitivity(domain, both_orders(domain, amount_t), Parameters(sweep=(0.05,)))
    (m,) = table.loc[table["mode"] == "mass", "q"].unique()
    area = domain.area_km2

    def mean_share(share: float) -> float:
        sizes = []
        for amount in amount_t:
            order = np.argsort(-amount / area)
            last = np.searchsorted(np.cumsum(amount[order]), share * amount.sum() * (1 - 1e-12))
            sizes.append(area[order][: last + 1].sum() / area.sum())
        return float(np.mean(sizes))

    assert mean_share(m) == pytest.approx(0.05, abs=0.001)
    # The other way round: a base by mass, whose area variant has the mean size of its hot sets.
    back, _ = sensitivity(
        domain, both_orders(domain, amount_t), Parameters(sweep=(m,), hot=Hot(mode="mass", q=m, q_low=m))
    )
    (q,) = back.loc[back["mode"] == "area", "q"].unique()
    assert q == pytest.approx(mean_share(m), abs=0.001)


def test_growing_q_nests_what_one_pollutant_and_carbon_decide() -> None:
    domain = made_domain(PLANE)
    table, _ = sensitivity(domain, both_orders(domain, amounts(domain, 4, 8)), Parameters())
    some = table[(table["mode"] == "area") & ~table["emitting_only"] & (table["min_pollutants"] == 1)]
    cells = some[some["class"] == "co_control"].sort_values("q")["cells"].to_numpy()
    assert (np.diff(cells) >= 0).all()
    assert cells[-1] > cells[0] > 0


def test_all_zero_gives_no_class_and_no_mass_variant() -> None:
    domain = made_domain(EQUAL)
    table, stability = sensitivity(domain, both_orders(domain, np.zeros((3, domain.size))), Parameters())
    assert table["cells"].sum() == 0
    assert table["jaccard"].isna().all()
    assert "mass" not in set(table["mode"])
    assert stability[["always", "sometimes"]].to_numpy().sum() == 0


def test_one_cell() -> None:
    grid = Grid.covering((0, 0, 1000, 1000), crs="EPSG:6933", cell=1000)
    domain = Domain.of(grid, np.ones((1, 1), bool))
    table, stability = sensitivity(domain, both_orders(domain, np.ones((3, 1))), Parameters())
    assert set(table.loc[table["class"] == "co_control", "cells"]) == {1}
    assert stability.loc[stability["class"] == "co_control", "always"].item() == 1


def test_threads_change_nothing() -> None:
    domain = made_domain(PLANE)
    layers = both_orders(domain, amounts(domain, 4, 9))
    two = sensitivity(domain, layers, Parameters())
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = sensitivity(domain, layers, Parameters())
    finally:
        numba.set_num_threads(before)
    for a, b in zip(one, two, strict=True):
        pd.testing.assert_frame_equal(a, b, check_exact=True)


@pytest.mark.parametrize(("cols", "wraps"), [(1, False), (2, True), (3, True), (7, False), (7, True)])
def test_links_are_the_earlier_queen_neighbours(cols: int, wraps: bool) -> None:
    rng = np.random.default_rng(cols)
    cells = np.flatnonzero(rng.random(cols * 9) < 0.7)
    found = np.empty((len(cells), 5), np.int32)
    link_queens(cells, cols, wraps, found)
    for j, cell in enumerate(cells):
        near = set()
        for dr, dc in itertools.product((-1, 0, 1), repeat=2):
            row, col = cell // cols + dr, cell % cols + dc
            if wraps:
                col %= cols
            if 0 <= row < 9 and 0 <= col < cols and row * cols + col < cell:
                near.add(row * cols + col)
        assert {int(cells[i]) for i in found[j] if i >= 0} == near & set(cells.tolist())


def test_refusals() -> None:
    domain = made_domain(PLANE)
    amount_t = amounts(domain, 3, 1)
    with pytest.raises(InvalidParameter, match="in order of amount"):
        sensitivity(domain, {Order.DENSITY: rank_layers(domain, amount_t)}, Parameters())
    with pytest.raises(InvalidParameter, match="1 rank layers"):
        sensitivity(domain, both_orders(domain, amount_t[:1]), Parameters())
    with pytest.raises(InvalidParameter, match="min_pollutants is 3"):
        sensitivity(domain, both_orders(domain, amount_t), Parameters(hot=Hot(min_pollutants=3)))
