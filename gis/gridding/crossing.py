"""Grid to grid between two CRSs: every source cell is a polygon whose edges it shares with its neighbours.

Corners of the source lattice, and points within its edges where these bend, are projected once and serve the cells on
both sides; what one cell loses along an edge the other gains. The number of points within an edge follows
from a sample: the true middle of an edge lies at most ``TOLERANCE`` of the smaller cell's size off the drawn one.
Only source cells near the target are projected. A cell that cannot be projected lies outside. Where the projection is smooth,
points are interpolated between every 16th edge instead, within ``warps.SMOOTH`` of the smaller cell: checked against PROJ in
every block near the target, or not done at all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from gis.grid import Grid
from gis.gridding.overlaps import zone_difference
from gis.gridding.seams import near_bounds, pieces_of_torn, torn_cells
from gis.gridding.warps import Nodes, Warp, exact_warp, nodes_of, own_transformer, project, smooth_warp
from gis.kernels.cellrings import trace_cells
from gis.kernels.ellipsoid import zone_coefficients
from gis.kernels.pieces import zone_of_series
from gis.kernels.polygons import Lattice

__all__ = ["TOLERANCE", "Crossing", "Shares", "cross", "crossings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Patch = tuple[int, int, int, int]
Shares = tuple[Ints, Ints, Ints, Floats, Floats, Floats, int]
"""Cells, start, index, share, beyond, measure as in a ``Crossing``, and the number of folded cells."""

TOLERANCE = 1e-4
_BLOCK_CELLS = 16
_BLOCK_DEGREES, _BLOCK_METRES = 2.0, 200_000.0
_PATCH_COLUMNS = 1024
_MOST_POINTS = 255
_AHEAD = 4  # patches traced and not yet taken, per thread


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """CSR table of the source cells that touch the target: cell → (target cell, share)."""

    target: Grid
    cells: Ints
    start: Ints
    index: Ints
    share: Floats
    beyond: Floats
    """Share of every cell in the table that lies outside the target, measured."""
    measure: Floats
    """Area of every cell in the table in the target's measure."""
    planned: Bools
    """Of the source's shape: which cells are in the table."""
    points: tuple[int, int]
    """Points within every edge along a row and along a column of the source."""
    folded: int
    """Cells whose outline crosses itself in the target's CRS; they lie outside."""

    @property
    def coverage(self) -> Floats:
        """Share of every target cell that the source grid reaches."""
        area = self.share * np.repeat(self.measure, np.diff(self.start))
        reached = np.bincount(self.index, area, self.target.size).reshape(self.target.shape)
        return np.minimum(reached / _cell_measure(self.target), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """How source cells get to the target: which blocks, how many points within edges, and by which projection."""

    source: Grid
    target: Grid
    near: Bools
    points: tuple[int, int]
    smooth: Warp | None
    """None where the projection is not smooth near the target, so that every vertex goes through PROJ."""


def cross(source: Grid, target: Grid, *, threads: int) -> Crossing:
    """The shares of the source's cells in the target's, by polygons in the target's CRS."""
    way = _way(source, target)
    return _joined(way, list(_traced(way, threads=threads, wanted=None)))


def crossings(source: Grid, target: Grid, *, threads: int, wanted: Bools) -> Iterator[Shares]:
    """The same shares patch by patch, in an order that does not depend on the threads, of the wanted cells alone."""
    return _traced(_way(source, target), threads=threads, wanted=wanted)


def _way(source: Grid, target: Grid) -> _Way:
    nodes = nodes_of(source, target, _block(source))
    near = _near_blocks(source, target, nodes)
    return _Way(
        source, target, near, _edge_points(source, target, nodes, near), smooth_warp(source, target, nodes, near)
    )


def _traced(way: _Way, *, threads: int, wanted: Bools | None) -> Iterator[Shares]:
    own = local()

    def trace(patch: Patch) -> list[Shares]:
        r0, r1, c0, c1 = patch
        unwanted = np.zeros((r1 - r0, c1 - c0), np.bool_) if wanted is None else ~wanted[r0:r1, c0:c1]
        if unwanted.all():
            return []
        if way.smooth is not None:
            return [_trace(way, patch, way.smooth, unwanted)]
        if not hasattr(own, "transformer"):
            own.transformer = own_transformer(way.source, way.target)
        return _trace_exactly(way, patch, own.transformer, unwanted)

    for shares in _in_order(trace, _patches(way.source, way.near), threads):
        yield from shares


def _in_order(work: Callable[[Patch], list[Shares]], patches: Iterator[Patch], threads: int) -> Iterator[list[Shares]]:
    """The results in the order of the patches, a bounded number of them worked out ahead in threads."""
    if threads <= 1:
        yield from map(work, patches)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[list[Shares]]] = deque()
        for patch in patches:
            ahead.append(pool.submit(work, patch))
            if len(ahead) > _AHEAD * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _cell_measure(grid: Grid) -> Floats:
    """Area of the cells of every row in the measure of the shares: planar, or degrees of longitude × W."""
    if not grid.is_geographic:
        return np.full((1, 1), grid.dx * grid.dy)
    lat = grid.y_edges
    return grid.dx * zone_difference(lat[:-1], lat[1:], zone_coefficients(grid.ellipsoid[1]))[:, None]


