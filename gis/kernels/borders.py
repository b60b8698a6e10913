"""Which edges of polygons may touch marked cells."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["touch_edges"]

# Of a cell: what a row's end of an edge may be off by.
_SLACK = 1e-9


@numba.njit(cache=True, nogil=True)
def touch_edges(
    uv: NDArray[np.float64],
    first: NDArray[np.int64],
    mask: NDArray[np.uint8],
    edge: NDArray[np.int64],
    cell: NDArray[np.int64],
) -> int:
    """Number of pairs of an edge and a marked cell that it may touch; as many as fit are written.

    Vertices are in cell coordinates, u east and v north of the grid's upper left corner; ring r has the vertices first[r] to
    first[r + 1], and an edge goes by the number of its first vertex. Every cell that an edge crosses is found; one that it
    only comes near may be.
    """
    rows, cols = mask.shape
    count = 0
    for ring in range(len(first) - 1):
        for i in range(first[ring], first[ring + 1] - 1):
            u0, v0, u1, v1 = uv[i, 0], uv[i, 1], uv[i + 1, 0], uv[i + 1, 1]
            if v0 < v1:
                u0, v0, u1, v1 = u1, v1, u0, v0
            # From above to below. In floats first: an edge may lie far beyond the grid.
            top, bottom = max(0.0, -math.floor(v0) - 1.0), min(rows - 1.0, -math.floor(v1) - 1.0)
            if top > bottom or max(u0, u1) < 0.0 or min(u0, u1) > cols:
                continue
            for row in range(int(top), int(bottom) + 1):
                a, b = u0, u1
                if v0 > v1:
                    slope = (u1 - u0) / (v0 - v1)
                    if v0 > -row:
                        a = u0 + slope * (v0 + row)
                    if v1 < -(row + 1):
                        b = u0 + slope * (v0 + row + 1)
                low = max(0.0, math.floor(min(a, b) - _SLACK))
                high = min(cols - 1.0, math.floor(max(a, b) + _SLACK))
                if low > high:
                    continue
                for col in range(int(low), int(high) + 1):
                    if mask[row, col]:
                        if count < len(edge):
                            edge[count] = i
                            cell[count] = row * cols + col
                        count += 1
    return count
