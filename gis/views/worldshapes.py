"""Polygons laid out for vector tiles, kept on disk and in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from gis.errors import CorruptObject
from gis.grid import Grid
from gis.tiles.matrices import TileMatrixSet
from gis.tiles.shapes import WorldShapes, world_shapes
from gis.views.files import write_aside
from gis.views.kept import Kept
from gis.views.views import Views

__all__ = ["world_of"]

_OPEN: Kept[WorldShapes] = Kept(256_000_000)


def world_of(
    views: Views, key: str, geometry: Callable[[], pa.ChunkedArray], grid: Grid, matrix: TileMatrixSet
) -> WorldShapes:
    """The shapes of a column of WKB (in the grid's CRS) in the units of a tile matrix set; ``key`` says what they are."""
    file = f"shapes/{key}.arrow"

    def make() -> WorldShapes:
        return views.files.opened(file, lambda path: _write(geometry(), grid, matrix, path), _read)

    return _OPEN.get((views.directory, file), make, lambda made: made.nbytes)


def _write(geometry: pa.ChunkedArray, grid: Grid, matrix: TileMatrixSet, path: Path) -> None:
    shapes = shapely.from_wkb(geometry.to_numpy())
    table = world_shapes(np.asarray(shapes, np.object_), grid, matrix).to_table()

    def write(file: Any) -> None:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=max(len(table), 1))

    write_aside(path, write)


def _read(path: Path) -> WorldShapes:
    try:
        with pa.memory_map(str(path)) as source:
            return WorldShapes.of_table(pa.ipc.open_file(source).read_all())
    except (pa.ArrowInvalid, KeyError) as error:
        raise CorruptObject(f"{path}: not a file of views: {error}") from error
