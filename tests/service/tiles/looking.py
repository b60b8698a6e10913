"""Looking at tiles: pictures and vector tiles as numbers, and where their pixels lie on a grid."""

from __future__ import annotations

import io
from typing import Any

import mapbox_vector_tile
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer

from gis.grid import Grid
from gis.tiles.matrices import TileMatrixSet, matrix_set
from gis.workspace import Workspace

__all__ = ["cell_at_pixels", "decoded", "hexes", "ids", "pixels", "tile_over"]


def ids(workspace: Workspace) -> tuple[str, str, str]:
    """Newest run, zoning, comparison."""
    return workspace.run("latest").id, workspace.zoning("latest").id, workspace.comparison("latest").id


def pixels(data: bytes) -> NDArray[np.uint8]:
    """Red, green, blue, opacity of each pixel, decoded by Pillow."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        return np.asarray(picture.convert("RGBA"))


def hexes(picture: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Colour of each pixel as #rrggbb; empty where nothing is seen."""
    flat = picture.reshape(-1, 4)
    text = np.array([f"#{p[0]:02x}{p[1]:02x}{p[2]:02x}" if p[3] else "" for p in flat])
    return text.reshape(picture.shape[:2])


def cell_at_pixels(grid: Grid, matrix: TileMatrixSet, z: int, x: int, y: int) -> NDArray[np.int64]:
    """Cell under the centre of each pixel, -1 beyond the grid; straight through PROJ, pixel by pixel."""
    west, _, _, north = matrix.bounds(z, x, y)
    size = matrix.cell_size(z)
    at = np.arange(256) + 0.5
    xs, ys = np.meshgrid(west + at * size, north - at * size)
    gx, gy = Transformer.from_crs(matrix.crs, grid.crs, always_xy=True).transform(xs, ys)
    row, col = grid.index(x=gx, y=gy)
    return grid.cell_id(row=row, col=col)


def tile_over(bounds: tuple[float, float, float, float], name: str, z: int) -> tuple[int, int]:
    """Column and row of the tile over the middle of bounds in degrees."""
    west, south, east, north = bounds
    matrix = matrix_set(name)
    found = matrix.limits(z, ((west + east) / 2, (south + north) / 2, (west + east) / 2, (south + north) / 2))
    return found.x_first, found.y_first


def decoded(data: bytes) -> dict[str, Any]:
    """Layers of a vector tile, decoded by mapbox-vector-tile."""
    found: dict[str, Any] = mapbox_vector_tile.decode(data)
    return found
