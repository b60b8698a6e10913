"""Lines × grid: the share of every line's full length in every cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from scipy.sparse import csr_array

from gis.errors import InvalidGeometry, InvalidParameter, MissingCrs
from gis.grid import Grid
from gis.kernels.lines import OFF_GLOBE, Frame, walk_lines
from gis.projection import project

__all__ = ["Lengths", "frame_of", "lengths", "measure_lengths"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LINE, _RING, _MULTI = 1, 2, 5  # shapely's type ids


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """Shares of each line's full length (lines × cells), and the full lengths in metres as the grid's CRS measures them."""

    shares: csr_array
    length_m: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Vertices:
    """Lines as arrays: vertices, the first vertex of each part, the first part of each line."""

    xy: Floats
    part_first: Ints
    line_first: Ints

    def line_of(self, vertex: int) -> int:
        """The line a vertex belongs to."""
        part = int(np.searchsorted(self.part_first, vertex, side="right")) - 1
        return int(np.searchsorted(self.line_first, part, side="right")) - 1


def lengths(lines: geopandas.GeoSeries, grid: Grid, *, densify_m: float | None = None) -> csr_array:
    """Share of each line's full length in each cell (lines × cells); a row sums to the share inside the grid.

    Parameters
    ----------
    lines
        LineStrings, MultiLineStrings or LinearRings with a CRS. In a CRS other than the grid's the vertices are projected.
    grid
        Planar lengths on a projected grid. On a longitude-latitude grid lengths on the ellipsoid, along edges straight in
        longitude and latitude; steps over 180° go the short way around.
    densify_m
        Before projecting, insert vertices so that no segment is longer than this. Of no effect in the grid's own CRS.
    """
    return measure_lengths(lines, grid, densify_m=densify_m).shares


def measure_lengths(lines: geopandas.GeoSeries, grid: Grid, *, densify_m: float | None = None) -> Lengths:
    """`lengths`, and with it the full length of every line in metres, from one pass."""
    if lines.crs is None:
        raise MissingCrs("the lines have no CRS; set it with set_crs(), it is never guessed")
    if densify_m is not None and not (math.isfinite(densify_m) and densify_m > 0):
        raise InvalidParameter(f"densify_m {densify_m!r} has to be a positive number of metres")
    vertices = _vertices(lines)
    if lines.crs != grid.crs:
        vertices = _projected(vertices, lines, grid.crs, densify_m)
    walked = walk_lines(vertices.xy, vertices.part_first, vertices.line_first, frame_of(grid))
    _check(walked.doubt, walked.length_m, lines)
    shares = csr_array((walked.shares, walked.cells, walked.indptr), shape=(len(lines), grid.size))
    shares.has_canonical_format = True
    return Lengths(shares, walked.length_m)


def frame_of(grid: Grid) -> Frame:
    """The grid's lattice and metric as the kernel takes them."""
    if grid.is_geographic:
        scale, e2 = grid.ellipsoid
    else:
        scale, e2 = float(grid.crs.axis_info[0].unit_conversion_factor), 0.0
    return Frame(grid.x_left, grid.y_top, grid.dx, grid.dy, grid.rows, grid.cols, grid.is_geographic, scale, e2)


def _name(lines: geopandas.GeoSeries, row: int) -> str:
    return f"row {row} (label {lines.index[row]!r})"


def _first(mask: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(mask)) if mask.any() else None


