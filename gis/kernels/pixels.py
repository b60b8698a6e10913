"""The pixels of a tile on a lattice of positions in a grid: how good the lattice is, and where a row of pixels lies.

Positions are counted in cells; the nodes of a lattice are evenly spaced over a window of pixels, from corner to corner.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["aim_row", "assess_lattice", "count_cells", "fill_lattice"]

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True)
def fill_lattice(
    west: float, north: float, pixel: float, x_start: int, x_stop: int, y_start: int, y_stop: int, x: Floats, y: Floats
) -> None:
    """Fill ``x`` and ``y`` with the corners of a lattice over a window of a tile's pixels."""
    n, m = x.shape
    for i in range(n):
        down = y_start + (y_stop - y_start) * i / (n - 1)
        for j in range(m):
            x[i, j] = west + (x_start + (x_stop - x_start) * j / (m - 1)) * pixel
            y[i, j] = north - down * pixel


@numba.njit(cache=True, nogil=True)
def count_cells(
    nominal_lon: Floats,
    x_left: float,
    y_top: float,
    dx: float,
    dy: float,
    turns: bool,
    shift: float,
    x: Floats,
    y: Floats,
) -> None:
    """Turn x and y into columns and rows, NaN where they are not known; longitudes stay in the turn of the nominal ones.

    A projection may answer -180 for 180. ``shift`` is what leads from the tile's longitudes to the grid's.
    """
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            at = x[i, j]
            if turns:
                at += 360.0 * np.round((nominal_lon[i, j] - at) / 360.0) + shift
            col = (at - x_left) / dx
            row = (y_top - y[i, j]) / dy
            known = abs(col) < math.inf and abs(row) < math.inf
            x[i, j] = col if known else math.nan
            y[i, j] = row if known else math.nan


@numba.njit(cache=True, nogil=True)
def _bend(at: Floats, i: int, j: int) -> float:
    """Largest difference of the five inner nodes of a block of 3 × 3 from what its corners give."""
    above = (at[i, j] + at[i, j + 2]) / 2
    below = (at[i + 2, j] + at[i + 2, j + 2]) / 2
    west = (at[i, j] + at[i + 2, j]) / 2
    east = (at[i, j + 2] + at[i + 2, j + 2]) / 2
    edges = max(abs(at[i, j + 1] - above), abs(at[i + 2, j + 1] - below))
    sides = max(abs(at[i + 1, j] - west), abs(at[i + 1, j + 2] - east))
    bend: float = max(edges, sides, abs(at[i + 1, j + 1] - (above + below) / 2))
    return bend


@numba.njit(cache=True, nogil=True)
def _side(at: Floats, i: int, j: int, step: int, step_x_px: float, step_y_px: float) -> float:
    """Cells that a pixel of a block spans along one axis of the grid, root of the squares of both its edges."""
    n = i + step
    m = j + step
    along = (at[i, m] - at[i, j] + at[n, m] - at[n, j]) / (2 * step * step_x_px)
    down = (at[n, j] - at[i, j] + at[n, m] - at[i, m]) / (2 * step * step_y_px)
    return math.sqrt(along * along + down * down)


@numba.njit(cache=True, nogil=True)
def _near(at: Floats, i: int, j: int, step: int, margin: float, count: float) -> bool:
    """Whether a block may meet positions of 0 to ``count``; one with a corner that is not known does not."""
    low = min(min(at[i, j], at[i, j + step]), min(at[i + step, j], at[i + step, j + step]))
    high = max(max(at[i, j], at[i, j + step]), max(at[i + step, j], at[i + step, j + step]))
    return bool(high + margin >= 0.0 and low - margin <= count)


@numba.njit(cache=True, nogil=True)
def assess_lattice(
    col: Floats, row: Floats, step_x_px: float, step_y_px: float, cols: float, rows: float, out: Floats
) -> None:
    """Fill ``out`` with the worst bend, and the shortest and the longest side of a pixel, of what is near the grid.

    The bend is how far, in pixels, the inner nodes of a block of 3 × 3 lie from what its corners give; infinite where some
    are not known. The sides are in cells, 0 where nothing is near. ``cols`` is infinite where the grid goes around the globe.
    """
    worst = 0.0
    shortest = math.inf
    longest = 0.0
    n, m = col.shape
    for i in range(n - 1):
        for j in range(m - 1):
            total = col[i, j] + col[i, j + 1] + col[i + 1, j] + col[i + 1, j + 1]
            if math.isnan(total):
                continue
            w = _side(col, i, j, 1, step_x_px, step_y_px)
            h = _side(row, i, j, 1, step_x_px, step_y_px)
            wide = math.isinf(cols) or _near(col, i, j, 1, w, cols)
            if wide and _near(row, i, j, 1, h, rows):
                shortest = min(shortest, w, h)
                longest = max(longest, w, h)
    for i in range(0, n - 2, 2):
        for j in range(0, m - 2, 2):
            known = 0
            for a in range(3):
                for b in range(3):
                    known += not math.isnan(col[i + a, j + b])
            if known == 0:
                continue
            if known < 9:
                worst = math.inf
                continue
            w = _side(col, i, j, 2, step_x_px, step_y_px)
            h = _side(row, i, j, 2, step_x_px, step_y_px)
            bend_col = _bend(col, i, j)
            bend_row = _bend(row, i, j)
            wide = math.isinf(cols) or _near(col, i, j, 2, w + bend_col, cols)
            if wide and _near(row, i, j, 2, h + bend_row, rows):
                if not (bend_col < math.inf and bend_row < math.inf and w > 0 and h > 0):
                    worst = math.inf
                else:
                    worst = max(worst, bend_col / w, bend_row / h)
    out[0] = worst
    out[1] = shortest if shortest < math.inf else 0.0
    out[2] = longest


@numba.njit(cache=True, nogil=True)
def aim_row(
    col: Floats, row: Floats, x_start: int, x_stop: int, y_start: int, y_stop: int, y: int, bounding: bool, out: Floats
) -> None:
    """Fill ``out`` with where a row of pixels lies: one line per block of the lattice, between whose nodes it is straight.

    A line holds the first pixel and one past the last; column and row of the centre of pixel 0, were it in the block, and
    what each further pixel adds to them; and the width and height of the box that a pixel stands on, NaN if it has no
    place. That box is upright, has the pixel's centre and its spread (root of squares: a square turned by any angle keeps
    its area), or with ``bounding`` holds all of the pixel.
    """
    step_x = (x_stop - x_start) / (col.shape[1] - 1)
    step_y = (y_stop - y_start) / (col.shape[0] - 1)
    v = (y + 0.5 - y_start) / step_y
    j = min(int(v), col.shape[0] - 2)
    v -= j
    for i in range(col.shape[1] - 1):
        origin = x_start + i * step_x
        out[i, 0] = max(math.ceil(origin - 0.5), x_start)
        out[i, 1] = x_stop if i == col.shape[1] - 2 else max(math.ceil(origin + step_x - 0.5), x_start)
        for axis in range(2):
            at = col if axis == 0 else row
            west = at[j, i] + v * (at[j + 1, i] - at[j, i])
            east = at[j, i + 1] + v * (at[j + 1, i + 1] - at[j, i + 1])
            along = (east - west) / step_x
            down = (at[j + 1, i] - at[j, i] + at[j + 1, i + 1] - at[j, i + 1]) / (2 * step_y)
            out[i, 2 + 2 * axis] = west + along * (0.5 - origin)
            out[i, 3 + 2 * axis] = along
            out[i, 6 + axis] = abs(along) + abs(down) if bounding else math.sqrt(along * along + down * down)
