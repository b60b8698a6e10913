"""Trends: Mann-Kendall against every order and against scipy, patterns against the words of their definitions."""

from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, norm

from gis.errors import InvalidParameter
from gis.hotspots.trends import PATTERNS, Pattern, emerging, least_trend_p, mann_kendall


def plain_s(values) -> int:
    return sum(int(np.sign(b - a)) for a, b in itertools.combinations(values, 2))


@pytest.mark.parametrize("years", range(2, 8))
def test_p_is_the_share_of_orders_that_are_as_far_out(years: int) -> None:
    orders = np.array(list(itertools.permutations(range(years))), float).T
    found = mann_kendall(orders)
    every = np.array([plain_s(order) for order in orders.T])
    assert (found.s == every).all()
    for s in set(every.tolist()):
        share = (np.abs(every) >= abs(s)).mean()
        assert found.p[every == s] == pytest.approx(share, abs=1e-14)


@pytest.mark.parametrize("years", [4, 7, 10])
def test_p_without_ties_is_that_of_kendalls_tau(years: int) -> None:
    values = np.random.default_rng(years).random((years, 40))
    found = mann_kendall(values)
    for i in range(40):
        expected = kendalltau(np.arange(years), values[:, i], method="exact").pvalue
        assert found.p[i] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(years=st.integers(3, 30), seed=st.integers(0, 10**6), kinds=st.integers(1, 5))
def test_tied_and_long_series_take_the_corrected_normal(years: int, seed: int, kinds: int) -> None:
    values = np.random.default_rng(seed).integers(0, kinds, (years, 1)).astype(float)
    found = mann_kendall(values)
    s = plain_s(values[:, 0])
    assert found.s[0] == s
    counts = np.unique(values, return_counts=True)[1]
    if (counts == 1).all():
        return
    variance = (years * (years - 1) * (2 * years + 5) - sum(t * (t - 1) * (2 * t + 5) for t in counts.tolist())) / 18
    expected = 1.0 if s == 0 else 2 * norm.sf((abs(s) - 1) / math.sqrt(variance))
    assert found.p[0] == pytest.approx(expected, rel=1e-12)


def test_eleven_years_are_no_longer_exact_but_near() -> None:
    values = np.random.default_rng(1).random((11, 200))
    found = mann_kendall(values)
    exact = np.array([kendalltau(np.arange(11), v, method="exact").pvalue for v in values.T])
    assert np.abs(found.p - exact).max() < 0.02
    assert np.abs(found.p - exact).max() > 0


def test_a_trend_does_not_depend_on_scale_and_turns_with_the_series() -> None:
    values = np.random.default_rng(3).normal(size=(8, 50))
    up = mann_kendall(values)
    assert (mann_kendall(np.exp(values * 3)).s == up.s).all()
    down = mann_kendall(values[::-1])
    assert (down.s == -up.s).all() and (down.p == up.p).all()


def test_a_missing_year_leaves_no_trend() -> None:
    found = mann_kendall(np.array([[1.0, 1.0], [np.nan, 2.0], [3.0, 3.0]]))
    assert found.s.tolist() == [0, 3]
    assert math.isnan(found.p[0]) and found.p[1] == pytest.approx(1 / 3)


def test_p_is_uniform_under_the_null() -> None:
    p = mann_kendall(np.random.default_rng(5).normal(size=(9, 20_000))).p
    for alpha in np.unique(p)[:12]:
        # An exact p of a discrete statistic: P(p <= a) = a at every value it can take.
        assert (p <= alpha).mean() == pytest.approx(alpha, abs=4 * math.sqrt(alpha * (1 - alpha) / len(p)))


# -- patterns ------------------------------------------------------------------------------------------------------------


