"""Which cell owns a coordinate: half-open cells, the outer edges closed.

The edge between columns j - 1 and j is the float64 number ``x_left + j * dx``; the row edge above row i is
``y_top - i * dy``. A division only proposes an index; comparing with the stored edges decides, so that a point on an edge
has one owner whatever the rounding of the division did.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["ALL_AROUND", "column_around", "column_of", "locate", "row_of", "wrap_degrees"]

ALL_AROUND = 360.0 - 1e-9  # degrees: 7 columns of 360/7 may add up to a rounding less than a whole turn


@numba.njit(cache=True, nogil=True, inline="always")
def column_of(x: float, x_left: float, dx: float, cols: int) -> int:
    """Column that owns x, or -1 outside. A cell owns its left edge; the last column also its right edge."""
    if not (x >= x_left and x <= x_left + cols * dx):
        return -1
    j = int((x - x_left) / dx)
    if j > cols - 1:
        j = cols - 1
    if x < x_left + j * dx:
        j -= 1
    elif j < cols - 1 and x >= x_left + (j + 1) * dx:
        j += 1
    return j


@numba.njit(cache=True, nogil=True, inline="always")
def row_of(y: float, y_top: float, dy: float, rows: int) -> int:
    """Row that owns y, or -1 outside. A cell owns its lower edge; the first row also its upper edge."""
    if not (y <= y_top and y >= y_top - rows * dy):
        return -1
    i = math.ceil((y_top - y) / dy) - 1
    if i < 0:
        i = 0
    elif i > rows - 1:
        i = rows - 1
    if i < rows - 1 and y < y_top - (i + 1) * dy:
        i += 1
    elif i > 0 and y >= y_top - i * dy:
        i -= 1
    return i


@numba.njit(cache=True, nogil=True, inline="always")
def wrap_degrees(x: float, x_left: float) -> float:
    """The longitude x moved by whole turns into [x_left, x_left + 360); a value already there is untouched."""
    if x >= x_left and x < x_left + 360.0:
        return x
    turned = x - 360.0 * math.floor((x - x_left) / 360.0)
    if turned >= x_left + 360.0:
        turned -= 360.0
    if turned < x_left:  # one rounding below the edge it belongs to
        turned = x_left
    return turned


@numba.njit(cache=True, nogil=True, inline="always")
def column_around(x: float, x_left: float, dx: float, cols: int, turn: bool) -> int:
    """Column that owns x, or -1. With ``turn`` x is a longitude and may be off by whole turns."""
    if not turn:
        return column_of(x, x_left, dx, cols)
    if not math.isfinite(x):
        return -1
    if cols * dx < ALL_AROUND:
        if not (x >= x_left and x <= x_left + cols * dx):
            x = wrap_degrees(x, x_left)
        return column_of(x, x_left, dx, cols)
    # The seam of a grid all the way around is the left edge of its first column. Nothing falls between the last edge and
    # the seam, which may differ by a rounding.
    j = column_of(wrap_degrees(x, x_left), x_left, dx, cols)
    return cols - 1 if j < 0 else j


@numba.njit(cache=True, nogil=True)
def locate(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_left: float,
    y_top: float,
    dx: float,
    dy: float,
    rows: int,
    cols: int,
    turn: bool,
    out_row: NDArray[np.int64],
    out_col: NDArray[np.int64],
) -> None:
    """Fill the owning row and column of each point, both -1 outside. ``turn`` wraps longitudes first."""
    for p in range(x.shape[0]):
        j = column_around(x[p], x_left, dx, cols, turn)
        i = row_of(y[p], y_top, dy, rows)
        if i < 0 or j < 0:
            i = -1
            j = -1
        out_row[p] = i
        out_col[p] = j
