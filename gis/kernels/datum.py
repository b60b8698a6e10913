"""The shifts of GCJ-02 and BD-09, point by point, and back by fixed-point iteration.

Each step back shrinks the error about a hundredfold, so that a few reach rounding; a point's result does not depend on the points
beside it. Only within a millimetre of 105 E, where the formula has a cusp (√|x|), 1e-12 degrees remain.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["shift", "unshift"]

# Krasovsky 1940, the ellipsoid of the published formula.
_A_M = 6378245.0
_E2 = 0.00669342162296594323
_BD_TURN = math.pi * 3000.0 / 180.0
_STEPS = 12
# Two roundings of a longitude: a smaller step changes nothing that lasts.
_STILL = 3e-14


@numba.njit(cache=True, nogil=True)
def _gcj(lon: float, lat: float) -> tuple[float, float]:
    # The published polynomial and sines about 105 E, 35 N: metres first, then degrees on Krasovsky's ellipsoid.
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    common = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north_m += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north_m += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east_m += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east_m += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    phi = math.radians(lat)
    w2 = 1.0 - _E2 * math.sin(phi) ** 2
    w = math.sqrt(w2)
    north = math.degrees(north_m / (_A_M * (1.0 - _E2) / (w2 * w)))
    east = math.degrees(east_m / (_A_M / w * math.cos(phi)))
    return lon + east, lat + north


@numba.njit(cache=True, nogil=True)
def _bd(lon: float, lat: float) -> tuple[float, float]:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURN)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


@numba.njit(cache=True, nogil=True)
def _back(lon: float, lat: float, bd: bool) -> tuple[float, float]:
    """The point that the forward formula sends to (lon, lat)."""
    x, y = lon, lat
    for _ in range(_STEPS):
        if bd:
            to_x, to_y = _bd(x, y)
        else:
            to_x, to_y = _gcj(x, y)
        off_x, off_y = to_x - lon, to_y - lat
        x -= off_x
        y -= off_y
        if abs(off_x) < _STILL and abs(off_y) < _STILL:
            break
    return x, y


@numba.njit(cache=True, nogil=True)
def shift(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    inside: NDArray[np.bool_],
    bd: bool,
    out_lon: NDArray[np.float64],
    out_lat: NDArray[np.float64],
) -> None:
    """Fill GCJ-02 (or BD-09) coordinates of WGS 84 points; points not ``inside`` are copied."""
    for p in range(lon.shape[0]):
        x, y = lon[p], lat[p]
        if inside[p]:
            x, y = _gcj(x, y)
            if bd:
                x, y = _bd(x, y)
        out_lon[p] = x
        out_lat[p] = y


@numba.njit(cache=True, nogil=True)
def unshift(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    inside: NDArray[np.bool_],
    bd: bool,
    out_lon: NDArray[np.float64],
    out_lat: NDArray[np.float64],
) -> None:
    """Fill WGS 84 coordinates of GCJ-02 (or BD-09) points; points not ``inside`` are copied."""
    for p in range(lon.shape[0]):
        x, y = lon[p], lat[p]
        if inside[p]:
            if bd:
                x, y = _back(x, y, True)
            x, y = _back(x, y, False)
        out_lon[p] = x
        out_lat[p] = y
