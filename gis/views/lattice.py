"""Lattice: where the corners of a grid's cells lie in CRS84, exactly for a few and within a known margin for millions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyproj import Transformer

from gis.grid import Grid, Window
from gis.projection import project, transformer
from gis.views.lonlat import CRS84, DEGREE_DECIMALS

__all__ = [
    "Boxes",
    "centres_84",
    "corners",
    "corners_84",
    "grid_bounds_84",
    "outer_boxes",
    "polygons",
    "rings_of",
    "window_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bounds = tuple[float, float, float, float]
# West, south, east, north of many things.
Boxes = tuple[Floats, Floats, Floats, Floats]
_STRIDE = 16
_EDGE_POINTS = 200
# From here on several threads are worth it.
_MANY = 100_000
_ROUNDING = 10.0**-DEGREE_DECIMALS
# Outline as WKB: byte order, type 3 (polygon), one ring of five points.
_POLYGON = np.dtype([("order", "u1"), ("type", "<u4"), ("rings", "<u4"), ("points", "<u4"), ("xy", "<f8", (5, 2))])


@lru_cache(maxsize=64)
def _to_84(grid: Grid) -> Transformer:
    # By grid: to look one up by its CRS takes longer than to project a hundred points.
    return transformer(grid.crs, CRS84)


@lru_cache(maxsize=64)
def _from_84(grid: Grid) -> Transformer:
    return transformer(CRS84, grid.crs)


def _degrees(grid: Grid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude in CRS84 of places in the grid's CRS."""
    if len(x) >= _MANY:
        return project(grid.crs, CRS84, x, y)
    lon, lat = _to_84(grid).transform(x, y)
    return np.asarray(lon, np.float64), np.asarray(lat, np.float64)


def corners(grid: Grid, row: Ints, col: Ints) -> Floats:
    """Corners of cells in the grid's CRS, counter-clockwise from the south-west: shape (cells, 4, 2)."""
    x, y = grid.x_edges, grid.y_edges
    out = np.empty((len(row), 4, 2))
    out[:, 0, 0] = out[:, 3, 0] = x[col]
    out[:, 1, 0] = out[:, 2, 0] = x[col + 1]
    out[:, 0, 1] = out[:, 1, 1] = y[row + 1]
    out[:, 2, 1] = out[:, 3, 1] = y[row]
    return out


def corners_84(grid: Grid, row: Ints, col: Ints) -> Floats:
    """Corners of cells in CRS84 to seven decimals; cells that share a corner share its numbers."""
    out = _by_node(grid, row, col) if _dense(row, col) else _by_cell(grid, row, col)
    # A grid from 0 to 360 degrees: its eastern half lies west of Greenwich.
    out[out[:, :, 0].mean(axis=1) >= 180.0, :, 0] -= 360.0
    return np.round(out, DEGREE_DECIMALS)


def _dense(row: Ints, col: Ints) -> bool:
    if not len(row):
        return False
    nodes = (int(row.max()) - int(row.min()) + 2) * (int(col.max()) - int(col.min()) + 2)
    return nodes < 3 * len(row)


def _by_cell(grid: Grid, row: Ints, col: Ints) -> Floats:
    own = corners(grid, row, col)
    lon, lat = _degrees(grid, own[:, :, 0].ravel(), own[:, :, 1].ravel())
    return np.stack((lon, lat), axis=1).reshape(own.shape)


def _by_node(grid: Grid, row: Ints, col: Ints) -> Floats:
    """Every corner of the block around the cells once: four times fewer than by cell where they lie close together."""
    top, left = int(row.min()), int(col.min())
    x, y = grid.x_edges[left : int(col.max()) + 2], grid.y_edges[top : int(row.max()) + 2]
    xx, yy = np.meshgrid(x, y)
    nodes = np.stack(_degrees(grid, xx.ravel(), yy.ravel()), axis=1)
    north_west = (row - top) * len(x) + (col - left)
    return nodes[np.stack((north_west + len(x), north_west + len(x) + 1, north_west + 1, north_west), axis=1)]


def centres_84(grid: Grid, row: Ints, col: Ints) -> tuple[Floats, Floats]:
    """Longitude and latitude of the centres of cells, to seven decimals."""
    lon, lat = _degrees(grid, grid.x_centres[col], grid.y_centres[row])
    lon = np.where(lon >= 180.0, lon - 360.0, lon)
    return np.round(lon, DEGREE_DECIMALS), np.round(lat, DEGREE_DECIMALS)


def polygons(rings: Floats) -> pa.Array:
    """Polygons of four corners as WKB, made without a geometry engine."""
    cells = np.empty(len(rings), _POLYGON)
    cells["order"], cells["type"], cells["rings"], cells["points"] = 1, 3, 1, 5
    cells["xy"][:, :4] = rings
    cells["xy"][:, 4] = rings[:, 0]
    offsets = np.arange(len(rings) + 1, dtype=np.int32) * _POLYGON.itemsize
    data = pa.py_buffer(cells.tobytes())
    return pa.BinaryArray.from_buffers(pa.binary(), len(rings), [None, pa.py_buffer(offsets), data])


