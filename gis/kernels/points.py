"""Points onto cells: two passes that keep every sum in the cache and every addition in input order.

The first pass numbers the cell of each point and sorts the points of a chunk by *band*, a run of cells whose sums fit the
second-level cache. The second pass takes band after band: it fetches the values of the band's points, adds them to sums
kept side by side for all species of a cell, and writes the band out plane by plane. A band belongs to one thread and its
points come in input order, so the result is the same for any number of threads.

Every sum has a carry (Knuth's TwoSum): 1e6 × 0.1 in one cell would lose 1.3e-11 otherwise.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from gis.kernels.cells import column_around, row_of
from gis.kernels.queue import take

__all__ = ["LANES", "add_bands", "add_outside", "first_not_finite", "sort_into_bands"]

Floats = NDArray[np.float64]
Ints = NDArray[Any]  # int64; to the type checker numpy's scalars are no int
_int64: Any = np.int64

LANES = 4  # species summed in one go; their sums and carries are one cache line per cell

_AHEAD = 16  # points between the request for a value and its use: about one trip to memory
_LINE = 64
_SPARSE = 4  # a band with fewer than one point per so many cells is written point by point


_declare: Any = cgutils.get_or_insert_function


def _prefetch_line(typing_context: Any, array: Any, index: Any) -> Any:
    # The values of a band's points are scattered over all input; without asking ahead, waiting for them is half the time.
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        byte, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32])
        request = _declare(builder.module, kind, "llvm.prefetch.p0i8")
        address = builder.bitcast(builder.gep(data, [args[1]]), byte)
        builder.call(request, [address, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, index), generate


# Asks for the cache line of an element of a contiguous array, which may lie beyond its end: a hint, it cannot fault.
_prefetch: Any = intrinsic(_prefetch_line)


@numba.njit(cache=True, nogil=True, parallel=True)
def sort_into_bands(
    x: Floats,
    y: Floats,
    x_left: float,
    y_top: float,
    dx: float,
    dy: float,
    rows: int,
    cols: int,
    turn: bool,
    shift: int,
    chunk: int,
    tasks: int,
    out_packed: NDArray[Any],
    out_first: Ints,
) -> int:
    """Sort each chunk's points by band; hand back the first point that is not finite, or -1.

    ``out_packed`` holds (point in chunk) << shift | (cell in band); ``out_first[c, b]`` is where band b of chunk c begins.
    The last band but none is what lies outside the grid.
    """
    n = x.shape[0]
    chunks, bands = out_first.shape[0], out_first.shape[1] - 2
    x_right, y_bottom = x_left + cols * dx, y_top - rows * dy
    per_x, per_y = 1.0 / dx, 1.0 / dy
    mask = (1 << shift) - 1
    bad = np.full(tasks, n, np.int64)
    queue = np.zeros(1, np.int64)
    for task in numba.prange(tasks):
        cell = np.empty(min(chunk, n), np.int64)
        place = np.empty(bands + 1, np.int64)
        c = take(queue)
        while c < chunks:
            start = c * chunk
            stop = min(n, start + chunk)
            place[:] = 0
            for p in range(start, stop):
                xp = x[p]
                yp = y[p]
                if xp >= x_left and xp < x_right and yp < y_top and yp >= y_bottom:
                    # As column_of and row_of: a product proposes, the stored edges decide.
                    j = min(int((xp - x_left) * per_x), cols - 1)
                    if xp < x_left + j * dx:
                        j -= 1
                    elif j < cols - 1 and xp >= x_left + (j + 1) * dx:
                        j += 1
                    i = min(int((y_top - yp) * per_y), rows - 1)
                    if i < rows - 1 and yp < y_top - (i + 1) * dy:
                        i += 1
                    elif i > 0 and yp >= y_top - i * dy:
                        i -= 1
                else:
                    if not (np.isfinite(xp) and np.isfinite(yp)) and p < bad[task]:
                        bad[task] = p
                    j = column_around(xp, x_left, dx, cols, turn)
                    i = row_of(yp, y_top, dy, rows)
                if i < 0 or j < 0:
                    cell[p - start] = -1
                    place[bands] += 1
                else:
                    cell[p - start] = i * cols + j
                    place[(i * cols + j) >> shift] += 1
            at = start
            for b in range(bands + 1):
                out_first[c, b] = at
                at += place[b]
                place[b] = out_first[c, b]
            out_first[c, bands + 1] = at
            for p in range(start, stop):
                own = cell[p - start]
                b = own >> shift if own >= 0 else bands
                out_packed[place[b]] = np.uint32(((p - start) << shift) | (own & mask))
                place[b] += 1
            c = take(queue)
    first = bad.min()
    return first if first < n else -1


@numba.njit(cache=True, nogil=True, inline="always")
def _add_one(sums: Floats, at: int, carry: int, value: float) -> None:
    old = sums[at]
    new = old + value
    back = new - old
    sums[carry] += (old - (new - back)) + (value - back)
    sums[at] = new


@numba.njit(cache=True, nogil=True, inline="always")
def _add_four(sums: Floats, at: int, v0: float, v1: float, v2: float, v3: float) -> None:
    # _add_one four times over, all loads before all stores: one vector operation each instead of four.
    a0, a1, a2, a3 = sums[at], sums[at + 1], sums[at + 2], sums[at + 3]
    c0, c1, c2, c3 = sums[at + 4], sums[at + 5], sums[at + 6], sums[at + 7]
    s0, s1, s2, s3 = a0 + v0, a1 + v1, a2 + v2, a3 + v3
    b0, b1, b2, b3 = s0 - a0, s1 - a1, s2 - a2, s3 - a3
    e0 = (a0 - (s0 - b0)) + (v0 - b0)
    e1 = (a1 - (s1 - b1)) + (v1 - b1)
    e2 = (a2 - (s2 - b2)) + (v2 - b2)
    e3 = (a3 - (s3 - b3)) + (v3 - b3)
    sums[at], sums[at + 1], sums[at + 2], sums[at + 3] = s0, s1, s2, s3
    sums[at + 4], sums[at + 5], sums[at + 6], sums[at + 7] = c0 + e0, c1 + e1, c2 + e2, c3 + e3


@numba.njit(cache=True, nogil=True)
def _add_band(
    packed: NDArray[Any], start: int, stop: int, base: int, shift: int,
    values: Floats, species: int, first: int, lanes: int, sums: Floats, origin: int,
) -> None:  # fmt: skip
    mask = (1 << shift) - 1
    for q in range(start, stop):
        soon = (base + (_int64(packed[q + _AHEAD]) >> shift)) * species + first
        _prefetch(values, soon)
        _prefetch(values, soon + lanes - 1)  # a row of values may straddle two lines
        entry = _int64(packed[q])
        v = (base + (entry >> shift)) * species + first
        at = origin + (entry & mask) * (2 * lanes)
        if lanes == LANES:
            _add_four(sums, at, values[v], values[v + 1], values[v + 2], values[v + 3])
        else:
            for s in range(lanes):
                _add_one(sums, at + s, at + lanes + s, values[v + s])


@numba.njit(cache=True, nogil=True, inline="always")
def _load(sums: Floats, at: int, lanes: int, total: Floats, carry: Floats, first: int, cell: int) -> None:
    for s in range(lanes):
        sums[at + s] = total[first + s, cell]
        sums[at + lanes + s] = carry[first + s, cell]


@numba.njit(cache=True, nogil=True, inline="always")
def _store(sums: Floats, at: int, lanes: int, keep: bool, total: Floats, carry: Floats, first: int, cell: int) -> float:
    # Adding up value × 0 tells whether one of them was not finite, without a branch.
    check = 0.0
    for s in range(lanes):
        if keep:
            total[first + s, cell] = sums[at + s]
            carry[first + s, cell] = sums[at + lanes + s]
            check += sums[at + s] * 0.0
        else:
            folded = sums[at + s] + sums[at + lanes + s]
            total[first + s, cell] = folded
            check += folded * 0.0
    return check


@numba.njit(cache=True, nogil=True)
def _write_band(
    sums: Floats, origin: int, cells: int, lanes: int, keep: bool, total: Floats, carry: Floats, first: int, cell0: int
) -> float:
    """Write all cells of a band and leave the sums at zero."""
    check = 0.0
    if lanes == LANES and not keep:
        for k in range(cells):
            at = origin + k * (2 * LANES)
            check += _store(sums, at, LANES, False, total, carry, first, cell0 + k)
            for s in range(2 * LANES):
                sums[at + s] = 0.0
        return check
    for k in range(cells):
        at = origin + k * 2 * lanes
        check += _store(sums, at, lanes, keep, total, carry, first, cell0 + k)
        for s in range(2 * lanes):
            sums[at + s] = 0.0
    return check


@numba.njit(cache=True, nogil=True, parallel=True)
def add_bands(
    packed: NDArray[Any],
    band_first: Ints,
    shift: int,
    chunk: int,
    values: Floats,
    species: int,
    first: int,
    lanes: int,
    split: Ints,
    threads: int,
    keep: bool,
    out_total: Floats,
    out_carry: Floats,
) -> bool:
    """Add ``lanes`` species from ``first`` on into the planes; hand back whether every sum is finite.

    ``packed`` reaches 16 entries beyond its points. Task t owns the bands ``split[t]`` to ``split[t + 1]``; several tasks
    for each of the ``threads`` keep them all busy. With ``keep`` the planes are read, and sums and carries go back
    separately; else they start at 0 and are folded.
    """
    tasks = split.shape[0] - 1
    chunks = band_first.shape[0]
    size = out_total.shape[1]
    mask = (1 << shift) - 1
    check = np.zeros(tasks)
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        # A cell's sums must not straddle two cache lines: that alone doubles the time.
        sums = np.zeros((2 * lanes << shift) + _LINE // 8)
        origin = ((-_int64(sums.ctypes.data)) & (_LINE - 1)) >> 3
        task = take(queue)
        while task < tasks:
            for b in range(split[task], split[task + 1]):
                cell0 = b << shift
                cells = min(1 << shift, size - cell0)
                points = 0
                for c in range(chunks):
                    points += band_first[c, b + 1] - band_first[c, b]
                if points == 0:
                    continue
                dense = points * _SPARSE >= cells
                if keep and dense:
                    for k in range(cells):
                        _load(sums, origin + k * 2 * lanes, lanes, out_total, out_carry, first, cell0 + k)
                elif keep:
                    for c in range(chunks):
                        for q in range(band_first[c, b], band_first[c, b + 1]):
                            k = _int64(packed[q]) & mask
                            _load(sums, origin + k * 2 * lanes, lanes, out_total, out_carry, first, cell0 + k)
                for c in range(chunks):
                    _add_band(
                        packed, band_first[c, b], band_first[c, b + 1], c * chunk, shift,
                        values, species, first, lanes, sums, origin,
                    )  # fmt: skip
                if dense:
                    check[task] += _write_band(sums, origin, cells, lanes, keep, out_total, out_carry, first, cell0)
                    continue
                for c in range(chunks):
                    for q in range(band_first[c, b], band_first[c, b + 1]):
                        k = _int64(packed[q]) & mask
                        at = origin + k * 2 * lanes
                        check[task] += _store(sums, at, lanes, keep, out_total, out_carry, first, cell0 + k)
                for c in range(chunks):
                    for q in range(band_first[c, b], band_first[c, b + 1]):
                        at = origin + (_int64(packed[q]) & mask) * 2 * lanes
                        for s in range(2 * lanes):
                            sums[at + s] = 0.0
            task = take(queue)
    return bool(np.isfinite(check.sum()))


@numba.njit(cache=True, nogil=True)
def add_outside(
    packed: NDArray[Any],
    band_first: Ints,
    shift: int,
    chunk: int,
    values: Floats,
    species: int,
    out_total: Floats,
    out_carry: Floats,
) -> None:
    """Add the values of the points outside the grid, in input order."""
    outside = band_first.shape[1] - 2
    sums = np.empty(2)
    for s in range(species):
        sums[0] = out_total[s]
        sums[1] = out_carry[s]
        for c in range(band_first.shape[0]):
            for q in range(band_first[c, outside], band_first[c, outside + 1]):
                p = c * chunk + (_int64(packed[q]) >> shift)
                _add_one(sums, 0, 1, values[p * species + s])
        out_total[s] = sums[0]
        out_carry[s] = sums[1]


@numba.njit(cache=True, nogil=True)
def first_not_finite(values: Floats) -> int:
    """Place of the first value that is NaN or infinite, or -1."""
    for i in range(values.shape[0]):
        if not np.isfinite(values[i]):
            return i
    return -1