# -- which cells ------------------------------------------------------------------------------------------------------


def _block(source: Grid) -> int:
    longest = _BLOCK_DEGREES if source.is_geographic else _BLOCK_METRES / source.crs.axis_info[0].unit_conversion_factor
    return max(1, min(_BLOCK_CELLS, int(longest / max(source.dx, source.dy))))


def _near_blocks(source: Grid, target: Grid, nodes: Nodes) -> Bools:
    """Which blocks of source cells may touch the target: their corners' box, widened by half its size, meets it.

    A block that cannot be projected, or whose corners lie on different sides of a seam, is kept: the rings decide.
    """
    row, col = nodes.row, nodes.col
    west, east, far = _box(nodes.x, turn=360.0 if target.is_geographic else 0.0)
    south, north, _ = _box(nodes.y, turn=0.0)
    left, bottom, right, top = target.bounds
    with np.errstate(invalid="ignore"):
        margin = 0.5 * np.maximum(east - west, north - south) + max(target.dx, target.dy)
        apart = (north + margin < bottom) | (south - margin > top)
        if target.is_geographic:
            polar = np.maximum(np.abs(south), np.abs(north)) + margin >= 90.0
            turned = west - margin - right
            beside = (turned - 360.0 * np.floor(turned / 360.0)) + (east - west) + 2 * margin < 360.0 - (right - left)
            apart |= beside & ~polar & ~far
        else:
            apart |= (east + margin < left) | (west - margin > right)
    near: Bools = ~apart
    if not target.is_geographic:
        # The box of a block over a seam spans the map; its true edges tell on which side of it the target is.
        r, c = np.nonzero(near)
        x_edges, y_edges = source.x_edges, source.y_edges
        boxes = np.column_stack([x_edges[col[c]], y_edges[row[r]], x_edges[col[c + 1]], y_edges[row[r + 1]]])
        near[r, c] = near_bounds(own_transformer(source, target), boxes, target.bounds)
    return near


def _box(v: Floats, *, turn: float) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Least and greatest of every block's four corners, longitudes without jumps, and whether they lie far apart."""
    corners = np.stack([v[:-1, :-1], v[1:, :-1], v[1:, 1:], v[:-1, 1:]])
    if turn:
        with np.errstate(invalid="ignore"):
            corners = corners - turn * np.round((corners - corners[0]) / turn)
    low, high = corners.min(axis=0), corners.max(axis=0)
    with np.errstate(invalid="ignore"):
        return low, high, ~(high - low < 90.0)


def _patches(source: Grid, near: Bools) -> Iterator[Patch]:
    """Rows and columns (start, stop) of runs of near blocks."""
    step = _block(source)
    for block_row, blocks in enumerate(near):
        rows = block_row * step, min((block_row + 1) * step, source.rows)
        ends = np.flatnonzero(np.diff(np.concatenate([[False], blocks, [False]]).astype(np.int8)))
        for first, last in ends.reshape(-1, 2) * step:
            stop = min(int(last), source.cols)
            for start in range(int(first), stop, _PATCH_COLUMNS):
                yield *rows, start, min(start + _PATCH_COLUMNS, stop)


