"""One-dimensional overlaps of two grids of one CRS: which source rows and columns make up a target row or column.

Everything is measured in source cells: the position p = i + f of a target edge says that it lies in source row or column
i, at the fraction f of that cell's measure. The measure is x or y in a projected CRS; on a longitude-latitude grid it is
longitude, and in latitude the ellipsoid's zone area, so that every share is one of area on the ground.
Differences of positions within one cell are exact in floating point, hence the shares of a source cell add up to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.grid import Grid
from gis.kernels.ellipsoid import zone_coefficients

__all__ = ["Overlaps", "column_overlaps", "row_overlaps"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Two edges nearer than this share of the smaller cell are one edge: 0.1 × 3 and 0.3 differ in the last bit, and
# without the rule a sliver of 1e-16 of a source cell would reach a target cell that it does not touch.
_SAME_EDGE = 1e-9
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """CSR table interval → (source index, share of the source cell); intervals past ``inside`` are outside."""

    start: Ints
    index: Ints
    weight: Floats
    inside: int
    covered: Floats
    """Share of every target row or column that the source reaches."""

    @property
    def aligned(self) -> bool:
        """Whether every target row or column is one whole source one, or none."""
        counts = np.diff(self.start[: self.inside + 1])
        whole = self.weight[: self.start[self.inside]] == 1.0
        filled = np.abs(self.covered[counts > 0] - 1.0) < _SAME_EDGE
        return bool((counts <= 1).all() and whole.all() and filled.all())


def column_overlaps(source: Grid, target: Grid) -> Overlaps:
    """Overlaps of the columns; on longitude-latitude grids modulo 360 degrees."""
    ratio = target.dx / source.dx
    edges: Floats = ((target.x_left - source.x_left) + np.arange(target.cols + 1.0) * target.dx) / source.dx
    if source.is_geographic:
        turned = _turned(edges, source, target)
    else:
        turned = [_snap(edges, ratio)]
    return _table(turned, np.ones(source.cols), np.full(target.cols, ratio))


def row_overlaps(source: Grid, target: Grid) -> Overlaps:
    """Overlaps of the rows: by height in a projected CRS, by ellipsoidal zone area in latitude."""
    ratio = target.dy / source.dy
    edges: Floats = ((source.y_top - target.y_top) + np.arange(target.rows + 1.0) * target.dy) / source.dy
    edges = _snap(edges, ratio)
    if not source.is_geographic:
        return _table([edges], np.ones(source.rows), np.full(target.rows, ratio))
    coefficients = zone_coefficients(source.ellipsoid[1])
    source_lat, target_lat = source.y_edges, target.y_edges
    zones = zone_difference(source_lat[:-1], source_lat[1:], coefficients)
    cell = np.clip(np.floor(edges), 0, source.rows - 1).astype(np.int64)
    cut = (edges > 0) & (edges < source.rows) & (edges != cell)
    north = zone_difference(source_lat[cell[cut]], target_lat[cut], coefficients)
    edges[cut] = cell[cut] + np.minimum(north / zones[cell[cut]], 1.0)
    return _table([edges], zones, zone_difference(target_lat[:-1], target_lat[1:], coefficients))


def zone_difference(north: Floats, south: Floats, coefficients: Floats) -> Floats:
    """W(north) - W(south) of latitudes in degrees, without the cancellation of a difference near the poles."""
    north, south = np.clip(north, -90.0, 90.0), np.clip(south, -90.0, 90.0)
    # sin ka - sin kb = 2 cos km sin kh, and with the mid-colatitude t, cos km = ±sin kt for odd k.
    half = np.radians((north - south) / 2.0)
    colatitude = np.radians(90.0 - np.abs(north + south) / 2.0)
    out = np.zeros(half.shape)
    for j in range(len(coefficients) - 1, -1, -1):
        k = 2 * j + 1
        out += (-1) ** j * 2.0 * coefficients[j] * np.sin(k * colatitude) * np.sin(k * half)
    return out


def _turned(edges: Floats, source: Grid, target: Grid) -> list[Floats]:
    """The target's edges moved by every whole turn that meets the source."""
    turn = float(source.cols) if source.wraps else 360.0 / source.dx
    if target.wraps:
        edges[-1] = edges[0] + turn
    first = math.floor((edges[0] - source.cols) / turn)
    last = math.ceil(edges[-1] / turn)
    # The next turn's first edge closes the part of the circle that the target leaves out.
    ratio = target.dx / source.dx
    return [_snap(np.append(edges - k * turn, edges[0] - (k - 1) * turn), ratio) for k in range(first, last + 1)]


def _snap(edges: Floats, ratio: float) -> Floats:
    """Positions with those on a source edge, up to rounding, made whole."""
    whole = np.round(edges)
    near = max(_SAME_EDGE * min(1.0, ratio), 8.0 * _EPS * float(np.abs(edges).max()))
    return np.where(np.abs(edges - whole) <= near, whole, edges)


def _table(turned: list[Floats], source_measure: Floats, target_measure: Floats) -> Overlaps:
    """The overlaps of intervals between edges, over all turns; what lies before, after or between is outside."""
    n, inside = len(source_measure), len(target_measure)
    pieces = [_pieces(_with_outside(edges, inside), n) for edges in turned]
    interval, index, weight = (np.concatenate(column) for column in zip(*pieces, strict=True))
    order = np.argsort(interval, kind="stable")
    interval, index, weight = interval[order], index[order], weight[order]
    start = np.searchsorted(interval, np.arange(inside + 3))
    reached = np.bincount(interval, weight * source_measure[index], inside + 2)[:inside]
    covered = np.minimum(reached / target_measure, 1.0)
    return Overlaps(start, index, weight, inside, covered)


def _with_outside(edges: Floats, inside: int) -> tuple[Floats, Floats]:
    low, high = edges[:-1], edges[1:]
    if len(low) > inside:  # on a circle the last interval is the outside; a second, empty one keeps the tables alike
        return np.append(low, 0.0), np.append(high, 0.0)
    return np.concatenate([low, [-math.inf, edges[-1]]]), np.concatenate([high, [edges[0], math.inf]])


def _pieces(interval: tuple[Floats, Floats], n: int) -> tuple[Ints, Ints, Floats]:
    """Interval, source cell and share, for every source cell that an interval meets."""
    low, high = (np.clip(ends, 0.0, n) for ends in interval)
    meets = np.flatnonzero(high > low)
    low, high = low[meets], high[meets]
    first = np.floor(low).astype(np.int64)
    count = np.ceil(high).astype(np.int64) - first
    which = np.repeat(np.arange(len(meets)), count)
    cell = first[which] + np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    share = np.minimum(high[which], cell + 1.0) - np.maximum(low[which], cell.astype(np.float64))
    return meets[which], cell, share
