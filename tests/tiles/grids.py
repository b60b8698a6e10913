"""Grids of every kind that tiles are drawn from, and fields on them."""

from __future__ import annotations

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from gis.grid import Grid
from gis.projection import transformer
from gis.tiles.matrices import Tile

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m"


def grid(crs: object, cell: float, west: float, north: float, rows: int, cols: int) -> Grid:
    return Grid(crs=crs, transform=Affine(cell, 0, west, 0, -cell, north), shape=(rows, cols))


GRIDS = {
    "albers": grid(ALBERS, 5000, -2.2e6, 5.6e6, 640, 900),
    "lonlat": grid("EPSG:4490", 0.1, 73, 54, 360, 620),
    "mercator": grid("EPSG:3857", 5000, 8.2e6, 7e6, 900, 1200),
    "utm": grid("EPSG:32650", 2000, 2.5e5, 4.6e6, 300, 250),
    "over the antimeridian": grid("EPSG:4326", 0.1, 170, -30, 200, 200),
    "projected over the antimeridian": grid("EPSG:32660", 4000, 2.5e5, 5.6e6, 250, 200),
    "0 to 360": grid("EPSG:4326", 0.5, 0.0131, 90, 360, 720),
    "-180 to 180": grid("EPSG:4326", 0.5, -179.9869, 90, 360, 720),
    "north pole": grid("EPSG:3413", 20_000, -4e6, 4e6, 400, 400),
    "other datum": grid("EPSG:4214", 0.1, 73, 54, 360, 620),
}


def amounts(on: Grid, seed: int = 0) -> NDArray[np.float64]:
    """Heavy-tailed amounts per area, nothing in about half of the cells, in patches."""
    rng = np.random.default_rng(seed)
    coarse = rng.standard_normal((on.rows // 8 + 2, on.cols // 8 + 2))
    smooth = np.kron(coarse, np.ones((8, 8)))[: on.rows, : on.cols]
    values = np.exp(2 * smooth + 0.5 * rng.standard_normal(on.shape)) * on.cell_area_m2 / 1e6
    values[smooth < 0] = 0.0
    return np.ascontiguousarray(values)


def positions(on: Grid, tile: Tile, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Column and row of the centre of every pixel, one by one through PROJ."""
    west, _, east, north = tile.bounds
    along = (np.arange(size) + 0.5) * (east - west) / size
    x, y = np.meshgrid(west + along, north - along)
    grid_x, grid_y = transformer(tile.matrix.crs, on.crs).transform(x, y)
    return turned((grid_x - on.x_left) / on.dx, on), (on.y_top - grid_y) / on.dy


def turned(col: NDArray[np.float64], on: Grid) -> NDArray[np.float64]:
    """Columns of a longitude-latitude grid in the turn that is nearest to its middle."""
    if not on.is_geographic:
        return col
    turn = 360 / on.dx
    return col - turn * np.round((col - on.cols / 2) / turn)
