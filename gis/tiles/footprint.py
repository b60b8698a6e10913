"""Footprint: where the pixels of a tile lie among the rows and columns of a grid.

Positions are counted in cells from the north-west corner: row 2.5 is the middle of the third row. They are projected on a
lattice of pixel corners and interpolated between; the lattice is refined until that is as good as `TOLERANCE_PX`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gis.grid import Bounds, Grid
from gis.kernels.pixels import assess_lattice, count_cells, fill_lattice
from gis.tiles.matrices import Tile, TileMatrixSet

__all__ = ["TOLERANCE_PX", "Footprint", "Part", "footprint", "lonlat_bounds", "map_bounds", "native_zoom"]

Floats = NDArray[np.float64]

TOLERANCE_PX = 0.1
# Some ten metres: bounds that maps are given are rounded outward to it.
_PER_DEGREE = 1e4
_FIRST_LATTICE = 8
# A pixel that is so many times larger than its neighbours is torn: the CRS has its cut there.
_TORN = 16.0
# Where pixels differ more than this in size, as at a pole, the smallest are drawn from cells larger than they are.
_MOST_CELLS = 8.0
_EDGE_NODES = 65
# Between the nodes of a grid's edge the edge may bulge, and two datums may differ: by less than this.
_MARGIN_SHARE, _MARGIN_DEG = 0.02, 0.01
_WHOLE_TURN_GAP_DEG = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A window of a tile's pixels, and the positions of a lattice over it, evenly spaced from corner to corner."""

    x_start: int
    x_stop: int
    y_start: int
    y_stop: int
    col: Floats
    row: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """The parts of a tile over a grid (two only where the antimeridian or a grid's end runs through the tile).

    ``cells_per_pixel`` is the shorter side of the smallest pixel (an eighth of the longest side if that is more);
    ``turn_cols`` the columns of a whole turn where the grid goes around the globe, else 0.
    """

    size: int
    parts: tuple[Part, ...]
    cells_per_pixel: float
    turn_cols: float


@lru_cache(maxsize=1024)
def footprint(grid: Grid, tile: Tile, size: int = 256) -> Footprint | None:
    """Where the pixels of a tile lie in a grid, or None if the tile misses the grid; the latest ones are kept."""
    parts, sides = [], []
    for region, shift_deg in _regions(grid):
        window = _pixels(tile, region, size)
        found = window and _part(grid, tile, size, window, shift_deg)
        if found:
            parts.append(found[0])
            sides.append(found[1])
    if not parts:
        return None
    return Footprint(size, tuple(parts), min(sides), 360.0 / grid.dx if grid.wraps else 0.0)


# -- where the grid is --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def lonlat_bounds(grid: Grid) -> Bounds:
    """West, south, east, north of a grid in degrees, as tight as its edges allow; west > east over the antimeridian."""
    regions = _hull(grid, margin=False)
    if len(regions) == 2:
        return regions[0][0], regions[0][1], regions[1][2], regions[0][3]
    return regions[0] if regions else (-180.0, -90.0, 180.0, 90.0)


def map_bounds(grid: Grid) -> Bounds:
    """The bounds as maps take them: all longitudes where a grid crosses the 180th meridian, rounded outward to 1e-4 of a degree."""
    west, south, east, north = lonlat_bounds(grid)
    if west > east:
        west, east = -180.0, 180.0
    low = [math.floor(v * _PER_DEGREE) / _PER_DEGREE for v in (west, south)]
    high = [math.ceil(v * _PER_DEGREE) / _PER_DEGREE for v in (east, north)]
    return max(low[0], -180.0), max(low[1], -90.0), min(high[0], 180.0), min(high[1], 90.0)


