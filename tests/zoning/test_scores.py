"""Scores against the formula in plain Python; ranks, their intervals, and what may not change them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gis.errors import InvalidParameter
from gis.zoning import scores as module
from gis.zoning.scores import RankDraws, percentiles, pollutant_weights, scores

WEIGHTS = pollutant_weights(("nox", "pm25", "vocs"), {})


def units(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.lognormal(2, 1.5, (count, 4)), rng.lognormal(1, 1, count), rng.random(count)


def by_hand(amount_t: np.ndarray, area: np.ndarray, member: np.ndarray, weights: np.ndarray) -> list[float]:
    n = len(area)

    def percentile(values: list[float], i: int) -> float:
        below = sum(v < values[i] for v in values)
        equal = sum(v == values[i] for v in values)
        return (below + equal / 2) / n

    def mean(s: int, i: int) -> float:
        size = [amount_t[u, s] for u in range(n)]
        density = [amount_t[u, s] / area[u] for u in range(n)]
        return (percentile(size, i) + percentile(density, i)) / 2

    return [
        100 * math.sqrt(mean(0, i) * sum(w * mean(s + 1, i) for s, w in enumerate(weights))) * member[i]
        for i in range(n)
    ]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20))
@settings(deadline=None)
def test_percentiles_are_hazens_with_mid_ranks(values: list[int]) -> None:
    found = percentiles(np.array(values, float))
    np.testing.assert_allclose(found, (stats.rankdata(values) - 0.5) / len(values), rtol=1e-14)


@pytest.mark.parametrize("weights", [{}, {"nox": 3, "pm25": 1, "vocs": 0}])
def test_score_is_the_formula(weights: dict[str, float]) -> None:
    amount_t, area, member = units(1)
    amount_t[3:6] = amount_t[3]
    amount_t[7, 2] = amount_t[8, 2] = 0.0
    w = pollutant_weights(("nox", "pm25", "vocs"), weights)
    found = scores(amount_t, area, member, w, seed=1)
    np.testing.assert_allclose(found["score"], by_hand(amount_t, area, member, w), atol=1e-8)
    assert found["rank"].tolist() == [1 + sum(b > a for b in found["score"]) for a in found["score"]]


def test_no_membership_is_one_and_none_leaves_nothing() -> None:
    amount_t, area, member = units(2)
    np.testing.assert_array_equal(
        scores(amount_t, area, None, WEIGHTS, seed=1), scores(amount_t, area, np.ones(len(area)), WEIGHTS, seed=1)
    )
    found = scores(amount_t, area, 0 * member, WEIGHTS, seed=1)
    assert set(found["score"]) == {0.0}
    assert set(found["rank"]) == set(found["rank_high"]) == {1}


def test_a_lone_unit_is_in_the_middle_of_itself() -> None:
    found = scores(np.ones((1, 4)), np.ones(1), np.ones(1), WEIGHTS, seed=1)
    assert found.iloc[0].tolist() == [50.0, 1, 1, 1]
    assert list(scores(np.zeros((0, 4)), np.zeros(0), None, WEIGHTS, seed=1).columns) == [
        "score",
        "rank",
        "rank_low",
        "rank_high",
    ]


def test_common_factors_change_nothing() -> None:
    """Units of measure and an error common to all units cancel: the score is about order."""
    amount_t, area, member = units(3)
    a = scores(amount_t, area, member, WEIGHTS, seed=1)
    b = scores(amount_t * np.array([1e3, 2, 5, 0.1]), area * 7, member, WEIGHTS, seed=1)
    np.testing.assert_array_equal(a, b)
    patch_t = np.repeat(amount_t[:, :, None], 40, axis=2) * np.random.default_rng(1).lognormal(0, 1, (1, 4, 40))
    flat = RankDraws(patch_t, amount_t, np.arange(len(area), dtype=np.int32))
    one = pollutant_weights(("nox", "pm25", "vocs"), {"nox": 1})
    found = scores(amount_t, area, member, one, draws=flat, seed=1)
    assert (found["rank_low"] == found["rank"]).all()
    assert (found["rank_high"] == found["rank"]).all()


def test_the_interval_is_that_of_the_draws() -> None:
    """Every draw scored by hand with the weights drawn for it, 5 and 95 % points of the ranks."""
    amount_t, area, member = units(4, 9)
    patch = np.array([0, 0, 1, 2, 3, 4, 5, 6, 6], np.int32)
    nominal = np.stack([amount_t[patch == p].sum(axis=0) for p in range(7)])
    nominal[5, 1] = 0.0  # a patch that has none of a species leaves its units' amounts as they are
    draws, rng = 37, np.random.default_rng(5)
    patch_t = nominal[:, :, None] * rng.lognormal(0, 0.5, (7, 4, draws))
    found = scores(amount_t, area, member, WEIGHTS, draws=RankDraws(patch_t, nominal, patch), seed=11)
    weights = module._dirichlet(WEIGHTS, draws, 11)
    ranks = []
    for d in range(draws):
        moved = amount_t.copy()
        for u in range(9):
            for s in range(4):
                if nominal[patch[u], s] > 0:
                    moved[u, s] *= patch_t[patch[u], s, d] / nominal[patch[u], s]
        score = by_hand(moved, area, member, weights[d])
        ranks.append([1 + sum(b > a + 1e-9 for b in score) for a in score])
    ordered = np.sort(np.array(ranks), axis=0)
    assert found["rank_low"].tolist() == ordered[math.ceil(0.05 * draws) - 1].tolist()
    assert found["rank_high"].tolist() == ordered[math.ceil(0.95 * draws) - 1].tolist()
    assert (found["rank_low"] < found["rank_high"]).any()


@pytest.mark.parametrize("weights", [(1 / 3, 1 / 3, 1 / 3), (0.7, 0.3, 0.0), (1.0, 0.0, 0.0)])
def test_weights_are_drawn_from_a_dirichlet(weights: tuple[float, ...]) -> None:
    given = np.array(weights)
    drawn = module._dirichlet(given, 20_000, 3)
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0)
    np.testing.assert_allclose(drawn.mean(axis=0), given, atol=0.01)
    assert (drawn[:, given == 0] == 0).all()
    alpha = given * np.count_nonzero(given)
    for k in np.flatnonzero((given > 0) & (given < 1)):
        # Marginals of a Dirichlet are beta distributions.
        assert stats.kstest(drawn[:, k], stats.beta(alpha[k], alpha.sum() - alpha[k]).cdf).pvalue > 1e-4


def test_row_order_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    amount_t, area, member = units(6, 30)
    patch_t = amount_t[:, :, None] * np.random.default_rng(2).lognormal(0, 0.4, (30, 4, 50))
    patch = np.arange(30, dtype=np.int32)
    first = scores(amount_t, area, member, WEIGHTS, draws=RankDraws(patch_t, amount_t, patch), seed=2)
    mix = np.random.default_rng(3).permutation(30)
    again = scores(
        amount_t[mix], area[mix], member[mix], WEIGHTS, draws=RankDraws(patch_t, amount_t, patch[mix]), seed=2
    )
    np.testing.assert_array_equal(first.to_numpy()[mix], again.to_numpy())
    monkeypatch.setattr(module, "_THREADS", 1)
    alone = scores(amount_t, area, member, WEIGHTS, draws=RankDraws(patch_t, amount_t, patch), seed=2)
    assert alone.to_numpy().tobytes() == first.to_numpy().tobytes()


def test_refusals() -> None:
    amount_t, area, member = units(7)
    with pytest.raises(InvalidParameter, match="negative or not finite"):
        scores(amount_t * np.nan, area, member, WEIGHTS, seed=1)
    with pytest.raises(InvalidParameter, match="no area"):
        scores(amount_t, area * 0, member, WEIGHTS, seed=1)
    with pytest.raises(InvalidParameter, match="membership"):
        scores(amount_t, area, member + 1, WEIGHTS, seed=1)
    with pytest.raises(InvalidParameter, match="add up to 1"):
        scores(amount_t, area, member, WEIGHTS * 2, seed=1)
    with pytest.raises(InvalidParameter, match="expected units x species"):
        scores(amount_t[:, :3], area, member, WEIGHTS, seed=1)
    with pytest.raises(InvalidParameter, match="patches"):
        RankDraws(np.ones((2, 4, 3)), np.ones((2, 4)), np.array([2], np.int32))
    with pytest.raises(InvalidParameter, match="no pollutant"):
        pollutant_weights(("nox",), {"so2": 1.0})
    with pytest.raises(InvalidParameter, match="draws are of"):
        scores(
            amount_t,
            area,
            member,
            WEIGHTS,
            draws=RankDraws(np.ones((2, 4, 3)), np.ones((2, 4)), np.zeros(1, np.int32)),
            seed=1,
        )
