"""Sums over the neighbourhood of cells: on each row around, a run of columns as wide as the neighbourhood is there.

``grid`` holds the values, whole numbers from 1; 0 is a cell without a value, which neither adds nor counts.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["lagged_means", "lagged_products", "moments", "place", "scores", "window_sums"]

_BLOCK = 1 << 14  # cells whose products one thread adds up: the sums of blocks do not depend on threads

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]


@numba.njit(cache=True, nogil=True, parallel=True)
def place(values: Ints, cells: Ints, out: Ints) -> None:
    """Write each value into its cell; every cell comes once."""
    for i in numba.prange(values.shape[0]):
        out[cells[i]] = values[i]


# Compiled on their own: inlined into the parallel kernel they would take it three times as long to compile.


@numba.njit(cache=True, nogil=True)
def _add_near(row: Ints, half: int, start: int, stop: int, first: int, total: Ints, count: Ints) -> None:
    """Add each cell's run of at most three columns, all within the row: short loops without branches."""
    for step in range(-half, half + 1):
        part = row[first + start + step : first + stop + step]
        for c in range(part.shape[0]):
            total[start + c] += part[c]
            count[start + c] += part[c] > 0


@numba.njit(cache=True, nogil=True)
def _add_run(row: Ints, half: int, start: Any, stop: int, first: int, wraps: bool, total: Ints, count: Ints) -> None:
    """Add each cell's run of columns as a running sum; beyond the row there is nothing, or its other end.

    A run all the way around the globe stays as it is from cell to cell.
    """
    cols = row.shape[0]
    around = wraps and 2 * half + 1 >= cols
    s = 0
    n = 0
    before = 0 if around else first + start - half
    for c in range(before, cols if around else before + 2 * half):
        if wraps or 0 <= c < cols:
            v = row[c % cols]
            s += v
            n += v > 0
    for c in range(start, stop):
        enters = first + c + half
        if not around and (wraps or enters < cols):
            v = row[enters % cols]
            s += v
            n += v > 0
        total[c] += s
        count[c] += n
        leaves = first + c - half
        if not around and (wraps or leaves >= 0):
            v = row[leaves % cols]
            s -= v
            n -= v > 0


@numba.njit(cache=True, nogil=True)
def _add_row(row: Ints, half: int, first: int, wraps: bool, total: Ints, count: Ints) -> None:
    cols = row.shape[0]
    width = total.shape[0]
    # The first and the last column may look over the edge; what lies between cannot.
    left = min(max(half - first, 0), width) if half <= 1 else width
    right = max(min(cols - half - first, width), left)
    if left > 0:
        _add_run(row, half, np.int64(0), left, first, wraps, total, count)
    if right > left:
        _add_near(row, half, left, right, first, total, count)
    if width > right:
        _add_run(row, half, right, width, first, wraps, total, count)


@numba.njit(cache=True, nogil=True)
def _sum_square(
    grid: Ints, r: Any, wraps: bool, cells: Ints, start: int, stop: int, out_sum: Ints, out_count: Ints32
) -> None:
    """Fill the sums and numbers over three rows and three columns: columns are added up once for all that share them."""
    rows, cols = grid.shape
    before = cells[start]
    width = cells[stop - 1] - before + 1
    first = before - r * cols
    # One column more at either end: beyond the row it stays 0, or is the row's other end.
    total = np.zeros(width + 2, np.int64)
    count = np.zeros(width + 2, np.int64)
    pad = 0 if first > 0 else 1
    for near in range(max(r - 1, 0), min(r + 2, rows)):
        part = grid[near, first - 1 + pad : min(first + width + 1, cols)]
        for c in range(part.shape[0]):
            total[pad + c] += part[c]
            count[pad + c] += part[c] > 0
        if wraps and first == 0:
            total[0] += grid[near, cols - 1]
            count[0] += grid[near, cols - 1] > 0
        if wraps and first + width == cols:
            total[width + 1] += grid[near, 0]
            count[width + 1] += grid[near, 0] > 0
    for i in range(start, stop):
        c = cells[i] - before
        out_sum[i] = total[c] + total[c + 1] + total[c + 2]
        out_count[i] = count[c] + count[c + 1] + count[c + 2]


