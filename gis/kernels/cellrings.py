"""Source cells as rings in another CRS: the share of every ring in the target cells it meets, and beyond them.

The rings of a patch are read off one lattice of projected corners and edge points, so that two neighbours
have the same numbers on the edge they share. A window of target columns is a run of *columns*, numbered without an
end: in a projected CRS -1 and ``cols`` are all that lies left and right of the target; around the globe the numbers go on,
turn after turn, with one column more per turn for the gap that a target not all the way around leaves.

Most cells of a fine source touch a handful of target cells well inside a projected target. They take a short way: in units
of target cells every border is a whole number, and the window is a few columns and rows.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.pieces import trace_ring
from gis.kernels.polygons import Lattice

__all__ = ["trace_cells"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NOISE = 1e-14  # of a ring's area: what a prefix sum leaves in a cell that the ring does not enter
_FOLDED = 1e-9  # of a ring's area below zero: the ring crosses itself
_POLE = 1e-9  # degrees
_SMALL = 4  # rows and columns at most of a window that takes the short way

# The helpers are not cached on their own: compiled into their caller, they can be inlined there.


@numba.njit(nogil=True)
def _ring(x: Floats, y: Floats, across: Floats, down: Floats, i: int, j: int, ring: Floats) -> int:
    """Fill the counter-clockwise ring of cell (i, j) from its north-west corner; return its number of vertices."""
    n = 0
    ring[n, 0], ring[n, 1] = x[i, j], y[i, j]
    n += 1
    for k in range(down.shape[2]):
        ring[n, 0], ring[n, 1] = down[i, j, k, 0], down[i, j, k, 1]
        n += 1
    ring[n, 0], ring[n, 1] = x[i + 1, j], y[i + 1, j]
    n += 1
    for k in range(across.shape[2]):
        ring[n, 0], ring[n, 1] = across[i + 1, j, k, 0], across[i + 1, j, k, 1]
        n += 1
    ring[n, 0], ring[n, 1] = x[i + 1, j + 1], y[i + 1, j + 1]
    n += 1
    for k in range(down.shape[2] - 1, -1, -1):
        ring[n, 0], ring[n, 1] = down[i, j + 1, k, 0], down[i, j + 1, k, 1]
        n += 1
    ring[n, 0], ring[n, 1] = x[i, j + 1], y[i, j + 1]
    n += 1
    for k in range(across.shape[2] - 1, -1, -1):
        ring[n, 0], ring[n, 1] = across[i, j, k, 0], across[i, j, k, 1]
        n += 1
    return n


@numba.njit(nogil=True)
def _unwrap(ring: Floats, n: int, out: Floats) -> int:
    """Fill the ring in longitudes without jumps, the pole's meridians supplied; return its number of vertices.

    A vertex at a pole has no longitude of its own: it is the two ends of the parallel 90 between its neighbours.
    A ring around a pole does not close in longitude: it goes on along the pole's parallel.
    """
    first = 0
    while first < n and abs(ring[first, 1]) > 90.0 - _POLE:
        first += 1
    if first == n:
        return 0
    m = 0
    lon = ring[first, 0]
    pole = 0.0
    for step in range(n + 1):
        v = (first + step) % n
        lat = ring[v, 1]
        if abs(lat) > 90.0 - _POLE:
            pole = math.copysign(90.0, lat)
            out[m, 0], out[m, 1] = lon, pole
            m += 1
            continue
        lon = ring[v, 0] - 360.0 * round((ring[v, 0] - lon) / 360.0)
        if pole != 0.0:
            out[m, 0], out[m, 1] = lon, pole
            m += 1
            pole = 0.0
        out[m, 0], out[m, 1] = lon, lat
        m += 1
    if abs(lon - out[0, 0]) < 180.0:
        return m - 1
    pole = math.copysign(90.0, out[0, 1])
    out[m, 0], out[m, 1] = lon, pole
    out[m + 1, 0], out[m + 1, 1] = out[0, 0], pole
    return m + 2


@numba.njit(nogil=True)
def _box(coords: Floats, n: int) -> tuple[float, float, float, float]:
    """West, south, east, north; west is NaN when a vertex is not finite."""
    west = east = coords[0, 0]
    south = north = coords[0, 1]
    finite = 0.0
    for v in range(n):
        x, y = coords[v, 0], coords[v, 1]
        finite += 0.0 * (x + y)
        west, east = min(west, x), max(east, x)
        south, north = min(south, y), max(north, y)
    return west + finite, south, east, north


@numba.njit(nogil=True)
def _column(x: float, lattice: Lattice, turn: float, per_turn: int) -> int:
    if turn == 0.0:
        return max(-1, min(lattice.cols, math.floor((x - lattice.x_left) / lattice.dx)))
    k = math.floor((x - lattice.x_left) / turn)
    return k * per_turn + min(int((x - lattice.x_left - k * turn) / lattice.dx), per_turn - 1)


@numba.njit(nogil=True)
def _row(y: float, lattice: Lattice) -> int:
    return max(-1, min(lattice.rows, math.floor((lattice.y_top - y) / lattice.dy)))


@numba.njit(nogil=True)
def _columns(
    j0: int, nc: int, west: float, east: float, lattice: Lattice, turn: float, per_turn: int, xe: Floats
) -> None:
    """Fill the borders of the window's columns, relative to the origin that west and east are relative to.

    The outermost borders stand clear of the ring, so that what lies outside the target is measured whole.
    """
    for b in range(nc + 1):
        q = j0 + b
        k = q // per_turn if turn != 0.0 else 0
        xe[b] += k * turn + (q - k * per_turn) * lattice.dx
    if turn == 0.0 and j0 == -1:
        xe[0] = west - lattice.dx
    xe[nc] = max(xe[nc], east)
    if turn == 0.0 and j0 + nc - 1 == lattice.cols:
        xe[nc] = east + lattice.dx


@numba.njit(nogil=True)
def _rows(i0: int, nr: int, south: float, north: float, lattice: Lattice, oy: float, ye: Floats) -> None:
    for b in range(nr + 1):
        ye[b] = lattice.y_top - (i0 + b) * lattice.dy - oy
    if i0 == -1:
        ye[0] = north + lattice.dy - oy
    ye[nr] = min(ye[nr], south - oy)
    if i0 + nr - 1 == lattice.rows:
        ye[nr] = south - lattice.dy - oy


@numba.njit(nogil=True)
def _sum_window(acc: Floats, xe: Floats, nr: int, nc: int) -> tuple[float, float]:
    """Turn the scratch into the area of every cell; return their sum and the largest of the opposite sign."""
    total = lowest = highest = 0.0
    for r in range(nr):
        slot = r * (nc + 1)
        cover = acc[2 * slot + 1]
        for c in range(nc):
            slot += 1
            area = acc[2 * slot] + (xe[c + 1] - xe[c]) * cover
            cover += acc[2 * slot + 1]
            acc[2 * slot] = area
            total += area
            lowest, highest = min(lowest, area), max(highest, area)
    return total, -lowest if total > 0.0 else highest


@numba.njit(nogil=True)
def _grown(a, needed):  # type: ignore[no-untyped-def]
    b = np.empty(max(needed, 2 * a.shape[0]), a.dtype)
    b[: a.shape[0]] = a
    return b


@numba.njit(nogil=True)
def _room(a, needed):  # type: ignore[no-untyped-def]
    return a if needed < a.shape[0] else np.empty(2 * needed, a.dtype)


@numba.njit(nogil=True)
def _misses(box, j0: int, j1: int, lattice: Lattice, turn: float, per_turn: int) -> bool:  # type: ignore[no-untyped-def]
    west, south, _, north = box
    if not (math.isfinite(west) and south < lattice.y_top and north > lattice.y_top - lattice.rows * lattice.dy):
        return True
    if turn == 0.0:
        return j1 < 0 or j0 >= lattice.cols
    return j0 // per_turn == j1 // per_turn and j0 % per_turn >= lattice.cols


@numba.njit(nogil=True)
def _small_window(ring: Floats, n: int, lattice: Lattice, unit: Floats) -> tuple[int, int, int, int]:
    """Fill the ring in target cells from its window's corner; first row, rows, first column, columns, no rows if not small."""
    finite = 0.0
    west = north = math.inf
    east = south = -math.inf
    for v in range(n):
        x = (ring[v, 0] - lattice.x_left) / lattice.dx
        y = (lattice.y_top - ring[v, 1]) / lattice.dy
        finite += 0.0 * (x + y)
        unit[v, 0], unit[v, 1] = x, y
        west, east = min(west, x), max(east, x)
        north, south = min(north, y), max(south, y)
    if not (finite == 0.0 and west >= 0.0 and north >= 0.0 and east < lattice.cols and south < lattice.rows):
        return 0, 0, 0, 0
    i0, j0 = int(north), int(west)
    nr, nc = int(south) - i0 + 1, int(east) - j0 + 1
    if nr > _SMALL or nc > _SMALL:
        return 0, 0, 0, 0
    for v in range(n):
        unit[v, 0] -= j0
        unit[v, 1] -= i0
    return i0, nr, j0, nc


