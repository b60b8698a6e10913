"""Which rows and columns of a lattice a polygon needs, and how the work on them is cut into tasks."""

import math

import numba
import numpy as np

__all__ = ["cut_tasks", "find_windows"]


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _first_border(value, origin, step, n):  # type: ignore[no-untyped-def]
    # Number of cells wholly at or before value, along rising borders origin + j step, within 0 and n.
    j = (value - origin) / step
    k = 0 if j <= 0.0 else (n if j >= n else int(j))
    while k > 0 and origin + k * step > value:
        k -= 1
    while k < n and origin + (k + 1) * step <= value:
        k += 1
    return k


@numba.njit(cache=True, nogil=True, error_model="numpy")
def find_windows(bounds, area, x_left, y_top, dx, dy, rows, cols, turn, out):  # type: ignore[no-untyped-def]
    """Fill per polygon the half-open window: rows, columns, and turns of 360° that bring it onto the lattice."""
    right = x_left + cols * dx
    for g in range(bounds.shape[0]):
        west, south, east, north = bounds[g, 0], bounds[g, 1], bounds[g, 2], bounds[g, 3]
        first, last = 0, 1
        if turn and area[g] > 0.0:
            first = math.ceil((x_left - east) / 360.0)
            last = math.floor((right - west) / 360.0) + 1
            if last > first and east + first * 360.0 <= x_left:
                first += 1
            if last > first and west + (last - 1) * 360.0 >= right:
                last -= 1
        out[g, 4], out[g, 5] = first, max(first, last)
        out[g, 0] = out[g, 1] = out[g, 2] = out[g, 3] = 0
        if not area[g] > 0.0 or last <= first:
            continue
        # Rows fall from y_top, so that -y rises.
        r0 = _first_border(-north, -y_top, dy, rows)
        r1 = rows - _rows_below(south, y_top, dy, rows)
        c0, c1 = 0, cols
        if last == first + 1:
            shift = first * 360.0
            c0 = _first_border(west + shift, x_left, dx, cols)
            c1 = _first_border(east + shift, x_left, dx, cols)
            if c1 < cols and x_left + c1 * dx < east + shift:
                c1 += 1
        if r0 < r1 and c0 < c1:
            out[g, 0], out[g, 1], out[g, 2], out[g, 3] = r0, r1, c0, c1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _rows_below(south, y_top, dy, rows):  # type: ignore[no-untyped-def]
    # Rows whose upper border is at or below south.
    r = _first_border(-south, -y_top, dy, rows)
    if r < rows and y_top - r * dy > south:
        r += 1
    return rows - r


@numba.njit(cache=True, nogil=True, error_model="numpy")
def cut_tasks(windows, vertices, band, band_most):  # type: ignore[no-untyped-def]
    """Tasks (polygon, first row, last row + 1), the cost of each, and how many cells its window has.

    A window of more than ``band`` cells is cut into bands of rows, as long as the edges, which every band walks, are the
    lesser work; one of ``band_most`` always.
    """
    n = windows.shape[0]
    bands = np.zeros(n, np.int64)
    total = 0
    for g in range(n):
        rows = windows[g, 1] - windows[g, 0]
        cells = rows * (windows[g, 3] - windows[g, 2] + 1)
        if cells > 0:
            bands[g] = 1
        if cells > band:
            wanted = min(-(-cells // band), max(8, cells // max(vertices[g], 1)))
            bands[g] = min(max(wanted, -(-cells // band_most)), rows)
        total += bands[g]
    tasks, cost, room = np.empty((total, 3), np.int64), np.empty(total), np.empty(total, np.int64)
    t = 0
    for g in range(n):
        rows = windows[g, 1] - windows[g, 0]
        width = windows[g, 3] - windows[g, 2]
        for k in range(bands[g]):
            first, last = 0, rows
            if bands[g] > 1:
                first, last = k * rows // bands[g], (k + 1) * rows // bands[g]
            tasks[t, 0], tasks[t, 1], tasks[t, 2] = g, first, last
            cost[t] = 4.0 * vertices[g] + (last - first) * (width + 1)
            room[t] = (last - first) * width
            t += 1
    return tasks, cost, room
