"""Polygons in vector tiles: projected once, cut out and rounded tile by tile.

Vertices are rounded to a lattice, which neighbours share, so borders stay shared without any knowledge of who lies beside whom; what
rounding makes invalid is mended on the same lattice. Shapes of less than four pixels become squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.grid import Grid
from gis.tiles.clusters import Clusters, clusters_in
from gis.tiles.lattice import is_plain, placed, world_lonlat
from gis.tiles.matrices import Tile, TileMatrixSet
from gis.tiles.mvt import BUFFER, EXTENT

__all__ = ["ShapeTile", "WorldShapes", "shapes_in", "small_squares", "world_shapes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

_SMALL = 64  # units: four pixels of 256, as the least cells have
_SIDE = (
    128  # units: small shapes within eight pixels are drawn as one, so a tile has a thousand squares a group at most
)
_LEAST_SIDE = 24.0
# A straight side of a projected grid is bent in another projection: a vertex at every so many cells.
_STRETCH_CELLS = 8


@dataclass(frozen=True, slots=True, eq=False)
class WorldShapes:
    """Polygons in world units as flat arrays, which a file can be mapped to; boxes are west, north, east, south, y south."""

    xy: Floats
    ring: Ints
    polygon: Ints
    shape: Ints
    box: Floats
    inside: Floats
    area: Floats

    def __len__(self) -> int:
        return len(self.area)

    @property
    def nbytes(self) -> int:
        """Bytes in memory when the coordinates are mapped."""
        return self.box.nbytes + self.inside.nbytes

    def take(self, rows: Ints) -> Shapes:
        """The polygons of some rows, as multipolygons."""
        polygons, shape = _ranges(self.shape, rows)
        rings, polygon = _ranges(self.polygon, polygons)
        vertices, ring = _ranges(self.ring, rings)
        out: Shapes = shapely.from_ragged_array(
            shapely.GeometryType.MULTIPOLYGON, np.ascontiguousarray(self.xy[vertices]), (ring, polygon, shape)
        )
        return out

    def to_table(self) -> pa.Table:
        """All of it as an Arrow table, nested as GeoArrow nests multipolygons."""
        pairs = pa.FixedSizeListArray.from_arrays(pa.array(self.xy.ravel()), 2)
        nested = pairs
        for offsets in (self.ring, self.polygon, self.shape):
            nested = pa.LargeListArray.from_arrays(pa.array(offsets), nested)
        plain = {"area": self.area, "x": self.inside[:, 0], "y": self.inside[:, 1]}
        boxes = dict(zip(("west", "north", "east", "south"), self.box.T, strict=True))
        return pa.table(
            {"geometry": nested, **{k: pa.array(np.ascontiguousarray(v)) for k, v in (plain | boxes).items()}}
        )

    @staticmethod
    def of_table(table: pa.Table) -> WorldShapes:
        """The polygons of such a table; coordinates are not copied."""
        if not len(table):
            return world_of(np.empty(0, np.object_))
        shape = table["geometry"].chunk(0)
        polygon, ring = shape.values, shape.values.values
        xy = ring.values.flatten().to_numpy(zero_copy_only=True).reshape(-1, 2)
        columns = {n: table[n].chunk(0).to_numpy(zero_copy_only=True) for n in table.column_names[1:]}
        return WorldShapes(
            xy, ring.offsets.to_numpy(), polygon.offsets.to_numpy(), shape.offsets.to_numpy(),
            np.column_stack([columns[n] for n in ("west", "north", "east", "south")]),
            np.column_stack([columns["x"], columns["y"]]), columns["area"],
        )  # fmt: skip


def _ranges(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Positions from offsets[row] to offsets[row + 1] for every row, one after the other, and the new offsets."""
    count = offsets[rows + 1] - offsets[rows]
    new = np.concatenate(([0], np.cumsum(count)))
    return np.arange(new[-1]) + np.repeat(offsets[rows] - new[:-1], count), new


# -- making -------------------------------------------------------------------------------------------------------------


def world_shapes(shapes: Shapes, grid: Grid, matrix: TileMatrixSet) -> WorldShapes:
    """Polygons of a grid's CRS in world units. One that the matrix set's projection has no place for is empty."""
    if is_plain(grid, matrix):

        def straight(xy: Floats) -> Floats:
            return np.column_stack(world_lonlat(matrix, xy[:, 0], xy[:, 1]))

        return world_of(np.asarray(shapely.transform(shapes, straight), np.object_))
    fine = shapely.segmentize(shapes, _STRETCH_CELLS * max(grid.dx, grid.dy))

    def move(xy: Floats) -> Floats:
        return np.column_stack(placed(grid, matrix, xy[:, 0], xy[:, 1]))

    moved = np.asarray(shapely.transform(fine, move), np.object_)
    lost = ~np.isfinite(shapely.bounds(moved)).all(axis=1)
    moved[lost] = shapely.MultiPolygon()
    return world_of(_unbroken(moved))