@lru_cache(maxsize=64)
def _regions(grid: Grid) -> tuple[tuple[Bounds, float], ...]:
    # Boxes in degrees that hold the grid, each with what is added to its longitudes to reach the grid's own.
    if not grid.is_geographic:
        return tuple((box, 0.0) for box in _hull(grid, margin=True))
    west, south, east, north = grid.bounds
    box = (-180.0, south - _MARGIN_DEG, 180.0, north + _MARGIN_DEG)
    if grid.wraps:
        return ((box, 0.0),)
    shifts = (k * 360.0 for k in range(math.floor(west / 360) - 1, math.ceil(east / 360) + 2))
    met = ((max(west - s - _MARGIN_DEG, -180.0), min(east - s + _MARGIN_DEG, 180.0), s) for s in shifts)
    return tuple(((left, box[1], right, box[3]), s) for left, right, s in met if left < right)


def _hull(grid: Grid, *, margin: bool) -> tuple[Bounds, ...]:
    x = np.linspace(grid.bounds[0], grid.bounds[2], min(grid.cols, _EDGE_NODES - 1) + 1)
    y = np.linspace(grid.bounds[1], grid.bounds[3], min(grid.rows, _EDGE_NODES - 1) + 1)
    xx, yy = np.meshgrid(x, y)
    lonlat = CRS.from_epsg(4326)
    lon, lat = Transformer.from_crs(grid.crs, lonlat, always_xy=True).transform(xx.ravel(), yy.ravel())
    known = np.isfinite(lon) & np.isfinite(lat)
    if not known.any():
        return ()
    south, north = float(lat[known].min()), float(lat[known].max())
    slack = _MARGIN_SHARE * (north - south) + _MARGIN_DEG if margin else 0.0
    south, north = max(south - slack, -90.0), min(north + slack, 90.0)
    to_grid = Transformer.from_crs(lonlat, grid.crs, always_xy=True)
    poles = [pole for pole in (-90.0, 90.0) if _holds(grid, *to_grid.transform(0.0, pole))]
    if poles:
        return ((-180.0, min(south, *poles), 180.0, max(north, *poles)),)
    return tuple((west, south, east, north) for west, east in _arcs(np.unique(lon[known] % 360.0), margin=margin))


def _holds(grid: Grid, x: float, y: float) -> bool:
    west, south, east, north = grid.bounds
    return west <= x <= east and south <= y <= north


def _arcs(lon: Floats, *, margin: bool) -> list[tuple[float, float]]:
    # Longitudes of 0 to 360, ascending: the circle without its widest gap, as one or two intervals of -180 to 180.
    gaps = np.diff(lon, append=lon[0] + 360.0)
    widest = int(gaps.argmax())
    if gaps[widest] < _WHOLE_TURN_GAP_DEG:
        return [(-180.0, 180.0)]
    west, width = float(lon[(widest + 1) % len(lon)]), 360.0 - float(gaps[widest])
    slack = min(_MARGIN_SHARE * width + _MARGIN_DEG, float(gaps[widest]) / 2) if margin else 0.0
    west = (west - slack + 180.0) % 360.0 - 180.0
    east = west + width + 2 * slack
    return [(west, east)] if east <= 180.0 else [(west, 180.0), (-180.0, east - 360.0)]


# -- the lattice --------------------------------------------------------------------------------------------------------


def _pixels(tile: Tile, region: Bounds, size: int) -> tuple[int, int, int, int] | None:
    # Pixels of the tile that may meet the region.
    west, _south, east, north = tile.bounds
    left, top = tile.matrix.from_lonlat(region[0], region[3])
    right, bottom = tile.matrix.from_lonlat(region[2], region[1])
    pixel = (east - west) / size
    x = [min(max(v, 0), size) for v in (math.floor((left - west) / pixel), math.ceil((right - west) / pixel))]
    y = [min(max(v, 0), size) for v in (math.floor((north - top) / pixel), math.ceil((north - bottom) / pixel))]
    return (x[0], x[1], y[0], y[1]) if x[0] < x[1] and y[0] < y[1] else None


