"""Footprints: how much of every line or polygon lies in which cell, beyond the grid, and inside a finer inventory's region.

What lies beyond the grid is measured there, not what the cells left over.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.grid import Grid
from gis.gridding.coverage import cover
from gis.gridding.lengths import measure_lengths
from gis.gridding.shapes import on_grid
from gis.inventory.description import Kind
from gis.kernels.gather import row_sums

__all__ = ["Footprint", "Pieces", "footprint", "scale_rows"]

Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of n sources: measure per cell (m² or m), measure beyond the grid, and the shapes that lie there.

    ``beyond`` are geometries in the grid's CRS at the positions ``beyond_of``; most sources have none.
    """

    inside: csr_array
    outside: NDArray[np.float64]
    beyond: Shapes
    beyond_of: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Measure of each source's pieces, inside and beyond."""
        return _row_sums(self.inside) + self.outside


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """What of each source is this inventory's to place, and what a finer inventory has taken over (None: nothing)."""

    kind: Kind
    kept: Pieces
    cut: Pieces | None
    hole: shapely.Geometry | None = None


def footprint(
    shapes: gpd.GeoSeries, grid: Grid, *, kind: Kind, densify_m: float | None, region: gpd.GeoSeries | None
) -> Footprint:
    """The footprint of lines or polygons on a grid, with the region of a finer inventory cut out."""
    n = len(shapes)
    if region is None:
        return Footprint(kind, _pieces(shapes, np.arange(n), n, grid, kind, densify_m), None)
    placed = on_grid(shapes, grid, densify_m=densify_m)
    hole = on_grid(region, grid, densify_m=densify_m)[0]
    shapely.prepare(hole)
    touched = np.flatnonzero(shapely.intersects(hole, placed))
    kept = placed.copy()
    kept[touched] = _same_dimension(shapely.difference(placed[touched], hole), kind)
    taken = _same_dimension(shapely.intersection(placed[touched], hole), kind)
    some, whole = np.flatnonzero(~shapely.is_empty(kept)), ~shapely.is_empty(taken)
    return Footprint(
        kind,
        _pieces(gpd.GeoSeries(kept[some], crs=grid.crs), some, n, grid, kind, None),
        _pieces(gpd.GeoSeries(taken[whole], crs=grid.crs), touched[whole], n, grid, kind, None),
        hole,
    )


def _same_dimension(shapes: Shapes, kind: Kind) -> Shapes:
    """Results of an overlay without the points and lines that polygons leave where they merely touch."""
    wanted = (3, 6) if kind is Kind.AREA else (1, 2, 5)
    ids = shapely.get_type_id(shapes)
    out: Shapes = shapes.copy()
    for i in np.flatnonzero(~np.isin(ids, wanted) & ~shapely.is_empty(shapes)):
        parts = [p for p in shapely.get_parts(shapely.get_parts(shapes[i])) if shapely.get_type_id(p) in wanted]
        out[i] = shapely.union_all(parts)
    measure = shapely.area(out) if kind is Kind.AREA else shapely.length(out)
    out[measure == 0] = shapely.Polygon()
    return out


def _pieces(
    shapes: gpd.GeoSeries, positions: NDArray[np.int64], n: int, grid: Grid, kind: Kind, densify_m: float | None
) -> Pieces:
    if not len(shapes):
        return Pieces(csr_array((n, grid.size)), np.zeros(n), np.empty(0, object), positions)
    if kind is Kind.AREA:
        area = cover(shapes, grid, densify_m=densify_m)
        shares, measure = area.shares, area.area_m2
        rows = np.flatnonzero(area.outside > 0.0)
        beyond, of = _beyond(on_grid(shapes.iloc[rows], grid, densify_m=densify_m), grid, kind)
        off = area.outside * measure
    else:
        length = measure_lengths(shapes, grid, densify_m=densify_m)
        shares, measure = length.shares, length.length_m
        # What is not all inside, but for rounding, is measured beyond the grid; a rounding finds nothing there.
        rows = np.flatnonzero(_row_sums(shares) < 1.0 - 1e-13)
        beyond, of = _beyond(on_grid(shapes.iloc[rows], grid, densify_m=densify_m), grid, kind)
        off = np.zeros(len(shapes))
        if len(beyond):
            off[rows[of]] = measure_lengths(gpd.GeoSeries(beyond, crs=grid.crs), grid).length_m
    outside = np.zeros(n)
    outside[positions] = off
    return Pieces(_rows_at(scale_rows(shares, measure), positions, n), outside, beyond, positions[rows[of]])


def _row_sums(matrix: csr_array) -> NDArray[np.float64]:
    out = np.empty(matrix.shape[0])
    row_sums(matrix.indptr.astype(np.int64), matrix.data, out)
    return out


def _beyond(shapes: Shapes, grid: Grid, kind: Kind) -> tuple[Shapes, NDArray[np.int64]]:
    """The parts of shapes that lie outside the grid's extent, at any turn of longitude, and whose they are."""
    west, south, east, north = grid.bounds
    box: shapely.geometry.base.BaseGeometry = shapely.box(west, south, east, north)
    if grid.wraps:
        box = shapely.box(-1080.0, south, 1080.0, north)
    elif grid.is_geographic:
        box = shapely.union_all(
            [shapely.box(west + t, south, east + t, north) for t in (-720.0, -360.0, 0.0, 360.0, 720.0)]
        )
    rest = _same_dimension(shapely.difference(shapes, box), kind)
    some = ~shapely.is_empty(rest)
    return rest[some], np.flatnonzero(some)


def scale_rows(matrix: csr_array, factor: NDArray[np.float64]) -> csr_array:
    """The matrix with every row multiplied by a number."""
    data = matrix.data * np.repeat(factor, np.diff(matrix.indptr))
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _rows_at(matrix: csr_array, positions: NDArray[np.int64], n: int) -> csr_array:
    if len(positions) == n:
        return matrix
    count = np.zeros(n + 1, np.int64)
    count[positions + 1] = np.diff(matrix.indptr)
    return csr_array((matrix.data, matrix.indices, np.cumsum(count)), shape=(n, matrix.shape[1]))
