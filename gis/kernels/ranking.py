"""Ranks of cells: densities sorted by their bits (a positive float64 sorts as its bits do), and what the densest hold together.

One pass deals the cells into buckets by the leading bits of their density; a bucket fits the cache, and one thread sorts it. Sums are
compensated, over blocks of a fixed size, so that threads change nothing.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.queue import take
from gis.kernels.threads import threads_for

__all__ = ["rank_cells"]

# Bits of a density that are left out of the order: what remains is 2^-36, or 1.5e-11, of a density.
_DROPPED = np.uint64(16)
# Densities in one group differ from its densest by no more than so many units of 2^-36: all within 1e-9 are, none beyond 2.1e-9.
_SAME = np.uint64(139)
_CHUNK = 1 << 18
_BLOCK = 1 << 13
_DIGIT = np.uint64(8)
_FEW = 48

Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]
Ints = NDArray[np.int32]


@numba.njit(cache=True, nogil=True, inline="always")
def _density(amount: Floats, area: Floats, i: int) -> float:
    return float(amount[i] / area[i] if area.shape[0] else amount[i])


@numba.njit(cache=True, nogil=True, parallel=True)
def _extremes(amount: Floats, area: Floats, out: Floats) -> None:
    """Fill the least and the greatest density above zero of each chunk, infinity and zero without one."""
    for c in numba.prange(out.shape[0]):
        least, most = math.inf, 0.0
        for i in range(c * _CHUNK, min((c + 1) * _CHUNK, amount.shape[0])):
            d = _density(amount, area, i)
            most = max(most, d)
            least = min(least, d if d > 0.0 else math.inf)
        out[c, 0], out[c, 1] = least, most


@numba.njit(cache=True, nogil=True, parallel=True)
def _histogram(amount: Floats, area: Floats, top: np.uint64, shift: np.uint64, out: NDArray[np.int64]) -> None:
    """Count the emitting cells of each chunk by the leading bits of how far they are below the densest."""
    for c in numba.prange(out.shape[0]):
        value = np.empty(1)
        bits = value.view(np.uint64)
        for i in range(c * _CHUNK, min((c + 1) * _CHUNK, amount.shape[0])):
            value[0] = _density(amount, area, i)
            if value[0] > 0.0:
                out[c, (top - (bits[0] >> _DROPPED)) >> shift] += 1


@numba.njit(cache=True, nogil=True)
def _starts(count: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Turn counts into places, bucket by bucket and in it chunk by chunk; ``out`` holds where each bucket begins."""
    at = 0
    for b in range(count.shape[1]):
        out[b] = at
        for c in range(count.shape[0]):
            own = count[c, b]
            count[c, b] = at
            at += own
    out[count.shape[1]] = at


@numba.njit(cache=True, nogil=True, parallel=True)
def _deal(
    amount: Floats,
    area: Floats,
    top: np.uint64,
    shift: np.uint64,
    place: NDArray[np.int64],
    out_bits: Bits,
    out_cell: Ints,
) -> None:
    for c in numba.prange(place.shape[0]):
        value = np.empty(1)
        bits = value.view(np.uint64)
        for i in range(c * _CHUNK, min((c + 1) * _CHUNK, amount.shape[0])):
            value[0] = _density(amount, area, i)
            if value[0] > 0.0:
                b = (top - (bits[0] >> _DROPPED)) >> shift
                at = place[c, b]
                place[c, b] = at + 1
                out_bits[at] = bits[0]
                out_cell[at] = i


@numba.njit(cache=True, nogil=True)
def _insertion_sort(start: int, stop: int, bits: Bits, cell: Ints) -> None:
    for i in range(start + 1, stop):
        b, c = bits[i], cell[i]
        j = i
        while j > start and (bits[j - 1] >> _DROPPED) < (b >> _DROPPED):
            bits[j], cell[j] = bits[j - 1], cell[j - 1]
            j -= 1
        bits[j], cell[j] = b, c


@numba.njit(cache=True, nogil=True)
def _digit_sort(
    start: int, stop: int, top: np.uint64, shift: np.uint64, place: NDArray[np.int64],
    bits: Bits, cell: Ints, out_bits: Bits, out_cell: Ints,
) -> None:  # fmt: skip
    mask = np.uint64(place.shape[0] - 1)
    place[:] = 0
    for i in range(start, stop):
        place[((top - (bits[i] >> _DROPPED)) >> shift) & mask] += 1
    at = start
    for d in range(place.shape[0]):
        own = place[d]
        place[d] = at
        at += own
    for i in range(start, stop):
        d = ((top - (bits[i] >> _DROPPED)) >> shift) & mask
        at = place[d]
        place[d] = at + 1
        out_bits[at] = bits[i]
        out_cell[at] = cell[i]


@numba.njit(cache=True, nogil=True, parallel=True)
def _sort_buckets(
    first: NDArray[np.int64], top: np.uint64, shift: np.uint64, threads: int,
    bits: Bits, cell: Ints, other_bits: Bits, other_cell: Ints,
) -> None:  # fmt: skip
    """Sort every bucket, densest first, equal ones in the order of the cells."""
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        place = np.empty(1 << _DIGIT, np.int64)
        b = take(queue)
        while b < first.shape[0] - 1:
            start, stop = first[b], first[b + 1]
            if stop - start <= _FEW:
                _insertion_sort(start, stop, bits, cell)
            else:
                done = np.uint64(0)
                while done < shift:
                    _digit_sort(start, stop, top, done, place, bits, cell, other_bits, other_cell)
                    done += _DIGIT
                    if done < shift:
                        _digit_sort(start, stop, top, done, place, other_bits, other_cell, bits, cell)
                        done += _DIGIT
                    else:
                        bits[start:stop] = other_bits[start:stop]
                        cell[start:stop] = other_cell[start:stop]
            b = take(queue)


