"""Areas and distances of regions on the ground, whatever their CRS."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely import Geometry

__all__ = ["Ground", "area_km2", "around", "lonlat", "made_valid", "shapes_of"]

# Longest edge, in degrees, before an edge straight in longitude and latitude is projected.
_EDGE_DEG = 0.05
# A boundary is buffered tile by tile, each in a projection around its own centre: within 3° a distance is off by < 0.03 %.
_TILE_DEG = 3.0
_HAIR_DEG = 1e-6
_QUAD_SEGMENTS = 32


class Ground:
    """Metres around a place: equal-area (``laea``) or equal-distance (``aeqd``), on the ellipsoid of a CRS."""

    def __init__(self, lon: float, lat: float, crs: CRS, *, projection: str = "laea") -> None:
        body = crs.ellipsoid
        shape = "+ellps=WGS84" if body is None else f"+a={body.semi_major_metre!r} +b={body.semi_minor_metre!r}"
        # Neither side states a datum, so nothing but the projection is applied.
        degrees = CRS.from_proj4(f"+proj=longlat {shape} +no_defs")
        metres = CRS.from_proj4(f"+proj={projection} +lon_0={lon!r} +lat_0={lat!r} {shape} +units=m +no_defs")
        self._forward = Transformer.from_crs(degrees, metres, always_xy=True)
        self._back = Transformer.from_crs(metres, degrees, always_xy=True)

    @classmethod
    def over(cls, geometry: NDArray[np.object_], crs: CRS, *, projection: str = "laea") -> Ground:
        """Metres around the middle of geometries in longitude and latitude."""
        west, south, east, north = (float(v) for v in shapely.total_bounds(geometry))
        return cls((west + east) / 2, (south + north) / 2, crs, projection=projection)

    def metres(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in longitude and latitude, as metres."""
        return _moved(np.asarray(shapely.segmentize(geometry, _EDGE_DEG), dtype=object), self._forward)

    def degrees(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries in metres, as longitude and latitude."""
        return _moved(geometry, self._back)


def _moved(geometry: NDArray[np.object_], transformer: Transformer) -> NDArray[np.object_]:
    def vertices(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(geometry, vertices), dtype=object)


def shapes_of(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> NDArray[np.object_]:
    """The geometries of a frame as a plain array."""
    return np.asarray(frame.geometry.to_numpy(), dtype=object)


def made_valid(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """The geometries, the invalid ones repaired."""
    bad = ~shapely.is_valid(geometry)
    if not bad.any():
        return geometry
    fixed = geometry.copy()
    fixed[bad] = shapely.make_valid(geometry[bad])
    return fixed


def lonlat(geometry: NDArray[np.object_], crs: CRS) -> NDArray[np.object_]:
    """The geometries in longitude and latitude of their own datum."""
    if crs.is_geographic:
        return np.asarray(geometry, dtype=object)
    return _moved(geometry, Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True))


def area_km2(geometry: NDArray[np.object_], crs: CRS) -> NDArray[np.float64]:
    """Area on the ground of each polygon."""
    if not len(geometry) or shapely.is_empty(geometry).all():
        return np.zeros(len(geometry))
    placed = lonlat(geometry, crs)
    return np.asarray(shapely.area(Ground.over(placed, crs).metres(placed)) * 1e-6, dtype=np.float64)


def around(polygon: Geometry, crs: CRS, width_m: float) -> Geometry:
    """Everything within a distance on the ground of a polygon, the polygon included, in its own CRS."""
    rim = np.array(_rim(shapely.boundary(polygon), crs, width_m), dtype=object)
    if not crs.is_geographic:
        back = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
        rim = made_valid(_moved(shapely.segmentize(rim, _EDGE_DEG), back))
    return shapely.union_all([polygon, *rim])


def _rim(boundary: Geometry, crs: CRS, width_m: float) -> list[Geometry]:
    line = lonlat(np.array([boundary], dtype=object), crs)[0]
    west, south, east, north = line.bounds
    out: list[Geometry] = []
    for left in np.arange(west, np.nextafter(east, np.inf), _TILE_DEG):
        for bottom in np.arange(south, np.nextafter(north, np.inf), _TILE_DEG):
            right, top = left + _TILE_DEG, bottom + _TILE_DEG
            # Clipping drops what runs along the edge of its rectangle, so each tile reaches a hair over its neighbours.
            piece = shapely.clip_by_rect(line, left - _HAIR_DEG, bottom - _HAIR_DEG, right + _HAIR_DEG, top + _HAIR_DEG)
            if not piece.is_empty:
                pieces = np.array([piece], dtype=object)
                ground = Ground.over(pieces, crs, projection="aeqd")
                wide = shapely.buffer(ground.metres(pieces), width_m, quad_segs=_QUAD_SEGMENTS)
                out.append(ground.degrees(wide)[0])
    return out
