"""Conditional p-values against the exact distribution, against plain permutation, and uniform when there is nothing to find."""

import math
from collections import Counter
from itertools import combinations, permutations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from gis.errors import InvalidParameter
from gis.hotspots import conditional
from gis.hotspots.conditional import Method, conditional_tails, method_for
from gis.hotspots.fields import field_of, mid_ranks
from gis.hotspots.neighbours import Contiguity, neighbourhood, windows
from gis.kernels.conditional import draw_sums, fill_buckets, shared_null
from tests.hotspots.fields import neighbour_lists, plane, random_domain, whole

NONE = np.zeros(0)


def case(grid, values, kind="queen", domain=None, around=NONE, *, ranks=True):
    domain = domain or whole(grid)
    field = (mid_ranks if ranks else field_of)(domain, values, around)
    return field, windows(field, neighbourhood(grid, Contiguity(kind)))


def every_sample(field, lists):
    """High and low p of every cell, from all samples of its others, one by one."""
    high, low = [], []
    for i, near in enumerate(lists):
        others = np.delete(field.whole, i)
        sums = [sum(s) for s in combinations(others.tolist(), len(near))]
        seen = sum(field.whole[j] for j in near)
        high.append(sum(s >= seen for s in sums) / len(sums))
        low.append(sum(s <= seen for s in sums) / len(sums))
    return high, low


@given(
    seed=st.integers(0, 500),
    kind=st.sampled_from(["rook", "queen"]),
    zeros=st.sampled_from([0.0, 0.6]),
    ranks=st.booleans(),
)
@settings(deadline=None, max_examples=15)
def test_on_tiny_grids_p_is_that_of_all_samples(seed, kind, zeros, ranks):
    domain = random_domain(plane(4, 4), seed, valid=0.7, around=0.15)
    rng = np.random.default_rng(seed)
    values, around = (rng.lognormal(size=n) * (rng.uniform(size=n) > zeros) for n in (domain.size, len(domain.around)))
    field, window = case(domain.grid, values, kind, domain, around, ranks=ranks)
    tails = conditional_tails(field, window, draws=999, seed=0, low=True)
    high, low = every_sample(field, neighbour_lists(domain, kind))
    assert tails.method is Method.EXACT and tails.draws == 0
    assert tails.high == pytest.approx(high, rel=1e-12) and tails.low == pytest.approx(low, rel=1e-12)


@pytest.mark.parametrize("zeros", [0.0, 0.5])
def test_convolution_and_enumeration_agree(zeros, monkeypatch):
    grid = plane(12, 11)
    rng = np.random.default_rng(3)
    field, window = case(grid, rng.lognormal(size=grid.size) * (rng.uniform(size=grid.size) > zeros), "rook")
    assert not conditional._can_enumerate(field.size, 8) and conditional._can_convolve(field, 8)
    monkeypatch.setattr(conditional, "_ENUMERATED", 20_000_000)
    monkeypatch.setattr(conditional, "_convolved", None)
    listed = conditional_tails(field, window, draws=999, seed=0, low=True)
    monkeypatch.undo()
    monkeypatch.setattr(conditional, "_enumerated", None)
    monkeypatch.setattr(conditional, "_ENUMERATED", 0)
    convolved = conditional_tails(field, window, draws=999, seed=0, low=True)
    assert convolved.high == pytest.approx(listed.high, rel=1e-9) and convolved.low == pytest.approx(
        listed.low, rel=1e-9
    )
    assert convolved.least == listed.least == 1 / math.comb(grid.size - 1, 4)


def test_size_and_neighbours_choose_the_method():
    rng = np.random.default_rng(0)
    small, large = (field_of(whole(plane(n, n)), rng.normal(size=n * n), NONE) for n in (5, 120))
    assert method_for(small, 8) is Method.EXACT
    assert (method_for(large, 8), method_for(large, 40)) == (Method.SHARED, Method.PERMUTATION)
    ranks = mid_ranks(whole(plane(60, 60)), rng.normal(size=3600) ** 2, NONE)
    assert method_for(ranks, 8) is Method.EXACT  # whole numbers up to 7200 can be convolved
    assert method_for(ranks, 400) is Method.PERMUTATION


def standard_errors(found, p, draws):
    """How far apart two p are, in standard errors of a share of so many draws; five draws are granted to the far tail."""
    return np.maximum(np.abs(found - p) - 5 / draws - 1e-6, 0) / np.sqrt(np.maximum(p * (1 - p), 1 / draws) / draws)


