"""Runs: cells of one class that follow one another in a row, joined into patches where they share an edge or a corner.

What `gis.kernels.patches` does cell by cell for a delineation, here for maps that follow a slider: a row is some runs, and two rows are
looked at together as two ascending lists. No threads, so that any number of requests can be answered at a time.
"""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["join_runs", "sum_run_areas", "sum_runs"]

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


@numba.njit(nogil=True)
def _root(parent: Ints, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(nogil=True)
def _unite(code: Bytes, parent: Ints, i: int, j: int) -> None:
    """Join two runs that touch, if they are of one class; the lesser number is the name of both."""
    if code[i] != code[j]:
        return
    a, b = _root(parent, i), _root(parent, j)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@numba.njit(nogil=True)
def _join_rows(
    start: Ints, stop: Ints, code: Bytes, cols: int, above: int, first: int, last: int, parent: Ints
) -> None:
    """Join the runs of a row with those of the row above, which begins at ``above``."""
    p = above
    for i in range(first, last):
        # Cells of the row above that touch the run lie from one before its start to one after its end.
        begin, end = start[i] - cols - 1, stop[i] - cols + 1
        while p < first and stop[p] <= begin:
            p += 1
        q = p
        while q < first and start[q] < end:
            _unite(code, parent, q, i)
            q += 1


@numba.njit(nogil=True)
def _join_seam(
    start: Ints, stop: Ints, code: Bytes, cols: int, row: int, above: int, first: int, last: int, parent: Ints
) -> None:
    """Join what touches across the seam: the ends of a row, and each with the other end of the row above."""
    if first == last:
        return
    west, east = start[first] == row * cols, stop[last - 1] == (row + 1) * cols
    if west and east:
        _unite(code, parent, first, last - 1)
    if above == first:
        return
    if west and stop[first - 1] == row * cols:
        _unite(code, parent, first - 1, first)
    if east and start[above] == (row - 1) * cols:
        _unite(code, parent, above, last - 1)


@numba.njit(cache=True, nogil=True)
def join_runs(start: Ints, stop: Ints, code: Bytes, rows: Ints, cols: int, wraps: bool, parent: Ints) -> None:
    """Fill the first run of the patch of every run.

    Runs are cells ``start`` to before ``stop`` of one row and class, ascending; ``rows`` has the first run of every row, and
    behind the last their number. ``wraps``: the last column lies beside the first.
    """
    for i in range(start.shape[0]):
        parent[i] = i
    for row in range(rows.shape[0] - 1):
        above = rows[row - 1] if row > 0 else rows[row]
        first, last = rows[row], rows[row + 1]
        _join_rows(start, stop, code, cols, above, first, last, parent)
        if wraps:
            _join_seam(start, stop, code, cols, row, above, first, last, parent)
    for i in range(start.shape[0]):
        # A parent comes before its child, and is the first of its patch by now.
        parent[i] = parent[parent[i]]


@numba.njit(cache=True, nogil=True)
def sum_runs(start: Ints, stop: Ints, code: Bytes, values: Floats, out: Floats) -> None:
    """Add the values of the cells of runs up by class."""
    for k in range(start.shape[0]):
        c = code[k]
        for i in range(start[k], stop[k]):
            out[c] += values[i]


@numba.njit(cache=True, nogil=True)
def sum_run_areas(start: Ints, stop: Ints, code: Bytes, area_m2: Floats, cols: int, out: Floats) -> None:
    """Add the areas of the cells of runs up by class, km²; ``area_m2`` has one column where areas do not vary along a row."""
    alike = area_m2.shape[1] == 1
    for k in range(start.shape[0]):
        c, row = code[k], start[k] // cols
        for i in range(start[k], stop[k]):
            out[c] += area_m2[row, 0 if alike else i - row * cols] * 1e-6
