"""Neighbourhoods: who is a neighbour of whom on a grid, and sums over neighbours on a domain with edges, holes and islands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.fields import Field
from gis.kernels.neighbours import place, window_sums

__all__ = ["Contiguity", "Neighbourhood", "Window", "neighbourhood", "windows"]

# Distances are compared to the millimetre: a band of five cell widths reaches the fifth cell.
_SLACK_M = 1e-3
# Cells of a neighbourhood at most; beyond it the question is not one about neighbours.
_MOST = 100_000


class Contiguity(StrEnum):
    """Who is a neighbour."""

    QUEEN = "queen"
    ROOK = "rook"
    BAND = "band"


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhood:
    """A run of columns on each row around a cell, the cell included.

    ``half`` (rows × offsets) is the run's half-width in columns for each row of the grid and each row offset from
    -reach to reach; -1 for no neighbour there.
    """

    grid: Grid
    kind: Contiguity
    band_m: float | None
    half: NDArray[np.int64]

    @property
    def reach(self) -> int:
        """Rows above and below."""
        return int(self.half.shape[1]) // 2


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Sum and number of the values in each domain cell's neighbourhood, itself included."""

    total: NDArray[np.int64]
    count: NDArray[np.int32]

    @property
    def neighbours(self) -> NDArray[np.int32]:
        """Number of neighbours of each cell, k."""
        k: NDArray[np.int32] = self.count - np.int32(1)
        return k

    def near(self, field: Field) -> NDArray[np.int64]:
        """Sum of the neighbours' values, without the cell's own."""
        near: NDArray[np.int64] = self.total - field.own
        return near


def neighbourhood(grid: Grid, kind: Contiguity, *, band_m: float | None = None) -> Neighbourhood:
    """Queen, rook, or all cells whose centres are within ``band_m`` metres (geodesic on longitude-latitude grids)."""
    if (kind is Contiguity.BAND) != (band_m is not None):
        raise InvalidParameter(
            f"band_m is {band_m!r} with neighbours = {kind.value!r}; it belongs to band, and is needed there"
        )
    if band_m is None:
        pattern = [1, 1, 1] if kind is Contiguity.QUEEN else [0, 1, 0]
        half = np.broadcast_to(np.array(pattern), (grid.rows, 3))
    else:
        if not (math.isfinite(band_m) and band_m > 0):
            raise InvalidParameter(f"band_m is {band_m!r}; a positive number of metres is expected")
        half = _geodesic_band(grid, band_m) if grid.is_geographic else _planar_band(grid, band_m)
        _check_band(half, band_m)
    half = np.ascontiguousarray(half, np.int64)
    return Neighbourhood(grid, kind, band_m, half)


def _check_band(half: NDArray[np.int64], band_m: float) -> None:
    cells = int((2 * half + 1).clip(min=0).sum(axis=1).max())
    if cells <= 1:
        raise InvalidParameter(
            f"band_m = {band_m:g} m reaches no other cell; give more than the distance between two cells"
        )
    if cells > _MOST:
        raise InvalidParameter(
            f"band_m = {band_m:g} m holds {cells} cells; a neighbourhood of at most {_MOST} is expected"
        )


def _planar_band(grid: Grid, band_m: float) -> NDArray[np.int64]:
    metre = [axis.unit_conversion_factor for axis in grid.crs.axis_info[:2]]
    dx_m, dy_m = grid.dx * metre[0], grid.dy * metre[1]
    reach = min(int((band_m + _SLACK_M) / dy_m), grid.rows - 1)
    offset = np.arange(-reach, reach + 1)
    # Kept above zero: rounding can take the outermost row a hair beyond the radius.
    across = np.sqrt(np.maximum((band_m + _SLACK_M) ** 2 - (offset * dy_m) ** 2, 0.0))
    half = np.minimum((across / dx_m).astype(np.int64), grid.cols - 1)
    return np.broadcast_to(half, (grid.rows, len(half)))


def _geodesic_band(grid: Grid, band_m: float) -> NDArray[np.int64]:
    """Half-widths by bisection: on an ellipsoid the distance grows with the difference in longitude up to half a turn."""
    geod = grid.crs.get_geod()
    if geod is None:
        raise InvalidParameter(f"{grid.crs.name} has no ellipsoid; a distance on the ground cannot be given")
    lat = grid.y_centres
    most = min(grid.cols - 1, int((180.0 + 1e-9) / grid.dx))
    # A degree of latitude has at least 110,574 m · (1 − 1e-4) on Earth's ellipsoids; rows too many cost a column of -1.
    reach = min(int(band_m / (110_500.0 * geod.a / 6378137.0 * grid.dy)) + 1, grid.rows - 1)
    row = np.repeat(np.arange(grid.rows), 2 * reach + 1)
    other = row + np.tile(np.arange(-reach, reach + 1), grid.rows)
    there = (other >= 0) & (other < grid.rows)
    # From the southern to the northern one always, so that i is a neighbour of j exactly when j is one of i.
    south = np.minimum(lat[row[there]], lat[other[there]])
    north = np.maximum(lat[row[there]], lat[other[there]])

    def within(columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        zero = np.zeros(len(columns))
        distance = geod.inv(zero, south, np.minimum(columns * grid.dx, 180.0), north)[2]
        return np.asarray(distance <= band_m + _SLACK_M)

    low = np.where(within(np.zeros(len(south), np.int64)), 0, -1)
    high = np.full(len(south), most + 1, np.int64)
    high[low < 0] = 0
    while (high - low > 1).any():
        middle = (low + high) // 2
        inside = within(middle)
        low, high = np.where(inside, np.maximum(middle, low), low), np.where(inside, high, middle)
    half = np.full(len(row), -1, np.int64)
    half[there] = low
    out = half.reshape(grid.rows, -1)
    used = np.flatnonzero((out >= 0).any(axis=0))
    trim = min(int(used[0]), out.shape[1] - 1 - int(used[-1]))
    return out[:, trim : out.shape[1] - trim]


def windows(field: Field, near: Neighbourhood) -> Window:
    """Sums over the neighbourhoods of the domain's cells, cells around included, cells without a value left out."""
    domain = field.domain
    if near.grid != domain.grid:
        raise InvalidParameter(f"the neighbourhood is one of {near.grid!r}, the domain lies on {domain.grid!r}")
    grid = field.whole  # where every cell has a value, cell ids are positions
    if domain.size < domain.grid.size:
        grid = np.zeros(domain.grid.size, np.int64)
        place(field.own, domain.cells, grid)
        grid[domain.around] = field.whole[domain.size :]
    total, count = np.empty(domain.size, np.int64), np.empty(domain.size, np.int32)
    row_start = np.searchsorted(domain.cells, np.arange(domain.grid.rows + 1, dtype=np.int64) * domain.grid.cols)
    window_sums(
        grid.reshape(domain.grid.shape),
        near.half,
        domain.grid.wraps,
        domain.cells,
        row_start.astype(np.int64),
        total,
        count,
    )
    return Window(total, count)