# -- edges ------------------------------------------------------------------------------------------------------------


def _edge_points(source: Grid, target: Grid, nodes: Nodes, near: Bools) -> tuple[int, int]:
    """Points within edges along a row and along a column, from the bend of a sample of both near the target."""
    row, col = np.nonzero(near)
    some = np.unique(np.linspace(0, len(row) - 1, min(len(row), 1024)).astype(np.int64)) if len(row) else row
    x, y = source.x_edges[nodes.col[col[some]]], source.y_edges[nodes.row[row[some]]]
    transformer = own_transformer(source, target)
    along_row = _bend(transformer, target, x, y, source.dx, 0.0)
    along_col = _bend(transformer, target, x, y, 0.0, -source.dy)
    return _points(along_row), _points(along_col)


def _bend(transformer: Transformer, target: Grid, x: Floats, y: Floats, dx: float, dy: float) -> float:
    """Largest distance of an edge's true middle from its chord, in parts of the smaller of edge and target cell."""
    t = np.array([[0.0], [0.5], [1.0]])
    u, v = project(transformer, x + t * dx, y + t * dy)
    with np.errstate(invalid="ignore", divide="ignore"):
        if target.is_geographic:
            u = u - 360.0 * np.round((u - u[0]) / 360.0)
        u, v = u / target.dx, v / target.dy
        length = np.hypot(u[2] - u[0], v[2] - v[0])
        cross_product = (u[2] - u[0]) * (v[1] - v[0]) - (v[2] - v[0]) * (u[1] - u[0])
        distance = np.abs(cross_product) / length
        usable = np.isfinite(distance) & (distance < 0.25 * length)
    # An edge over a seam or a pole is not a measure for the others.
    return float((distance[usable] / np.minimum(length[usable], 1.0)).max(initial=0.0))


def _points(bend: float) -> int:
    # Halving the pieces quarters the distance from the chord.
    return min(max(math.ceil(math.sqrt(bend / TOLERANCE)) - 1, 0), _MOST_POINTS)


def _within(start: int, stop: int, points: int) -> Floats:
    """Positions of the points within the cells start to stop, one cell after the other."""
    t = np.arange(1, points + 1) / (points + 1)
    inner: Floats = (np.arange(start, stop)[:, None] + t).ravel()
    return inner


# -- shares -----------------------------------------------------------------------------------------------------------


def _shares(corners: tuple[Floats, Floats], across: Floats, down: Floats, torn: Bools, target: Grid) -> Shares:
    """What ``trace_cells`` gives for rings read off a lattice."""
    turning = target.is_geographic
    shares: Shares = trace_cells(
        *corners, across, down, torn,
        Lattice(target.x_left, target.y_top, target.dx, target.dy, target.rows, target.cols),
        360.0 if turning else 0.0, target.cols + (0 if target.wraps else 1),
        zone_of_series(zone_coefficients(target.ellipsoid[1])) if turning else None,
    )  # fmt: skip
    return shares


def _trace(way: _Way, patch: Patch, warp: Warp, skip: Bools) -> Shares:
    """Shares of the cells of a patch, cells numbered as in the source."""
    r0, r1, c0, c1 = patch
    rows, cols = np.arange(r0, r1 + 1.0), np.arange(c0, c1 + 1.0)
    return _numbered(way, patch, warp, warp(rows, cols), skip)


def _trace_exactly(way: _Way, patch: Patch, transformer: Transformer, skip: Bools) -> list[Shares]:
    """The same, every vertex projected, and the pieces of cells that the projection tears."""
    r0, r1, c0, c1 = patch
    warp = exact_warp(way.source, transformer)
    corners = warp(np.arange(r0, r1 + 1.0), np.arange(c0, c1 + 1.0))
    torn = np.zeros((r1 - r0, c1 - c0), np.bool_)
    if not way.target.is_geographic:
        xs, ys = way.source.x_edges[c0 : c1 + 1], way.source.y_edges[r0 : r1 + 1]
        torn = torn_cells(transformer, xs, ys, *corners)
    shares = _numbered(way, patch, warp, corners, skip | torn)
    torn &= ~skip
    return [shares, *(_mended(way, transformer, patch, torn) if torn.any() else [])]


