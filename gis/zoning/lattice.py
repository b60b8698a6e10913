"""Cell coordinates: u counts columns east, v rows north from the grid's upper left corner, so that cell edges are whole.

Overlays are made here. Rounded to SNAP, cell corners are exact, and what is cut beside a hotspot that needs no cutting still
shares its corners with it, bit by bit, after the way back.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.grid import Grid

__all__ = ["SNAP", "cells_at", "from_lattice", "shift_turns", "to_lattice"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

# Common precision of all overlays, in cells: 0.06 mm on a grid of 1 km. A power of two, so that corners are multiples of it.
SNAP = 2.0**-24


def to_lattice(shapes: Shapes, grid: Grid) -> Shapes:
    """Geometries of the grid's CRS in cell coordinates, every vertex rounded to SNAP."""

    def move(xy: Floats) -> Floats:
        uv = np.column_stack([(xy[:, 0] - grid.x_left) / grid.dx, (xy[:, 1] - grid.y_top) / grid.dy])
        rounded: Floats = np.round(uv / SNAP) * SNAP
        return rounded

    return np.asarray(shapely.transform(shapes, move), dtype=object)


def from_lattice(shapes: Shapes, grid: Grid) -> Shapes:
    """Geometries in cell coordinates as geometries of the grid's CRS; whole numbers become the grid's own edges."""

    def move(uv: Floats) -> Floats:
        return np.column_stack([grid.x_left + uv[:, 0] * grid.dx, grid.y_top + uv[:, 1] * grid.dy])

    return np.asarray(shapely.transform(shapes, move), dtype=object)


def cells_at(u: Floats, v: Floats, grid: Grid) -> NDArray[np.int64]:
    """Id of the cell around each position, -1 outside the grid. Positions lie inside cells, not on their edges."""
    col, row = np.floor(u).astype(np.int64), np.floor(-v).astype(np.int64)
    inside = (row >= 0) & (row < grid.rows) & (col >= 0) & (col < grid.cols)
    return np.where(inside, row * np.int64(grid.cols) + col, np.int64(-1))


def shift_turns(x: Floats, grid: Grid) -> Floats:
    """Longitudes moved by whole turns to the grid's; eastings as they are."""
    if not grid.is_geographic:
        return x
    # One that rounding puts just west of the grid would land a turn east of it.
    turned: Floats = x - 360.0 * np.floor((x - grid.x_left + 1e-9) / 360.0)
    return turned