def rings_of(wkb: pa.Array) -> Floats | None:
    """Rings (cells, 5, 2) of WKB that `polygons` made; None if it holds anything else."""
    _, offsets, data = wkb.buffers()
    size = _POLYGON.itemsize
    bounds = np.frombuffer(offsets, np.int32, len(wkb) + 1, wkb.offset * 4)
    if not len(wkb) or (np.diff(bounds) != size).any():
        return None
    cells = np.frombuffer(data, _POLYGON, len(wkb), int(bounds[0]))
    if (cells["type"] != 3).any() or (cells["points"] != 5).any():
        return None
    rings: Floats = cells["xy"]
    return rings


@lru_cache(maxsize=64)
def grid_bounds_84(grid: Grid) -> Bounds:
    """West, south, east and north of the grid in CRS84."""
    west, south, east, north = grid.bounds
    if grid.is_geographic:
        x, y = _degrees(grid, np.array([west, east]), np.array([south, north]))
        found = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
        return found if found[2] <= 180.0 else (-180.0, found[1], 180.0, found[3])
    low_x, low_y, high_x, high_y = _to_84(grid).transform_bounds(west, south, east, north, densify_pts=_EDGE_POINTS)
    return float(low_x), float(low_y), float(high_x), float(high_y)


def window_of(grid: Grid, bounds: Bounds) -> Window | None:
    """A block of cells that holds every cell which touches a box in CRS84, and some more; None where there is none."""
    own = grid_bounds_84(grid)
    west, south = max(bounds[0], own[0]), max(bounds[1], own[1])
    east, north = min(bounds[2], own[2]), min(bounds[3], own[3])
    if west > east or south > north:
        return None
    if grid.is_geographic:
        if grid.bounds[2] > 180.0:  # its columns do not ascend in CRS84
            return Window(0, grid.rows, 0, grid.cols)
        found: tuple[float, ...] = (west, south, east, north)
    else:
        found = _from_84(grid).transform_bounds(west, south, east, north, densify_pts=_EDGE_POINTS)
    if not np.isfinite(found).all():
        return Window(0, grid.rows, 0, grid.cols)
    # Edges bend between the points that were projected, and cells reach over their corners.
    margin = 2 * max(grid.dx, grid.dy) + 1e-3 * max(found[2] - found[0], found[3] - found[1])
    return grid.window((found[0] - margin, found[1] - margin, found[2] + margin, found[3] + margin))


def outer_boxes(grid: Grid, window: Window) -> tuple[Floats, Floats, Floats, Floats]:
    """Boxes in CRS84, of the window's shape, that hold the cells; too large by a margin that is far below a cell.

    Corners are projected at every sixteenth row and column; between those they are interpolated, and the boxes widened by
    twice what that can be off: an eighth of the second differences, in either direction.
    """
    rows = np.arange(window.row_start, window.row_stop + 1)
    cols = np.arange(window.col_start, window.col_stop + 1)
    if grid.is_geographic:
        lon, lat = _degrees(grid, grid.x_edges[cols], np.full(len(cols), grid.y_centres[window.row_start]))
        _, y = _degrees(grid, np.full(len(rows), grid.x_centres[0]), grid.y_edges[rows])
        west, east = lon[:-1], lon[1:]
        turn = np.where((west + east) / 2 >= 180.0, 360.0, 0.0)
        shape = window.shape
        return (
            np.broadcast_to(west - turn - _ROUNDING, shape), np.broadcast_to((y[1:] - _ROUNDING)[:, None], shape),
            np.broadcast_to(east - turn + _ROUNDING, shape), np.broadcast_to((y[:-1] + _ROUNDING)[:, None], shape),
        )  # fmt: skip
    some_rows, some_cols = _some(rows), _some(cols)
    xx, yy = np.meshgrid(grid.x_edges[some_cols], grid.y_edges[some_rows])
    lon, lat = _degrees(grid, xx.ravel(), yy.ravel())
    down, across = _between(rows, some_rows), _between(cols, some_cols).T
    out = []
    for values in (lon.reshape(xx.shape), lat.reshape(xx.shape)):
        margin = 2 * (_bend(values, some_rows) + _bend(values.T, some_cols)) + _ROUNDING
        nodes = down @ values @ across
        four = (nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:])
        out.append((np.minimum.reduce(four) - margin, np.maximum.reduce(four) + margin))
    (west, east), (south, north) = out
    return west, south, east, north


def _some(at: Ints) -> Ints:
    """Every sixteenth, and the last; at least three, so that bends can be told."""
    step = min(_STRIDE, max(1, (len(at) - 1) // 2))
    return np.unique(np.append(at[::step], at[-1]))


def _between(at: Ints, nodes: Ints) -> Floats:
    """The matrix that interpolates linearly from nodes to all."""
    right = np.clip(np.searchsorted(nodes, at, side="right"), 1, len(nodes) - 1)
    left = right - 1
    share = (at - nodes[left]) / (nodes[right] - nodes[left])
    out = np.zeros((len(at), len(nodes)))
    out[np.arange(len(at)), left] = 1.0 - share
    out[np.arange(len(at)), right] += share
    return out


def _bend(values: Floats, at: Ints) -> float:
    """How far a curve along the first axis can lie off the straight line between two of its nodes."""
    # The last piece may be shorter than the others, which a difference of differences would take for a bend.
    even = values if len(at) < 3 or at[-1] - at[-2] == at[1] - at[0] else values[:-1]
    return float(np.abs(np.diff(even, 2, axis=0)).max(initial=0.0)) / 8
