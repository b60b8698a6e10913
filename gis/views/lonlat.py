"""Geometry in longitude and latitude (CRS84) as clients get it: rounded, shells counter-clockwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.projection import project

__all__ = ["CRS84", "DEGREE_DECIMALS", "bounds_columns", "moved", "oriented", "rounded", "wkb_array", "wkb_shapes"]

CRS84 = CRS.from_user_input("OGC:CRS84")
# A centimetre; RFC 7946 asks for no more.
DEGREE_DECIMALS = 7
METRE_DECIMALS = 3

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]


def moved(shapes: Shapes, source: CRS, target: CRS) -> Shapes:
    """The shapes with their vertices in another CRS, x before y; edges stay straight between them."""
    if source == target or not len(shapes):
        return shapes

    def move(xy: Floats) -> Floats:
        return np.stack(project(source, target, xy[:, 0], xy[:, 1]), axis=1)

    out: Shapes = shapely.transform(shapes, move)
    return out


def rounded(shapes: Shapes, decimals: int) -> Shapes:
    """The shapes with rounded coordinates; neighbours that shared vertices share them still."""
    out: Shapes = shapely.transform(shapes, lambda xy: np.round(xy, decimals))
    return out


def oriented(shapes: Shapes) -> Shapes:
    """Polygons with shells counter-clockwise and holes clockwise (RFC 7946); other shapes as they are."""
    out: Shapes = shapely.orient_polygons(shapes, exterior_cw=False)
    return out


def bounds_columns(shapes: Shapes) -> tuple[Floats, Floats, Floats, Floats]:
    """West, south, east and north of every shape; not a number where a shape is empty."""
    west, south, east, north = np.ascontiguousarray(shapely.bounds(shapes).T)
    return west, south, east, north


def wkb_array(shapes: Shapes) -> pa.Array:
    """Shapes as little-endian WKB."""
    return pa.array(shapely.to_wkb(shapes, byte_order=1, output_dimension=2), pa.binary())


def wkb_shapes(column: Any) -> Shapes:
    """Shapes of a WKB column."""
    out: Shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False))
    return out
