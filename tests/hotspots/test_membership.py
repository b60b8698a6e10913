"""Membership against a plain numpy account of the same random numbers, and against what must hold."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots import blocks as blocks_module
from gis.hotspots import frames as frames_module
from gis.hotspots import membership as membership_module
from gis.hotspots import tally as tally_module
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions, Sparse
from gis.hotspots.frames import Frame
from gis.hotspots.membership import membership
from gis.hotspots.random import lognormal_table, normals, stream_of, words
from gis.hotspots.ranks import Mode, order_of, rank_layer
from gis.hotspots.uncertainty import ErrorPart, read_error_sizes
from gis.zoning.classes import rule_table

SPECIES = ("co2", "nox", "vocs")
SECTORS = ("power", "road", "residential", "waste")
TIER = {"power": "point", "road": "line", "residential": "surrogate", "waste": "uniform"}
SIZES = read_error_sizes()
NOWHERE = np.uint64(2**64 - 1)


def made(domain, seed=0, *, species=SPECIES, sectors=SECTORS, fill=0.7, spread=1.5):
    """Emissions of log-normal amounts, some of them missing."""
    rng = np.random.default_rng(seed)
    shape = (len(species), len(sectors), domain.size)
    values = np.exp(rng.normal(0.0, spread, shape)) * (rng.random(shape) < fill)
    return of(domain, values, species, sectors)


def of(domain, values, species=SPECIES, sectors=SECTORS):
    amount = np.zeros((len(species), domain.size))
    for z in range(len(sectors)):
        amount += values[:, z]
    by_sector = {
        (s, z): Sparse.of(values[i, j])
        for i, s in enumerate(species)
        for j, z in enumerate(sectors)
        if values[i, j].any()
    }
    return Emissions(
        domain, 2020, species, sectors, amount, np.zeros((len(species), 0)), np.zeros_like(amount), by_sector, {}
    )


def plane(rows, cols):
    grid = Grid.covering(
        (500_000, 4_000_000, 500_000 + 1000 * cols, 4_000_000 + 1000 * rows), crs="EPSG:32650", cell=1000.0
    )
    # UTM changes area by some 1e-6 across these cells; a grid of equal areas is wanted here.
    domain = Domain.of(grid, np.ones(grid.shape, bool))
    object.__setattr__(domain, "area_km2", np.ones(domain.size))
    return domain


def globe(rows, cols):
    """Cells of unlike areas."""
    grid = Grid.covering((100.0, 10.0, 100.0 + cols * 0.5, 10.0 + rows * 0.5), crs="EPSG:4326", cell=0.5)
    return Domain.of(grid, np.ones(grid.shape, bool))


def tiers(emissions):
    return {(s, z): TIER[z] for s in emissions.species for z in emissions.sectors}


def full(emissions, **changes):
    """Every argument but the tiers of sectors."""
    n = emissions.domain.size
    asked = {
        "mode": Mode.AREA, "q": 0.1, "draws": 70, "seed": 11, "region": (np.arange(n) % 3 - 1).astype(np.int32),
        "klass": (np.arange(n) % 5).astype(np.uint8), "rule": rule_table(2, 2),
        "patch": np.where(np.arange(n) % 7 == 0, np.arange(n) % 4, -1).astype(np.int32), "patches": 5,
    }  # fmt: skip
    return {**asked, **changes}


def run(emissions, sizes=SIZES, **changes):
    return membership(emissions, sizes, **full(emissions, **{"sector_tier": tiers(emissions), **changes}))


# The oracle: every number on its own, every draw whole, sorted by numpy.


def cell_part(domain, tier, seed, draws, sizes):
    table = lognormal_table(sizes.cell[Tier(tier)].sigma)
    word = words(seed, stream_of("cell", tier), domain.cells.astype(np.uint64), -(-draws // 2) + 4)
    sixteen = np.stack([word & 0xFFFF, word >> 16], axis=2).reshape(len(word), -1)
    return table[sixteen[:, :draws] >> 4]


def common(term, region, seed, draws, sizes):
    s, z = term
    one = np.zeros(1, np.uint64)
    keys = np.where(region < 0, NOWHERE, region.astype(np.uint64))
    a, f, t = (sizes.size(part, z, s).sigma for part in ErrorPart)
    log = a * normals(seed, stream_of("activity", z), one, draws) - a * a / 2
    log = log + f * normals(seed, stream_of("factor", s, z), one, draws) - f * f / 2
    return np.exp(log + t * normals(seed, stream_of("total", z), keys, draws) - t * t / 2)


def amounts(emissions, region, seed, draws, sizes):
    """(species, cell, draw)"""
    out = np.zeros((len(emissions.species), emissions.domain.size, draws))
    for (s, z), layer in emissions.by_sector.items():
        tier = TIER[z]
        factor = common((s, z), region, seed, draws, sizes) * cell_part(emissions.domain, tier, seed, draws, sizes)
        out[emissions.species.index(s)] += layer.dense(emissions.domain.size)[:, None] * factor
    return out


def hot_sets(domain, amount_t, mode, q, overshoot=0.005):
    """(output, cell, draw) from (output, cell, draw)"""
    out = np.zeros(amount_t.shape, bool)
    area = domain.area_km2
    for o, b in np.ndindex(amount_t.shape[0], amount_t.shape[2]):
        amount = amount_t[o, :, b]
        order = amount if mode is Mode.COUNT else amount / area
        weight = {Mode.AREA: area, Mode.COUNT: np.ones(domain.size), Mode.MASS: amount}[mode]
        down = np.argsort(-order, kind="stable")
        held = np.cumsum(weight[down])
        reached = np.flatnonzero(held >= q * weight.sum() * (1 - 1e-12))
        least = order[down[reached[0]]] if len(reached) else 0.0
        out[o, :, b] = (order >= least * (1 - 1e-12)) & (order > 0)
        group = np.abs(order - least) <= 1e-12 * least
        if least > 0 and group.sum() > 1 and weight[out[o, :, b]].sum() > (q + overshoot + 1e-12) * weight.sum():
            out[o, :, b] &= ~group
    return out


def oracle(emissions, asked, sizes=SIZES):
    amount = amounts(emissions, asked["region"], asked["seed"], asked["draws"], sizes)
    combine = asked.get("combine")
    outputs = amount if combine is None else np.einsum("os,sib->oib", combine, amount)
    hot = hot_sets(emissions.domain, outputs, asked["mode"], asked["q"])
    bits = sum(hot[o].astype(np.int64) << o for o in range(len(hot)))
    met = (asked["rule"][bits] >> asked["klass"][:, None] & 1) * (asked["klass"] > 0)[:, None]
    patch_t = np.zeros((asked["patches"], len(amount), asked["draws"]))
    for i, p in enumerate(asked["patch"]):
        if p >= 0:
            patch_t[p] += amount[:, i]
    return hot.mean(axis=2), met.mean(axis=1), patch_t


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("make", [plane, globe])
def test_a_plain_account_of_the_same_numbers_says_the_same(mode, make):
    emissions = made(make(17, 19))
    asked = full(emissions, mode=mode, q=0.3 if mode is Mode.MASS else 0.1)
    got = run(emissions, **asked)
    hot, met, patch_t = oracle(emissions, asked)
    np.testing.assert_allclose(got.hot, hot, atol=1e-6)
    np.testing.assert_allclose(got.rule, met, atol=1e-6)
    np.testing.assert_allclose(got.patch_t, patch_t, rtol=2e-7)


def test_combinations_are_cut_as_one():
    emissions = made(globe(15, 20), 3)
    combine = np.array([[1.0, 0.0, 0.0], [0.0, 0.4, 1.3]])
    asked = full(emissions, combine=combine, rule=rule_table(1, 1))
    got = membership(emissions, SIZES, sector_tier=tiers(emissions), **asked)
    hot, met, patch_t = oracle(emissions, asked)
    assert got.hot.shape == (2, 300)
    np.testing.assert_allclose(got.hot, hot, atol=1e-6)
    np.testing.assert_allclose(got.rule, met, atol=1e-6)
    np.testing.assert_allclose(got.patch_t, patch_t, rtol=2e-7)


@pytest.fixture
def small(monkeypatch):
    """A sample of few cells and room for few entries, so that a small domain goes the way of a large one."""
    monkeypatch.setattr(blocks_module, "_SAMPLE", 400)
    monkeypatch.setattr(tally_module, "_PENDING", 6000)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("errors", [4.5, 0.02])
def test_neither_sample_nor_room_nor_width_changes_a_result(mode, errors, small, monkeypatch):
    emissions = made(globe(60, 50), 4)
    q = 0.3 if mode is Mode.MASS else 0.05
    with monkeypatch.context() as narrow:
        narrow.setattr(membership_module, "FIRST_ERRORS", errors)
        narrowed = run(emissions, mode=mode, q=q)
    with monkeypatch.context() as wide:
        wide.setattr(membership_module, "FIRST_ERRORS", np.inf)
        wide.setattr(tally_module, "_PENDING", 10_000_000)
        whole = run(emissions, mode=mode, q=q)
    for name in ("hot", "rule", "patch_t", "totals_t"):
        assert getattr(narrowed, name).tobytes() == getattr(whole, name).tobytes()
    if errors == 0.02 and mode is not Mode.MASS:
        assert narrowed.record["bracket_errors"] > errors
    assert (whole.hot[:, :] > 0).mean() < 0.9


def test_screening_leaves_most_cells_out(monkeypatch):
    emissions = made(plane(60, 50), 5, spread=4.0)
    seen = []
    monkeypatch.setattr(
        blocks_module.Blocks,
        "reaching",
        lambda self, entries, found: seen.append(reaching_before(self, entries, found)) or seen[-1],
    )
    patch = np.full(3000, -1, np.int32)
    got = run(emissions, SIZES.scaled(0.2), patch=patch, patches=0)
    assert len(seen[-1].position) < 1200
    assert got.patch_t.shape == (0, 3, 70)


reaching_before = blocks_module.Blocks.reaching


def test_the_same_bits_for_one_thread_and_two(small):
    emissions = made(globe(60, 50), 6)
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(run(emissions))
    finally:
        numba.set_num_threads(before)
    for name in ("hot", "rule", "patch_t", "totals_t"):
        assert getattr(results[0], name).tobytes() == getattr(results[1], name).tobytes()


RESULTS = ("hot", "rule", "patch_t", "totals_t")


def densest(emissions, share):
    """Cells that are among the densest of some species."""
    density = emissions.amount_t / emissions.domain.area_km2
    return (density >= np.quantile(density, 1.0 - share, axis=1)[:, None]).any(axis=0)


@pytest.fixture
def sampling(monkeypatch):
    """Of the other cells of a domain of thousands one in four or eight stands for all."""
    monkeypatch.setattr(frames_module, "_MOST_OTHERS", 1500)
    monkeypatch.setattr(frames_module, "_LEAST_SAMPLE", 1000)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_sample_of_the_others_errs_as_it_says(mode, sampling, monkeypatch):
    emissions = made(globe(100, 110), 21, spread=1.0)
    wanted = densest(emissions, 0.05)
    asked = {
        "mode": mode, "q": 0.3 if mode is Mode.MASS else 0.1, "draws": 64, "wanted": wanted, "patches": 1,
        "patch": np.full(emissions.domain.size, -1, np.int32),
    }  # fmt: skip
    got = run(emissions, **asked)
    with monkeypatch.context() as whole:
        whole.setattr(frames_module, "_MOST_OTHERS", 10**9)
        exact = run(emissions, **asked)
    record = got.record["sample"]
    assert record["fraction"] in (0.25, 0.125) and 0.8 < record["cells"] / (record["others"] * record["fraction"]) < 1.2
    assert exact.record["sample"]["fraction"] == 1.0 and exact.record["sample"]["threshold_share_error"] == [0.0] * 3
    size = emissions.domain.size
    weight = {Mode.AREA: emissions.domain.area_km2, Mode.COUNT: np.ones(size)}
    for s, error in enumerate(record["threshold_share_error"]):
        w = weight.get(mode, emissions.amount_t[s])
        # A threshold moved by a share of the domain moves no more than that of it in or out among the wanted.
        moved = abs(float(((got.hot[s] - exact.hot[s]) * w).sum() / w.sum()))
        assert 0.0 < error < 0.02 and moved < 4.0 * error
        assert (exact.hot[s][wanted] > 0).any() and not got.hot[s][~wanted].any()
    assert (got.hot != exact.hot).any()
    np.testing.assert_array_equal(got.totals_t, exact.totals_t)


@pytest.mark.parametrize("mode", list(Mode))
def test_with_all_others_what_is_wanted_is_as_without_a_mask(mode, small):
    emissions = made(globe(60, 50), 22)
    patch = full(emissions)["patch"]
    wanted = densest(emissions, 0.1)
    a, b = run(emissions, mode=mode), run(emissions, mode=mode, wanted=wanted)
    said = wanted | (patch >= 0)
    assert a.hot[:, said].tobytes() == b.hot[:, said].tobytes() and a.rule[said].tobytes() == b.rule[said].tobytes()
    assert not b.hot[:, ~said].any() and not b.rule[~said].any() and a.hot[:, ~said].any()
    assert a.patch_t.tobytes() == b.patch_t.tobytes() and a.totals_t.tobytes() == b.totals_t.tobytes()


@pytest.mark.parametrize("mode", [Mode.AREA, Mode.MASS])
def test_a_sample_gives_the_same_bits_for_one_thread_and_two(mode, sampling, small):
    emissions = made(globe(80, 80), 23)
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(run(emissions, mode=mode, wanted=densest(emissions, 0.05)))
    finally:
        numba.set_num_threads(before)
    assert results[0].record["sample"]["fraction"] < 1.0
    for name in RESULTS:
        assert getattr(results[0], name).tobytes() == getattr(results[1], name).tobytes()


def test_a_cell_is_in_the_sample_whatever_the_others_are(sampling):
    grid = globe(80, 80).grid
    mask = np.arange(6400) % 5 != 2
    frames = [
        Frame.of(made(Domain.of(grid, m.reshape(80, 80))), np.zeros(m.sum(), bool), np.full(m.sum(), -1), 7)
        for m in (np.ones(6400, bool), mask)
    ]
    assert frames[0].step == frames[1].step == 4
    both = frames[0].others[mask] & frames[1].others
    assert both.sum() > 3000
    np.testing.assert_array_equal(frames[0].sampled[mask][both], frames[1].sampled[both])


class Lazy(dict):
    """Layers that tell which were looked up how often, and which were read."""

    def __getitem__(self, key):
        layer, log = dict.__getitem__(self, key), self.log

        class Read(Sparse):
            __slots__ = ()
            total = layer.total

            def __init__(self):
                pass

            @property
            def value(self):
                log.add(key)
                return layer.value

            @property
            def at(self):
                return layer.at

        self.looked[key] = self.looked.get(key, 0) + 1
        return Read()

    def items(self):
        return [(key, self[key]) for key in self]


def test_layers_are_read_at_one_look(small):
    emissions = made(globe(20, 20), 24)
    lazy = Lazy(emissions.by_sector)
    lazy.log, lazy.looked = set(), {}
    got = run(replace(emissions, by_sector=lazy))
    assert lazy.log == set(emissions.by_sector) and set(lazy.looked.values()) == {2}
    assert got.hot.tobytes() == run(emissions).hot.tobytes()


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("make", [plane, globe])
def test_without_errors_the_hot_sets_are_the_zonings_own(mode, make):
    domain = make(20, 15)
    rng = np.random.default_rng(8)
    # Few different values: groups of equals lie across the cut.
    values = rng.integers(0, 6, (3, 4, domain.size)).astype(np.float64) * domain.area_km2
    emissions = of(domain, values)
    for q in (0.02, 0.1, 0.99):
        got = run(emissions, SIZES.scaled(0.0), mode=mode, q=q, tie_overshoot=0.02)
        for s in range(3):
            layer = rank_layer(domain, emissions.amount_t[s], order=order_of(mode))
            cut = layer.cut(mode, q, tie_overshoot=0.02)
            np.testing.assert_array_equal(got.hot[s], (layer.rank > 0) & (layer.rank <= cut.rank))


def test_an_exact_share_of_equal_cells_is_not_passed_by_one():
    domain = plane(10, 10)
    values = np.zeros((1, 1, 100))
    values[0, 0] = np.arange(100.0) + 1.0
    emissions = of(domain, values, ("co2",), ("power",))
    for q in (0.05, 0.07, 0.29, 1.0):
        assert run(emissions, SIZES.scaled(0.0), q=q).hot.sum() == round(q * 100)


def test_what_all_cells_of_a_species_share_cancels_in_ranks():
    domain = globe(20, 20)
    emissions = made(domain, 9, sectors=("power",))
    only_common = SIZES.with_overrides(
        [{"total": 0.0, "activity": 1.0, "factor": 1.0, "source": "test"}], cell=dict.fromkeys(Tier, 0.0)
    )
    got = run(emissions, only_common, draws=100)
    for s in range(3):
        layer = rank_layer(domain, emissions.amount_t[s])
        np.testing.assert_array_equal(got.hot[s], (layer.rank > 0) & (layer.rank <= layer.cut(Mode.AREA, 0.1).rank))
    assert got.totals_t.std(axis=1).min() > 0.5 * emissions.amount_t.sum(axis=1).min()


def test_errors_have_mean_one_and_the_stated_spread():
    domain = plane(30, 30)
    emissions = made(domain, 10)
    everything = np.zeros(domain.size, np.int32)
    got = run(emissions, draws=1000, region=everything, patch=everything, patches=1)
    whole = emissions.amount_t.sum(axis=1)
    for drawn in (got.totals_t, got.patch_t[0]):
        assert (np.abs(drawn.mean(axis=1) / whole - 1) < 4.5 * drawn.std(axis=1) / whole / np.sqrt(1000)).all()
    # Sectors err on their own, and the parts of one sector multiply: Π exp(σ²) − 1.
    for s, species in enumerate(SPECIES):
        variance = 0.0
        for z in SECTORS:
            log = sum(SIZES.size(part, z, species).sigma ** 2 for part in ErrorPart)
            variance += emissions.by_sector[species, z].total ** 2 * np.expm1(log)
        assert got.totals_t[s].var() == pytest.approx(variance, rel=0.3)
    # The cell part averages out over many cells.
    assert np.abs(got.patch_t[0] / got.totals_t - 1).max() < 0.5
    np.testing.assert_allclose((got.patch_t[0] / got.totals_t).mean(axis=1), 1.0, atol=0.01)


def test_a_cells_numbers_belong_to_the_cell():
    """Neither the domain, nor other species or sectors, nor further draws change what a cell emits in a draw."""
    grid = globe(20, 20).grid
    values = np.exp(np.random.default_rng(12).normal(size=(3, 4, 400)))
    whole = of(Domain.of(grid, np.ones(grid.shape, bool)), values)
    mask = np.zeros(400, bool)
    mask[37::3] = True
    part = of(Domain.of(grid, mask.reshape(20, 20)), values[:2, 1:, mask], SPECIES[:2], SECTORS[1:])
    without = np.concatenate([np.zeros((3, 1, 400)), values[:, 1:]], axis=1)
    own = np.arange(400, dtype=np.int32)
    some = np.arange(mask.sum(), dtype=np.int32)
    region = (own // 40).astype(np.int32)
    a = run(of(whole.domain, without), draws=130, patch=own, patches=400, region=region)
    b = run(part, draws=70, patch=some, patches=int(mask.sum()), region=region[mask])
    np.testing.assert_allclose(b.patch_t, a.patch_t[mask][:, :2, :70], rtol=2e-7)


def test_a_region_keeps_its_numbers_by_its_key():
    emissions = made(plane(12, 12), 13)
    region = (np.arange(144) // 48).astype(np.int32)
    keys = np.array([110101, 320102, 990000], np.uint64)
    a = run(emissions, region=region, region_key=keys)
    b = run(emissions, region=(2 - region).astype(np.int32), region_key=keys[::-1].copy())
    np.testing.assert_allclose(a.patch_t, b.patch_t, rtol=2e-7)
    assert not np.allclose(a.patch_t[:4], run(emissions, region=region).patch_t[:4])


def test_cells_of_one_region_err_together_and_of_two_apart():
    domain = plane(2, 2)
    emissions = of(domain, np.ones((1, 1, 4)), ("co2",), ("road",))
    only_total = SIZES.with_overrides(
        [{"total": 0.5, "activity": 0.0, "factor": 0.0, "source": "test"}], cell=dict.fromkeys(Tier, 0.0)
    )
    own = np.arange(4, dtype=np.int32)
    got = run(emissions, only_total, draws=2000, region=np.array([0, 0, 1, -1], np.int32), patch=own, patches=4)
    a = np.log(got.patch_t[:, 0])
    np.testing.assert_array_equal(a[0], a[1])
    assert np.abs(np.corrcoef(a[[0, 2, 3]])[np.triu_indices(3, 1)]).max() < 4.5 / np.sqrt(2000)
    np.testing.assert_allclose(a.std(axis=1), 0.5, rtol=0.08)


def test_zero_cells_are_never_hot_and_few_emitters_are_all_hot():
    domain = plane(20, 20)
    values = np.zeros((3, 4, 400))
    values[0, 0, [7, 300]] = [5.0, 1.0]
    values[1] = np.exp(np.random.default_rng(1).normal(size=(4, 400)))
    emissions = of(domain, values)
    for mode in Mode:
        got = run(emissions, mode=mode, q=0.2, sector_tier={(s, z): TIER[z] for s in SPECIES for z in SECTORS})
        assert (got.hot[0, values[0, 0] == 0] == 0).all() and (got.hot[2] == 0).all()
        if mode is not Mode.MASS:
            assert (got.hot[0, [7, 300]] == 1).all()
        assert (got.totals_t[2] == 0).all()


def test_nothing_emits():
    emissions = of(plane(5, 5), np.zeros((3, 4, 25)))
    got = run(emissions)
    assert not got.hot.any() and not got.rule.any() and not got.patch_t.any() and not got.totals_t.any()
    assert got.patch_t.shape == (5, 3, 70)


def test_one_cell():
    emissions = of(plane(1, 1), np.ones((3, 4, 1)))
    klass = np.array([4], np.uint8)
    for mode in Mode:
        got = run(emissions, mode=mode, q=0.05, klass=klass, patch=np.zeros(1, np.int32), patches=1)
        assert (got.hot == 1).all() and (got.rule == 1).all()


def test_every_rule_is_read_from_its_table():
    """Any table, also one that holds where nothing is hot."""
    emissions = made(plane(10, 12), 14)
    rule = np.random.default_rng(2).integers(0, 256, 256).astype(np.uint8)
    asked = full(emissions, rule=rule, klass=(np.arange(120) % 8).astype(np.uint8))
    got = membership(emissions, SIZES, sector_tier=tiers(emissions), **asked)
    np.testing.assert_allclose(got.rule, oracle(emissions, asked)[1], atol=1e-6)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**63), draws=st.integers(1, 150), q=st.floats(0.01, 0.6), fill=st.floats(0.05, 1.0),
    mode=st.sampled_from(list(Mode)), spread=st.floats(0.0, 3.0),
)  # fmt: skip
def test_shares_are_those_of_the_draws(seed, draws, q, fill, mode, spread):
    emissions = made(globe(6, 7), seed % 1000, fill=fill, spread=spread)
    asked = full(emissions, seed=seed, draws=draws, q=q, mode=mode)
    got = membership(emissions, SIZES, sector_tier=tiers(emissions), **asked)
    hot, met, patch_t = oracle(emissions, asked)
    np.testing.assert_allclose(got.hot, hot, atol=1e-6)
    np.testing.assert_allclose(got.rule, met, atol=1e-6)
    np.testing.assert_allclose(got.patch_t, patch_t, rtol=2e-7)


def test_the_record_names_every_size_and_its_source():
    record = run(made(plane(5, 5))).record
    assert record["draws"] == 70 and record["seed"] == 11 and record["mode"] == "area"
    assert len(record["errors"]) == 3 * 12 + 4
    assert all(row["source"] and row["sigma"] >= 0 for row in record["errors"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"draws": 0}, "draws"),
        ({"seed": -1}, "seed"),
        ({"q": 0.0}, "q is"),
        ({"q": float("nan")}, "q is"),
        ({"tie_overshoot": -0.1}, "tie_overshoot"),
        ({"region": np.zeros(3, np.int32)}, "region has shape"),
        ({"region": np.full(25, -2, np.int32)}, "count from 0"),
        ({"patch": np.full(25, 5, np.int32)}, "patches up to 4"),
        ({"klass": np.full(25, 8, np.uint8)}, "klass"),
        ({"rule": np.zeros(8, np.uint8)}, "256"),
        ({"combine": np.ones((2, 2))}, "combine has shape"),
        ({"combine": -np.ones((1, 3))}, "negative"),
        ({"combine": np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])}, "without any"),
        ({"wanted": np.ones(3, bool)}, "wanted is bool"),
        ({"wanted": np.ones(25)}, "wanted is float64"),
        ({"sector_tier": {}}, "no tier for co2 in power"),
        ({"region": np.full(25, 2, np.int32), "region_key": np.arange(2, dtype=np.uint64)}, "2 keys"),
    ],
)
def test_bad_arguments_are_refused(changes, said):
    with pytest.raises(InvalidParameter, match=said):
        run(made(plane(5, 5)), **changes)


def test_sectors_that_do_not_sum_up_are_refused():
    emissions = made(plane(5, 5))
    missing = {key: layer for key, layer in emissions.by_sector.items() if key != ("co2", "power")}
    with pytest.raises(InvalidParameter, match="sectors of co2"):
        run(replace(emissions, by_sector=missing))
    strange = {**emissions.by_sector, ("hg", "power"): Sparse.of(np.ones(25))}
    with pytest.raises(InvalidParameter, match="hg/power"):
        run(replace(emissions, by_sector=strange))
