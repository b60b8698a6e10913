"""Scores: the order of the units, and how firm it is when the inventory and the weights are as uncertain as they are."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaincinv

from gis.errors import InvalidParameter

__all__ = ["RankDraws", "percentiles", "pollutant_weights", "scores"]

Floats = NDArray[np.float64]

# 5 and 95 % points of the ranks over the draws.
_LOW, _HIGH = 0.05, 0.95
# Scores whose difference is rounding are equal and share a rank.
_DIGITS = 9
_WEIGHT_DRAWS = 500
# Tens of thousands of units are ranked in the first hundred draws only: enough for 5 and 95 % points.
_MOST_RANKS, _FEWEST_DRAWS = 5_000_000, 100
_THREADS = 2
_BLOCK = 16


@dataclass(frozen=True, slots=True, eq=False)
class RankDraws:
    """Perturbed amounts of patches, (patches, species, draws), their nominal ones and the patch of each unit."""

    patch_t: NDArray[np.floating]
    nominal_t: Floats
    patch: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.patch_t.ndim != 3 or self.nominal_t.shape != self.patch_t.shape[:2]:
            raise InvalidParameter(
                f"patch_t has shape {self.patch_t.shape} and nominal_t {self.nominal_t.shape}; "
                "expected patches x species x draws, and patches x species"
            )
        if len(self.patch) and not (self.patch.min() >= 0 and self.patch.max() < len(self.patch_t)):
            raise InvalidParameter(
                f"units name patches {self.patch.min()} to {self.patch.max()} of {len(self.patch_t)}"
            )

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(self.patch_t.shape[2])

    def moved(self, amount_t: Floats, block: slice) -> Floats:
        """The units' amounts in some draws, (draws, species, units): each moves as its patch, and stays where that has nothing."""
        nominal = self.nominal_t[self.patch]
        some = nominal > 0
        scale = np.divide(amount_t, nominal, out=np.zeros_like(nominal), where=some)
        moved = self.patch_t[self.patch, :, block].astype(np.float64) * scale[:, :, None]
        moved += np.where(some, 0.0, amount_t)[:, :, None]
        return np.ascontiguousarray(moved.T)


def pollutant_weights(pollutants: tuple[str, ...], weights: Mapping[str, float]) -> Floats:
    """Weights of the pollutants that add up to 1: equal if none is given, those not named weigh nothing."""
    given = np.array([weights.get(p, 0.0) for p in pollutants]) if weights else np.ones(len(pollutants))
    if not (given >= 0).all() or not 0 < given.sum() < np.inf:
        raise InvalidParameter(
            f"score weights {dict(weights)} leave no pollutant of {', '.join(pollutants)} with a weight above zero; "
            "give one at least, or none at all for equal weights"
        )
    total: Floats = given / given.sum()
    return total


def percentiles(values: Floats) -> Floats:
    """Percentile of every value among all, from 0 to 1 along the last axis: (mid-rank - 1/2) / n, equal values alike (Hazen 1914)."""
    n = values.shape[-1]
    rows = values.reshape(-1, n)
    out = np.empty_like(rows)
    for row, target in zip(rows, out, strict=True):
        order, first, stop = _equals(row)
        target[order] = np.repeat((first + stop) / (2.0 * n), stop - first)
    return out.reshape(values.shape)