def _unbroken(shapes: Shapes) -> Shapes:
    """Shapes across the ends of a grid around a pole in one piece, beyond the world's edge."""
    box = shapely.bounds(shapes)
    for k in np.flatnonzero(box[:, 2] - box[:, 0] > EXTENT / 2).tolist():
        shapes[k] = _shifted(shapes[k], (box[k, 0] + box[k, 2]) / 2)
    return shapes


def _shifted(shape: shapely.Geometry, middle: float) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy + np.array([EXTENT, 0]) * (xy[:, :1] < middle))


def world_of(shapes: Shapes) -> WorldShapes:
    """Polygons in world units as flat arrays."""
    n = len(shapes)
    polygons, of_shape = shapely.get_parts(shapes, return_index=True)
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    box = shapely.bounds(shapes) if n else np.empty((0, 4))
    inside = shapely.get_coordinates(shapely.point_on_surface(shapes)) if n else np.empty((0, 2))
    whole = np.full((n, 2), np.nan)
    whole[~shapely.is_empty(shapes)] = inside
    return WorldShapes(
        xy, _starts(of_ring, len(rings)), _starts(of_polygon, len(polygons)), _starts(of_shape, n), box, whole,
        np.asarray(shapely.area(shapes), np.float64),
    )  # fmt: skip


def _starts(owner: Ints, count: int) -> Ints:
    return np.searchsorted(owner, np.arange(count + 1)).astype(np.int64)


# -- tiles --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ShapeTile:
    """What a tile shows: polygons in tile units, each counted in the tile that holds a point inside it, and clusters of small ones."""

    row: Ints
    polygon: Shapes
    owned: NDArray[np.bool_]
    small: Clusters


def shapes_in(world: WorldShapes, tile: Tile, *, group: Ints, step: int) -> ShapeTile:
    """The shapes of a tile and its buffer, rounded to ``step`` units; small ones of a ``group`` that are close become one."""
    scale = 2.0**tile.z
    west, north, east, south = world.box.T
    with np.errstate(invalid="ignore"):
        small = np.maximum(east - west, south - north) * scale < _SMALL
    parts = [_large(world, tile, turn, small, step) for turn in (-1, 0, 1)]
    row, polygon, owned = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = np.flatnonzero(small)
    x = np.mod(world.inside[rows, 0], EXTENT)
    clusters = clusters_in(
        rows, x, world.inside[rows, 1], tile, side=_SIDE, group=group[rows], weight=world.area[rows], margin=1
    )
    return ShapeTile(row, polygon, owned, clusters)


def _large(
    world: WorldShapes, tile: Tile, turn: int, small: NDArray[np.bool_], step: int
) -> tuple[Ints, Shapes, NDArray[np.bool_]]:
    """Large shapes that a tile meets, so many turns around the globe to the east."""
    scale = 2.0**tile.z
    left, top = tile.x * EXTENT / scale - turn * EXTENT, tile.y * EXTENT / scale
    side, more = EXTENT / scale, BUFFER / scale
    west, north, east, south = world.box.T
    meets = (west < left + side + more) & (east > left - more) & (north < top + side + more) & (south > top - more)
    row = np.flatnonzero(meets & ~small)
    shapes = world.take(row)
    within = (
        (west[row] >= left - more)
        & (east[row] <= left + side + more)
        & (north[row] >= top - more)
        & (south[row] <= top + side + more)
    )
    cut = np.flatnonzero(~within)
    shapes[cut] = shapely.clip_by_rect(shapes[cut], left - more, top - more, left + side + more, top + side + more)
    shapes = shapely.transform(shapes, lambda xy: (xy - (left, top)) * scale)
    px, py = ((world.inside[row] - (left, top)) * scale).T
    owned = (np.floor(px / EXTENT) == 0) & (np.floor(py / EXTENT) == 0)
    rounded = _rounded(shapes, step)
    # A shape that rounding leaves nothing of is still there in its own tile.
    gone = np.flatnonzero(shapely.is_empty(rounded) & owned)
    rounded[gone] = squares(px[gone], py[gone], np.full(len(gone), float(step)))
    some = ~shapely.is_empty(rounded)
    return row[some], rounded[some], owned[some]


def _rounded(shapes: Shapes, step: int) -> Shapes:
    """Valid polygons with vertices on multiples of ``step``, and none between two others on a straight line."""
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    on_lattice = shapely.set_precision(shapes, step)
    out: Shapes = np.asarray(shapely.simplify(on_lattice, 0.0, preserve_topology=False), np.object_)
    bad = ~shapely.is_valid(out)
    out[bad] = on_lattice[bad]
    return out


def squares(x: Floats, y: Floats, side: Floats) -> Shapes:
    """Squares around places, in whole tile units."""
    half = np.maximum(np.round(side / 2), 1.0)
    x0, y0 = np.round(x) - half, np.round(y) - half
    out: Shapes = np.asarray(shapely.box(x0, y0, x0 + 2 * half, y0 + 2 * half), np.object_)
    return out


def small_squares(small: Clusters, world: WorldShapes, z: int) -> Shapes:
    """A square for each cluster of small shapes, of their area as far as it can be seen and stays among its like."""
    side = np.sqrt(small.total(world.area) * 4.0**z)
    return squares(small.x, small.y, np.clip(side, _LEAST_SIDE, _SIDE))
