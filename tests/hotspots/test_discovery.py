"""Discoveries against a sort, and against scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, norm

from gis.errors import InvalidParameter
from gis.hotspots.discovery import Control, discoveries, score_discoveries, score_p


def by_sorting(p, alpha, control):
    """The largest p_(j) ≤ j·α/m, in plain Python; 0 if there is none."""
    m = len(p)
    bound = alpha / sum(1 / i for i in range(1, m + 1)) if control == "by" else alpha
    passing = [v for j, v in enumerate(sorted(p), start=1) if v <= j * bound / m]
    return max(passing, default=0.0)


@pytest.mark.parametrize("control", Control)
@given(
    p=st.lists(st.one_of(st.floats(0, 1), st.sampled_from([1e-6, 0.001, 0.01, 0.02, 1.0])), min_size=1, max_size=60),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
)
@settings(deadline=None, max_examples=200)
def test_the_cutoff_is_that_of_a_sort(control, p, alpha):
    p = np.array(p)
    found = discoveries(p, alpha, control)
    expected = by_sorting(p.tolist(), alpha, control)
    # The two divide in another order: a p within rounding of its line may stand in one and fall in the other.
    if all(abs(v * len(p) / (alpha * j) - 1) > 1e-12 for j in range(1, len(p) + 1) for v in p):
        assert found.cutoff == expected
    assert np.array_equal(found.mask, p <= found.cutoff if found.mask.any() else np.zeros(len(p), bool))


@pytest.mark.parametrize("control", Control)
def test_scipy_agrees(control):
    rng = np.random.default_rng(3)
    p = np.concatenate([rng.uniform(size=5000), rng.beta(0.1, 20, 500)])
    found = discoveries(p, 0.05, control)
    assert 50 < found.mask.sum() < 520
    assert np.array_equal(found.mask, false_discovery_control(p, method=control.value) <= 0.05)


def test_where_nothing_stands_the_cutoff_is_zero_and_nobody_passes():
    for p in (np.ones(10), np.array([0.02, 0.5, 0.9]), np.zeros(0)):
        found = discoveries(p, 0.05)
        assert found.cutoff == 0.0 and not found.mask.any() and len(found.mask) == len(p)


def test_all_tests_count_not_only_those_that_look_good():
    p = np.array([0.001, 0.004, 0.6, 0.7])
    assert discoveries(p, 0.05).mask.sum() == 2
    assert discoveries(p, 0.05, tests=40).mask.sum() == 1
    assert discoveries(p[:2], 0.05, tests=4).cutoff == discoveries(p, 0.05).cutoff


def test_by_is_never_more_than_bh():
    p = np.random.default_rng(1).beta(0.3, 3, 2000)
    bh, by = discoveries(p, 0.1), discoveries(p, 0.1, Control.BY)
    assert by.mask.sum() < bh.mask.sum() and not (by.mask & ~bh.mask).any()


@pytest.mark.parametrize("control", Control)
def test_scores_are_asked_only_where_it_matters(control):
    z = np.random.default_rng(5).normal(0.3, 1.6, 20_000).astype(np.float32)
    z[::50] = np.nan
    quick, slow = score_discoveries(z, 0.05, control), discoveries(score_p(z), 0.05, control)
    assert quick.cutoff == slow.cutoff > 0 and np.array_equal(quick.mask, slow.mask)
    assert score_p(z)[1] == pytest.approx(norm.sf(float(z[1])), rel=1e-12) and score_p(z)[0] == 1.0


def test_uniform_p_are_rarely_discovered():
    rng = np.random.default_rng(9)
    some = sum(discoveries(rng.uniform(size=400), 0.05).mask.any() for _ in range(400))
    # Under the null any discovery at all comes with probability alpha: 20 of 400 expected, standard error 4.4.
    assert 7 <= some <= 35


def test_hostile_arguments_are_refused():
    with pytest.raises(InvalidParameter, match="alpha"):
        discoveries(np.ones(3), 0.0)
    with pytest.raises(InvalidParameter, match="NaN"):
        discoveries(np.array([0.1, np.nan]), 0.05)
    with pytest.raises(InvalidParameter, match="2 tests"):
        discoveries(np.ones(3), 0.05, tests=2)
