"""Conditional p-values: with a cell held fixed, how often would neighbours drawn from all others add up to as much.

The sum over a cell's k neighbours is compared with that of k others drawn without replacement (Anselin 1995; Ord & Getis 1995). All
cells with k neighbours share one null but for the cell itself, which an identity takes out; see docs/methods.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.fields import Field
from gis.hotspots.neighbours import Window
from gis.kernels.conditional import (
    draw_sums,
    fill_buckets,
    held_back,
    index_members,
    shared_null,
    subset_counts,
)

__all__ = ["Method", "Sample", "Tails", "conditional_tails", "method_for", "sample"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
# Of sample size j and sums s: how many samples of j members of the population have the sum s or more.
Counts = Callable[[int, Ints], Floats]

_ENUMERATED = 4_000_000  # subsets of all sizes that are written out
_CONVOLVED = 1_000_000_000  # additions of an exact convolution, half a second
_TABLE = 32_000_000  # numbers in its table
_SHARED = 1e-3  # of the population: share of neighbours up to which what the recursion leaves out is below 1e-6
_LEVELS = 16  # sample sizes tabulated at a time
_MEMBERS = 1 << 22  # members of draws held at a time


class Method(StrEnum):
    """How a p-value came about."""

    EXACT = "exact"
    SHARED = "shared null"
    PERMUTATION = "permutation"
    ANALYTIC = "analytic"


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """One-sided p-values of each domain cell, 1 without a neighbour: that neighbours add up to so much or more, so little or less.

    ``least`` is the least p that could come out, ``draws`` the number behind each p, 0 if exact.
    """

    high: Floats
    low: Floats | None
    method: Method
    least: float
    draws: int


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Draws from a population: sums by sample size (``level_at``) and draw, and the draws each cell was in."""

    level_at: Ints
    sums: Ints
    most: int
    start: Ints
    entry: Ints


def conditional_tails(
    field: Field, window: Window, *, draws: int, seed: int, low: bool = False, method: Method | None = None
) -> Tails:
    """P-values of the sums over neighbours, by the method that size and neighbours call for unless one is given."""
    if draws < 1 or not 0 <= seed < 2**63:
        raise InvalidParameter(
            f"draws = {draws}, seed = {seed}; at least one draw and a seed from 0 below 2^63 are expected"
        )
    k = window.neighbours
    if not k.any() or field.constant:
        ones = np.ones(len(k))
        return Tails(ones, ones if low else None, Method.EXACT, 1.0, 0)
    chosen = method_for(field, int(k.max())) if method is None else method
    near = window.near(field)
    # Sums are whole numbers: s or less is not s + 1 or more.
    observed = [near, near + 1] if low else [near]
    work = {Method.EXACT: _exact, Method.SHARED: _shared, Method.PERMUTATION: _permuted}
    if chosen not in work:
        raise InvalidParameter(f"method {chosen!r} draws nothing; use one of {', '.join(work)}")
    return work[chosen](field, k, observed, draws, seed)


def method_for(field: Field, most: int) -> Method:
    """Exact where that is affordable; the shared null where neighbours are few among all; permutation between."""
    if _can_enumerate(field.size, most) or _can_convolve(field, most):
        return Method.EXACT
    return Method.SHARED if most <= _SHARED * field.size else Method.PERMUTATION


# -- exact ------------------------------------------------------------------------------------------------------------


def _can_enumerate(size: int, most: int) -> bool:
    total = 0
    for j in range(min(most, size) + 1):
        total += math.comb(size, j)
        if total > _ENUMERATED:
            return False
    return True