@pytest.mark.parametrize("zeros", [0.0, 0.7])
def test_the_shared_null_is_exact_within_its_error(zeros):
    grid, draws = plane(90, 90), 200_000
    rng = np.random.default_rng(5)
    values = np.exp(2 * rng.normal(size=grid.size)) * (rng.uniform(size=grid.size) > zeros)
    values.reshape(grid.shape)[40:45, 40:45] += 1000
    field, window = case(grid, values)
    exact = conditional_tails(field, window, draws=1, seed=0, low=True)
    shared = conditional_tails(field, window, draws=draws, seed=8, low=True, method=Method.SHARED)
    assert exact.method is Method.EXACT and shared.method is Method.SHARED and shared.least == 1 / (draws + 1)
    assert (shared.high >= shared.least).all() and (shared.high <= 1).all()
    for found, p in ((shared.high, exact.high), (shared.low, exact.low)):
        assert standard_errors(found, p, draws).max() < 5.5
    assert exact.high.min() < 1e-5


def test_what_the_recursion_leaves_out_is_below_k_over_n_squared():
    # All ordered samples of three of 24 stand in for the draws: the shared null itself is then without error.
    k, n = 3, 24
    rng = np.random.default_rng(2)
    values = np.sort(rng.integers(1, 60, n)).astype(np.int64)
    values[-1] = 200
    draws = np.array(list(permutations(values.tolist(), k)))
    table = np.sort(np.stack([draws[:, :2].sum(1), draws.sum(1)]), axis=1)
    least = table[:, 0].copy()
    table -= least[:, None]
    buckets = 1 << 12
    shift = np.array([max(int(row[-1]).bit_length() - 12, 0) for row in table])
    start = np.empty((2, buckets + 1), np.int32)
    fill_buckets(table, shift, start)
    own = np.repeat(values, 40)
    seen = np.tile(np.linspace(5, 320, 40).astype(np.int64), n)
    out = np.ones(len(own))
    level_at = np.array([-1, -1, 0, 1])
    shared_null(seen, own, np.full(len(own), k, np.int32), n, level_at, table, least, start, shift, out)
    exact = np.array(
        [
            np.mean([sum(c) >= s for c in combinations(np.delete(values, i).tolist(), k)])
            for i in range(n)
            for s in seen[:40]
        ]
    )
    uncorrected = np.array([(draws.sum(1) >= s).mean() for s in seen])
    assert np.abs(out - exact).max() <= (k / n) ** 2 < np.abs(uncorrected - exact).max()


