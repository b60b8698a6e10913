"""Grid to grid: rows and columns blended through one-dimensional overlaps, and amounts scattered through shares.

The separable kernels take two small CSR tables, target row → (source row, weight) and target column → (source column,
weight). A target row is first summed over its source rows into one line, then along the line; the two-dimensional
product of the weights is never made. Entries beyond the target's own rows and columns are the outside, measured the
same way. Long sums are kept in blocks, so that rounding grows with the block and not with the grid.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["blend_rows", "fold_lost", "mark_amounts", "scan_rows", "scatter_shares", "sum_rows", "sum_skipped"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 64


@numba.njit(cache=True, nogil=True)
def scan_rows(values: Floats, start: int, stop: int, no_value: Ints, infinite: Ints) -> None:
    """Fill the number of NaN and of infinite cells of the rows start to stop."""
    for i in range(start, stop):
        nans = 0
        infs = 0
        for j in range(values.shape[1]):
            v = values[i, j]
            nans += v != v
            infs += abs(v) == math.inf
        no_value[i] = nans
        infinite[i] = infs


@numba.njit(cache=True, nogil=True)
def _add_row(row: Floats, weight: float, line: Floats) -> None:
    for j in range(line.shape[0]):
        v = row[j]
        line[j] += weight * v if v == v else 0.0


@numba.njit(cache=True, nogil=True)
def _fold(line: Floats, total: Floats) -> None:
    for j in range(line.shape[0]):
        total[j] += line[j]
        line[j] = 0.0


@numba.njit(cache=True, nogil=True)
def _dot(line: Floats, index: Ints, weight: Floats, start: int, stop: int) -> float:
    if stop - start <= _BLOCK:
        part = 0.0
        for e in range(start, stop):
            part += weight[e] * line[index[e]]
        return part
    total = 0.0
    for block in range(start, stop, _BLOCK):
        part = 0.0
        for e in range(block, min(block + _BLOCK, stop)):
            part += weight[e] * line[index[e]]
        total += part
    return total


@numba.njit(cache=True, nogil=True)
def blend_rows(
    values: Floats,
    row_start: Ints,
    row_index: Ints,
    row_weight: Floats,
    col_start: Ints,
    col_index: Ints,
    col_weight: Floats,
    divisor: Floats,
    start: int,
    stop: int,
    out: Floats,
    spill: Floats,
) -> None:
    """Fill the target rows start to stop, each divided by its divisor, and what of them passes the columns' ends.

    NaN contributes nothing. ``col_start`` goes on past the target's columns with the intervals outside it; what
    they hold is ``spill``, undivided.
    """
    line = np.zeros(values.shape[1])
    total = np.zeros(values.shape[1])
    for t in range(start, stop):
        spill[t] = 0.0
        out[t, :] = 0.0
        first, last = row_start[t], row_start[t + 1]
        if first == last:
            continue
        line[:] = 0.0
        blocked = last - first > _BLOCK
        if blocked:
            total[:] = 0.0
        for e in range(first, last):
            _add_row(values[row_index[e]], row_weight[e], line)
            if blocked and ((e - first) % _BLOCK == _BLOCK - 1 or e == last - 1):
                _fold(line, total)
        summed = total if blocked else line
        for j in range(out.shape[1]):
            out[t, j] = _dot(summed, col_index, col_weight, col_start[j], col_start[j + 1]) / divisor[t]
        for j in range(out.shape[1], col_start.shape[0] - 1):
            spill[t] += _dot(summed, col_index, col_weight, col_start[j], col_start[j + 1])


@numba.njit(cache=True, nogil=True)
def sum_rows(values: Floats, index: Ints, weight: Floats, start: int, stop: int, out: Floats) -> None:
    """Fill, for the entries start to stop, weight × the sum of a source row; NaN contributes nothing."""
    cols = values.shape[1]
    for e in range(start, stop):
        total = 0.0
        for block in range(0, cols, _BLOCK):
            part = 0.0
            for j in range(block, min(block + _BLOCK, cols)):
                v = values[index[e], j]
                part += v if v == v else 0.0
            total += part
        out[e] = weight[e] * total


@numba.njit(cache=True, nogil=True)
def scatter_shares(
    amounts: Floats,
    start: Ints,
    index: Ints,
    share: Floats,
    out: Floats,
    lost: Floats,
) -> None:
    """Add every source cell's amount × share to its target cells, and to ``lost`` what the additions rounded off."""
    for k in range(amounts.shape[0]):
        v = amounts[k]
        if v == 0.0:
            continue
        for e in range(start[k], start[k + 1]):
            t = index[e]
            term = v * share[e]
            old = out[t]
            new = old + term
            # Knuth's two-sum: exactly what the addition rounded off, without asking which of the two is larger.
            came = new - old
            lost[t] += (old - (new - came)) + (term - came)
            out[t] = new


@numba.njit(cache=True, nogil=True)
def fold_lost(out: Floats, lost: Floats, start: int, stop: int) -> None:
    """Add what the sums of the cells start to stop have lost; cells that nothing reached are not written to."""
    for t in range(start, stop):
        if lost[t] != 0.0:
            out[t] += lost[t]


@numba.njit(cache=True, nogil=True)
def mark_amounts(values: Floats, start: int, stop: int, wanted: NDArray[np.bool_]) -> None:
    """Set ``wanted`` where the rows start to stop hold a number other than 0."""
    for i in range(start, stop):
        for j in range(values.shape[1]):
            v = values[i, j]
            wanted[i, j] |= v == v and v != 0.0


@numba.njit(cache=True, nogil=True)
def sum_skipped(values: Floats, planned: NDArray[np.bool_], start: int, stop: int, out: Floats) -> None:
    """Fill, for the rows start to stop, the sum of the values that are not planned; NaN contributes nothing."""
    cols = values.shape[1]
    for i in range(start, stop):
        total = 0.0
        for block in range(0, cols, _BLOCK):
            # Two sums side by side: an addition need not wait for the one before.
            even = 0.0
            odd = 0.0
            last = min(block + _BLOCK, cols)
            for j in range(block, last - 1, 2):
                a, b = values[i, j], values[i, j + 1]
                even += a if a == a and not planned[i, j] else 0.0
                odd += b if b == b and not planned[i, j + 1] else 0.0
            if (last - block) % 2:
                a = values[i, last - 1]
                even += a if a == a and not planned[i, last - 1] else 0.0
            total += even + odd
        out[i] = total
