"""Polygons on a lattice of cells: the share of every polygon in every cell, exactly, as a sparse matrix.

Two passes over tasks (a polygon, or a band of rows of a large one): count the cells, then fill them. A task owns its part
of the output, so the result is the same for any number of threads. The layout of the input is the ragged one of shapely:
vertices, the first vertex of each ring, the first ring of each polygon.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.pieces import Zone, zone_of_series
from gis.kernels.sweep import (
    FRACTION,
    TURNING,
    close_gaps,
    measure_outside,
    measure_polygons,
    sweep_tasks,
    zone_heights,
)
from gis.kernels.windows import cut_tasks, find_windows

__all__ = ["FRACTION", "TURNING", "Cover", "Lattice", "Measure", "chunks_of", "cover_rings", "measure_rings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


_BAND = 1 << 16  # scratch cells of a band that stay in the second-level cache
_BAND_MOST = 1 << 22  # scratch cells of a band at most: 68 MB per thread
_ROOM = 1 << 26  # cells of the windows worked on at once: 0.8 GB of address space, of which only cells found are used


class Lattice(NamedTuple):
    """Cells between the numbers x_left + j dx and y_top - i dy."""

    x_left: float
    y_top: float
    dx: float
    dy: float
    rows: int
    cols: int


class Measure(NamedTuple):
    """Per polygon: bounds (n, 4) as west, south, east, north, full area, doubts; per ring the sign that makes it count."""

    bounds: Floats
    area: Floats
    sign: Floats
    doubt: NDArray[np.uint8]


class Cover(NamedTuple):
    """Shares as CSR arrays, and per polygon the full area, the measured share outside, and doubts (flags above)."""

    indptr: NDArray[np.integer]
    cells: NDArray[np.integer]
    shares: Floats
    area: Floats
    outside: Floats
    doubt: NDArray[np.uint8]


def cover_rings(
    coords: Floats,
    rings: Ints,
    polygons: Ints,
    holes: NDArray[np.bool_],
    lattice: Lattice,
    *,
    zone: Floats | None = None,
    measure: Measure | None = None,
) -> Cover:
    """Shares of each polygon's full area per cell, columns row-major and ascending.

    Parameters
    ----------
    coords : (n, 2) float64
        Vertices in the lattice's coordinates, C-contiguous and finite. A ring may repeat its first vertex at its end or not.
    rings : (r + 1,) int64
        Ring k holds the vertices ``rings[k]`` to ``rings[k + 1]``; at least one.
    polygons : (p + 1,) int64
        Polygon g holds the rings ``polygons[g]`` to ``polygons[g + 1]``; the parts of a multipolygon follow each other.
    holes : (r,) bool
        Which rings are holes. Rings may run either way; the kernel orients them.
    zone : (6,) float64, optional
        ``zone_coefficients(e2)``: coordinates are degrees, x as longitude taken modulo 360, areas on the ellipsoid with edges
        straight in longitude and geodetic latitude. Without it areas are planar.
    measure : Measure, optional
        What ``measure_rings`` gave for the same rings, when it is known already.

    Returns
    -------
    Cover
        ``area`` is in squared units of the coordinates, with ``zone`` in degrees of longitude times W (multiply by
        R² π / 180, R the authalic radius). A polygon without a positive area has an empty row and an area of 0.
        ``outside`` is the share outside the lattice, measured on its own, not as a remainder.
    """
    if measure is None:
        measure = measure_rings(coords, rings, polygons, holes, zone=zone)
    series = None if zone is None else zone_of_series(zone)
    windows = np.empty((len(measure.area), 6), np.int64)
    find_windows(measure.bounds, measure.area, *lattice, zone is not None, windows)
    vertices = rings[polygons[1:]] - rings[polygons[:-1]]
    tasks, cost, room = cut_tasks(windows, vertices, _BAND, _BAND_MOST)
    common = (coords, rings, polygons, measure.sign, measure.bounds, measure.area, *lattice, series)
    counts, cells, shares, doubt = _sweep_batches(tasks, cost, room, windows, common, lattice, series)
    starts = np.concatenate([[0], np.cumsum(counts)])
    index = cells.dtype if starts[-1] <= np.iinfo(np.int32).max else np.dtype(np.int64)
    per_polygon = np.searchsorted(tasks[:, 0], np.arange(len(windows) + 1))
    found = measure.doubt.copy()
    np.bitwise_or.at(found, tasks[:, 0], doubt)
    outside = np.zeros(len(windows))
    measure_outside(chunks_of(vertices.astype(np.float64)), windows, *common, outside)
    return Cover(
        starts[per_polygon].astype(index), cells.astype(index, copy=False), shares, measure.area, outside, found
    )


def measure_rings(
    coords: Floats, rings: Ints, polygons: Ints, holes: NDArray[np.bool_], *, zone: Floats | None = None
) -> Measure:
    """Bounds, full areas, ring signs and doubts; arguments and units as in ``cover_rings``.

    An area is NaN where a vertex is not finite, and 0 where rounding alone would explain it.
    """
    n = len(polygons) - 1
    out = Measure(np.empty((n, 4)), np.empty(n), np.empty(len(rings) - 1), np.zeros(n, np.uint8))
    chunks = chunks_of((rings[polygons[1:]] - rings[polygons[:-1]]).astype(np.float64))
    measure_polygons(
        chunks,
        numba.get_num_threads(),
        coords,
        rings,
        polygons,
        holes,
        None if zone is None else zone_of_series(zone),
        *out,
    )
    return out


def chunks_of(cost: Floats) -> Ints:
    """Bounds of contiguous chunks of about equal cost, a few per thread: where they lie changes no result."""
    total = np.concatenate([[0.0], np.cumsum(cost + 1.0)])
    threads = numba.get_num_threads()
    pieces = 1 if threads == 1 else 8 * threads
    return np.unique(np.searchsorted(total, np.linspace(0.0, total[-1], pieces + 1)))


def _sweep_batches(
    tasks: Ints, cost: Floats, room: Ints, windows: Ints, common: tuple[Any, ...], lattice: Lattice, zone: Zone | None
) -> tuple[Ints, NDArray[np.integer], Floats, NDArray[np.uint8]]:
    # Every edge is walked once: a chunk writes behind one another what its tasks find, into room for all the cells of
    # their windows; pages that are not written to cost nothing, and the gaps between chunks are closed afterwards.
    heights = _row_heights(lattice, zone)
    index = np.int32 if lattice.rows * lattice.cols <= np.iinfo(np.int32).max else np.int64
    batch = np.cumsum(room) // _ROOM
    edges = np.concatenate([[0], np.flatnonzero(np.diff(batch)) + 1, [len(tasks)]])
    counts = np.zeros(len(tasks), np.int64)
    doubt = np.zeros(len(tasks), np.uint8)
    parts = []
    for a, b in pairwise(edges.tolist()):
        chunks = a + chunks_of(cost[a:b])
        before = np.concatenate([[0], np.cumsum(room[a:b])])
        starts = before[chunks - a]
        cells, shares = np.empty(before[-1], index), np.empty(before[-1])
        arguments = (
            chunks,
            numba.get_num_threads(),
            starts,
            tasks,
            windows,
            *common,
            heights,
            counts,
            doubt,
            cells,
            shares,
        )
        sweep_tasks(*arguments)
        total = close_gaps(
            starts, np.add.reduceat(counts[a:b], chunks[:-1] - a) if b > a else counts[a:b], cells, shares
        )
        parts.append((_trimmed(cells, total), _trimmed(shares, total)))
    if len(parts) == 1:
        return counts, *parts[0], doubt
    return counts, np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), doubt


def _trimmed(array: NDArray[Any], n: int) -> NDArray[Any]:
    # Gives the unwritten end back to the system, without a copy.
    array.resize(n, refcheck=False)
    return array


def _row_heights(lattice: Lattice, zone: Zone | None) -> Floats:
    # Full heights of the rows in y or in W, so that a full cell has exactly the cell's area.
    if zone is None:
        return np.full(lattice.rows, lattice.dy)
    edges = np.clip(lattice.y_top - np.arange(lattice.rows + 1) * lattice.dy, -90.0, 90.0)
    out = np.empty(lattice.rows)
    zone_heights(edges, zone, out)
    return out
