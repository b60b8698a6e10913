"""Tiles of a layer: what each holds, and coarser copies of it.

A coarser cell is the mean of the finer ones it covers, zeros included. Blocks at the lower and right edges may cover
fewer cells; ``row_count`` and ``col_count`` say how many rows and columns of the finest level stand behind each row and
column, so that the sum of value × rows × columns is the same on every level.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["halve", "scan_tile"]

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def _add_row(row: Floats, lanes: Floats) -> None:
    """Add a row to four running sums, each with its own error term (Knuth's two-sum, which needs no branch)."""
    for lane in range(4):
        total = lanes[lane, 0]
        error = lanes[lane, 1]
        for j in range(lane, row.shape[0], 4):
            v = row[j]
            s = total + v
            part = s - total
            error += (total - (s - part)) + (v - part)
            total = s
        lanes[lane, 0] = total
        lanes[lane, 1] = error


@numba.njit(cache=True, nogil=True)
def scan_tile(
    values: Floats, row_start: int, row_stop: int, col_start: int, col_stop: int, lanes: Floats, out: Floats
) -> None:
    """Fill ``out`` with the cells not zero, the cells not finite, the least and the largest value.

    ``lanes`` (4 × 2) goes on collecting the sum and its rounding errors.
    """
    nonzero = 0
    strange = 0
    low = math.inf
    high = -math.inf
    for i in range(row_start, row_stop):
        row = values[i, col_start:col_stop]
        before = nonzero
        for j in range(row.shape[0]):
            v = row[j]
            nonzero += v != 0.0
            strange += not (abs(v) < math.inf)
            low = min(low, v)
            high = max(high, v)
        if nonzero > before:
            _add_row(row, lanes)
    out[0] = nonzero
    out[1] = strange
    out[2] = low
    out[3] = high


@numba.njit(cache=True, nogil=True)
def halve(
    values: Floats,
    row_count: Floats,
    col_count: Floats,
    row_start: int,
    row_stop: int,
    col_start: int,
    col_stop: int,
    out: Floats,
) -> None:
    """Fill a block of ``out``, half as fine as ``values``: means of up to 2 × 2 cells, weighted by what they cover."""
    rows, cols = values.shape
    for i in range(row_start, row_stop):
        r0 = 2 * i
        r1 = min(r0 + 1, rows - 1)
        w0 = row_count[r0]
        w1 = row_count[r1] if r1 > r0 else 0.0
        for j in range(col_start, col_stop):
            c0 = 2 * j
            c1 = min(c0 + 1, cols - 1)
            u0 = col_count[c0]
            u1 = col_count[c1] if c1 > c0 else 0.0
            upper = u0 * values[r0, c0] + u1 * values[r0, c1]
            lower = u0 * values[r1, c0] + u1 * values[r1, c1]
            out[i, j] = (w0 * upper + w1 * lower) / ((w0 + w1) * (u0 + u1))
