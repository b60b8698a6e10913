"""Trends of cells over years: Mann-Kendall, and the pattern of the years in which a cell was hot."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["find_patterns", "find_trends"]

_BLOCK = 1 << 14


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _trend(values, i, exact):  # type: ignore[no-untyped-def]
    # S and its two-sided p. A missing year leaves nothing to say: S = 0, p = NaN.
    years = values.shape[0]
    s, ties = 0, 0
    for b in range(years):
        later = values[b, i]
        if later != later:
            return 0, math.nan
        for a in range(b):
            earlier = values[a, i]
            if later > earlier:
                s += 1
            elif later < earlier:
                s -= 1
            else:
                ties += 1
    if s == 0:
        return 0, 1.0
    if ties == 0 and years < exact.shape[0]:
        return s, exact[years, abs(s)]
    variance = np.float64(years * (years - 1) * (2 * years + 5))
    for b in range(years):
        group, first = 0, True
        for a in range(years):
            if values[a, i] == values[b, i]:
                group += 1
                if a < b:
                    first = False
        if first:
            variance -= group * (group - 1) * (2 * group + 5)
    # Kendall 1975: one step of S towards 0 for continuity; 2(1 - Φ(z)) = erfc(z/√2).
    return s, math.erfc((abs(s) - 1) / math.sqrt(variance / 9.0))


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def find_trends(
    values: NDArray[np.floating], exact: NDArray[np.float64], s: NDArray[np.int32], p: NDArray[np.float64]
) -> None:
    """Fill S and its two-sided p per cell from ``values`` (years, cells).

    ``exact`` (years, S ≥ 0) holds the exact p of untied series of that many years; longer or tied ones take the normal approximation.
    """
    cells = values.shape[1]
    for block in numba.prange(-(-cells // _BLOCK)):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, cells)):
            s[i], p[i] = _trend(values, i, exact)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _pattern(hot, z, i, cold_z, alpha, s, p):  # type: ignore[no-untyped-def]
    # The codes are the order of gis.hotspots.trends.Pattern.
    years = hot.shape[0]
    count, run, cold = 0, 0, False
    for y in range(years):
        if hot[y, i]:
            count += 1
            run += 1
        else:
            run = 0
            cold = cold or z[y, i] <= cold_z
    if count == 0 or years < 2:
        return 0
    if run == 0:
        return 8 if 10 * count >= 9 * (years - 1) else 0
    if 10 * count >= 9 * years:
        if p <= alpha:
            return 4 if s > 0 else 5
        return 3
    if count == 1:
        return 1
    if run == count:
        return 2
    return 7 if cold else 6


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def find_patterns(
    hot: NDArray[np.bool_],
    z: NDArray[np.float32],
    exact: NDArray[np.float64],
    cold_z: float,
    alpha: float,
    s: NDArray[np.int32],
    p: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """Fill the code of each cell's pattern, and the trend of its ``z`` (years, cells); ``hot`` has the shape of ``z``."""
    cells = z.shape[1]
    for block in numba.prange(-(-cells // _BLOCK)):
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, cells)):
            moved, chance = _trend(z, i, exact)
            s[i] = moved
            p[i] = chance
            out[i] = _pattern(hot, z, i, cold_z, alpha, moved, chance)
