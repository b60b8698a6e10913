"""Regions of a run in vector tiles: what borders a hotspot lies in, a layer for each role."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gis.regions.roles import Role
from gis.tiles.matrices import Tile, TileMatrixSet
from gis.tiles.mvt import Column, encode_polygons
from gis.tiles.shapes import WorldShapes, shapes_in, small_squares
from gis.views.files import key_of
from gis.views.places import region_table
from gis.views.vectorlayers import VectorLayer
from gis.views.views import Views
from gis.views.worldshapes import world_of
from gis.workspace import Run

__all__ = ["prepare_regions", "regions_tile"]

_FORMAT = "region-shapes-1"
_STEP = 4  # units: a quarter of a pixel of 256
_TEXTS = ("code", "name_zh", "name_en")


def regions_tile(views: Views, run: Run, layer: VectorLayer, role: Role, tile: Tile) -> bytes:
    """Regions of a role in a tile; empty bytes if there are none."""
    world, told = _world(views, run, role, tile.matrix)
    step = _STEP if tile.z < layer.maxzoom else 1
    found = shapes_in(world, tile, group=np.zeros(len(world.area), np.int64), step=step)
    if not len(found.row) and not len(found.small.first):
        return b""
    rows = np.concatenate([found.row, found.small.first])
    shapes = np.concatenate([found.polygon, small_squares(found.small, world, tile.z)])
    several = np.concatenate([np.zeros(len(found.row), np.bool_), found.small.count > 1])
    count = np.concatenate([np.ones(len(found.row), np.int64), found.small.count])
    columns = [
        *(Column(n, np.asarray(told[n].take(pa.array(rows)).to_pylist(), np.object_), several) for n in _TEXTS),
        Column("count", count, ~several),
        Column("copy", ~np.concatenate([found.owned, found.small.owned])),
    ]
    return encode_polygons(layer.id, rows + 1, shapes, columns)


def prepare_regions(views: Views, run: Run, role: Role, matrix: TileMatrixSet) -> None:
    """Make what tiles of a role's regions are cut from, before anybody asks."""
    _world(views, run, role, matrix)


def _world(views: Views, run: Run, role: Role, matrix: TileMatrixSet) -> tuple[WorldShapes, pa.Table]:
    names = [entry["name"] for entry in run.manifest["regions"] if entry["role"] == role]
    hashes = [run.entry.members["regions", name] for name in names]
    told = pa.concat_tables([region_table(views.files, run, name) for name in names])
    key = key_of(_FORMAT, *hashes, run.entry.grid["hash"], matrix.id)
    return world_of(views, key, lambda: told["geometry"], run.grid, matrix), told
