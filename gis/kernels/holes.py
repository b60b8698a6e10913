"""Holes: small groups of cells without a patch that one patch encloses."""

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.patches import EAST, NORTHEAST, SOUTH, SOUTHEAST, WEST

__all__ = ["fill_holes"]

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]

_OPEN, _OUT, _IN = 0, 1, 2  # not looked at; in no hole; in the hole at hand, or in one that was filled


@numba.njit(nogil=True)
def _position(cells: Ints, starts: Ints, row: int, cell: int) -> int:
    """Position of a cell of a row in the domain, -1 if it is not there."""
    low, high = starts[row], starts[row + 1]
    if low == high or cell < cells[low]:
        return -1
    # Where every cell of the row is there, the distance from the first tells; elsewhere it is an upper bound.
    high = min(high, low + cell - cells[low] + 1)
    if cells[high - 1] == cell:
        return int(high - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if cells[middle] <= cell:
            low = middle
        else:
            high = middle
    return int(low) if cells[low] == cell else -1


@numba.njit(nogil=True)
def _beside(cells: Ints, starts: Ints, cols: int, wraps: bool, cell: int, side: int) -> int:
    """Position in the domain of the cell on one of the four sides, -1 if there is none."""
    row = cell // cols
    col = cell - row * cols
    if side == WEST or side == EAST:
        col += 1 if side == EAST else -1
        if wraps:
            col %= cols
        if not 0 <= col < cols:
            return -1
    else:
        row += 1 if side == SOUTH else -1
        if not 0 <= row < starts.shape[0] - 1:
            return -1
    return _position(cells, starts, row, row * cols + col)


@numba.njit(nogil=True)
def _hole(
    cells: Ints, starts: Ints, cols: int, wraps: bool, begin: int, owner: int, limit: int, patch: Shorts, state: Bytes, queue: Ints
) -> int:  # fmt: skip
    """How many cells the hole around ``begin`` has, which stand in the queue; 0 if it is none or too large."""
    queue[0] = begin
    state[begin] = _IN
    size, done = 1, 0
    enclosed = True
    while enclosed and done < size:
        cell = cells[queue[done]]
        done += 1
        for side in range(4):
            p = _beside(cells, starts, cols, wraps, cell, side)
            if p >= 0 and (patch[p] == owner or state[p] == _IN):
                continue
            # Beyond the domain, another patch, a cell known to be outside, or one too many.
            if p < 0 or patch[p] != -1 or state[p] == _OUT or size == limit:
                enclosed = False
                break
            queue[size] = p
            state[p] = _IN
            size += 1
    if enclosed:
        return size
    for k in range(size):
        state[queue[k]] = _OUT
    return 0


@numba.njit(nogil=True)
def _is(label: Shorts, j: int, owner: int) -> bool:
    return bool(j >= 0 and label[j] == owner)


@numba.njit(cache=True, nogil=True)
def fill_holes(  # type: ignore[no-untyped-def]
    cells: Ints, starts: Ints, cols: int, wraps: bool, ids: Ints, near: Shorts, label: Shorts, limit: int, patch: Shorts
):
    """Positions of the cells of enclosed holes of at most ``limit`` cells, which are given to the patch around them."""
    state = np.zeros(patch.shape[0] if limit > 0 else 0, np.uint8)
    queue, filled = np.empty(min(limit, patch.shape[0]), np.int64), np.empty(64, np.int64)
    total = 0
    for i in range(ids.shape[0] if limit > 0 else 0):
        # A hole begins east of a spot of its patch with the patch to the north, too: the west end of its first row. (A hole
        # whose first row goes around the globe has different patches to the north and to the south.)
        owner, over = label[i], near[i, NORTHEAST]
        if owner < 0 or not _is(label, over, owner):
            continue
        east = near[i, EAST]
        if east >= 0 and label[east] >= 0:
            continue
        # What is south and east of a hole of one cell are spots: no need to ask the domain where they are.
        if limit == 1 and not (_is(label, near[i, SOUTHEAST], owner) and _is(label, near[over, SOUTHEAST], owner)):
            continue
        p = _beside(cells, starts, cols, wraps, ids[i], EAST)
        if p < 0 or state[p] != _OPEN:
            continue
        size = _hole(cells, starts, cols, wraps, p, owner, limit, patch, state, queue)
        if total + size > filled.shape[0]:
            more = np.empty(2 * (total + size), np.int64)
            more[:total] = filled[:total]
            filled = more
        for k in range(size):
            patch[queue[k]] = owner
            filled[total + k] = queue[k]
        total += size
    return np.sort(filled[:total])