@pytest.mark.parametrize(("n", "draws"), [(6, 60_000), (40, 30_000)])
def test_permutation_is_exact_within_its_error_at_any_size(n, draws):
    grid = plane(n, n)
    values = np.random.default_rng(n).lognormal(size=grid.size)
    values[: n * n // 2] = 0
    field, window = case(grid, values)
    exact = conditional_tails(field, window, draws=1, seed=0, low=True)
    found = conditional_tails(field, window, draws=draws, seed=4, low=True, method=Method.PERMUTATION)
    assert exact.method is Method.EXACT and found.method is Method.PERMUTATION
    held = 1 - 8 / grid.size  # draws that a cell is compared with
    for p, true in ((found.high, exact.high), (found.low, exact.low)):
        assert standard_errors(p, true, draws * held).max() < 5.5


def test_all_methods_agree_with_one_cell_permuted_plainly():
    grid, plain = plane(100, 100), 20_000
    rng = np.random.default_rng(11)
    values = np.exp(rng.normal(size=grid.size)) * (rng.uniform(size=grid.size) > 0.3)
    values.reshape(grid.shape)[20:24, 30:34] += 3
    field, window = case(grid, values)
    near, k = window.near(field), window.neighbours
    found = [
        conditional_tails(field, window, draws=100_000, seed=1, method=m).high
        for m in (Method.SHARED, Method.PERMUTATION)
    ]
    for i in (0, 50, 2130, 2231, 2333, 5555, 9999):
        others = np.delete(field.whole, i)
        sums = np.array([others[rng.choice(len(others), k[i], replace=False)].sum() for _ in range(plain)])
        p = (np.sum(sums >= near[i]) + 1) / (plain + 1)
        for q in found:
            assert abs(q[i] - p) <= 4.5 * math.sqrt(p * (1 - p) / plain * 1.2) + 2 / plain


@pytest.mark.parametrize("zeros", [0.0, 0.5])
def test_p_is_uniform_when_there_is_nothing_to_find(zeros):
    grid = plane(240, 240)
    rng = np.random.default_rng(17)
    p = []
    for seed in range(2):
        values = np.exp(2 * rng.normal(size=grid.size)) * (rng.uniform(size=grid.size) > zeros)
        field, window = case(grid, values)
        high = conditional_tails(field, window, draws=200_000, seed=seed, method=Method.SHARED).high
        # Every third row and column: neighbourhoods that share no cell.
        p.append(high.reshape(grid.shape)[1:-1:3, 1:-1:3].ravel())
    p = np.concatenate(p)
    if zeros:  # ties make p of the observed and more larger than uniform, never smaller
        for level in (0.001, 0.01, 0.05, 0.2):
            assert np.mean(p <= level) <= level + 4 * math.sqrt(level / len(p))
    else:
        assert kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("kind", ["shared", "permutation"])
def test_threads_and_chunks_change_nothing(kind, monkeypatch):
    method = Method.SHARED if kind == "shared" else Method.PERMUTATION
    grid = plane(30, 31)
    field, window = case(grid, np.random.default_rng(0).lognormal(size=grid.size))
    found = [conditional_tails(field, window, draws=5000, seed=3, low=True, method=method)]
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    monkeypatch.setattr(conditional, "_MEMBERS", 8 * 700)
    monkeypatch.setattr(conditional, "_LEVELS", 1)
    found.append(conditional_tails(field, window, draws=5000, seed=3, low=True, method=method))
    numba.set_num_threads(before)
    assert np.array_equal(found[0].high, found[1].high) and np.array_equal(found[0].low, found[1].low)
    other = conditional_tails(field, window, draws=5000, seed=4, method=method)
    assert not np.array_equal(found[0].high, other.high)


def test_draws_are_without_replacement_and_every_sample_is_alike_likely():
    population, draws = np.array([1, 10, 100, 1000, 10_000]), 60_000
    sums, members = np.empty((3, draws), np.int64), np.empty((draws, 3), np.int32)
    draw_sums(population, np.array([1, 2, 3]), np.uint64(7), 0, sums, members)
    assert (sums == population[members].cumsum(axis=1).T).all()
    assert chisquare(list(Counter(map(tuple, members.tolist())).values())).pvalue > 1e-3
    assert len(set(map(tuple, members.tolist()))) == 60  # 5 · 4 · 3 ordered samples, and none with a repeated member


def test_a_large_draw_begins_like_a_small_one():
    population = np.arange(1000)
    small, large = np.empty((1, 500), np.int64), np.empty((2, 500), np.int64)
    members = np.empty((500, 300), np.int32)
    draw_sums(population, np.array([20]), np.uint64(1), 0, small, np.empty((0, 0), np.int32))
    draw_sums(population, np.array([20, 300]), np.uint64(1), 0, large, members)
    assert np.array_equal(small[0], large[0]) and (large[1] == members.sum(axis=1)).all()
    assert all(len(set(row)) == 300 for row in members.tolist())


def test_all_others_as_neighbours_leave_nothing_to_chance():
    grid = plane(3, 3)
    field = field_of(whole(grid), np.random.default_rng(1).normal(size=9), NONE)
    window = windows(field, neighbourhood(grid, Contiguity.BAND, band_m=5000.0))
    for method in (Method.EXACT, Method.PERMUTATION):
        tails = conditional_tails(field, window, draws=2000, seed=0, low=True, method=method)
        assert (tails.high == 1).all() and (tails.low == 1).all()


def test_a_constant_field_and_islands_have_p_one():
    grid = plane(6, 6)
    field, window = case(grid, np.full(36, 3.0))
    assert (conditional_tails(field, window, draws=9, seed=0).high == 1).all()
    alone = random_domain(grid, 0, valid=0.0, around=0.0)
    field, window = case(grid, np.ones(1), domain=alone)
    tails = conditional_tails(field, window, draws=9, seed=0, low=True)
    assert tails.high.tolist() == tails.low.tolist() == [1.0]


def test_hostile_arguments_are_refused():
    field, window = case(plane(3, 3), np.arange(9.0))
    for draws, seed in ((0, 1), (10, -1), (10, 2**63)):
        with pytest.raises(InvalidParameter, match="at least one draw"):
            conditional_tails(field, window, draws=draws, seed=seed)
    with pytest.raises(InvalidParameter, match="draws nothing"):
        conditional_tails(field, window, draws=9, seed=0, method=Method.ANALYTIC)