@numba.njit(cache=True, nogil=True)
def _group(bits: Bits, out: Ints) -> int:
    """Fill where each group of equals ends, from 0; hand back how many groups there are."""
    group = 0
    out[0] = 0
    start = np.uint64(0)
    for i in range(bits.shape[0]):
        own = bits[i] >> _DROPPED
        if i == 0 or start - own > _SAME:
            group += 1
            start = own
        out[group] = i + 1
    return group


@numba.njit(cache=True, nogil=True, inline="always")
def _add(total: float, carry: float, value: float) -> tuple[float, float]:
    moved = total + value
    if abs(total) >= abs(value):
        carry += (total - moved) + value
    else:
        carry += (value - moved) + total
    return moved, carry


@numba.njit(cache=True, nogil=True, parallel=True)
def _fill_ranks(
    count: Ints, cell: Ints, value: Floats, amount: Floats, area: Floats, by_density: bool,
    out_rank: NDArray[np.uint32], out_mass: Floats, out_area: Floats, out_block: Floats,
) -> None:  # fmt: skip
    """Give every cell its rank, every group its mass and area, every block of groups theirs with carries."""
    for b in numba.prange(out_block.shape[0]):
        mass, mass_carry, ground, ground_carry = 0.0, 0.0, 0.0, 0.0
        for g in range(b * _BLOCK + 1, min((b + 1) * _BLOCK, count.shape[0] - 1) + 1):
            m, mc, a, ac = 0.0, 0.0, 0.0, 0.0
            for i in range(count[g - 1], count[g]):
                out_rank[cell[i]] = g
                m, mc = _add(m, mc, amount[cell[i]] if by_density else value[i])
                if area.shape[0]:
                    a, ac = _add(a, ac, area[cell[i]])
            out_mass[g] = m + mc
            mass, mass_carry = _add(mass, mass_carry, out_mass[g])
            if area.shape[0]:
                out_area[g] = a + ac
                ground, ground_carry = _add(ground, ground_carry, out_area[g])
        out_block[b, 0], out_block[b, 1], out_block[b, 2], out_block[b, 3] = mass, mass_carry, ground, ground_carry


@numba.njit(cache=True, nogil=True)
def _offsets(block: Floats) -> None:
    """Turn the sums of the blocks into what lies before each."""
    for column in (0, 2):
        total, carry = 0.0, 0.0
        for b in range(block.shape[0]):
            own, own_carry = block[b, column], block[b, column + 1]
            block[b, column], block[b, column + 1] = total, carry
            total, carry = _add(total, carry + own_carry, own)


@numba.njit(cache=True, nogil=True, parallel=True)
def _accumulate(block: Floats, out_mass: Floats, out_area: Floats) -> None:
    for b in numba.prange(block.shape[0]):
        mass, mass_carry, ground, ground_carry = block[b, 0], block[b, 1], block[b, 2], block[b, 3]
        for g in range(b * _BLOCK + 1, min((b + 1) * _BLOCK, out_mass.shape[0] - 1) + 1):
            mass, mass_carry = _add(mass, mass_carry, out_mass[g])
            out_mass[g] = mass + mass_carry
            if out_area.shape[0]:
                ground, ground_carry = _add(ground, ground_carry, out_area[g])
                out_area[g] = ground + ground_carry


def _sorted(amount: Floats, area: Floats, threads: int) -> tuple[Bits, Ints]:
    """Bits of the density and cell of all that emit, densest first."""
    chunks = -(-len(amount) // _CHUNK)
    extremes = np.empty((chunks, 2))
    _extremes(amount, area, extremes)
    least, most = extremes[:, 0].min(), extremes[:, 1].max()
    if most == 0.0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    low, top = (int(np.float64(v).view(np.uint64)) >> int(_DROPPED) for v in (least, most))
    # Buckets of some hundred cells, up to 2048 of them: more would be too many places to write to at once.
    lead = min(max(len(amount).bit_length() - 9, 1), 11)
    shift = max((top - low).bit_length() - lead, 0)
    place = np.zeros((chunks, 1 << lead), np.int64)
    first = np.empty((1 << lead) + 1, np.int64)
    _histogram(amount, area, np.uint64(top), np.uint64(shift), place)
    _starts(place, first)
    bits, cell = np.empty(first[-1], np.uint64), np.empty(first[-1], np.int32)
    _deal(amount, area, np.uint64(top), np.uint64(shift), place, bits, cell)
    other = np.empty_like(bits), np.empty_like(cell)
    _sort_buckets(first, np.uint64(top), np.uint64(shift), threads, bits, cell, *other)
    return bits, cell


def rank_cells(amount: Floats, area: Floats, *, by_density: bool) -> tuple[NDArray[np.uint32], Ints, Floats, Floats]:
    """Rank of every cell (1 the densest, 0 without emissions), and cumulative count, mass and area by rank.

    ``area`` is empty where all cells have the same; amounts are then ranked, and areas are not summed.
    """
    by_density = by_density and len(area) > 0
    with threads_for(len(amount)) as threads:
        bits, cell = _sorted(amount, area if by_density else area[:0], threads)
        ends = np.empty(len(bits) + 1, np.int32)
        groups = _group(bits, ends)
        count = ends[: groups + 1].copy()
        rank = np.zeros(len(amount), np.uint32)
        mass, ground = np.zeros(groups + 1), np.zeros(groups + 1 if len(area) else 0)
        block = np.zeros((-(-groups // _BLOCK), 4))
        _fill_ranks(count, cell, bits.view(np.float64), amount, area, by_density, rank, mass, ground, block)
        _offsets(block)
        _accumulate(block, mass, ground)
    return rank, count, mass, ground
