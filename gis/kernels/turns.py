"""Rings on the globe: longitudes without jumps."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["unwrap_rings"]


@numba.njit(cache=True, nogil=True)
def unwrap_rings(coords: NDArray[np.float64], rings: NDArray[np.int64], turns: NDArray[np.int64]) -> None:
    """Shift longitudes by whole turns, in place, until no edge is longer than 180°; fill the turns each ring makes.

    A ring whose edges all run along one meridian once unwrapped (a box from -180 to 180) is kept as it was given.
    """
    for k in range(turns.shape[0]):
        turns[k] = 0
        start, stop = rings[k], rings[k + 1]
        jumps = False
        for v in range(start + 1, stop):
            if abs(coords[v, 0] - coords[v - 1, 0]) > 180.0:
                jumps = True
        if not jumps:
            continue
        low = high = coords[start, 0]
        shift = 0.0
        for v in range(start + 1, stop):
            shift -= 360.0 * math.floor((coords[v, 0] - coords[v - 1, 0] + 180.0) / 360.0)
            low, high = min(low, coords[v, 0] + shift), max(high, coords[v, 0] + shift)
        if not high - low > 1e-9:
            continue
        shift = 0.0
        before = coords[start, 0]
        for v in range(start + 1, stop):
            x = coords[v, 0]
            shift -= 360.0 * math.floor((x - before + 180.0) / 360.0)
            before = x
            coords[v, 0] = x + shift
        turns[k] = round((coords[stop - 1, 0] - coords[start, 0]) / 360.0)
