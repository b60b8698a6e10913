"""Moran's I, Lee's L and join counts against the formulas and all samples, in plain Python."""

import math
from itertools import combinations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from gis.hotspots.fields import field_of, mid_ranks
from gis.hotspots.joins import local_join_counts
from gis.hotspots.lee import lee_l
from gis.hotspots.moran import bivariate_moran, global_lee, global_moran, local_moran
from gis.hotspots.neighbours import Contiguity, neighbourhood, windows
from tests.hotspots.fields import neighbour_lists, plane, random_domain, whole

NONE = np.zeros(0)


def standard(values):
    n = len(values)
    mean = sum(values) / n
    s = math.sqrt(sum((v - mean) ** 2 for v in values) / n)
    return [(v - mean) / s for v in values]


def local_i(x, y, lists):
    """(n − 1)·zxᵢ·Σw·zyⱼ/Σzx², NaN for an island."""
    zx, zy = standard(x), standard(y)
    below = sum(z * z for z in zx)
    return [
        (len(x) - 1) * zx[i] * sum(zy[j] for j in near) / below if near else math.nan for i, near in enumerate(lists)
    ]


def case(seed, *, valid=0.8, around=0.15, shape=(6, 5)):
    domain = random_domain(plane(*shape), seed, valid=valid, around=around)
    rng = np.random.default_rng(seed)
    n, m = domain.size, len(domain.around)
    common, common_around = rng.lognormal(size=n), rng.lognormal(size=m)
    x = common + rng.lognormal(size=n), common_around + rng.lognormal(size=m)
    y = common + 0.5 * rng.lognormal(size=n), common_around + 0.5 * rng.lognormal(size=m)
    return domain, field_of(domain, *x), field_of(domain, *y), np.concatenate(x).tolist(), np.concatenate(y).tolist()


@given(seed=st.integers(0, 500), kind=st.sampled_from(["queen", "rook"]))
@settings(deadline=None, max_examples=10)
def test_local_and_global_moran_are_the_formulas(seed, kind):
    domain, x, y, xs, ys = case(seed)
    near, lists = neighbourhood(domain.grid, Contiguity(kind)), neighbour_lists(domain, kind)
    for a, b, va, vb in ((x, x, xs, xs), (x, y, xs, ys)):
        found = bivariate_moran(a, b, near, draws=99)
        assert found.local == pytest.approx(local_i(va, vb, lists), rel=1e-8, abs=1e-8, nan_ok=True)
        za, zb = standard(va), standard(vb)
        links = sum(len(n) for n in lists)
        products = sum(za[i] * zb[j] for i, n in enumerate(lists) for j in n)
        assert found.global_i == pytest.approx(products / links, rel=1e-9)
        assert found.islands == sum(not n for n in lists)
        for i, n in enumerate(lists):
            lag = sum(zb[j] for j in n)
            if n and abs(lag) > 1e-9:
                assert found.quadrant[i] == {(1, 1): 1, (0, 1): 2, (0, 0): 3, (1, 0): 4}[za[i] > 0, lag > 0]
    assert np.array_equal(
        local_moran(x, near, draws=99, seed=3).p_high, bivariate_moran(x, x, near, draws=99, seed=3).p_high
    )


@given(seed=st.integers(0, 500))
@settings(deadline=None, max_examples=8)
def test_on_tiny_grids_p_of_moran_is_that_of_all_samples(seed):
    domain, x, y, xs, ys = case(seed, shape=(4, 4), valid=0.75)
    lists = neighbour_lists(domain, "rook")
    found = bivariate_moran(x, y, neighbourhood(domain.grid, Contiguity.ROOK), draws=99)
    zx, zy = standard(xs), standard(ys)
    for i, near in enumerate(lists):
        others = [zy[j] for j in range(len(zy)) if j != i]
        all_i = [zx[i] * sum(s) for s in combinations(others, len(near))]
        seen = zx[i] * sum(zy[j] for j in near)
        assert found.p_high[i] == pytest.approx(np.mean([v >= seen - 1e-9 for v in all_i]), rel=1e-9)
        assert found.p_low[i] == pytest.approx(np.mean([v <= seen + 1e-9 for v in all_i]), rel=1e-9)
    assert np.array_equal(found.p, np.minimum(2 * np.minimum(found.p_high, found.p_low), 1))


def test_checkerboard_and_halves_are_the_two_ends_of_moran():
    grid = plane(8, 8)
    rows, cols = np.indices(grid.shape)
    near = neighbourhood(grid, Contiguity.ROOK)
    board = field_of(whole(grid), ((rows + cols) % 2).ravel().astype(float), NONE)
    halves = field_of(whole(grid), (cols < 4).ravel().astype(float), NONE)
    assert local_moran(board, near, draws=99).global_i == pytest.approx(-1.0)
    # 8 · 14 + 8 · 12 + … : of 224 links (both ways) 16 join the halves.
    assert local_moran(halves, near, draws=99).global_i == pytest.approx((224 - 2 * 16) / 224)
    assert set(local_moran(halves, near, draws=99).quadrant[[0, 7]]) == {1, 3}


def test_nothing_varies_nothing_is_said():
    grid = plane(4, 4)
    domain = whole(grid)
    near, flat = neighbourhood(grid, Contiguity.QUEEN), field_of(domain, np.full(16, 2.0), NONE)
    other = field_of(domain, np.arange(16.0), NONE)
    for x, y in ((flat, flat), (flat, other), (other, flat)):
        found, lee = bivariate_moran(x, y, near), lee_l(x, y, near)
        assert math.isnan(found.global_i) and np.isnan(found.local).all() and (found.p == 1).all()
        assert math.isnan(lee.global_l) and (lee.p_high == 1).all()
    with pytest.raises(InvalidParameter, match="different domains"):
        bivariate_moran(other, field_of(whole(plane(4, 4)), np.arange(16.0), NONE), near)