@numba.njit(cache=True, nogil=True)
def _sum_row(
    grid: Ints, r: Any, half: Ints, wraps: bool, cells: Ints, start: int, stop: int, out_sum: Ints, out_count: Ints32,
) -> None:  # fmt: skip
    rows, cols = grid.shape
    reach = half.shape[1] // 2
    before = cells[start]
    width = cells[stop - 1] - before + 1
    total = np.zeros(width, np.int64)
    count = np.zeros(width, np.int64)
    for step in range(-reach, reach + 1):
        if 0 <= r + step < rows and half[r, step + reach] >= 0:
            _add_row(grid[r + step], half[r, step + reach], before - r * cols, wraps, total, count)
    for i in range(start, stop):
        out_sum[i] = total[cells[i] - before]
        out_count[i] = count[cells[i] - before]


@numba.njit(cache=True, nogil=True, parallel=True)
def window_sums(
    grid: Ints, half: Ints, wraps: bool, cells: Ints, row_start: Ints, out_sum: Ints, out_count: Ints32
) -> None:
    """Fill, for each cell, the sum and the number of the values in its neighbourhood, itself included.

    ``half`` (rows × offsets) is the half-width in columns on each row from the top of the neighbourhood to its bottom, -1 for
    none. ``row_start`` is the position of each row's first cell.
    """
    for r in numba.prange(grid.shape[0]):
        if row_start[r + 1] == row_start[r]:
            continue
        square = half.shape[1] == 3 and half[r, 0] == 1 and half[r, 1] == 1 and half[r, 2] == 1
        if square and not (wraps and grid.shape[1] <= 3):
            _sum_square(grid, np.int64(r), wraps, cells, row_start[r], row_start[r + 1], out_sum, out_count)
        else:
            _sum_row(grid, np.int64(r), half, wraps, cells, row_start[r], row_start[r + 1], out_sum, out_count)


@numba.njit(cache=True, nogil=True, parallel=True)
def scores(total: Ints, count: Ints32, mean: float, factor: Floats, out: NDArray[np.float32]) -> None:
    """Fill standard scores: a sum less its expectation, times the factor for its number of values."""
    for i in numba.prange(total.shape[0]):
        out[i] = (total[i] - mean * count[i]) * factor[count[i]]


@numba.njit(cache=True, nogil=True, parallel=True)
def moments(values: Ints, centre: int, out_sum: Ints, out_square: Floats) -> None:
    """Fill, by blocks, the sum of the values less a centre, exactly, and the sum of their squares."""
    for b in numba.prange(out_sum.shape[0]):
        total = 0
        squares = 0.0
        for i in range(b * _BLOCK, min((b + 1) * _BLOCK, values.shape[0])):
            d = values[i] - centre
            total += d
            squares += float(d) * float(d)
        out_sum[b] = total
        out_square[b] = squares


@numba.njit(cache=True, nogil=True, parallel=True)
def lagged_products(
    own_x: Ints, own_y: Ints, total_y: Ints, count: Ints32, mean_x: float, mean_y: float, out: Floats
) -> None:
    """Fill, by blocks of cells, the sum of (x less its mean) · (sum of the neighbours' y less theirs), and of neighbours."""
    for b in numba.prange(out.shape[0]):
        products = 0.0
        neighbours = 0
        for i in range(b * _BLOCK, min((b + 1) * _BLOCK, own_x.shape[0])):
            k = count[i] - 1
            products += (own_x[i] - mean_x) * (total_y[i] - own_y[i] - k * mean_y)
            neighbours += k
        out[b, 0] = products
        out[b, 1] = neighbours


@numba.njit(cache=True, nogil=True, parallel=True)
def lagged_means(total_x: Ints, total_y: Ints, count: Ints32, mean_x: float, mean_y: float, out: Floats) -> None:
    """Fill, by blocks, the sum over cells with neighbours of the product of two neighbourhood means, and their number."""
    for b in numba.prange(out.shape[0]):
        products = 0.0
        cells = 0
        for i in range(b * _BLOCK, min((b + 1) * _BLOCK, total_x.shape[0])):
            if count[i] > 1:
                products += (total_x[i] / count[i] - mean_x) * (total_y[i] / count[i] - mean_y)
                cells += 1
        out[b, 0] = products
        out[b, 1] = cells