def _numbered(way: _Way, patch: Patch, warp: Warp, corners: tuple[Floats, Floats], skip: Bools) -> Shares:
    r0, r1, c0, c1 = patch
    rows, cols = np.arange(r0, r1 + 1.0), np.arange(c0, c1 + 1.0)
    across = np.stack(warp(rows, _within(c0, c1, way.points[0])), axis=-1)
    down = np.stack(warp(_within(r0, r1, way.points[1]), cols), axis=-1)
    across = across.reshape(r1 - r0 + 1, c1 - c0, way.points[0], 2)
    down = np.ascontiguousarray(down.reshape(r1 - r0, way.points[1], c1 - c0 + 1, 2).swapaxes(1, 2))
    cells, start, index, share, beyond, measure, folded = _shares(corners, across, down, skip, way.target)
    number = (r0 + cells // (c1 - c0)) * way.source.cols + c0 + cells % (c1 - c0)
    return number, start, index, share, beyond, measure, folded


def _mended(way: _Way, transformer: Transformer, patch: Patch, torn: Bools) -> Iterator[Shares]:
    """Shares of the pieces of torn cells, as parts of their cells; every piece of a cell near the target counts, also one outside."""
    source, target, points = way.source, way.target, way.points
    row, col = np.nonzero(torn)
    row, col = row + patch[0], col + patch[2]
    x, y = source.x_edges, source.y_edges
    boxes = np.column_stack([x[col], y[row], x[col + 1], y[row + 1]])
    near = near_bounds(transformer, boxes, target.bounds)
    if not near.any():
        return
    for piece in pieces_of_torn(transformer, (row * source.cols + col)[near], boxes[near]):
        if piece.fraction <= 0.0:
            continue
        r, c = divmod(piece.cell, source.cols)
        at_x, at_y = x[c] + (x[c + 1] - x[c]) * piece.corners[..., 0], y[r] + (y[r + 1] - y[r]) * piece.corners[..., 1]
        t_across, t_down = (np.arange(1, n + 1) / (n + 1) for n in points)
        across = np.stack([_between(v[:, :1], v[:, 1:], t_across)[:, None] for v in (at_x, at_y)])
        down = np.stack([_between(v[0][:, None], v[1][:, None], t_down)[None] for v in (at_x, at_y)])
        _, start, index, share, beyond, measure, folded = _shares(
            project(transformer, at_x, at_y),
            np.stack(project(transformer, *across), axis=-1),
            np.stack(project(transformer, *down), axis=-1),
            np.zeros((1, 1), np.bool_),
            target,
        )
        if len(beyond) == 0:
            start, beyond, measure = np.zeros(2, np.int64), np.ones(1), np.zeros(1)
        f = piece.fraction
        yield np.array([piece.cell]), start, index, share * f, beyond * f, measure / f, folded


def _between(a: Floats, b: Floats, t: Floats) -> Floats:
    return a + (b - a) * t


def _joined(way: _Way, parts: list[Shares]) -> Crossing:
    none = np.zeros(0)
    empty: Shares = none.astype(np.int64), np.zeros(1, np.int64), none.astype(np.int64), none, none, none, 0
    cells, starts, index, share, beyond, measure, folded = zip(*(parts or [empty]), strict=True)
    counts = np.concatenate([np.diff(start) for start in starts])
    planned = np.zeros(way.source.shape, np.bool_)
    planned.reshape(-1)[np.concatenate(cells)] = True
    return Crossing(
        target=way.target,
        cells=np.concatenate(cells),
        start=np.concatenate([[0], np.cumsum(counts)]),
        index=np.concatenate(index),
        share=np.concatenate(share),
        beyond=np.concatenate(beyond),
        measure=np.concatenate(measure),
        planned=planned,
        points=way.points,
        folded=sum(folded),
    )
