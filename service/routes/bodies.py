"""Bodies: a posted polygon, bounded before anything is computed with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from gis.errors import InvalidGeometry
from gis.grid import Grid
from gis.projection import project
from gis.views.lonlat import CRS84
from gis.views.zonal import checked, window_cells
from service.errors import TooLarge
from service.settings import Settings

__all__ = ["POLYGON_BODY", "placed", "polygon_of"]

_EDGES = 50_000
_KM_OF_DEGREE = 111.32
_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING = {"type": "array", "items": _POSITION, "minItems": 4}
_RINGS = {"type": "array", "items": _RING, "minItems": 1}


def _geometry(kind: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "required": ["type", "coordinates"],
        "properties": {"type": {"type": "string", "enum": [kind]}, "coordinates": coordinates},
    }  # fmt: skip


_ANY = {
    "oneOf": [
        _geometry("Polygon", _RINGS),
        _geometry("MultiPolygon", {"type": "array", "items": _RINGS, "minItems": 1}),
    ]
}
_FEATURE = {
    "type": "object", "required": ["type", "geometry"],
    "properties": {"type": {"type": "string", "enum": ["Feature"]}, "geometry": _ANY},
}  # fmt: skip
POLYGON_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A GeoJSON Polygon or MultiPolygon, or a Feature with one, in longitude and latitude (CRS84).",
        "content": {
            "application/json": {
                "schema": {"oneOf": [*_ANY["oneOf"], _FEATURE]},
                "example": {
                    "type": "Polygon",
                    "coordinates": [[[123.2, 32.2], [123.9, 32.2], [123.9, 32.6], [123.2, 32.6], [123.2, 32.2]]],
                },
            }
        },
    }
}


def polygon_of(body: bytes, settings: Settings) -> BaseGeometry:
    """The polygon of a GeoJSON text in longitude and latitude."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidGeometry(f"the body is no JSON: {error}") from error
    if isinstance(found, dict) and found.get("type") == "Feature":
        found = found.get("geometry")
    if not isinstance(found, dict) or found.get("type") not in ("Polygon", "MultiPolygon"):
        raise InvalidGeometry("a GeoJSON Polygon or MultiPolygon, or a Feature with one, is expected")
    coordinates = found.get("coordinates")
    polygons = [coordinates] if found["type"] == "Polygon" else coordinates
    rings = [[_ring(ring) for ring in _listed(polygon, "a polygon")] for polygon in _listed(polygons, "a multipolygon")]
    count = sum(len(ring) for polygon in rings for ring in polygon)
    if count > settings.polygon_vertices:
        raise TooLarge(f"the polygon has {count:,} vertices; {settings.polygon_vertices:,} at most are taken")
    parts = [shapely.Polygon(polygon[0], polygon[1:]) for polygon in rings]
    return checked(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts))


def _listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise InvalidGeometry(f"the coordinates of {what} are a list of one entry at least")
    return value


def _ring(value: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    points = _listed(value, "a ring")
    out = np.empty((len(points), 2))
    for i, point in enumerate(points):
        if not isinstance(point, list) or not 2 <= len(point) <= 3:
            raise InvalidGeometry("a position is [longitude, latitude]")
        for k in (0, 1):
            number = point[k]
            if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= (180.0, 90.0)[k]:
                raise InvalidGeometry("longitudes are numbers from -180 to 180, latitudes from -90 to 90")
            out[i, k] = number
    if len(out) < 4 or (out[0] != out[-1]).any():
        raise InvalidGeometry("a ring has four positions at least, the last one the same as the first")
    return out


def placed(polygon: BaseGeometry, grid: Grid, settings: Settings) -> BaseGeometry:
    """The polygon in the grid's CRS, its edges straight in longitude and latitude; refused if it covers too many cells."""
    moved = polygon
    if not grid.is_geographic:
        # An edge straight in degrees is bent in a projection: it gets a vertex a cell, as far as the budget goes.
        step = max(
            grid.dx * grid.crs.axis_info[0].unit_conversion_factor / (1000.0 * _KM_OF_DEGREE), polygon.length / _EDGES
        )
        moved = shapely.segmentize(polygon, step)
    if grid.crs != CRS84:
        moved = shapely.transform(
            moved, lambda xy: np.stack(project(CRS84, grid.crs, *np.ascontiguousarray(xy.T)), axis=1)
        )
    if not all(math.isfinite(v) for v in moved.bounds):
        raise InvalidGeometry("the polygon reaches where the grid's CRS is not defined")
    count = window_cells(grid, moved)
    if count > settings.polygon_cells:
        raise TooLarge(f"the polygon's box holds {count:,} cells; {settings.polygon_cells:,} at most are taken")
    if not count:
        raise InvalidGeometry("the polygon lies outside the grid")
    return moved
