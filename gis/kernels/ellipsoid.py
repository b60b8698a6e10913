"""The ellipsoid's closed forms: zone area as a sine series, and the lengths of a degree.

Zone area. With geodetic latitude φ, the area between the equator and φ over one radian of longitude is R² · W(φ), where
R is the authalic radius and W = Σ c_k sin kφ (k = 1, 3, …, 11) is the sine of the authalic latitude. Six terms reach
rounding on every Earth ellipsoid; the coefficients follow from e² by a trapezoid sum, exact here because the
integrand is periodic.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["TERMS", "authalic_radius2_m2", "zone_area_w", "zone_coefficients"]

TERMS = 6


def _q(sin_phi: NDArray[np.float64], e2: float) -> NDArray[np.float64]:
    # Snyder 1987, eq. 3-12: q = (1 - e²)[s/(1 - e²s²) + atanh(e s)/e]; area per radian = a² q / 2.
    if e2 == 0.0:
        return 2.0 * sin_phi
    e = math.sqrt(e2)
    return (1.0 - e2) * (sin_phi / (1.0 - e2 * sin_phi**2) + np.arctanh(e * sin_phi) / e)


def authalic_radius2_m2(a_m: float, e2: float) -> float:
    """R² of the sphere with the ellipsoid's area."""
    return float(a_m * a_m * _q(np.array([1.0]), e2)[0] / 2.0)


def zone_coefficients(e2: float) -> NDArray[np.float64]:
    """c_1, c_3, …, c_11 of W(φ) = Σ c_k sin kφ, with W(90°) = 1."""
    n = 128
    phi = (np.arange(n) + 0.5) * (math.pi / n) - math.pi / 2.0
    w = _q(np.sin(phi), e2) / _q(np.array([1.0]), e2)[0]
    k = 2 * np.arange(TERMS) + 1
    out: NDArray[np.float64] = (2.0 / n) * np.sin(np.outer(k, phi)) @ w
    return out


@numba.njit(cache=True, nogil=True, inline="always")
def zone_area_w(phi_rad: float, c: NDArray[np.float64]) -> float:
    """W at a geodetic latitude in radians: Clenshaw over odd multiples."""
    # sin((k+2)φ) = 2 cos 2φ sin kφ - sin((k-2)φ), summed backwards.
    two_cos = 2.0 * math.cos(2.0 * phi_rad)
    b1 = 0.0
    b2 = 0.0
    for j in range(TERMS - 1, -1, -1):
        b0 = c[j] + two_cos * b1 - b2
        b2 = b1
        b1 = b0
    return math.sin(phi_rad) * (b1 + b2)
