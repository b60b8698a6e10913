"""Rings around patches of cells, on the lattice of cell corners, with the patch to the left.

A walk keeps to the cell it is on wherever cells of a patch meet in a corner only: the parts of a patch, cells connected over
edges, have walks of their own. Where a part meets itself in a corner, the walk comes by twice, and what lies between is cut
off as a ring of its own; so every ring is simple, each part has one shell, and a hole touches it in corners at most.
(Two such corners never interleave: the walk would have to cross itself.) A corner of the lattice on a straight
stretch is a vertex where what lies beyond changes, so that patches side by side have the same vertices.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.patches import EAST, NORTH, NORTHEAST, NORTHWEST, SOUTH, SOUTHEAST, SOUTHWEST, WEST

__all__ = ["count_sides", "trace_rings"]

Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Floats = NDArray[np.float64]

# Sides of a cell in the order of the walk, which has the cell on its left: south (eastward), east, north, west.
# For each: the cell across, the next cell on the same side, the one across from that, and where the side ends.
_ACROSS = (SOUTH, EAST, NORTH, WEST)
_AHEAD = (EAST, NORTH, WEST, SOUTH)
_BEYOND = (SOUTHEAST, NORTHEAST, NORTHWEST, SOUTHWEST)
_END_ROW = (1, 0, 0, 1)
_END_COL = (1, 1, 0, 0)
_NORTH_SIDE = 2


@numba.njit(nogil=True)
def _label(label: Shorts, j: int) -> int:
    return label[j] if j >= 0 else -1


@numba.njit(cache=True, nogil=True)
def count_sides(near: Shorts, label: Shorts) -> int:
    """How many sides of cells the rings are made of."""
    sides = 0
    for i in range(label.shape[0]):
        for side in range(4):
            sides += 1 if _label(label, near[i, side]) != label[i] else 0
    return sides


@numba.njit(nogil=True)
def _step(near: Shorts, label: Shorts, part: Shorts, i: int, side: int) -> tuple[int, int, bool, bool]:
    """The next cell and side of a walk, and whether the corner between is a vertex, and one the walk comes by twice."""
    ahead, beyond = near[i, _AHEAD[side]], near[i, _BEYOND[side]]
    if _label(label, ahead) != label[i]:
        return i, (side + 1) % 4, True, beyond >= 0 and part[beyond] == part[i]
    if _label(label, beyond) == label[i]:
        return beyond, (side + 3) % 4, True, False
    return ahead, side, _label(label, near[i, _ACROSS[side]]) != _label(label, beyond), False


@numba.njit(nogil=True)
def _emit(corners: Ints, first: int, last: int, x: Floats, y: Floats, coords: Floats, at: int) -> bool:
    """Write a closed ring of lattice corners; whether it runs clockwise."""
    width = x.shape[0]
    twice_area = 0
    row0, col0 = corners[last - 1] // width, corners[last - 1] % width
    for k in range(first, last):
        row, col = corners[k] // width, corners[k] % width
        coords[at + k - first, 0], coords[at + k - first, 1] = x[col], y[row]
        twice_area += row0 * col - col0 * row  # rows count downward
        row0, col0 = row, col
    coords[at + last - first, 0], coords[at + last - first, 1] = coords[at, 0], coords[at, 1]
    return twice_area < 0


@numba.njit(cache=True, nogil=True)
def trace_rings(  # type: ignore[no-untyped-def]
    ids: Ints, near: Shorts, label: Shorts, part: Shorts, x: Floats, y: Floats, sides: int
):
    """Closed rings: coordinates, first vertex of each (and the end), part, and whether it is a hole.

    ``part`` is the first cell, by position, of the part a cell belongs to. Shells run counter-clockwise.
    """
    cols = x.shape[0] - 1
    # A ring has at least four sides, and one vertex more than corners.
    coords = np.empty((sides + sides // 4, 2))
    first, of_part = np.zeros(sides // 4 + 1, np.int64), np.empty(sides // 4, np.int32)
    hole = np.empty(sides // 4, np.bool_)
    corners, twice = np.empty(sides + 1, np.int64), np.empty(sides + 1, np.int64)
    walked = np.zeros(ids.shape[0], np.uint8)
    rings = 0
    for start in range(ids.shape[0]):
        # Every closed walk goes west somewhere, along a north side.
        if walked[start] >> _NORTH_SIDE & 1 or _label(label, near[start, NORTH]) == label[start]:
            continue
        i, side = start, _NORTH_SIDE
        size = open_twice = 0
        while True:
            walked[i] |= 1 << side
            row = ids[i] // cols + _END_ROW[side]
            corner = row * (cols + 1) + ids[i] % cols + _END_COL[side]
            i, side, vertex, again = _step(near, label, part, i, side)
            if vertex:
                corners[size] = corner
                size += 1
            if again and open_twice > 0 and corners[twice[open_twice - 1]] == corner:
                open_twice -= 1
                begin = twice[open_twice] + 1
                hole[rings] = _emit(corners, begin, size, x, y, coords, first[rings])
                of_part[rings] = part[start]
                first[rings + 1] = first[rings] + size - begin + 1
                rings += 1
                size = begin
            elif again:
                twice[open_twice] = size - 1
                open_twice += 1
            if i == start and side == _NORTH_SIDE:
                break
        hole[rings] = _emit(corners, 0, size, x, y, coords, first[rings])
        of_part[rings] = part[start]
        first[rings + 1] = first[rings] + size + 1
        rings += 1
    return coords[: first[rings]].copy(), first[: rings + 1].copy(), of_part[:rings].copy(), hole[:rings].copy()
