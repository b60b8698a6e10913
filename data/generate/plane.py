"""The plane the province is drawn in: an Albers projection of its own, in kilometres from its south-west corner."""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

__all__ = ["CHINA_ALBERS", "DEGREES", "PROVINCE_ALBERS", "Waves", "albers", "lonlat", "plane", "stream"]

Array = NDArray[np.float64]

# Six decimals of a degree are about 0.1 m: fine enough for borders, and coarse enough that a last bit that
# differs from one processor to the next does not reach the files.
DEGREES = 6
_ALBERS = (
    'PROJCRS["CGCS2000 / {name}",BASEGEOGCRS["China Geodetic Coordinate System 2000",DATUM["China 2000",'
    'ELLIPSOID["CGCS2000",6378137,298.257222101,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,'
    'ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4490]],CONVERSION["{name}",METHOD["Albers Equal Area",'
    'ID["EPSG",9822]],PARAMETER["Latitude of false origin",{lat},ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8821]],'
    'PARAMETER["Longitude of false origin",{lon},ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8822]],'
    'PARAMETER["Latitude of 1st standard parallel",{south},ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8823]],'
    'PARAMETER["Latitude of 2nd standard parallel",{north},ANGLEUNIT["degree",0.0174532925199433],ID["EPSG",8824]],'
    'PARAMETER["Easting at false origin",{easting},LENGTHUNIT["metre",1],ID["EPSG",8826]],'
    'PARAMETER["Northing at false origin",0,LENGTHUNIT["metre",1],ID["EPSG",8827]]],CS[Cartesian,2],'
    'AXIS["easting (X)",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["northing (Y)",north,ORDER[2],LENGTHUNIT["metre",1]]]'
)


def albers(name: str, *, lon: float, lat: float, south: float, north: float, easting: float = 0) -> str:
    """WKT of an Albers projection on CGCS2000."""
    return _ALBERS.format(name=name, lon=lon, lat=lat, south=south, north=north, easting=easting)


# Longitude 124 and latitude 31 are open sea: nobody can take the province for a real one.
PROVINCE_ALBERS = albers("Synthetic province Albers", lon=124, lat=31, south=32, north=34, easting=150_000)
CHINA_ALBERS = albers("China Albers", lon=105, lat=0, south=25, north=47)


@lru_cache(maxsize=8)
def _transformer(crs: str, inverse: bool) -> Transformer:
    ends = (CRS(crs), CRS("EPSG:4490"))
    return Transformer.from_crs(*(ends if inverse else ends[::-1]), always_xy=True)


def lonlat(xy_km: Array, crs: str = PROVINCE_ALBERS) -> Array:
    """Longitudes and latitudes (n, 2), rounded as they are written to files."""
    lon, lat = _transformer(crs, True).transform(xy_km[:, 0] * 1000, xy_km[:, 1] * 1000)
    return np.round(np.column_stack([lon, lat]), DEGREES)


def plane(degrees: Array, crs: str = PROVINCE_ALBERS) -> Array:
    """Kilometres in the plane (n, 2) of longitudes and latitudes."""
    x, y = _transformer(crs, False).transform(degrees[:, 0], degrees[:, 1])
    return np.column_stack([x, y]) / 1000


def stream(seed: int, name: str) -> np.random.Generator:
    """A random stream of its own for every topic, so that a change in one leaves the others as they were."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))


class Waves:
    """A smooth random field: a sum of plane waves, of unit variance."""

    def __init__(self, rng: np.random.Generator, *, length_km: float, count: int = 24) -> None:
        angle = rng.uniform(0, 2 * np.pi, count)
        number = 2 * np.pi / (length_km * rng.uniform(0.6, 1.8, count))
        self._k = np.column_stack([np.cos(angle), np.sin(angle)]) * number[:, None]
        self._phase = rng.uniform(0, 2 * np.pi, count)

    def __call__(self, xy: Array) -> Array:
        """The field at points (n, 2)."""
        return np.asarray(np.cos(xy @ self._k.T + self._phase).sum(axis=1) * np.sqrt(2 / len(self._phase)))
