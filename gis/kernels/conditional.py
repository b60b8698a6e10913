"""Sums of neighbours drawn without replacement, and how many of them reach what was observed.

A draw is an ordered sample of positions, so that its first k members are a sample of k: one draw serves every k, a *level*.
Draw r takes its numbers from a stream of its own (SplitMix64; Steele, Lea & Flood 2014) that starts at a hash of the seed and r:
threads and chunks change nothing.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "draw_sums",
    "exceeding_pairs",
    "fill_buckets",
    "held_back",
    "index_members",
    "shared_null",
    "subset_counts",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

_BLOCK = 512  # draws of one task
_FEW = 24  # up to here a repeated member is found by looking at all before it
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53


@numba.njit(nogil=True)
def _mix(z: Any) -> Any:
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


@numba.njit(nogil=True)
def _is_new(at: Any, j: int, picks: Ints, slots: Ints, stamps: Ints, stamp: int) -> bool:
    """Whether a position is not among the first j picks; remembers it."""
    if picks.shape[0] <= _FEW:
        for i in range(j):
            if picks[i] == at:
                return False
        return True
    mask = slots.shape[0] - 1
    s = (at * 0x9E3779B1) & mask
    while stamps[s] == stamp:
        if slots[s] == at:
            return False
        s = (s + 1) & mask
    stamps[s] = stamp
    slots[s] = at
    return True


@numba.njit(nogil=True)
def _pick(state: Any, size: int, picks: Ints, slots: Ints, stamps: Ints, stamp: int) -> None:
    """Fill distinct positions below ``size``, every ordered sample alike likely up to size · 2^-53."""
    j = 0
    while j < picks.shape[0]:
        state += _GOLDEN
        at = np.int64(np.float64(_mix(state) >> _S11) * _UNIT * size)
        if _is_new(at, j, picks, slots, stamps, stamp):
            picks[j] = at
            j += 1


@numba.njit(cache=True, nogil=True, parallel=True)
def draw_sums(population: Ints, levels: Ints, key: Any, first: int, out_sums: Ints, out_members: Ints32) -> None:
    """Fill the sums of the first ``levels[l]`` members of each draw, numbered from ``first``; and the members, if there is room.

    ``levels`` is ascending, ``out_sums`` (levels × draws), ``out_members`` (draws × largest level, or 0 × 0).
    """
    draws = out_sums.shape[1]
    size = population.shape[0]
    most = levels[levels.shape[0] - 1]
    room = 64
    while room < 4 * most:
        room *= 2
    for b in numba.prange((draws + _BLOCK - 1) // _BLOCK):
        picks = np.empty(most, np.int64)
        slots = np.empty(room, np.int64)
        stamps = np.full(room, -1, np.int64)
        for r in range(b * _BLOCK, min((b + 1) * _BLOCK, draws)):
            _pick(_mix(key + np.uint64(first + r + 1) * _GOLDEN), size, picks, slots, stamps, r)
            s = 0
            j = 0
            for level in range(levels.shape[0]):
                while j < levels[level]:
                    s += population[picks[j]]
                    j += 1
                out_sums[level, r] = s
            if out_members.shape[0] > 0:
                for i in range(most):
                    out_members[r, i] = picks[i]


@numba.njit(cache=True, nogil=True, parallel=True)
def fill_buckets(table: Any, shift: Ints, out: Ints32) -> None:
    """Fill, for sorted rows of sums from 0, the position of the first sum of each bucket of 2^shift whole numbers."""
    buckets = out.shape[1] - 1
    for level in numba.prange(table.shape[0]):
        b = 0
        for r in range(table.shape[1]):
            own = table[level, r] >> shift[level]
            while b <= own:
                out[level, b] = r
                b += 1
        while b <= buckets:
            out[level, b] = table.shape[1]
            b += 1


@numba.njit(nogil=True)
def _at_least(row: Any, start: Ints32, shift: int, s: int) -> Any:
    """Number of sums of a sorted row that are s or more."""
    draws = row.shape[0]
    if s <= 0:
        return draws
    if s > row[draws - 1]:
        return 0
    bucket = s >> shift
    low = start[bucket]
    high = start[bucket + 1]
    while low < high:
        middle = (low + high) >> 1
        if row[middle] < s:
            low = middle + 1
        else:
            high = middle
    return draws - low


@numba.njit(cache=True, nogil=True, parallel=True)
def shared_null(
    observed: Ints, own: Ints, k: Ints32, size: int, level_at: Ints, table: Any, least: Ints, start: Ints32, shift: Ints, out: Floats,
) -> None:  # fmt: skip
    """Fill the share of samples of k others whose sum is ``observed`` or more, where the tables have k and k − 1.

    ``table`` holds the sorted sums less the ``least`` of their level, ``level_at[k]`` the row of level k, -1 if it is not there.
    Q_k(s) = [P_k(s) − (k/n)·Q_{k−1}(s − x)]/(1 − k/n), with P_{k−1} for Q_{k−1}. The cell is left among the others where it can move
    the share by no more than a tenth of the standard error of so many draws.
    """
    draws = table.shape[1]
    for i in numba.prange(observed.shape[0]):
        n = k[i]
        if n == 0 or level_at[n] < 0 or (n > 1 and level_at[n - 1] < 0):
            continue
        at = level_at[n]
        share = _at_least(table[at], start[at], shift[at], observed[i] - least[at]) / draws
        held = n / size
        if held * held * draws > 0.01 * share * (1.0 - share):
            rest = observed[i] - own[i]
            if n == 1:
                with_own = 1.0 if rest <= 0 else 0.0
            else:
                at = level_at[n - 1]
                with_own = _at_least(table[at], start[at], shift[at], rest - least[at]) / draws
            share = min(max((share - held * with_own) / (1.0 - held), 0.0), 1.0)
        out[i] = share


@numba.njit(cache=True, nogil=True)
def index_members(members: Ints32, out_start: Ints, out_entry: Ints) -> None:
    """Fill, position by position, the places (draw × size of a draw + place in it) where it was drawn, in order."""
    flat = members.ravel()
    out_start[:] = 0
    for e in range(flat.shape[0]):
        out_start[flat[e] + 1] += 1
    for p in range(1, out_start.shape[0]):
        out_start[p] += out_start[p - 1]
    for e in range(flat.shape[0]):
        p = flat[e]
        out_entry[out_start[p]] = e
        out_start[p] += 1
    for p in range(out_start.shape[0] - 1, 0, -1):
        out_start[p] = out_start[p - 1]
    out_start[0] = 0


@numba.njit(cache=True, nogil=True, parallel=True)
def held_back(
    observed: Ints, k: Ints32, level_at: Ints, sums: Ints, most: int, start: Ints, entry: Ints, out_draws: Ints, out_reached: Ints,
) -> None:  # fmt: skip
    """Add, for each cell, the draws that hold it among their first k members, and those of them that reach ``observed``."""
    for i in numba.prange(observed.shape[0]):
        n = k[i]
        if n == 0:
            continue
        at = level_at[n]
        for e in range(start[i], start[i + 1]):
            r = entry[e] // most
            if entry[e] - r * most < n:
                out_draws[i] += 1
                out_reached[i] += sums[at, r] >= observed[i]


@numba.njit(cache=True, nogil=True, parallel=True)
def exceeding_pairs(
    own: Ints, near: Ints, k: Ints32, level_at: Ints, sums: Ints, mean: Floats, most: int, start: Ints, entry: Ints, out: Ints,
) -> None:  # fmt: skip
    """Add the draws without the cell itself, and those whose product of two sums is at least, at most the observed one.

    Everything comes in pairs (x, y): ``own`` and ``near`` (2 × cells) the cell's values and its neighbours' sums, ``sums``
    (2 × levels × draws), ``mean`` (2). A sum is taken with the cell's own value and less its expectation. ``out`` (cells × 3).
    """
    draws = sums.shape[2]
    for i in numba.prange(own.shape[1]):
        n = k[i]
        if n == 0:
            continue
        at = level_at[n]
        less_x = own[0, i] - mean[0] * (n + 1)
        less_y = own[1, i] - mean[1] * (n + 1)
        seen = (near[0, i] + less_x) * (near[1, i] + less_y)
        e = start[i]
        for r in range(draws):
            held = False
            while e < start[i + 1] and entry[e] // most <= r:
                held = held or entry[e] - r * most < n
                e += 1
            if held:
                continue
            drawn = (sums[0, at, r] + less_x) * (sums[1, at, r] + less_y)
            out[i, 0] += 1
            out[i, 1] += drawn >= seen
            out[i, 2] += drawn <= seen


@numba.njit(cache=True, nogil=True)
def subset_counts(value: Ints, size: Ints, offset: Ints, out: Floats) -> None:
    """Fill the number of samples of j members by their sum: sample size j begins at ``offset[j]``, sum s is s further.

    ``value`` are the distinct values of a population, ascending from 0, ``size`` how many have each. ``out`` comes as zeros.
    """
    most = offset.shape[0] - 2
    ways = np.zeros(most + 1)
    out[offset[0]] = 1.0
    for g in range(value.shape[0]):
        ways[0] = 1.0
        for t in range(1, most + 1):
            ways[t] = ways[t - 1] * max(size[g] - t + 1, 0) / t
        before = value[g - 1] if g > 0 else 0
        for j in range(most, 0, -1):
            for t in range(1, min(j, size[g]) + 1):
                # j − t members of the groups before, t of this one; larger samples first, so that these are still without it.
                source = offset[j - t]
                target = offset[j] + t * value[g]
                for s in range((j - t) * before + 1):
                    out[target + s] += ways[t] * out[source + s]