def _equals(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The ascending order of values, and where in it each group of equal ones starts and stops."""
    order = np.argsort(values)
    ordered = values[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return order, first, np.append(first[1:], len(values))


def scores(
    amount_t: Floats,
    area_km2: Floats,
    membership: Floats | None,
    weights: Floats,
    *,
    draws: RankDraws | None = None,
    seed: int,
) -> pd.DataFrame:
    """Score, rank, rank_low and rank_high of every unit; rank 1 is the highest score, equal scores share the best of their ranks.

    ``amount_t`` is (units, species), carbon first; ``membership`` the mean membership of each unit, None if none was drawn (then 1);
    ``weights`` those of the pollutants, adding up to 1. The interval holds the ranks between the 5 and 95 % points over the draws
    of the inventory and of the weights.
    """
    _check(amount_t, area_km2, membership, weights, draws)
    members = np.ones(len(amount_t)) if membership is None else membership
    if not len(amount_t):
        none = np.zeros(0, np.int64)
        return pd.DataFrame({"score": np.zeros(0), "rank": none, "rank_low": none, "rank_high": none})
    score = _score(amount_t.T, area_km2, members, weights)
    number = draws.draws if draws is not None and draws.draws else _WEIGHT_DRAWS
    number = min(number, max(_FEWEST_DRAWS, _MOST_RANKS // len(amount_t)))
    drawn_weights = _dirichlet(weights, number, seed)
    ranks = np.empty((number, len(score)), np.int32)

    def fill(start: int) -> None:
        block = slice(start, min(start + _BLOCK, number))
        moved = draws.moved(amount_t, block) if draws is not None and draws.draws else None
        for k, d in enumerate(range(block.start, block.stop)):
            ranks[d] = _ranks(_score(amount_t.T if moved is None else moved[k], area_km2, members, drawn_weights[d]))

    # A thread owns the draws it fills, so that their number changes nothing; sorting releases the interpreter.
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(fill, range(0, number, _BLOCK)))
    low, high = np.quantile(ranks, (_LOW, _HIGH), axis=0, method="inverted_cdf").astype(np.int64)
    return pd.DataFrame({"score": score, "rank": _ranks(score).astype(np.int64), "rank_low": low, "rank_high": high})


def _score(amount_t: Floats, area_km2: Floats, membership: Floats, weights: Floats) -> Floats:
    """S = 100 √(c·a) P̄ of every unit, from amounts as (species, units)."""
    mean = 0.5 * (percentiles(amount_t) + percentiles(amount_t / area_km2))
    pollutants = np.zeros(len(area_km2))
    for weight, part in zip(weights, mean[1:], strict=True):
        pollutants += weight * part
    score: Floats = np.round(100.0 * np.sqrt(mean[0] * pollutants) * membership, _DIGITS)
    return score


def _ranks(score: Floats) -> NDArray[np.int32]:
    """1 for the highest; equal scores share the best of their ranks."""
    order, first, stop = _equals(score)
    out = np.empty(len(score), np.int32)
    out[order] = np.repeat(1 + len(score) - stop, stop - first)
    return out


def _dirichlet(weights: Floats, number: int, seed: int) -> Floats:
    """Draws of the weights, (number, pollutants): Dirichlet with the given ones as mean, flat where they are equal.

    Gamma variates by inverse from Philox's raw words: those are promised to stay the same from one numpy to the next, its
    distributions are not (NEP 19).
    """
    alpha = weights * np.count_nonzero(weights)
    words = np.random.Philox(seed).random_raw(number * len(weights)).reshape(number, len(weights))
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    some = alpha > 0
    gamma = np.zeros(uniform.shape)
    gamma[:, some] = gammaincinv(alpha[some], uniform[:, some])
    total = gamma.sum(axis=1, keepdims=True)
    # All underflow to zero only for shape parameters far below 1: then the given weights stand.
    drawn: Floats = np.where(total > 0, gamma / np.where(total > 0, total, 1.0), weights)
    return drawn


def _check(
    amount_t: Floats, area_km2: Floats, membership: Floats | None, weights: Floats, draws: RankDraws | None
) -> None:
    units = len(amount_t)
    if amount_t.ndim != 2 or amount_t.shape[1] != len(weights) + 1 or area_km2.shape != (units,):
        raise InvalidParameter(
            f"amounts of shape {amount_t.shape}, {len(weights)} weights and areas of shape {area_km2.shape}; "
            "expected units x species (carbon first), a weight for every pollutant and an area for every unit"
        )
    if not ((amount_t >= 0) & (amount_t < np.inf)).all():
        raise InvalidParameter("a unit's amount is negative or not finite; amounts from 0 t/yr upward are expected")
    if not ((area_km2 > 0) & (area_km2 < np.inf)).all():
        raise InvalidParameter("a unit has no area, or none that is finite; areas above 0 km² are expected")
    if not ((weights >= 0).all() and abs(weights.sum() - 1.0) < 1e-9):
        raise InvalidParameter(f"weights {weights.tolist()} do not add up to 1; make them with pollutant_weights")
    if membership is not None and not (membership.shape == (units,) and ((membership >= 0) & (membership <= 1)).all()):
        raise InvalidParameter("membership is a share from 0 to 1 for every unit; leave it out if none was drawn")
    if draws is not None and (len(draws.patch) != units or draws.patch_t.shape[1] != amount_t.shape[1]):
        raise InvalidParameter(
            f"draws are of {len(draws.patch)} units and {draws.patch_t.shape[1]} species, amounts of {amount_t.shape}"
        )
