"""GCJ-02 and BD-09, the shifted datums of Chinese web maps, to and from WGS 84.

GCJ-02 moves a point by 100 to 700 m with a sum of sines; BD-09 moves a GCJ-02 point once more. The forward formulas have no
closed inverse; the way back iterates them to 1e-11 degrees, a micrometre. CGCS2000 and WGS 84 agree within centimetres, far
below what an inventory's coordinates resolve, so what comes out may be used as either.

By convention nothing is shifted outside the box 72.004 to 137.8347 E, 0.8293 to 55.8271 N; the point as given decides.
Coordinates that are not finite come back as they are.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.kernels.datum import shift, unshift

__all__ = ["bd09_to_wgs84", "gcj02_to_wgs84", "in_shifted_box", "wgs84_to_bd09", "wgs84_to_gcj02"]

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
_BOX = (72.004, 0.8293, 137.8347, 55.8271)


def in_shifted_box(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether points lie in the box that GCJ-02 and BD-09 shift."""
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    west, south, east, north = _BOX
    inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return inside


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Longitudes and latitudes in GCJ-02 of WGS 84 points."""
    return _moved(lon, lat, shift, bd=False)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Longitudes and latitudes in WGS 84 of GCJ-02 points."""
    return _moved(lon, lat, unshift, bd=False)


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Longitudes and latitudes in BD-09 of WGS 84 points."""
    return _moved(lon, lat, shift, bd=True)


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Longitudes and latitudes in WGS 84 of BD-09 points."""
    return _moved(lon, lat, unshift, bd=True)


def _moved(lon: ArrayLike, lat: ArrayLike, kernel: Callable[..., None], *, bd: bool) -> Pair:
    xs, ys = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    x, y = np.ascontiguousarray(xs).ravel(), np.ascontiguousarray(ys).ravel()
    out_x, out_y = np.empty(x.size), np.empty(y.size)
    kernel(x, y, in_shifted_box(x, y), bd, out_x, out_y)
    return out_x.reshape(xs.shape), out_y.reshape(ys.shape)