def pattern(hot: str, z: list[float] | None = None, alpha: float = 0.05) -> Pattern:
    """The pattern of a cell whose years are written as 1 (hot) and 0."""
    years = np.array([c == "1" for c in hot])[:, None]
    # A z that goes up and down, never significantly cold: no trend unless it is given.
    series = np.array(
        z if z is not None else [1.0 + 0.1 * (i % 2) + 0.001 * (i // 2) * (-1) ** i for i in range(len(hot))]
    )
    return PATTERNS[emerging(years, series[:, None].astype(np.float32), alpha=alpha).code[0]]


RISING = list(np.linspace(2, 5, 10))
FLAT = [3.0, 2.0, 3.5, 2.5, 3.2, 2.2, 3.4, 2.4, 3.1, 2.6]


@pytest.mark.parametrize(
    ("hot", "z", "expected"),
    [
        ("0000000000", None, Pattern.NONE),
        ("0000000001", None, Pattern.NEW),
        ("0000000111", None, Pattern.CONSECUTIVE),
        ("0011111111", None, Pattern.CONSECUTIVE),  # 8 of 10: below 90 %
        ("0111111111", FLAT, Pattern.PERSISTENT),  # 9 of 10
        ("1111011111", FLAT, Pattern.PERSISTENT),
        ("1111111111", RISING, Pattern.INTENSIFYING),
        ("0111111111", RISING, Pattern.INTENSIFYING),
        ("1111111111", RISING[::-1], Pattern.DIMINISHING),
        ("1111111111", FLAT, Pattern.PERSISTENT),
        ("0101001001", None, Pattern.SPORADIC),
        ("1000000001", None, Pattern.SPORADIC),
        ("1000000001", [2, 0, -3, 0, 0, 0, 0, 0, 0, 2], Pattern.OSCILLATING),
        ("0100000011", [-2, 2, 0, 0, 0, 0, 0, 0, 2, 2], Pattern.OSCILLATING),
        ("0000000011", [-3, 0, 0, 0, 0, 0, 0, 0, 2, 2], Pattern.CONSECUTIVE),  # cold before, but never hot before
        ("1111111110", FLAT, Pattern.HISTORICAL),
        ("1011111110", FLAT, Pattern.NONE),  # 8 of the 9 years before the last: below 90 %
        ("1110000000", None, Pattern.NONE),
        ("11110", None, Pattern.HISTORICAL),
        ("10110", None, Pattern.NONE),
        ("11111", [1, 2, 3, 4, 5], Pattern.INTENSIFYING),
        ("11111", [1, 2, 3, 5, 4], Pattern.PERSISTENT),
        ("1111", [1, 2, 3, 4], Pattern.PERSISTENT),  # four years cannot show a trend
        ("11", None, Pattern.PERSISTENT),
        ("01", None, Pattern.NEW),
        ("10", None, Pattern.HISTORICAL),
        ("1", None, Pattern.NONE),  # one year says nothing
    ],
)
def test_patterns_follow_their_definitions(hot: str, z: list[float] | None, expected: Pattern) -> None:
    assert pattern(hot, z) is expected


def test_cold_is_the_lower_tail_at_alpha() -> None:
    z = [2.0, -1.64, 0, 0, 0, 0, 0, 0, 0, 2.0]
    assert pattern("1000000001", z) is Pattern.SPORADIC
    z[1] = -1.65
    assert pattern("1000000001", z) is Pattern.OSCILLATING
    assert pattern("1000000001", z, alpha=0.01) is Pattern.SPORADIC


def test_no_z_no_trend_but_a_pattern() -> None:
    assert pattern("1111111111", [math.nan] * 10) is Pattern.PERSISTENT


@settings(max_examples=60, deadline=None)
@given(years=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_every_cell_has_one_pattern_and_only_cells_hot_at_last_are_current(years: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    hot = generator.random((years, 200)) < generator.random(200)
    z = generator.normal(0, 2, (years, 200)).astype(np.float32)
    found = emerging(hot, z)
    names = found.names()
    current = ~np.isin(names, ["none", "historical"])
    assert (current == (hot[-1] & (years > 1))).all()
    assert (names[hot.sum(axis=0) == 0] == "none").all()
    trend = mann_kendall(z)
    assert (found.trend_s == trend.s).all() and np.allclose(found.trend_p, trend.p, rtol=1e-6)
    assert (found.trend_p[names == "intensifying"] <= 0.05).all() and (found.trend_s[names == "intensifying"] > 0).all()
    assert (found.trend_p[names == "diminishing"] <= 0.05).all() and (found.trend_s[names == "diminishing"] < 0).all()
    if years < 5:
        assert not np.isin(names, ["intensifying", "diminishing"]).any()
    order = generator.permutation(200)
    assert (emerging(hot[:, order], z[:, order]).code == found.code[order]).all()


def test_same_patterns_for_any_number_of_threads() -> None:
    generator = np.random.default_rng(2)
    hot, z = generator.random((6, 50_000)) < 0.5, generator.normal(size=(6, 50_000)).astype(np.float32)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = emerging(hot, z)
    finally:
        numba.set_num_threads(before)
    two = emerging(hot, z)
    assert (one.code == two.code).all() and (one.trend_p == two.trend_p).all()


def test_what_few_years_can_show_is_said() -> None:
    assert [least_trend_p(n) for n in (1, 2, 3, 4, 5)] == [1.0, 1.0, 1 / 3, 1 / 12, 1 / 60]
    said = {}
    for years in (1, 4, 5, 12):
        found = emerging(np.ones((years, 1), bool), np.zeros((years, 1), np.float32))
        said[years] = (found.statement_zh, found.statement_en)
        assert found.few == (years < 10) and found.can_trend == (years >= 5)
    assert "one year" in said[1][1] and "1 个年份" in said[1][0]
    assert "0.0833" in said[4][1] and "cannot occur" in said[4][1] and "0.0833" in said[4][0]
    assert "fewer than ten" in said[5][1] and "少于 10 个" in said[5][0]
    assert "fewer" not in said[12][1] and len({text for pair in said.values() for text in pair}) == 8
    # A stricter level needs more years.
    assert "cannot occur" in emerging(np.ones((5, 1), bool), np.zeros((5, 1), np.float32), alpha=0.01).statement_en


def test_names_of_positions() -> None:
    found = emerging(np.array([[0, 1, 0], [1, 1, 0]], bool), np.zeros((2, 3), np.float32))
    assert found.names().tolist() == ["new", "persistent", "none"]
    assert found.names(np.array([1])).tolist() == ["persistent"]
    assert [p.name_zh for p in PATTERNS] == ["无", "新增", "连续", "持续", "增强", "减弱", "零星", "振荡", "历史"]
    assert not found.code.flags.writeable


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="shape"):
        emerging(np.ones((3, 4), bool), np.ones((4, 3), np.float32))
    with pytest.raises(InvalidParameter, match="alpha"):
        emerging(np.ones((3, 4), bool), np.ones((3, 4), np.float32), alpha=0.0)
    with pytest.raises(InvalidParameter, match="years"):
        mann_kendall(np.ones(4))
    with pytest.raises(InvalidParameter, match="years"):
        emerging(np.ones((0, 4), bool), np.ones((0, 4), np.float32))