@numba.njit(nogil=True)
def _add_piece(acc: Floats, slot: int, j: int, xa: float, ya: float, xb: float, yb: float) -> None:
    down = yb - ya
    acc[2 * slot] += down * (0.5 * ((j + 1 - xa) + (j + 1 - xb)))
    acc[2 * slot + 1] += down


@numba.njit(nogil=True, error_model="numpy")
def _trace_small(unit: Floats, n: int, nr: int, nc: int, acc: Floats) -> None:
    """Fill the scratch as ``trace_ring`` does, for a ring in target cells that lies within the window."""
    for k in range(2 * nr * (nc + 1)):
        acc[k] = 0.0
    x0, y0 = unit[n - 1, 0], unit[n - 1, 1]
    i0, j0 = int(y0), int(x0)
    for v in range(n):
        x1, y1 = unit[v, 0], unit[v, 1]
        i1, j1 = int(y1), int(x1)
        x, y, i, j = x0, y0, i0, j0
        nx, ny = abs(j1 - j0), abs(i1 - i0)
        if nx + ny > 0:
            per_x, per_y = 1.0 / (x1 - x0), 1.0 / (y1 - y0)
            east, south = (1 if j1 > j0 else 0), (1 if i1 > i0 else 0)
            for _ in range(nx + ny):
                tx = (j + east - x0) * per_x if nx > 0 else math.inf
                ty = (i + south - y0) * per_y if ny > 0 else math.inf
                across = tx < ty
                xn = float(j + east) if across else x0 + ty * (x1 - x0)
                yn = y0 + tx * (y1 - y0) if across else float(i + south)
                _add_piece(acc, i * (nc + 1) + j + 1, j, x, y, xn, yn)
                x, y = xn, yn
                if across:
                    j += 2 * east - 1
                    nx -= 1
                else:
                    i += 2 * south - 1
                    ny -= 1
        _add_piece(acc, i * (nc + 1) + j + 1, j, x, y, x1, y1)
        x0, y0, i0, j0 = x1, y1, i1, j1


