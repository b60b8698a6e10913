"""Cells in vector tiles: parents as fine as a zoom shows, each owned by the one tile that holds its centre.

What a parent holds is counted in its own tile; where it reaches into another tile, it stands there too, with the same id, so
that maps have no gaps. So the parents of a zoom that are owned add up to the whole, and no tile has more of them than it has room.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid, Window
from gis.projection import project
from gis.tiles.lattice import Lattice, cell_areas, is_plain, lattice, world_lonlat
from gis.tiles.matrices import Tile, TileMatrixSet
from gis.tiles.mvt import BUFFER, EXTENT
from gis.tiles.plane import Areas, Fold, Plane, areas

__all__ = ["CellSpan", "area_block", "cell_spans", "finest_zoom", "level_at", "level_block", "level_shape"]

Floats = NDArray[np.float64]

# The least side of a parent in pixels of a tile of 256: 64 × 64 parents a tile.
_LEAST_PX = 4.0
# Cells of this size need no finer tiles: clients draw them larger.
_ENOUGH_PX = 64.0
_PX = EXTENT / 256
_PROBES = 9
_FIRST_LOCAL_ZOOM = 3  # a tile of a coarser zoom may hold a pole, or wrap around it


@dataclass(frozen=True, slots=True, eq=False)
class CellSpan:
    """Cells of a level that a tile may show: where their corners lie in tile units, which are the tile's own, which have a place."""

    level: int
    span: Window
    x: Floats
    y: Floats
    owned: NDArray[np.bool_]
    placed: NDArray[np.bool_]


# -- levels -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _cell_units(grid: Grid, matrix: TileMatrixSet) -> float:
    """Side of the smallest cell of a grid in world units: the root of its area, at a lattice of places."""
    row, col = (np.unique(np.linspace(0, n - 1, _PROBES).astype(np.int64)) for n in grid.shape)
    area = cell_areas(grid, matrix, row, col)
    return float(np.sqrt(np.nanmin(area))) if np.isfinite(area).any() else 1.0


def level_at(grid: Grid, matrix: TileMatrixSet, z: int) -> int:
    """The level whose cells are shown at a zoom: the finest with sides of four pixels, 0 being the grid's own."""
    return max(0, int(np.ceil(np.log2(_LEAST_PX * _PX / (_cell_units(grid, matrix) * 2.0**z)) - 1e-9)))


def finest_zoom(grid: Grid, matrix: TileMatrixSet) -> int:
    """The zoom beyond which tiles of cells show nothing new: cells have sides of 64 pixels."""
    z = int(np.ceil(np.log2(_ENOUGH_PX * _PX / _cell_units(grid, matrix)) - 1e-9))
    return min(max(z, matrix.min_zoom), matrix.max_zoom)


def level_shape(grid: Grid, level: int) -> tuple[int, int]:
    """Rows and columns of a level, however coarse."""
    return -(-grid.rows // 2**level), -(-grid.cols // 2**level)


def level_block(plane: Plane, level: int, span: Window) -> NDArray[Any]:
    """Values of a block of a level; one coarser than the plane's last is folded from that."""
    kept = len(plane.levels) - 1
    if level <= kept:
        return plane.levels[level][span.slices]
    return _folded(plane.levels[-1], level - kept, plane.fold)[span.slices]


def _folded(values: NDArray[Any], times: int, fold: Fold) -> NDArray[Any]:
    add = np.maximum if fold == Fold.MAX else np.add
    for _ in range(times):
        rows, cols = (np.arange(0, n, 2) for n in values.shape)
        values = add.reduceat(add.reduceat(values, rows, axis=0), cols, axis=1)
    return values


def area_block(grid: Grid, level: int, span: Window) -> Floats:
    """Areas of a block of cells of a level, km²."""
    kept = 0
    while max(level_shape(grid, kept)) > max(64, 1) and kept < level:
        kept += 1
    found: Areas = areas(grid, kept)
    if kept == level:
        return found.block(*span.slices)
    rows, cols = level_shape(grid, kept)
    whole = found.block(slice(0, rows), slice(0, cols))
    block: Floats = _folded(whole, level - kept, Fold.SUM)[span.slices]
    return block


# -- spans --------------------------------------------------------------------------------------------------------------


def cell_spans(grid: Grid, tile: Tile) -> list[CellSpan]:
    """The cells that a tile or its buffer may show; more than one span where the grid's ends meet, or a cell lies across them."""
    level = level_at(grid, tile.matrix, tile.z)
    if is_plain(grid, tile.matrix):
        spans = [(turn, _straight_span(grid, tile, level, turn)) for turn in (-1, 0, 1)]
        return [
            _in_tile(lattice(grid, tile.matrix, level, span), tile, level, span, turn)
            for turn, span in spans
            if span is not None
        ]
    whole = _span(grid, tile, level)
    if whole is None:
        return []
    found = lattice(grid, tile.matrix, level, whole)
    pieces = [(found, whole), *_torn(found, whole)]
    return [
        _in_tile(piece, tile, level, span, turn)
        for turn in (-1, 0, 1)
        for piece, span in pieces
        if _meets(piece, tile, turn)
    ]


def _in_tile(found: Lattice, tile: Tile, level: int, span: Window, turn: int) -> CellSpan:
    """Cells in tile units, so many turns around the globe to the east."""
    scale = 2.0**tile.z
    x, y = (found.corner_x + turn * EXTENT) * scale - tile.x * EXTENT, found.corner_y * scale - tile.y * EXTENT
    # Floors of the same numbers whichever tile asks: a centre on an edge has one tile.
    col, row = np.floor((found.centre_x / EXTENT + turn) * scale), np.floor(found.centre_y / EXTENT * scale)
    known = np.isfinite(x) & np.isfinite(y)
    placed = known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]
    if placed.size > 1:  # a cell by itself was put together by _torn
        placed &= ~_across(found)
    return CellSpan(level, span, x, y, (col == tile.x) & (row == tile.y) & placed, placed)


