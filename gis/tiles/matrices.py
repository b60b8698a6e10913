"""Tile matrix sets: WebMercatorQuad and the national longitude-latitude scheme, as plain numbers.

Bounds are always west, south, east, north (x before y); only `TileMatrixSet.json` follows the axis order of the CRS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pyproj import CRS

from gis.errors import InvalidParameter, NotFound

__all__ = ["CGCS2000_QUAD", "MATRICES", "WEB_MERCATOR_QUAD", "Tile", "TileLimits", "TileMatrixSet", "matrix_set"]

Bounds = tuple[float, float, float, float]
_RADIUS_M = 6378137.0
# OGC 17-083r4: a pixel of a scale denominator is 0.28 mm wide; a degree is one of the equator of the CRS's ellipsoid.
_PIXEL_M = 0.28e-3
_DEGREE_M = 2 * math.pi * _RADIUS_M / 360
_MERCATOR_LAT = math.degrees(2 * math.atan(math.exp(math.pi)) - math.pi / 2)


@dataclass(frozen=True, slots=True)
class TileLimits:
    """First and last tile of a zoom that hold something, both inclusive."""

    x_first: int
    x_last: int
    y_first: int
    y_last: int

    @property
    def count(self) -> int:
        """Number of tiles."""
        return (self.x_last - self.x_first + 1) * (self.y_last - self.y_first + 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class TileMatrixSet:
    """A quadtree of square tiles: column 0 at the west edge, row 0 at the north edge, twice as fine per zoom."""

    id: str
    title_en: str
    title_zh: str
    epsg: int
    uri: str | None
    scale_set: str | None
    ordered_axes: tuple[str, str]
    north_first: bool
    geographic: bool
    extent: Bounds
    min_zoom: int
    max_zoom: int
    tile_size: int = 256

    @cached_property
    def crs(self) -> CRS:
        """CRS of the tiles."""
        return CRS.from_epsg(self.epsg)

    @property
    def crs_uri(self) -> str:
        """CRS as OGC names it."""
        return f"http://www.opengis.net/def/crs/EPSG/0/{self.epsg}"

    @property
    def zooms(self) -> range:
        """Zooms there are."""
        return range(self.min_zoom, self.max_zoom + 1)

    def span(self, z: int) -> float:
        """Width and height of a tile, in units of the CRS."""
        # A power of two: exact, as the national scheme's degrees are.
        return math.ldexp(self.extent[2] - self.extent[0], -z)

    def cell_size(self, z: int) -> float:
        """Width and height of a pixel, in units of the CRS."""
        return self.span(z) / self.tile_size

    def matrix_size(self, z: int) -> tuple[int, int]:
        """Columns and rows of tiles."""
        west, south, east, north = self.extent
        columns = 1 << z
        return columns, round(columns * (north - south) / (east - west))

    def scale_denominator(self, z: int) -> float:
        """Scale on a screen of 0.28 mm pixels (OGC), not of the 96 dpi in which the national tables state it."""
        return self.cell_size(z) * (_DEGREE_M if self.geographic else 1.0) / _PIXEL_M

    def bounds(self, z: int, x: int, y: int) -> Bounds:
        """West, south, east, north of a tile in the CRS, x before y; neighbours share the bits of an edge."""
        span, west, north = self.span(z), self.extent[0], self.extent[3]
        return west + x * span, north - (y + 1) * span, west + (x + 1) * span, north - y * span

    def from_lonlat(self, lon: float, lat: float) -> tuple[float, float]:
        """X and y in the CRS of a longitude and latitude, moved to the nearest that the matrix set holds."""
        lon = min(max(lon, -180.0), 180.0)
        if self.geographic:
            return lon, min(max(lat, -90.0), 90.0)
        lat = math.radians(min(max(lat, -_MERCATOR_LAT), _MERCATOR_LAT))
        return _RADIUS_M * math.radians(lon), _RADIUS_M * math.asinh(math.tan(lat))

    def to_lonlat(self, x: float, y: float) -> tuple[float, float]:
        """Longitude and latitude of x and y in the CRS."""
        if self.geographic:
            return x, y
        return math.degrees(x / _RADIUS_M), math.degrees(math.atan(math.sinh(y / _RADIUS_M)))

    def lonlat_bounds(self, z: int, x: int, y: int) -> Bounds:
        """West, south, east, north of a tile in degrees."""
        west, south, east, north = self.bounds(z, x, y)
        return *self.to_lonlat(west, south), *self.to_lonlat(east, north)

    def limits(self, z: int, bounds: Sequence[float]) -> TileLimits:
        """Tiles of a zoom that meet west, south, east, north in degrees; all columns where west lies east of east."""
        if z not in self.zooms:
            raise NotFound(f"{self.id} has zooms {self.min_zoom} to {self.max_zoom}, not {z}")
        if len(bounds) != 4 or not all(math.isfinite(v) for v in bounds) or bounds[1] > bounds[3]:
            raise InvalidParameter(f"bounds {tuple(bounds)}: west, south, east, north in degrees expected")
        west, south, east, north = bounds
        if west > east:
            west, east = -180.0, 180.0
        left, top = self._index(z, *self.from_lonlat(west, north))
        right, bottom = self._index(z, *self.from_lonlat(east, south))
        return TileLimits(left, right, top, bottom)

    def _index(self, z: int, x: float, y: float) -> tuple[int, int]:
        columns, rows = self.matrix_size(z)
        col, row = (x - self.extent[0]) / self.span(z), (self.extent[3] - y) / self.span(z)
        return min(max(math.floor(col), 0), columns - 1), min(max(math.floor(row), 0), rows - 1)

    def json(self) -> dict[str, Any]:
        """The definition as OGC Two Dimensional Tile Matrix Set 2.0 writes it, origins in the CRS's own axis order."""
        corner = [self.extent[0], self.extent[3]]
        named = {"id": self.id, "title": self.title_en, "uri": self.uri, "crs": self.crs_uri}
        set_ = {"orderedAxes": list(self.ordered_axes), "wellKnownScaleSet": self.scale_set}
        matrices = [self._matrix_json(z, corner[::-1] if self.north_first else corner) for z in self.zooms]
        return {key: value for key, value in {**named, **set_, "tileMatrices": matrices}.items() if value is not None}

    def _matrix_json(self, z: int, origin: list[float]) -> dict[str, Any]:
        columns, rows = self.matrix_size(z)
        return {
            "id": str(z), "scaleDenominator": self.scale_denominator(z), "cellSize": self.cell_size(z),
            "cornerOfOrigin": "topLeft", "pointOfOrigin": origin,
            "tileWidth": self.tile_size, "tileHeight": self.tile_size, "matrixWidth": columns, "matrixHeight": rows,
        }  # fmt: skip


