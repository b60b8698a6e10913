"""Corners and centres of cells in a tile matrix set: the same numbers for every tile that asks, so tiles fit and share nothing out twice.

Positions are tile units of zoom 0 ("world units": x east and y south from the origin of the matrix set), so that a zoom is a power of two.
Around the 180th meridian they go on beyond the world's edge: a grid is in one piece, and tiles look for it a turn to the east and west.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid, Window
from gis.projection import project
from gis.tiles.matrices import TileMatrixSet
from gis.tiles.mvt import EXTENT

__all__ = ["BLOCK", "Lattice", "cell_areas", "is_plain", "lattice", "placed", "world_lonlat"]

Floats = NDArray[np.float64]

BLOCK = 64  # cells of a level on a side of a block, whose corners are worked out at one time
_NODES = 9
# How far interpolation may be off, in cells of the level; beyond, every corner is projected.
_EXACT = 1e-3
_PROBES = (0.0, 0.09, 0.23, 0.41, 0.59, 0.77, 0.91)
# Degrees within which two geographic CRS are one: a hundredth of a millimetre.
_SAME_DATUM = 1e-10
_MERCATOR_END = 85.0511287798066


def _to_world(matrix: TileMatrixSet, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """World units of positions in the CRS of a matrix set."""
    scale = EXTENT / matrix.span(0)
    return (x - matrix.extent[0]) * scale, (matrix.extent[3] - y) * scale


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """World positions of the corners (one row and column more) and centres of a span of cells; NaN where there is no place."""

    corner_x: Floats
    corner_y: Floats
    centre_x: Floats
    centre_y: Floats


def lattice(grid: Grid, matrix: TileMatrixSet, level: int, span: Window) -> Lattice:
    """The corners and centres of a span of the cells of a level."""
    if is_plain(grid, matrix):
        return _straight(grid, matrix, level, span)
    rows, cols = span.shape
    out = Lattice(*(np.empty((rows + extra, cols + extra)) for extra in (1, 1, 0, 0)))
    for block_row in range(span.row_start // BLOCK, (span.row_stop - 1) // BLOCK + 1):
        for block_col in range(span.col_start // BLOCK, (span.col_stop - 1) // BLOCK + 1):
            _paste(_block(grid, matrix, level, block_row, block_col), block_row, block_col, span, out)
    return out


def _edges(level: int, start: int, stop: int, count: int) -> Floats:
    """Edges of the cells of a level in cells of level 0; the last cell ends with the grid."""
    return np.minimum(np.arange(start, stop + 1, dtype=np.float64) * 2.0**level, count)


@lru_cache(maxsize=64)
def is_plain(grid: Grid, matrix: TileMatrixSet) -> bool:
    """Whether the grid's longitudes and latitudes are those of the matrix set: then rows and columns are straight lines in it."""
    if not grid.is_geographic:
        return False
    base = matrix.crs if matrix.geographic else (matrix.crs.geodetic_crs or matrix.crs)
    lon, lat = (v.ravel() for v in np.meshgrid(np.linspace(-179.0, 179.0, 5), np.linspace(-80.0, 80.0, 5)))
    x, y = project(grid.crs, base, lon, lat)
    return bool(np.abs(x - lon).max() <= _SAME_DATUM and np.abs(y - lat).max() <= _SAME_DATUM)


# -- geographic grids ---------------------------------------------------------------------------------------------------


def _straight(grid: Grid, matrix: TileMatrixSet, level: int, span: Window) -> Lattice:
    lon = grid.x_left + _edges(level, span.col_start, span.col_stop, grid.cols) * grid.dx
    lat = grid.y_top - _edges(level, span.row_start, span.row_stop, grid.rows) * grid.dy
    x, y = world_lonlat(matrix, lon, lat)
    centre_x, centre_y = world_lonlat(matrix, (lon[:-1] + lon[1:]) / 2, (lat[:-1] + lat[1:]) / 2)
    rows, cols = span.shape
    return Lattice(
        np.broadcast_to(x, (rows + 1, cols + 1)).copy(), np.repeat(y[:, None], cols + 1, axis=1),
        np.broadcast_to(centre_x, (rows, cols)).copy(), np.repeat(centre_y[:, None], cols, axis=1),
    )  # fmt: skip