@given(seed=st.integers(0, 500))
@settings(deadline=None, max_examples=6)
def test_lee_is_the_formula(seed):
    domain, x, y, xs, ys = case(seed)
    lists = neighbour_lists(domain, "queen")
    near = neighbourhood(domain.grid, Contiguity.QUEEN)
    found = lee_l(x, y, near, draws=9)
    zx, zy = standard(xs), standard(ys)
    expected = []
    for i, n in enumerate(lists):
        inside = [i, *n]
        means = [sum(z[j] for j in inside) / len(inside) for z in (zx, zy)]
        expected.append(means[0] * means[1] if n else math.nan)
    assert found.local == pytest.approx(expected, rel=1e-8, abs=1e-10, nan_ok=True)
    assert found.global_l == pytest.approx(np.nanmean(expected), rel=1e-9)
    own = [windows(f, near) for f in (x, y)]
    assert (
        global_lee(x, y, *own) == found.global_l and global_moran(x, y, own[1]) == bivariate_moran(x, y, near).global_i
    )


def test_p_of_lee_is_that_of_all_samples_within_its_error():
    domain, x, y, xs, ys = case(3, shape=(4, 5), valid=1.0, around=0.0)
    lists, draws = neighbour_lists(domain, "rook"), 40_000
    found = lee_l(x, y, neighbourhood(domain.grid, Contiguity.ROOK), draws=draws, seed=2)
    pairs = list(zip(standard(xs), standard(ys), strict=True))
    for i, near in enumerate(lists):
        others = [p for j, p in enumerate(pairs) if j != i]

        def product(chosen, i=i):
            return (pairs[i][0] + sum(c[0] for c in chosen)) * (pairs[i][1] + sum(c[1] for c in chosen))

        every = np.array([product(c) for c in combinations(others, len(near))])
        seen = product([pairs[j] for j in near])
        for p, true in (
            (found.p_high[i], np.mean(every >= seen - 1e-9)),
            (found.p_low[i], np.mean(every <= seen + 1e-9)),
        ):
            assert abs(p - true) <= 5 * math.sqrt(true * (1 - true) / (draws * 0.75)) + 2 / draws


def test_lee_does_not_depend_on_threads_or_chunks(monkeypatch):
    domain, x, y, *_ = case(8, shape=(20, 20))
    near = neighbourhood(domain.grid, Contiguity.QUEEN)
    first = lee_l(x, y, near, draws=400, seed=1)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    monkeypatch.setattr("gis.hotspots.lee._MEMBERS", 8 * 70)
    second = lee_l(x, y, near, draws=400, seed=1)
    numba.set_num_threads(before)
    assert np.array_equal(first.p_high, second.p_high) and np.array_equal(first.p_low, second.p_low)
    assert not np.array_equal(first.p_high, lee_l(x, y, near, draws=400, seed=2).p_high)


def test_what_happens_in_the_cell_itself_is_seen_by_lee_and_not_by_bivariate_moran():
    # y is x shuffled among neighbours' places or not at all: a field without clusters, the same in both.
    grid = plane(60, 60)
    values = np.random.default_rng(0).normal(size=grid.size)
    x = field_of(whole(grid), values, NONE)
    near = neighbourhood(grid, Contiguity.QUEEN)
    assert abs(bivariate_moran(x, x, near, draws=9).global_i) < 0.03
    assert lee_l(x, x, near, draws=9).global_l == pytest.approx(1 / 9, abs=0.02)


@given(seed=st.integers(0, 300), share=st.sampled_from([0.0, 0.3, 0.6, 1.0]), two=st.booleans())
@settings(deadline=None, max_examples=10)
def test_join_counts_and_their_p_are_those_of_all_samples(seed, share, two):
    domain = random_domain(plane(4, 4), seed, valid=0.75, around=0.15)
    rng = np.random.default_rng(seed)
    hot, around, other, other_around = (rng.uniform(size=n) < share for n in (domain.size, len(domain.around)) * 2)
    found = local_join_counts(
        domain, hot, around, neighbourhood(domain.grid, Contiguity.ROOK), other=(other, other_around) if two else None
    )
    counted = np.concatenate([other, other_around] if two else [hot, around]).astype(int).tolist()
    lists = neighbour_lists(domain, "rook")
    for i, near in enumerate(lists):
        seen = sum(counted[j] for j in near)
        assert found.count[i] == (seen if hot[i] else 0)
        samples = [sum(s) >= seen for s in combinations(counted[:i] + counted[i + 1 :], len(near))]
        assert found.p[i] == pytest.approx(np.mean(samples) if hot[i] and near else 1.0, rel=1e-9)
    assert found.joins == found.count.sum() and found.islands == sum(not n for n in lists)


def test_marks_of_another_size_are_refused():
    domain = whole(plane(2, 2))
    with pytest.raises(InvalidParameter, match="a mark for each of 4"):
        local_join_counts(domain, np.ones(3, bool), np.zeros(0, bool), neighbourhood(domain.grid, Contiguity.ROOK))


def test_moran_of_ranks_takes_the_shared_null():
    grid = plane(110, 110)
    rng = np.random.default_rng(4)
    values = rng.lognormal(size=grid.shape)
    values[30:36, 40:46] *= 1e3
    field = mid_ranks(whole(grid), values.ravel(), NONE)
    found = local_moran(field, neighbourhood(grid, Contiguity.QUEEN), draws=100_000, seed=1)
    high = (found.quadrant == 1) & (found.p_high < 1e-4)
    assert high.reshape(grid.shape)[31:35, 41:45].all() and high.sum() < 60
    assert found.least_p == 1 / 100_001 and 0 < found.global_i < 0.1
