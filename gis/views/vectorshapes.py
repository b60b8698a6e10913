"""Units, hotspots and conflicts of a zoning in vector tiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.tiles.matrices import Tile, TileMatrixSet
from gis.tiles.mvt import Column, encode_polygons
from gis.tiles.shapes import ShapeTile, WorldShapes, shapes_in, small_squares
from gis.views.files import key_of
from gis.views.tables import Stored, open_table
from gis.views.vectorcolumns import plain_column
from gis.views.vectorlayers import VectorLayer
from gis.views.views import Views
from gis.views.worldshapes import world_of
from gis.workspace import StoredZoning
from gis.zoning.classes import CellClass

__all__ = ["prepare_shapes", "shapes_tile"]

Ints = NDArray[np.int64]

_FORMAT = "shapes-1"
_STEP = 4  # units: a quarter of a pixel of 256
_SUMMED = ("cells", "area_km2", "sources", "conflicts")
_OWN = ("count", "copy")
_CLASSES = {c.code: int(c) for c in CellClass}


def shapes_tile(views: Views, zoning: StoredZoning, layer: VectorLayer, tile: Tile) -> bytes:
    """A layer of polygons of a tile; empty bytes if there are none."""
    world = _world(views, zoning, layer.id, tile.matrix)
    stored = open_table(views.directory, zoning, layer.id)
    step = _STEP if tile.z < layer.maxzoom else 1
    group = plain_column(stored.table["class"], codes=_CLASSES)
    found = shapes_in(world, tile, group=group, step=step)
    if not len(found.row) and not len(found.small.first):
        return b""
    shapes = np.concatenate([found.polygon, small_squares(found.small, world, tile.z)])
    # Numbers of rows from 1: some clients take an id of 0 for none. A cluster has that of its first member.
    ids = np.concatenate([found.row, found.small.first]) + 1
    return encode_polygons(layer.id, ids, shapes, list(_columns(layer, stored, found)))


def prepare_shapes(views: Views, zoning: StoredZoning, matrix: TileMatrixSet) -> None:
    """Make what tiles of a zoning's polygons are cut from, before anybody asks."""
    for name in ("units", "hotspots", "conflicts"):
        _world(views, zoning, name, matrix)


def _world(views: Views, zoning: StoredZoning, name: str, matrix: TileMatrixSet) -> WorldShapes:
    key = key_of(_FORMAT, zoning.entry.content_hash, name, matrix.id)
    return world_of(
        views, key, lambda: open_table(views.directory, zoning, name).table["geometry"], zoning.grid, matrix
    )


def _columns(layer: VectorLayer, stored: Stored, found: ShapeTile) -> Iterator[Column]:
    """Fields of the large ones, of the small ones that stand alone, and what clusters have of their members together."""
    small = found.small
    wanted = [n for n in layer.names if n not in _OWN and n in stored.schema.names]
    rows = np.concatenate([found.row, small.first])
    known, at = np.unique(rows, return_inverse=True)
    table = stored.take(known, wanted)
    several = np.concatenate([np.zeros(len(found.row), np.bool_), small.count > 1])
    for name in wanted:
        values = plain_column(table[name])[at]
        if name == "class":
            yield Column(name, values)  # the same for all of a cluster
        elif name in _SUMMED or name.endswith("_t"):
            yield Column(name, _with_sums(values, stored, name, found))
        else:
            yield Column(name, values, several)
    count = np.concatenate([np.ones(len(found.row), np.int64), small.count])
    yield Column("count", count, ~several)
    yield Column("copy", ~np.concatenate([found.owned, small.owned]))


def _with_sums(values: NDArray[Any], stored: Stored, name: str, found: ShapeTile) -> NDArray[Any]:
    sums = found.small.total(plain_column(stored.table[name]))
    out: NDArray[Any] = np.concatenate([values[: len(found.row)].astype(np.float64), sums])
    return out.astype(np.int64) if values.dtype.kind in "iu" else out