_HALF_M = math.pi * _RADIUS_M

WEB_MERCATOR_QUAD = TileMatrixSet(
    id="WebMercatorQuad", title_en="Web Mercator", title_zh="Web 墨卡托", epsg=3857,
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
    scale_set="http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
    ordered_axes=("X", "Y"), north_first=False, geographic=False,
    extent=(-_HALF_M, -_HALF_M, _HALF_M, _HALF_M), min_zoom=0, max_zoom=24,
)  # fmt: skip

# GB/T 35634-2017 and CH/Z 9011-2011 (the matrix set "c" of the national platform 天地图): origin 90° N 180° W, two tiles by
# one at the first level, which is called 1, levels to 20. The name is the one that clients in China use for it.
CGCS2000_QUAD = TileMatrixSet(
    id="CGCS2000Quad", title_en="CGCS2000 longitude-latitude, national levels 1 to 20", title_zh="CGCS2000 经纬度（国家分级）",
    epsg=4490, uri=None, scale_set=None, ordered_axes=("Lat", "Lon"), north_first=True, geographic=True,
    extent=(-180.0, -90.0, 180.0, 90.0), min_zoom=1, max_zoom=20,
)  # fmt: skip

MATRICES: Mapping[str, TileMatrixSet] = MappingProxyType({m.id: m for m in (WEB_MERCATOR_QUAD, CGCS2000_QUAD)})
"""Tile matrix sets by id, the one that map clients expect first."""


def matrix_set(name: str) -> TileMatrixSet:
    """The tile matrix set of an id, or NotFound."""
    if name not in MATRICES:
        raise NotFound(f"no tile matrix set is called {name[:80]!r}; there are {', '.join(MATRICES)}")
    return MATRICES[name]


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a matrix set; making one outside of it is NotFound."""

    matrix: TileMatrixSet
    z: int
    x: int
    y: int

    def __post_init__(self) -> None:
        if self.z not in self.matrix.zooms:
            raise NotFound(f"{self.matrix.id} has zooms {self.matrix.min_zoom} to {self.matrix.max_zoom}, not {self.z}")
        columns, rows = self.matrix.matrix_size(self.z)
        if not (0 <= self.x < columns and 0 <= self.y < rows):
            raise NotFound(
                f"zoom {self.z} of {self.matrix.id} has columns 0 to {columns - 1} and rows 0 to {rows - 1}, "
                f"not {self.x}/{self.y}"
            )

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north in the CRS of the matrix set."""
        return self.matrix.bounds(self.z, self.x, self.y)
