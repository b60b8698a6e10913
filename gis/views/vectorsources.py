"""Sources of a run in vector tiles: points, those that are close drawn as one with their number and sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.tiles.clusters import Clusters, clusters_in
from gis.tiles.lattice import world_lonlat
from gis.tiles.matrices import Tile, TileMatrixSet
from gis.tiles.mvt import EXTENT, Column, encode_points
from gis.views.kept import Kept
from gis.views.sources import mass_name
from gis.views.tables import Stored, open_table
from gis.views.vectorcolumns import plain_column
from gis.views.vectorlayers import VectorLayer
from gis.views.views import Views
from gis.workspace import Run

__all__ = ["sources_tile"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SIDE = 256  # units: 16 pixels of 256, the size of a symbol
_ALL = 4096  # so many in a tile of the last zoom are drawn one by one
_KINDS = {"point": 0, "line": 1, "area": 2}


def sources_tile(views: Views, run: Run, layer: VectorLayer, tile: Tile, year: int) -> bytes:
    """The layer ``sources`` of a tile with the amounts of a year; empty bytes if there are none."""
    if not run.parts:
        return b""
    stored = open_table(views.directory, run, "sources")
    x, y, kind = _PLACES.get(
        (views.directory, run.id, tile.matrix.id), lambda: _places(stored, tile.matrix), lambda made: 3 * made[0].nbytes
    )
    found = _clusters(np.arange(len(x)), x, y, kind, tile, apart=tile.z >= layer.maxzoom)
    if not len(found.first):
        return b""
    columns = list(_columns(layer, stored, found, year))
    return encode_points(layer.id, found.first + 1, np.floor(found.x), np.floor(found.y), columns)


def _clusters(rows: Ints, x: Floats, y: Floats, kind: Ints, tile: Tile, *, apart: bool) -> Clusters:
    """Sources that are close and of one kind; at the last zoom every one by itself, unless a tile would be too full."""
    if not apart:
        return clusters_in(rows, x, y, tile, side=_SIDE, group=kind)
    scale = 2.0**tile.z / EXTENT
    here = np.flatnonzero((np.floor(x * scale) == tile.x) & (np.floor(y * scale) == tile.y))
    if len(here) > _ALL:
        return clusters_in(rows, x, y, tile, side=_SIDE, group=kind)
    return clusters_in(rows[here], x[here], y[here], tile, side=EXTENT, group=np.arange(len(here)))


def _places(stored: Stored, matrix: TileMatrixSet) -> tuple[Floats, Floats, Ints]:
    """World position of every source, a point on it where it is a line or an area; and its kind."""
    shapes = np.asarray(shapely.from_wkb(stored.table["geometry_84"].to_numpy()), np.object_)
    kind = plain_column(stored.table["kind"], codes=_KINDS)
    points = shapely.point_on_surface(shapes)
    xy = np.full((len(shapes), 2), np.nan)
    some = ~(shapely.is_missing(points) | shapely.is_empty(points))
    xy[some] = shapely.get_coordinates(points[some])
    x, y = world_lonlat(matrix, xy[:, 0], xy[:, 1])
    return np.mod(x, EXTENT), y, kind


def _columns(layer: VectorLayer, stored: Stored, found: Clusters, year: int) -> Iterator[Column]:
    several = found.count > 1
    order = np.argsort(found.first, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    for name in layer.names:
        if name.endswith("_t"):
            column = mass_name(name.removesuffix("_t"), year)
            if column in stored.schema.names:
                yield Column(name, found.total(plain_column(stored.table[column])))
        elif name in stored.schema.names:
            table: pa.Table = stored.take(found.first[order], [name])
            values = plain_column(table[name])[place]
            yield Column(name, values, None if name == "kind" else several)
    yield Column("count", found.count, ~several)


_PLACES: Kept[tuple[Floats, Floats, Ints]] = Kept(128_000_000)