def _across(found: Lattice) -> NDArray[np.bool_]:
    """Cells with corners on both ends of a grid that goes around a pole."""
    x = found.corner_x
    low = np.minimum(np.minimum(x[:-1, :-1], x[1:, :-1]), np.minimum(x[:-1, 1:], x[1:, 1:]))
    high = np.maximum(np.maximum(x[:-1, :-1], x[1:, :-1]), np.maximum(x[:-1, 1:], x[1:, 1:]))
    out: NDArray[np.bool_] = high - low > EXTENT / 2
    return out


def _torn(found: Lattice, whole: Window) -> list[tuple[Lattice, Window]]:
    """Each cell that lies across the ends of the lattice by itself, in one piece."""
    pieces = []
    for r, c in np.argwhere(_across(found)).tolist():
        middle = found.centre_x[r, c]
        x = middle + np.mod(found.corner_x[r : r + 2, c : c + 2] - middle + EXTENT / 2, EXTENT) - EXTENT / 2
        centre = found.centre_x[r : r + 1, c : c + 1], found.centre_y[r : r + 1, c : c + 1]
        row, col = whole.row_start + r, whole.col_start + c
        pieces.append((Lattice(x, found.corner_y[r : r + 2, c : c + 2], *centre), Window(row, row + 1, col, col + 1)))
    return pieces


def _meets(found: Lattice, tile: Tile, turn: int) -> bool:
    """Whether any corner's column of the world could be the tile's."""
    left, right = ((tile.x + k) * EXTENT + side * BUFFER for k, side in ((0, -1), (1, 1)))
    x = found.corner_x[np.isfinite(found.corner_x)] + turn * EXTENT
    scale = 2.0**tile.z
    return bool(x.size and x.min() * scale <= right and x.max() * scale >= left)


def _straight_span(grid: Grid, tile: Tile, level: int, turn: int) -> Window | None:
    """Rows and columns of a geographic grid that meet the tile and its buffer."""
    rows, cols = level_shape(grid, level)
    lon = grid.x_left + np.minimum(np.arange(cols + 1) * 2.0**level, grid.cols) * grid.dx
    lat = grid.y_top - np.minimum(np.arange(rows + 1) * 2.0**level, grid.rows) * grid.dy
    x, y = world_lonlat(tile.matrix, lon, lat)
    scale = 2.0**tile.z
    left, right = ((tile.x + k) * EXTENT + side * BUFFER for k, side in ((0, -1), (1, 1)))
    top, bottom = ((tile.y + k) * EXTENT + side * BUFFER for k, side in ((0, -1), (1, 1)))
    c0, c1 = _meeting((x + turn * EXTENT) * scale, left, right)
    r0, r1 = _meeting(y * scale, top, bottom)
    return Window(r0, r1, c0, c1) if r1 > r0 and c1 > c0 else None


def _meeting(edges: Floats, low: float, high: float) -> tuple[int, int]:
    """Cells between ascending edges that overlap low … high."""
    return int(np.searchsorted(edges[1:], low, side="right")), int(np.searchsorted(edges[:-1], high, side="left"))


def _span(grid: Grid, tile: Tile, level: int) -> Window | None:
    """Rows and columns of a projected grid around the tile and its buffer; all where the projection does not say."""
    rows, cols = level_shape(grid, level)
    whole = Window(0, rows, 0, cols)
    if tile.z < _FIRST_LOCAL_ZOOM:
        return whole
    west, south, east, north = tile.bounds
    more = (east - west) * BUFFER / EXTENT
    x, y = np.meshgrid(np.linspace(west - more, east + more, _PROBES), np.linspace(south - more, north + more, _PROBES))
    px, py = project(tile.matrix.crs, grid.crs, x.ravel(), y.ravel())
    if not (np.isfinite(px).all() and np.isfinite(py).all()):
        return whole
    # A cell more on each side for what bends between the probes.
    size_x, size_y = grid.dx * 2**level, grid.dy * 2**level
    c0, c1 = np.floor((px.min() - grid.x_left) / size_x) - 1, np.ceil((px.max() - grid.x_left) / size_x) + 1
    r0, r1 = np.floor((grid.y_top - py.max()) / size_y) - 1, np.ceil((grid.y_top - py.min()) / size_y) + 1
    found = Window(int(max(r0, 0)), int(min(r1, rows)), int(max(c0, 0)), int(min(c1, cols)))
    return found if found.row_stop > found.row_start and found.col_stop > found.col_start else None
