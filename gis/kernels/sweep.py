"""The loops behind ``gis.kernels.polygons``: measure polygons, sum their edges, scan the rows."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.pieces import Zone, trace_ring, zone_piece
from gis.kernels.queue import take

__all__ = [
    "FRACTION",
    "TURNING",
    "close_gaps",
    "measure_outside",
    "measure_polygons",
    "sweep_tasks",
    "zone_heights",
]

TURNING = 1  # a ring does not turn once around: it crosses itself an odd number of times, or has a spike
FRACTION = 2  # a cell's fraction leaves [0, 1]: rings overlap, or a hole lies outside its shell

_NOISE = 1e-14  # of a cell: what rounding leaves in a cell that is only touched
_WRONG = 1e-9  # of a cell: what rounding cannot explain

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def zone_heights(edges: Floats, zone: Zone, out: Floats) -> None:
    """Fill the heights in W of the rows between falling latitudes."""
    for i in range(out.shape[0]):
        out[i] = zone_piece(0.0, edges[i] - edges[i + 1], 0.0, 0.0, 0.0, edges[i + 1], zone)[0]


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _ring_area(coords, start, stop, ox, oy, zone):  # type: ignore[no-untyped-def]
    # Signed area, positive when counterclockwise, and the number of turns of the ring's direction (9 for a spike).
    area = 0.0
    turns = 0
    spike = False
    x0, y0 = coords[stop - 1, 0] - ox, coords[stop - 1, 1] - oy
    px, py = 0.0, 0.0  # direction of the edge before, and of the first edge
    fx, fy = 0.0, 0.0
    for v in range(start, stop + 1):
        closing = v == stop
        x1, y1 = x0, y0
        if not closing:
            x1, y1 = coords[v, 0] - ox, coords[v, 1] - oy
            if zone is None:
                area += (y0 - y1) * (-0.5 * (x0 + x1))
            else:
                area += zone_piece(x0, y0, x1, y1, 0.0, oy, zone)[1]
        qx, qy = (fx, fy) if closing else (x1 - x0, y1 - y0)
        if qx == 0.0 and qy == 0.0:
            continue
        up = qy > 0.0 or (qy == 0.0 and qx > 0.0)
        if px == 0.0 and py == 0.0:
            fx, fy = qx, qy
        elif up != (py > 0.0 or (py == 0.0 and px > 0.0)):
            cross = px * qy - py * qx
            if cross == 0.0:
                spike = True
            elif up and cross > 0.0:
                turns += 1
            elif not up and cross < 0.0:
                turns -= 1
        px, py = qx, qy
        x0, y0 = x1, y1
    return area, 9 if spike else turns


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def measure_polygons(chunks, threads, coords, rings, polygons, holes, zone, bounds, area, sign, doubt):  # type: ignore[no-untyped-def]
    """Fill bounds, full area (NaN where not finite), ring signs and doubts of every polygon."""
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        chunk = take(queue)
        while chunk < chunks.shape[0] - 1:
            for g in range(chunks[chunk], chunks[chunk + 1]):
                west, south, east, north = math.inf, math.inf, -math.inf, -math.inf
                finite = 0.0
                for v in range(rings[polygons[g]], rings[polygons[g + 1]]):
                    x, y = coords[v, 0], coords[v, 1]
                    finite += (x - x) + (y - y)  # NaN once a coordinate is NaN or infinite
                    west, east = min(west, x), max(east, x)
                    south, north = min(south, y), max(north, y)
                bounds[g, 0], bounds[g, 1], bounds[g, 2], bounds[g, 3] = west, south, east, north
                total = 0.0
                for k in range(polygons[g], polygons[g + 1]):
                    ring, turns = _ring_area(coords, rings[k], rings[k + 1], west, south, zone)
                    sign[k] = -1.0 if (ring < 0.0) != holes[k] else 1.0
                    total += -abs(ring) if holes[k] else abs(ring)
                    if turns != 1 and turns != -1:
                        doubt[g] |= TURNING
                box = (east - west) * (north - south)
                if zone is not None:
                    box *= math.pi / 180.0
                if total < 0.0:
                    doubt[g] |= FRACTION
                area[g] = math.nan if finite != 0.0 else (total if total > 1e-15 * box else 0.0)
            chunk = take(queue)


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _local_columns(c0, c1, x_left, dx, cols, shift, west, east, clip, xe, width):  # type: ignore[no-untyped-def]
    # Borders from the polygon's west, the outermost clipped to its extent; widths exact where nothing was clipped.
    for j in range(c1 - c0 + 1):
        xe[j] = (x_left + (c0 + j) * dx) - shift - west
        if j > 0:
            width[j - 1] = dx
    if clip:
        if xe[0] < 0.0:
            xe[0] = 0.0
            width[0] = xe[1] - xe[0]
        n = c1 - c0
        if xe[n] > east - west:
            xe[n] = east - west
            width[n - 1] = xe[n] - xe[n - 1]


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _local_rows(r0, r1, y_top, dy, south, north, heights, zone, ye, height):  # type: ignore[no-untyped-def]
    # Borders from the polygon's south, falling; heights in y or in W.
    n = r1 - r0
    for i in range(n + 1):
        ye[i] = (y_top - (r0 + i) * dy) - south
        if i > 0:
            height[i - 1] = heights[r0 + i - 1]
    upper, lower = ye[0] > north - south, ye[n] < 0.0
    if upper:
        ye[0] = north - south
    if lower:
        ye[n] = 0.0
    for i in (0, n - 1):
        if (i == 0 and upper) or (i == n - 1 and lower):
            height[i] = ye[i] - ye[i + 1]
            if zone is not None:
                height[i] = zone_piece(0.0, ye[i], 0.0, ye[i + 1], 0.0, south, zone)[0]


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _scan(acc, touched, first, last, nc, width, height, area, first_cell, cols, at, cells, shares):  # type: ignore[no-untyped-def]
    # One prefix sum per row; writes the cells that hold area, and clears the scratch behind itself.
    start = at
    doubt = 0
    for i in range(first, last):
        base = (i - first) * (nc + 1)
        run = acc[2 * base + 1]
        acc[2 * base] = 0.0
        acc[2 * base + 1] = 0.0
        touched[base] = 0
        h = height[i]
        left = first_cell + i * cols
        j = 0
        while j < nc:
            slot = base + j + 1
            if touched[slot]:
                whole = width[j] * h
                value = acc[2 * slot] + run * width[j]
                run += acc[2 * slot + 1]
                acc[2 * slot] = 0.0
                acc[2 * slot + 1] = 0.0
                touched[slot] = 0
                if value < -_WRONG * whole or value > (1.0 + _WRONG) * whole:
                    doubt = FRACTION
                if value > _NOISE * whole:
                    if value > (1.0 - _NOISE) * whole:
                        value = whole
                    cells[at] = left + j
                    shares[at] = value / area
                    at += 1
                j += 1
                continue
            # No edge until the next touched cell: the polygon winds around these cells a whole number of times.
            stop = j + 1
            while stop < nc and not touched[base + stop + 1]:
                stop += 1
            winding = np.rint(run / h)
            run = winding * h
            if winding > 0.0:
                # Only the outermost columns may be narrower.
                inner = width[j + 1] * h / area if stop - j > 2 else 0.0
                for k in range(at, at + stop - j):
                    cells[k] = left + j + (k - at)
                    shares[k] = inner
                shares[at] = width[j] * h / area
                shares[at + stop - j - 1] = width[stop - 1] * h / area
                at += stop - j
            if winding != 0.0 and winding != 1.0:
                doubt = FRACTION
            j = stop
    return at - start, doubt


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def sweep_tasks(  # type: ignore[no-untyped-def]
    chunks, threads, starts, tasks, windows, coords, rings, polygons, sign, bounds, area,
    x_left, y_top, dx, dy, rows, cols, zone, heights, counts, doubt, cells, shares,
):  # fmt: skip
    """Fill cells and shares, chunk by chunk from its start, and per task how many there are and doubts."""
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        chunk = take(queue)
        while chunk < chunks.shape[0] - 1:
            most, wide, high = 1, 1, 1
            for t in range(chunks[chunk], chunks[chunk + 1]):
                g = tasks[t, 0]
                nc = windows[g, 3] - windows[g, 2]
                most = max(most, (tasks[t, 2] - tasks[t, 1]) * (nc + 1))
                wide, high = max(wide, nc), max(high, windows[g, 1] - windows[g, 0])
            acc = np.zeros(2 * most)
            touched = np.zeros(most, np.uint8)
            xe, width = np.empty(wide + 2), np.empty(wide)
            ye, height = np.empty(high + 2), np.empty(high)
            at = starts[chunk]
            for t in range(chunks[chunk], chunks[chunk + 1]):
                # Element by element: unpacking a row would make, and count references to, a view per task.
                g, first, last = tasks[t, 0], tasks[t, 1], tasks[t, 2]
                r0, r1, c0, c1 = windows[g, 0], windows[g, 1], windows[g, 2], windows[g, 3]
                turn, stop = windows[g, 4], windows[g, 5]
                west, south, east, north = bounds[g, 0], bounds[g, 1], bounds[g, 2], bounds[g, 3]
                _local_rows(r0, r1, y_top, dy, south, north, heights, zone, ye, height)
                clip = stop == turn + 1
                for k in range(turn, stop):
                    _local_columns(c0, c1, x_left, dx, cols, k * 360.0, west, east, clip, xe, width)
                    for ring in range(polygons[g], polygons[g + 1]):
                        trace_ring(
                            coords, rings[ring], rings[ring + 1], sign[ring], west, south, xe, ye,
                            r1 - r0, c1 - c0, first, last, 1.0 / dx, 1.0 / dy, zone, acc, touched,
                        )  # fmt: skip
                counts[t], doubt[t] = _scan(
                    acc, touched, first, last, c1 - c0, width, height, area[g],
                    r0 * cols + c0, cols, at, cells, shares,
                )  # fmt: skip
                at += counts[t]
            chunk = take(queue)


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def measure_outside(  # type: ignore[no-untyped-def]
    chunks, windows, coords, rings, polygons, sign, bounds, area,
    x_left, y_top, dx, dy, rows, cols, zone, out,
):  # fmt: skip
    """Fill the share of every polygon outside the lattice, from the same sums over a coarse window.

    Its borders are the polygon's extent and those of the lattice, so that neither share is the remainder of the other.
    """
    around = zone is not None and cols * dx >= 360.0 - 1e-9
    for chunk in numba.prange(chunks.shape[0] - 1):
        for g in range(chunks[chunk], chunks[chunk + 1]):
            west, south, east, north = bounds[g]
            turn, stop = windows[g, 4], windows[g, 5]
            shift = turn * 360.0
            inside_rows = north <= y_top and south >= y_top - rows * dy
            inside_cols = around or (stop == turn + 1 and west + shift >= x_left and east + shift <= x_left + cols * dx)
            if (inside_rows and inside_cols) or not area[g] > 0.0:
                continue
            if windows[g, 0] == windows[g, 1]:
                out[g] = 1.0
                continue
            xe = np.empty(2 * (stop - turn) + 3)
            gap = np.zeros(2 * (stop - turn) + 1, np.uint8)
            nc = 0
            xe[0] = 0.0
            if not around:
                for k in range(stop - 1, turn - 1, -1):  # the highest turn meets the polygon's western part
                    for side in range(2):
                        x = (x_left + side * cols * dx) - k * 360.0 - west
                        if xe[nc] < x < east - west:
                            gap[nc] = 1 - side
                            nc += 1
                            xe[nc] = x
                        elif x >= east - west and side == 0:
                            gap[nc] = 1
                last_right = (x_left + cols * dx) - turn * 360.0 - west
                gap[nc] = 1 if xe[nc] >= last_right else 0
            nc += 1
            xe[nc] = east - west
            ye = np.empty(5)
            outer = np.zeros(3, np.uint8)
            nr = 0
            ye[0] = north - south
            if y_top < north:
                outer[nr] = 1
                nr += 1
                ye[nr] = y_top - south
            if y_top - rows * dy > south:
                nr += 1
                ye[nr] = (y_top - rows * dy) - south
                outer[nr] = 1
            nr += 1
            ye[nr] = 0.0
            acc = np.zeros(2 * nr * (nc + 1))
            touched = np.zeros(nr * (nc + 1), np.uint8)
            for ring in range(polygons[g], polygons[g + 1]):
                trace_ring(
                    coords, rings[ring], rings[ring + 1], sign[ring], west, south, xe, ye,
                    nr, nc, 0, nr, 0.0, 0.0, zone, acc, touched,
                )  # fmt: skip
            total = 0.0
            for i in range(nr):
                run = acc[2 * i * (nc + 1) + 1]
                for j in range(nc):
                    slot = i * (nc + 1) + j + 1
                    if outer[i] or gap[j]:
                        total += acc[2 * slot] + run * (xe[j + 1] - xe[j])
                    run += acc[2 * slot + 1]
            out[g] = total / area[g]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def close_gaps(starts, found, cells, shares):  # type: ignore[no-untyped-def]
    """Total number found, after moving what each chunk found down to the end of the chunk before."""
    for which in numba.prange(2):
        at = 0
        for chunk in range(found.shape[0]):
            start = starts[chunk]
            if start > at and which == 0:
                for k in range(found[chunk]):
                    cells[at + k] = cells[start + k]
            elif start > at:
                for k in range(found[chunk]):
                    shares[at + k] = shares[start + k]
            at += found[chunk]
    return found.sum()