@numba.njit(nogil=True)
def _window(coords: Floats, n: int, lattice: Lattice, turn: float, per_turn: int):  # type: ignore[no-untyped-def]
    """First row, rows, first column, columns, and box of a ring; no rows where it misses the target."""
    box = _box(coords, n)
    j0, j1 = _column(box[0], lattice, turn, per_turn), _column(box[2], lattice, turn, per_turn)
    if _misses(box, j0, j1, lattice, turn, per_turn):
        return 0, 0, 0, 0, box
    i0, i1 = _row(box[3], lattice), _row(box[1], lattice)
    return i0, i1 - i0 + 1, j0, j1 - j0 + 1, box


@numba.njit(nogil=True)
def _trace_window(  # type: ignore[no-untyped-def]
    coords, n, window, lattice, turn, per_turn, zone, xe, ye, acc, touched
):
    """Fill the scratch, and the borders ``xe`` and ``ye``, for a ring in any window."""
    i0, nr, j0, nc, box = window
    ox, oy = coords[0, 0], coords[0, 1]
    for b in range(nc + 1):
        xe[b] = lattice.x_left - ox
    _columns(j0, nc, box[0] - ox, box[2] - ox, lattice, turn, per_turn, xe)
    _rows(i0, nr, box[1], box[3], lattice, oy, ye)
    for k in range(2 * nr * (nc + 1)):
        acc[k] = 0.0
    trace_ring(
        coords, 0, n, 1.0, ox, oy, xe, ye, nr, nc, 0, nr, 1.0 / lattice.dx, 1.0 / lattice.dy, zone, acc, touched
    )  # fmt: skip


