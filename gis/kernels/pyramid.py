"""The next coarser level of a plane: one value for every 2 × 2 block from the north-west corner, edge blocks smaller."""

from typing import Any

import numba
from numpy.typing import NDArray

__all__ = ["halve_by_least", "halve_by_max", "halve_by_sum"]

Numbers = NDArray[Any]


@numba.njit(cache=True, nogil=True)
def halve_by_sum(values: Numbers, out: Numbers) -> None:
    """Fill ``out`` with the sums of up to 2 × 2 values, each pair of a row first."""
    rows, cols = values.shape
    for i in range(out.shape[0]):
        lower = 2 * i + 1 < rows
        for j in range(out.shape[1]):
            right = 2 * j + 1 < cols
            total = values[2 * i, 2 * j]
            if right:
                total += values[2 * i, 2 * j + 1]
            if lower:
                below = values[2 * i + 1, 2 * j]
                if right:
                    below += values[2 * i + 1, 2 * j + 1]
                total += below
            out[i, j] = total


@numba.njit(cache=True, nogil=True)
def halve_by_max(values: Numbers, out: Numbers) -> None:
    """Fill ``out`` with the largest of up to 2 × 2 values; NaN counts as nothing, so that a block of NaN is 0."""
    rows, cols = values.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            best = out.dtype.type(0)
            for r in range(2 * i, min(2 * i + 2, rows)):
                for c in range(2 * j, min(2 * j + 2, cols)):
                    if values[r, c] > best:
                        best = values[r, c]
            out[i, j] = best


@numba.njit(cache=True, nogil=True)
def halve_by_least(values: Numbers, out: Numbers) -> None:
    """Fill ``out`` with the least value above zero of up to 2 × 2, or 0 where there is none."""
    rows, cols = values.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            best = out.dtype.type(0)
            for r in range(2 * i, min(2 * i + 2, rows)):
                for c in range(2 * j, min(2 * j + 2, cols)):
                    v = values[r, c]
                    if v > 0 and (best == 0 or v < best):
                        best = v
            out[i, j] = best
