"""Shapes that clients send: boxes and GeoJSON in any served CRS, checked and brought to CRS84."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.projection import project
from gis.views.lonlat import CRS84
from service.features.crs import Crs
from service.features.rows import Bounds

__all__ = ["Placed", "shape_of_bbox", "shape_of_json"]

Floats = NDArray[np.float64]
# A shape in CRS84, and the rectangle it is, if it is one.
Placed = tuple[shapely.Geometry, Bounds | None]
_TYPES = (
    "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
)  # fmt: skip
# Of a side: an edge that is straight in one CRS bends in another.
_PIECES = 256


def shape_of_bbox(numbers: Sequence[float], crs: Crs, parameter: str) -> Placed:
    """The shape of a box of four numbers (six: heights are ignored), in the axis order of its CRS."""
    if len(numbers) not in (4, 6):
        raise InvalidParameter(f"{parameter} has {len(numbers)} numbers; four or six are expected")
    if not all(math.isfinite(v) for v in numbers):
        raise InvalidParameter(f"{parameter}: every number has to be finite")
    half = len(numbers) // 2
    (x_0, y_0), (x_1, y_1) = numbers[:2], numbers[half : half + 2]
    if crs.flipped:
        x_0, y_0, x_1, y_1 = y_0, x_0, y_1, x_1
    if y_0 > y_1:
        raise InvalidParameter(f"{parameter}: its southern edge {y_0:g} lies north of the northern one {y_1:g}")
    if crs.in_degrees:
        return _degrees(x_0, y_0, x_1, y_1, parameter)
    if x_0 > x_1:
        raise InvalidParameter(f"{parameter}: its western edge {x_0:g} lies east of the eastern one {x_1:g}")
    return _projected(x_0, y_0, x_1, y_1, crs, parameter)


def _degrees(west: float, south: float, east: float, north: float, parameter: str) -> Placed:
    # Datums of the served CRSs in degrees are one to a metre; PROJ knows no transformation between them.
    south, north = max(south, -90.0), min(north, 90.0)
    if south > north:
        raise InvalidParameter(f"{parameter}: latitudes run from -90 to 90")
    if west > east:  # over the 180th meridian
        if west > 180.0 or east < -180.0:
            raise InvalidParameter(f"{parameter}: longitudes run from -180 to 180")
        return shapely.union_all([_rectangle(west, south, 180.0, north), _rectangle(-180.0, south, east, north)]), None
    west, east = max(west, -180.0), min(east, 180.0)
    if west > east:
        raise InvalidParameter(f"{parameter}: longitudes run from -180 to 180")
    return _rectangle(west, south, east, north), (west, south, east, north)


def _rectangle(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A box as a polygon; as a line or a point where it has no inside."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _projected(x_0: float, y_0: float, x_1: float, y_1: float, crs: Crs, parameter: str) -> Placed:
    if crs.uri.endswith("/3857"):  # Mercator keeps boxes boxes, and ends at the edges of the world
        edge = 20_037_508.342789244
        x_0, y_0, x_1, y_1 = (min(max(v, -edge), edge) for v in (x_0, y_0, x_1, y_1))
        lon, lat = project(crs.crs, CRS84, np.array([x_0, x_1]), np.array([y_0, y_1]))
        return _degrees(float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]), parameter)
    return _moved(_rectangle(x_0, y_0, x_1, y_1), crs, parameter), None


def _moved(shape: shapely.Geometry, crs: Crs, what: str) -> shapely.Geometry:
    """A shape in CRS84, its edges cut into pieces first; x before y."""
    west, south, east, north = shapely.bounds(shape)
    longest = max(east - west, north - south)
    pieces = shape if longest == 0 else shapely.segmentize(shape, longest / _PIECES)
    out = shapely.transform(pieces, lambda xy: np.stack(project(crs.crs, CRS84, xy[:, 0], xy[:, 1]), axis=1))
    if not np.isfinite(shapely.get_coordinates(out)).all():
        raise InvalidParameter(f"{what} reaches where {crs.crs.name} is not defined")
    return out


def shape_of_json(node: Any, crs: Crs, *, vertices: int, what: str = "filter") -> Placed:
    """The shape of a GeoJSON geometry, or of CQL2's ``{"bbox": […]}``, in a CRS and its axis order."""
    if isinstance(node, dict) and isinstance(node.get("bbox"), list):
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in node["bbox"]):
            raise InvalidParameter(f"{what}: a BBOX is made of numbers")
        return shape_of_bbox(node["bbox"], crs, f"{what}: BBOX")
    if not isinstance(node, dict) or node.get("type") not in _TYPES:
        raise InvalidParameter(f"{what}: a shape is expected, such as POLYGON((…)), BBOX(…) or a GeoJSON geometry")
    try:
        shape = shapely.force_2d(shapely.from_geojson(orjson.dumps(node)))
    except (shapely.GEOSException, TypeError, ValueError) as error:
        raise InvalidParameter(f"{what}: the shape cannot be read: {str(error)[:120]}") from error
    _check(shape, vertices, what)
    if crs.flipped:
        shape = shapely.transform(shape, lambda xy: xy[:, ::-1])
    return (shape if crs.in_degrees else _moved(shape, crs, what)), None


def _check(shape: shapely.Geometry, vertices: int, what: str) -> None:
    count = int(shapely.get_num_coordinates(shape))
    if count == 0:
        raise InvalidParameter(f"{what}: the shape is empty")
    if count > vertices:
        raise InvalidParameter(f"{what}: the shape has {count:,} vertices; up to {vertices:,} are served")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise InvalidParameter(f"{what}: every coordinate has to be finite")
    if not shapely.is_valid(shape):
        raise InvalidParameter(f"{what}: the shape is not valid: {shapely.is_valid_reason(shape)[:120]}")