def _can_convolve(field: Field, most: int) -> bool:
    if (
        field.size > 200_000
        or math.lgamma(field.size + 1) - math.lgamma(most + 1) - math.lgamma(field.size - most + 1) > 690.0
    ):  # counts beyond 1e300 are no floats
        return False
    value, size = _reduced(field)[:2]
    # Taking t members of a group onto samples of j − t, sums up to (j − t) values: additions per unit of value, t by t.
    steps = np.array([(most - t) * (most - t + 1) / 2 for t in range(1, most + 1)])
    work = float((np.cumsum(steps)[np.minimum(size, most) - 1] * value).sum())
    return work <= _CONVOLVED and int(value[-1]) * most * (most + 1) // 2 + most + 1 <= _TABLE


def _reduced(field: Field) -> tuple[Ints, Ints, int, int]:
    """Distinct values from 0 in units of their common divisor, how many have each, what 0 stands for, the unit."""
    value, size = np.unique(field.whole, return_counts=True)
    low = int(value[0])
    unit = max(int(np.gcd.reduce(value - low)), 1)
    return (value - low) // unit, size.astype(np.int64), low, unit


def _enumerated(field: Field, most: int) -> Counts:
    lists = [np.zeros(math.comb(field.size, j), np.int64) for j in range(most + 1)]
    for i, value in enumerate(field.whole):
        for j in range(min(most, i + 1), 0, -1):
            have, new = math.comb(i, j), math.comb(i, j - 1)
            lists[j][have : have + new] = lists[j - 1][:new] + value
    for values in lists:
        values.sort()
    return lambda j, s: (len(lists[j]) - np.searchsorted(lists[j], s)).astype(np.float64)