def _part(
    grid: Grid, tile: Tile, size: int, window: tuple[int, int, int, int], shift_deg: float
) -> tuple[Part, float] | None:
    x_start, x_stop, y_start, y_stop = window
    longest = max(x_stop - x_start, y_stop - y_start)
    nodes = min(_FIRST_LATTICE, 1 << (longest - 1).bit_length())
    cols = math.inf if grid.wraps else float(grid.cols)
    found = np.empty(3)
    while True:
        col, row = _positions(grid, tile, size, window, nodes, shift_deg)
        finest = nodes >= longest
        if finest:
            _tear(col, row)
        assess_lattice(col, row, (x_stop - x_start) / nodes, (y_stop - y_start) / nodes, cols, float(grid.rows), found)
        # Twice as fine is four times as good; a factor of two of it is kept in hand.
        if finest or found[0] <= 2 * TOLERANCE_PX:
            break
        nodes *= 2
    if found[1] == 0.0:
        return None
    for values in (col, row):
        values.flags.writeable = False
    return Part(*window, col, row), max(float(found[1]), float(found[2]) / _MOST_CELLS)


def _positions(
    grid: Grid, tile: Tile, size: int, window: tuple[int, int, int, int], nodes: int, shift_deg: float
) -> tuple[Floats, Floats]:
    west, _, east, north = tile.bounds
    x, y = np.empty((2, nodes + 1, nodes + 1))
    fill_lattice(west, north, (east - west) / size, *window, x, y)
    nominal = x if tile.matrix.geographic else x * (180.0 / tile.matrix.extent[2])
    col, row = (np.array(v) for v in _way(grid, tile.matrix).transform(x, y))
    count_cells(nominal, grid.x_left, grid.y_top, grid.dx, grid.dy, grid.is_geographic, shift_deg, col, row)
    return col, row


@lru_cache(maxsize=64)
def _way(grid: Grid, matrix: TileMatrixSet) -> Transformer:
    # PROJ searches its database for 0.1 s per pair and thread; the operation it settled on is ready at once. Where it holds
    # several operations and chooses by place, they stay.
    kept = Transformer.from_crs(matrix.crs, grid.crs, always_xy=True)
    return Transformer.from_pipeline(kept.definition) if kept.definition.startswith("proj=") else kept


def _tear(col: Floats, row: Floats) -> None:
    """Take the place from pixels that are far larger than the rest."""
    torn = np.zeros((col.shape[0] - 1, col.shape[1] - 1), np.bool_)
    for at in (col, row):
        side = np.hypot(np.diff(at[:-1], axis=1), np.diff(at[:, :-1], axis=0))
        if np.isfinite(side).any():
            torn |= side > _TORN * np.nanmedian(side)
    col[:-1, :-1][torn] = np.nan


@lru_cache(maxsize=256)
def native_zoom(grid: Grid, matrix: TileMatrixSet) -> int:
    """The least zoom where no pixel is larger than a cell in the middle of the grid; finer ones show nothing more."""
    west, south, east, north = lonlat_bounds(grid)
    lon, lat = (west + (east if west <= east else east + 360.0)) / 2, (south + north) / 2
    x, y = matrix.from_lonlat((lon + 180.0) % 360.0 - 180.0, lat)
    step = matrix.cell_size(matrix.max_zoom)
    way = _way(grid, matrix)
    xs, ys = way.transform([x, x + step, x], [y, y, y + step])
    width, height = math.hypot(xs[1] - xs[0], xs[2] - xs[0]), math.hypot(ys[1] - ys[0], ys[2] - ys[0])
    pixel_cells = max(width / grid.dx, height / grid.dy)
    if not (math.isfinite(pixel_cells) and pixel_cells > 0):
        return matrix.max_zoom
    zoom = matrix.max_zoom + math.ceil(math.log2(pixel_cells) - 1e-9)
    return min(max(zoom, matrix.min_zoom), matrix.max_zoom)