def _vertices(lines: geopandas.GeoSeries) -> _Vertices:
    shapes = np.asarray(lines.values, dtype=object)
    kind = shapely.get_type_id(shapes)
    if (row := _first(kind == -1)) is not None:
        raise InvalidGeometry(f"{_name(lines, row)}: no geometry; a line is expected, remove or correct the row")
    if (row := _first((kind != _LINE) & (kind != _RING) & (kind != _MULTI))) is not None:
        raise InvalidGeometry(
            f"{_name(lines, row)}: {shapes[row].geom_type} is not a line; expected LineString, MultiLineString, LinearRing"
        )
    counts = shapely.get_num_coordinates(shapes)
    if (row := _first(counts == 0)) is not None:
        raise InvalidGeometry(f"{_name(lines, row)}: an empty line has no length; remove or correct the row")
    if (kind == _MULTI).any():
        shapes, owner = shapely.get_parts(shapes, return_index=True)
        counts = shapely.get_num_coordinates(shapes)
        line_first = np.searchsorted(owner, np.arange(len(lines) + 1)).astype(np.int64)
    else:
        line_first = np.arange(len(lines) + 1, dtype=np.int64)
    return _Vertices(shapely.get_coordinates(shapes), _starts(counts), line_first)


def _starts(counts: NDArray[Any]) -> Ints:
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def _projected(vertices: _Vertices, lines: geopandas.GeoSeries, target: CRS, densify_m: float | None) -> _Vertices:
    if not np.isfinite(vertices.xy).all():
        row = vertices.line_of(int(np.argmax(~np.isfinite(vertices.xy).all(axis=1))))
        raise InvalidGeometry(f"{_name(lines, row)}: a vertex is not finite; remove or correct the row")
    if densify_m is not None:
        vertices = _densified(vertices, CRS(lines.crs), densify_m)
    x, y = project(CRS(lines.crs), target, vertices.xy[:, 0], vertices.xy[:, 1])
    xy: Floats = np.column_stack([x, y])
    if (vertex := _first(~np.asarray(np.isfinite(xy).all(axis=1)))) is not None:
        at = tuple(float(v) for v in vertices.xy[vertex])
        raise InvalidGeometry(
            f"{_name(lines, vertices.line_of(vertex))}: vertex {at} of {lines.crs.name} has no place in {target.name}; "
            "are the coordinates swapped, or the CRS wrong?"
        )
    return _Vertices(xy, vertices.part_first, vertices.line_first)


def _densified(vertices: _Vertices, crs: CRS, densify_m: float) -> _Vertices:
    xy, first = vertices.xy, vertices.part_first
    step = np.diff(xy, axis=0)
    if crs.is_geographic:
        # The short way around; the longest degree there is, of latitude at a pole, so that no piece exceeds densify_m.
        step[:, 0] -= 360.0 * np.rint(step[:, 0] / 360.0) * (np.abs(step[:, 0]) > 180.0)
        body = crs.ellipsoid
        unit_m = math.radians(1.0) * (body.semi_major_metre**2 / body.semi_minor_metre if body else 6_399_594.0)
    else:
        unit_m = crs.axis_info[0].unit_conversion_factor
    pieces = np.ones(len(xy), np.int64)
    pieces[:-1] = np.maximum(1, np.ceil(np.hypot(step[:, 0], step[:, 1]) * unit_m / densify_m)).astype(np.int64)
    ends = first[1:][np.diff(first) > 0] - 1
    pieces[ends] = 1  # the last vertex of a part leads nowhere
    start = _starts(pieces)
    owner = np.repeat(np.arange(len(xy)), pieces)
    t = (np.arange(start[-1]) - start[owner]) / pieces[owner]
    dense = xy[owner]
    inner = t > 0
    dense[inner] += t[inner, None] * step[owner[inner]]
    return _Vertices(dense, start[first], vertices.line_first)


def _check(doubt: NDArray[np.uint8], length_m: Floats, lines: geopandas.GeoSeries) -> None:
    if (row := _first(doubt > 0)) is not None:
        why = (
            "a vertex is off the globe; are longitude and latitude swapped?"
            if doubt[row] == OFF_GLOBE
            else "a vertex or the length is not finite; remove or correct the row"
        )
        raise InvalidGeometry(f"{_name(lines, row)}: {why}")
    if (row := _first(~(length_m > 0))) is not None:
        raise InvalidGeometry(
            f"{_name(lines, row)}: the line has no length; give it as a point source or remove the row"
        )