def _convolved(field: Field, most: int) -> Counts:
    value, size, low, unit = _reduced(field)
    offset = np.concatenate([[0], np.cumsum(np.arange(most + 1) * value[-1] + 1)])
    counts = np.zeros(offset[-1])
    subset_counts(value, size, offset, counts)
    tails = [counts[offset[j] : offset[j + 1]][::-1].cumsum()[::-1] for j in range(most + 1)]

    def at_least(j: int, s: Ints) -> Floats:
        # Rounded up: no sum lies between two multiples of the unit.
        at = -((j * low - s) // unit)
        return np.where(at < len(tails[j]), tails[j][np.clip(at, 0, len(tails[j]) - 1)], 0.0)

    return at_least


def _exact(field: Field, k: Ints32, observed: list[Ints], draws: int, seed: int) -> Tails:
    most = int(k.max())
    counts = _enumerated(field, most) if _can_enumerate(field.size, most) else _convolved(field, most)
    out = [np.ones(len(k)) for _ in observed]
    least = 1.0
    for level in np.unique(k[k > 0]):
        cells = np.flatnonzero(k == level)
        samples = float(math.comb(field.size - 1, int(level)))
        own = field.own[cells]
        for side, near in enumerate(observed):
            # Samples without the cell = all of them less those with it, whose rest is a sample without it, one smaller.
            without = np.zeros(len(cells))
            for j in range(int(level) + 1):
                without = counts(j, near[cells] - (int(level) - j) * own) - without
            share = without if side == 0 else samples - without
            out[side][cells] = np.clip(share / samples, 1.0 / samples, 1.0)
        least = min(least, 1.0 / samples)
    return Tails(out[0], out[1] if len(out) > 1 else None, Method.EXACT, least, 0)


# -- shared null ------------------------------------------------------------------------------------------------------


def _shared(field: Field, k: Ints32, observed: list[Ints], draws: int, seed: int) -> Tails:
    sizes = np.unique(k[k > 0]).astype(np.int64)
    shares = [np.ones(len(k)) for _ in observed]
    for first in range(0, len(sizes), _LEVELS):
        own = sizes[first : first + _LEVELS]
        levels = np.union1d(own, own - 1)
        _tabulate(field, k, observed, levels[levels > 0], draws, seed, shares)
    low = 1.0 - shares[1] if len(shares) > 1 else None
    # The sample of the cell itself counts as one more draw (Davison & Hinkley 1997), so that no p is 0.
    high = np.where(k > 0, (draws * shares[0] + 1.0) / (draws + 1.0), 1.0)
    if low is not None:
        low = np.where(k > 0, (draws * low + 1.0) / (draws + 1.0), 1.0)
    return Tails(high, low, Method.SHARED, 1.0 / (draws + 1), draws)


def _tabulate(
    field: Field, k: Ints32, observed: list[Ints], levels: Ints, draws: int, seed: int, shares: list[Floats]
) -> None:
    sums = np.empty((len(levels), draws), np.int64)
    draw_sums(field.whole, levels, np.uint64(seed), 0, sums, np.empty((0, 0), np.int32))
    least = sums.min(axis=1)
    sums -= least[:, None]
    # Half the memory to look through where it suffices, as it does for ranks.
    table = sums.astype(np.int32) if sums.max() < 2**31 else sums
    with ThreadPoolExecutor() as pool:
        list(pool.map(np.ndarray.sort, table))
    # About a bucket a draw: the least power of two that is no less.
    bits = max(draws - 1, 1).bit_length()
    shift = np.array([max(int(row[-1]).bit_length() - bits, 0) for row in table])
    start = np.empty((len(levels), (1 << bits) + 1), np.int32)
    fill_buckets(table, shift, start)
    level_at = _level_at(levels, int(k.max()))
    for near, out in zip(observed, shares, strict=True):
        shared_null(near, field.own, k, field.size, level_at, table, least, start, shift, out)


def _level_at(levels: Ints, most: int) -> Ints:
    out = np.full(most + 1, -1, np.int64)
    out[levels] = np.arange(len(levels))
    return out


# -- permutation ------------------------------------------------------------------------------------------------------


def sample(fields: list[Field], k: Ints32, *, first: int, draws: int, seed: int) -> tuple[Sample, Ints]:
    """Draws ``first`` to ``first + draws``, the same members for each field; and the sums, (fields, sizes, draws)."""
    levels = np.unique(k[k > 0]).astype(np.int64)
    most, size = int(levels[-1]), fields[0].size
    sums = np.empty((len(fields), len(levels), draws), np.int64)
    members = np.empty((draws, most), np.int32)
    for field, out in zip(fields, sums, strict=True):
        draw_sums(field.whole, levels, np.uint64(seed), first, out, members)
    start, entry = np.empty(size + 1, np.int64), np.empty(members.size, np.int64)
    index_members(members, start, entry)
    return Sample(_level_at(levels, most), sums[0], most, start, entry), sums


def _permuted(field: Field, k: Ints32, observed: list[Ints], draws: int, seed: int) -> Tails:
    """Each cell is compared with the shared draws that do not hold it: those are draws from the others, at any size."""
    held, reached, total = (np.zeros((len(observed), len(k)), np.int64) for _ in range(3))
    groups = {int(level): np.flatnonzero(k == level) for level in np.unique(k[k > 0])}
    chunk = max(1, min(draws, _MEMBERS // max(groups)))
    for first in range(0, draws, chunk):
        drawn, _ = sample([field], k, first=first, draws=min(chunk, draws - first), seed=seed)
        for side, near in enumerate(observed):
            held_back(
                near, k, drawn.level_at, drawn.sums, drawn.most, drawn.start, drawn.entry, held[side], reached[side]
            )
        drawn.sums.sort(axis=1)
        for level, cells in groups.items():
            row = drawn.sums[drawn.level_at[level]]
            for side, near in enumerate(observed):
                total[side, cells] += len(row) - np.searchsorted(row, near[cells])
    free = draws - held[0]
    high = np.where(k > 0, (total[0] - reached[0] + 1.0) / (free + 1.0), 1.0)
    low = None
    if len(observed) > 1:
        low = np.where(k > 0, (free - (total[1] - reached[1]) + 1.0) / (free + 1.0), 1.0)
    least = 1.0 / (float(free[k > 0].max()) + 1.0)
    return Tails(high, low, Method.PERMUTATION, least, draws)
