"""Geometries in a grid's coordinates, for overlays that come before gridding."""

from __future__ import annotations

import numpy as np
import shapely
from geopandas import GeoSeries
from numpy.typing import NDArray

from gis.errors import InvalidGeometry, MissingCrs
from gis.grid import Grid
from gis.projection import transformer

__all__ = ["on_grid"]

# Metres in a degree of the meridian at most; an upper bound keeps a densified edge below the length asked for.
_DEGREE_M = 111_700.0


def on_grid(shapes: GeoSeries, grid: Grid, *, densify_m: float | None = None) -> NDArray[np.object_]:
    """The geometries with their vertices in the grid's CRS, x before y; edges divided before, where asked for."""
    if shapes.crs is None:
        raise MissingCrs("the geometries state no CRS; set it, it is never guessed")
    array: NDArray[np.object_] = shapes.to_numpy()
    if shapes.crs == grid.crs or not len(array):
        return array
    if densify_m is not None:
        unit = _DEGREE_M if shapes.crs.is_geographic else shapes.crs.axis_info[0].unit_conversion_factor
        array = shapely.segmentize(array, densify_m / unit)
    to_grid = transformer(shapes.crs, grid.crs)

    def project(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_grid.transform(xy[:, 0], xy[:, 1]))

    moved: NDArray[np.object_] = shapely.transform(array, project)
    lost = ~np.isfinite(shapely.bounds(moved)).all(axis=1) & ~shapely.is_empty(moved)
    if lost.any():
        row = int(np.argmax(lost))
        raise InvalidGeometry(
            f"row {row} (index {shapes.index[row]!r}): a vertex cannot be brought to {grid.crs.name}; {int(lost.sum())} "
            "geometries are concerned. Clip them to where that CRS is defined"
        )
    return moved