def world_lonlat(matrix: TileMatrixSet, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """World units of longitudes and latitudes; what lies beyond Mercator's end is moved to a turn of the globe beyond it."""
    x = (lon + 180.0) * (EXTENT / 360.0)
    if matrix.geographic:
        return x, (90.0 - lat) * (EXTENT / 360.0)
    inside = np.clip(lat, -_MERCATOR_END - 1.0, _MERCATOR_END + 1.0)
    return x, (0.5 - np.arcsinh(np.tan(np.radians(inside))) / (2.0 * np.pi)) * EXTENT


# -- projected grids ----------------------------------------------------------------------------------------------------


def _paste(block: Lattice, block_row: int, block_col: int, span: Window, out: Lattice) -> None:
    """Copy what a block has of a span."""
    top, left = block_row * BLOCK, block_col * BLOCK
    for source, target, extra in (
        (block.corner_x, out.corner_x, 1), (block.corner_y, out.corner_y, 1),
        (block.centre_x, out.centre_x, 0), (block.centre_y, out.centre_y, 0),
    ):  # fmt: skip
        r0, r1 = max(top, span.row_start), min(top + source.shape[0], span.row_stop + extra)
        c0, c1 = max(left, span.col_start), min(left + source.shape[1], span.col_stop + extra)
        rows, cols = slice(r0 - span.row_start, r1 - span.row_start), slice(c0 - span.col_start, c1 - span.col_start)
        target[rows, cols] = source[r0 - top : r1 - top, c0 - left : c1 - left]


@lru_cache(maxsize=256)
def _block(grid: Grid, matrix: TileMatrixSet, level: int, block_row: int, block_col: int) -> Lattice:
    """Corners and centres of a block: a polynomial through exact nodes, which blocks side by side share on their common edge.

    Chebyshev nodes of degree 8: a block of 64 cells of 1 km is off by less than a micrometre. Where probes show otherwise, as over a
    pole, every corner is projected.
    """
    rows = _positions(level, block_row, grid.rows)
    cols = _positions(level, block_col, grid.cols)
    node_x, node_y = _world(
        grid, matrix, cols[0] + (cols[-1] - cols[0]) * _UNIT, rows[0] + (rows[-1] - rows[0]) * _UNIT
    )
    if np.isfinite(node_x).all() and np.isfinite(node_y).all():
        found = _interpolated(node_x, node_y, rows, cols)
        if _holds(grid, matrix, found, rows, cols):
            return _frozen(found)
    middle = (rows[:-1] + rows[1:]) / 2, (cols[:-1] + cols[1:]) / 2
    corners, centres = _world(grid, matrix, cols, rows), _world(grid, matrix, middle[1], middle[0])
    return _frozen(Lattice(*corners, *centres))


def _positions(level: int, block: int, count: int) -> Floats:
    """Edges of the cells of a block, in cells of level 0."""
    cells = -(-count // 2**level)
    return np.minimum(np.arange(block * BLOCK, min((block + 1) * BLOCK, cells) + 1) * 2.0**level, count)


def _world(grid: Grid, matrix: TileMatrixSet, col: Floats, row: Floats) -> tuple[Floats, Floats]:
    """World positions of all pairs of a row and a column position; NaN where the projection has none."""
    x, y = np.meshgrid(grid.x_left + col * grid.dx, grid.y_top - row * grid.dy)
    if is_plain(grid, matrix):
        return world_lonlat(matrix, x, y)
    wx, wy = placed(grid, matrix, x.ravel(), y.ravel())
    return wx.reshape(x.shape), wy.reshape(x.shape)


def placed(grid: Grid, matrix: TileMatrixSet, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """World positions of places in the CRS of a grid that is not plain, within half a turn of its middle; NaN where there is none."""
    wx, wy = _to_world(matrix, *project(grid.crs, matrix.crs, x, y))
    lost = ~(np.isfinite(wx) & np.isfinite(wy))
    wx[lost] = wy[lost] = np.nan
    middle = _middle(grid, matrix)
    return middle + np.mod(wx - middle + EXTENT / 2, EXTENT) - EXTENT / 2, wy


@lru_cache(maxsize=64)
def _middle(grid: Grid, matrix: TileMatrixSet) -> float:
    """World x of the middle of a grid; that of the world where it has none."""
    west, south, east, north = grid.bounds
    x, y = project(grid.crs, matrix.crs, np.array([(west + east) / 2]), np.array([(south + north) / 2]))
    found = float(_to_world(matrix, x, y)[0][0])
    return found if np.isfinite(found) else EXTENT / 2


def cell_areas(grid: Grid, matrix: TileMatrixSet, row: NDArray[np.int64], col: NDArray[np.int64]) -> Floats:
    """Areas of some cells of level 0 in world units, NaN for those that no tile owns."""
    x, y = _world(grid, matrix, *(np.column_stack([at, at + 1]).ravel().astype(np.float64) for at in (col, row)))
    x00, x01, x10, x11 = x[::2, ::2], x[::2, 1::2], x[1::2, ::2], x[1::2, 1::2]
    y00, y01, y10, y11 = y[::2, ::2], y[::2, 1::2], y[1::2, ::2], y[1::2, 1::2]
    area = np.abs((x11 - x00) * (y10 - y01) - (x10 - x01) * (y11 - y00)) / 2
    middle = (y00 + y11) / 2
    out: Floats = np.where((middle >= 0) & (middle <= EXTENT) & (area > 0), area, np.nan)
    return out


def _interpolated(node_x: Floats, node_y: Floats, rows: Floats, cols: Floats) -> Lattice:
    down, across = (_weights((edge - edge[0]) / (edge[-1] - edge[0])) for edge in (rows, cols))
    down_c, across_c = (
        _weights(((edge[:-1] + edge[1:]) / 2 - edge[0]) / (edge[-1] - edge[0])) for edge in (rows, cols)
    )
    return Lattice(
        down @ node_x @ across.T, down @ node_y @ across.T, down_c @ node_x @ across_c.T, down_c @ node_y @ across_c.T
    )


def _holds(grid: Grid, matrix: TileMatrixSet, found: Lattice, rows: Floats, cols: Floats) -> bool:
    """Whether interpolated centres are where projection puts them: probes between the nodes."""
    pick_r, pick_c = ([int(n * at) for at in _PROBES] for n in found.centre_x.shape)
    middle_r, middle_c = ((edge[:-1] + edge[1:]) / 2 for edge in (rows, cols))
    x, y = _world(grid, matrix, middle_c[pick_c], middle_r[pick_r])
    off = np.hypot(found.centre_x[np.ix_(pick_r, pick_c)] - x, found.centre_y[np.ix_(pick_r, pick_c)] - y)
    size = np.hypot(np.diff(found.corner_x[:2, 0]), np.diff(found.corner_y[:2, 0]))
    return bool((off <= _EXACT * size).all())


def _weights(at: Floats) -> Floats:
    """Weights of the nodes for positions from 0 to 1 (Lagrange, barycentric: Berrut & Trefethen 2004)."""
    off = at[:, None] - _UNIT[None, :]
    hit = off == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = _BARYCENTRIC / off
        out: Floats = terms / terms.sum(axis=1, keepdims=True)
    on_node = hit.any(axis=1)
    out[on_node] = hit[on_node]
    return out


def _frozen(found: Lattice) -> Lattice:
    for values in (found.corner_x, found.corner_y, found.centre_x, found.centre_y):
        values.flags.writeable = False
    return found


_UNIT = (1.0 - np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))) / 2
_UNIT[0], _UNIT[-1] = 0.0, 1.0
_BARYCENTRIC = (-1.0) ** np.arange(_NODES) * np.where(np.isin(np.arange(_NODES), (0, _NODES - 1)), 0.5, 1.0)