@numba.njit(nogil=True)
def _take_parts(  # type: ignore[no-untyped-def]
    acc, window, total, lattice, turn, per_turn, index, share, used
):
    """Write a ring's shares behind those used so far; return how many are used then, and the share outside the target."""
    i0, nr, j0, nc = window
    out = 0.0
    for r in range(nr):
        for c in range(nc):
            part = acc[2 * (r * (nc + 1) + c + 1)] / total
            if part <= _NOISE:
                continue
            col = j0 + c if turn == 0.0 else (j0 + c) % per_turn
            if 0 <= i0 + r < lattice.rows and 0 <= col < lattice.cols:
                index[used] = (i0 + r) * lattice.cols + col
                share[used] = part
                used += 1
            else:
                out += part
    return used, out


@numba.njit(cache=True, nogil=True)
def trace_cells(  # type: ignore[no-untyped-def]
    x, y, across, down, skip, lattice, turn, per_turn, zone
):
    """Shares of the patch's cells that touch the target: cells, start, index, share, beyond, measure, folded cells.

    ``x``, ``y`` are the lattice's corners, ``across`` and ``down`` the points within its edges; cells in ``skip`` are
    left out. ``turn`` is 0 in a projected CRS and 360 on longitude-latitude grids, where ``per_turn`` counts the
    columns of one turn and ``zone`` describes W. ``beyond`` is the share that lies outside the target,
    measured like the shares within.
    """
    n_cols = skip.shape[1]
    size = 4 + 2 * across.shape[2] + 2 * down.shape[2]
    flat, ring, unit = np.empty((size, 2)), np.empty((2 * size + 4, 2)), np.empty((size, 2))
    cells, start = np.empty(skip.size, np.int64), np.zeros(skip.size + 1, np.int64)
    beyond, measure = np.empty(skip.size), np.empty(skip.size)
    index, share = np.empty(6 * skip.size, np.int64), np.empty(6 * skip.size)
    acc, touched = np.empty(128), np.empty(64, np.uint8)
    xe, ye, ones = np.empty(16), np.empty(16), np.arange(1.0 + _SMALL)
    used = kept = folded = 0
    for cell in range(skip.size):
        if skip[cell // n_cols, cell % n_cols]:
            continue
        n = _ring(x, y, across, down, cell // n_cols, cell % n_cols, flat)
        i0, nr, j0, nc = _small_window(flat, n, lattice, unit) if turn == 0.0 else (0, 0, 0, 0)
        small = nr > 0
        if small:
            _trace_small(unit, n, nr, nc, acc)
        else:
            coords = flat if turn == 0.0 else ring
            if turn != 0.0:
                n = _unwrap(flat, n, ring) if math.isfinite(_box(flat, n)[0]) else 0
            if n == 0:
                continue
            window = _window(coords, n, lattice, turn, per_turn)
            i0, nr, j0, nc, _ = window
            if nr == 0:
                continue
            xe, ye = _room(xe, nc + 1), _room(ye, nr + 1)
            acc, touched = _room(acc, 2 * nr * (nc + 1)), _room(touched, nr * (nc + 1))
            _trace_window(coords, n, window, lattice, turn, per_turn, zone, xe, ye, acc, touched)
        if used + nr * nc > index.shape[0]:
            index, share = _grown(index, used + nr * nc), _grown(share, used + nr * nc)
        total, wrong = _sum_window(acc, ones if small else xe, nr, nc)
        if total == 0.0 or wrong > _FOLDED * abs(total):
            folded += 1
            continue
        used, out = _take_parts(acc, (i0, nr, j0, nc), total, lattice, turn, per_turn, index, share, used)
        if used == start[kept]:
            continue
        cells[kept], beyond[kept] = cell, out
        measure[kept] = abs(total) * (lattice.dx * lattice.dy if small else 1.0)
        kept += 1
        start[kept] = used
    return (
        cells[:kept].copy(), start[: kept + 1].copy(), index[:used].copy(), share[:used].copy(),
        beyond[:kept].copy(), measure[:kept].copy(), folded,
    )  # fmt: skip
