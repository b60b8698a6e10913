"""Edges of rings cut at cell borders, and what each piece adds to its cell.

A piece that goes down by ``d`` inside a cell adds the area between itself and the cell's right border to that cell, and
``d`` to the row's cover, which every cell further right gets over its full width (the signed sums of FreeType's grey
rasteriser). One prefix sum per row then gives the area of a polygon in every cell, holes and parts included, without
clipping. On the ellipsoid the zone area W takes the place of y, integrated in closed form along each piece.

Coordinates are local to the polygon. A window has ``nc`` columns and ``nr`` rows, row 0 in the north; scratch slot 0 of a row
collects what lies left of the window, slot j + 1 is column j, and what lies right of it, above or below adds nothing.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.ellipsoid import TERMS

__all__ = ["Zone", "column_in", "row_in", "trace_ring", "zone_of_series", "zone_piece", "zone_series"]

RADIAN = math.pi / 180.0
_SERIES = 0.05  # half-height in radians up to which the series of zone_series reach rounding
_TABLE = 2.2e-3  # and those of zone_piece: pieces up to 0.25 degrees high
_PER_DEGREE = 4
_NODES = 180 * _PER_DEGREE + 1
_DERIVATIVES = 6
Floats = NDArray[np.float64]


class Zone(NamedTuple):
    """The zone area W: its coefficients, and from W' to the sixth its derivatives every quarter of a degree of latitude."""

    c: Floats
    nodes: Floats


def zone_of_series(c: Floats) -> Zone:
    """W given by its coefficients (``zone_coefficients``), ready for the kernels."""
    phi = np.radians(np.arange(_NODES) / _PER_DEGREE - 90.0)
    k = 2.0 * np.arange(TERMS) + 1.0
    sine, cosine = np.sin(np.outer(phi, k)), np.cos(np.outer(phi, k))
    nodes = np.zeros((_NODES, 8))  # a cache line each
    for n in range(_DERIVATIVES):
        turned = (cosine, -sine, -cosine, sine)[n % 4]
        nodes[:, n] = turned @ (c * k ** (n + 1))
    return Zone(np.ascontiguousarray(c, np.float64), nodes)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def zone_series(h: float, m: float, c: Floats) -> tuple[float, float]:
    """ΔW / 2h and B = 3 Σ (c_k / k) sin(km) (sin kh - kh cos kh) / h³ for a mid-latitude and half-height in radians."""
    cos_m = math.cos(m)
    sin_m = math.sin(m)
    # cos and sin of odd multiples of m, by f(k + 2) = 2 cos 2m f(k) - f(k - 2).
    two_cos = 4.0 * cos_m * cos_m - 2.0
    cos_before, sin_before = cos_m, -sin_m
    cos_k, sin_k = cos_m, sin_m
    total = 0.0
    bend = 0.0
    short = abs(h) <= _SERIES
    for term in range(TERMS):
        k = 2.0 * term + 1.0
        t = k * h
        if short:
            # Products with reciprocals: divisions would cost more than all the rest.
            t2 = t * t
            sinc = 1.0 - t2 * (1.0 / 42.0) * (1.0 - t2 * (1.0 / 72.0))
            sinc = 1.0 - t2 * (1.0 / 6.0) * (1.0 - t2 * (1.0 / 20.0) * sinc)
            lens = 1.0 - t2 * (1.0 / 54.0) * (1.0 - t2 * (1.0 / 88.0))
            lens = 1.0 - t2 * (1.0 / 10.0) * (1.0 - t2 * (1.0 / 28.0) * lens)
        else:
            sine = math.sin(t)
            sinc = sine / t
            lens = 3.0 * (sine - t * math.cos(t)) / (t * t * t)
        total += c[term] * k * cos_k * sinc
        bend += c[term] * k * k * sin_k * lens
        cos_before, cos_k = cos_k, two_cos * cos_k - cos_before
        sin_before, sin_k = sin_k, two_cos * sin_k - sin_before
    return total, bend


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def zone_piece(xa, ya, xb, yb, xr, oy, zone):  # type: ignore[no-untyped-def]
    """ΔW and ∫ (xr - x) dW going down from (xa, ya) to (xb, yb), straight in longitude and latitude.

    Latitudes in degrees are ``oy`` + y. With mid-latitude m and half-height h, ΔW = Σ c_k 2 cos(km) sin(kh) and
    ∫ x dW = x̄ ΔW - (Δx / h) Σ (c_k / k) sin(km) (sin kh - kh cos kh), written so that nothing cancels for small h. Pieces
    that are not high, nearly all, take both from Taylor series in h whose coefficients are derivatives of W at m, odd ones
    for ΔW and even ones for the moment, and these from the series about the nearest node. What is left out is below 1e-17.
    """
    h = 0.5 * (ya - yb) * RADIAN
    middle = oy + 0.5 * (ya + yb)
    if abs(h) <= _TABLE and abs(middle) <= 90.1:
        node = int((middle + 90.0) * _PER_DEGREE + 0.5)
        d = (middle + 90.0 - node * (1.0 / _PER_DEGREE)) * RADIAN
        h2 = h * h
        w1, w2, w3 = zone.nodes[node, 0], zone.nodes[node, 1], zone.nodes[node, 2]
        w4, w5, w6 = zone.nodes[node, 3], zone.nodes[node, 4], zone.nodes[node, 5]
        d2, d3 = d * (1.0 / 2.0), d * (1.0 / 3.0)
        d4, d5 = d * (1.0 / 4.0), d * (1.0 / 5.0)
        fifth = w5 + d * w6
        third = w3 + d * (w4 + d2 * (w5 + d3 * w6))
        first = w1 + d * (w2 + d2 * (w3 + d3 * (w4 + d4 * (w5 + d5 * w6))))
        total = first + h2 * (1.0 / 6.0) * (third + h2 * (1.0 / 20.0) * fifth)
        bend = -(w2 + d * (w3 + d2 * (w4 + d3 * (w5 + d4 * w6))) + h2 * (1.0 / 10.0) * (w4 + d * (w5 + d2 * w6)))
    else:
        total, bend = zone_series(h, middle * RADIAN, zone.c)
    dw = 2.0 * h * total
    # s = dx/dφ is positive where x grows northwards; going down, x runs from xa at +h to xb at -h.
    moment = 0.5 * ((xr - xa) + (xr - xb)) * dw + (xa - xb) * h * h * bend / 3.0
    return dw, moment


@numba.njit(cache=True, nogil=True, forceinline=True)
def column_in(x: float, xe: Floats, nc: int, inv_dx: float) -> int:
    """Column of x between the borders ``xe``; -1 on or left of the first border, nc on or right of the last."""
    if x <= xe[0]:
        return -1
    if x >= xe[nc]:
        return nc
    # The first border may be clipped, so that the guess counts from the second.
    j = max(0, min(nc - 1, int((x - xe[1]) * inv_dx + 1.0)))
    while x < xe[j]:
        j -= 1
    while x >= xe[j + 1]:
        j += 1
    return j


@numba.njit(cache=True, nogil=True, forceinline=True)
def row_in(y: float, ye: Floats, nr: int, inv_dy: float) -> int:
    """Row of y between the falling borders ``ye``; -1 on or above the first border, nr on or below the last."""
    if y >= ye[0]:
        return -1
    if y <= ye[nr]:
        return nr
    i = max(0, min(nr - 1, int((ye[1] - y) * inv_dy + 1.0)))
    while y > ye[i]:
        i -= 1
    while y <= ye[i + 1]:
        i += 1
    return i


@numba.njit(cache=True, nogil=True, forceinline=True)
def _add(acc, touched, slot, sign, xa, ya, xb, yb, xr, oy, zone):  # type: ignore[no-untyped-def]
    if zone is None:
        down = sign * (ya - yb)
        acc[2 * slot] += down * (0.5 * ((xr - xa) + (xr - xb)))
        acc[2 * slot + 1] += down
    else:
        down, moment = zone_piece(xa, ya, xb, yb, xr, oy, zone)
        acc[2 * slot] += sign * moment
        acc[2 * slot + 1] += sign * down
    touched[slot] = 1


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def trace_ring(  # type: ignore[no-untyped-def]
    coords, start, stop, sign, ox, oy, xe, ye, nr, nc, first, last, inv_dx, inv_dy, zone, acc, touched
):
    """Add the edges of one ring, closed or to be closed, to the scratch of the rows first <= i < last.

    ``xe`` is one longer than its nc + 1 borders. Every crossing is computed from the edge's own ends, so that a row gets the
    same bits whichever band it is part of.
    """
    x0 = coords[stop - 1, 0] - ox
    y0 = coords[stop - 1, 1] - oy
    i0 = row_in(y0, ye, nr, inv_dy)
    j0 = column_in(x0, xe, nc, inv_dx)
    for v in range(start, stop):
        x1 = coords[v, 0] - ox
        y1 = coords[v, 1] - oy
        i1 = row_in(y1, ye, nr, inv_dy)
        j1 = column_in(x1, xe, nc, inv_dx)
        x, y, i, j = x0, y0, i0, j0
        if (i0 >= first or i1 >= first) and (i0 < last or i1 < last):
            nx, ny = abs(j1 - j0), abs(i1 - i0)
            if nx + ny > 0:
                # The next border in x and in y, and how far along the edge it lies; one step per border crossed.
                per_x, per_y = 1.0 / (x1 - x0), 1.0 / (y1 - y0)
                east, south = (1 if j1 > j0 else 0), (1 if i1 > i0 else 0)
                xb, yb = xe[j + east], ye[i + south]
                tx = (xb - x0) * per_x if nx > 0 else math.inf
                ty = (yb - y0) * per_y if ny > 0 else math.inf
                for _ in range(nx + ny):
                    across = tx < ty
                    xn = xb if across else x0 + ty * (x1 - x0)
                    yn = y0 + tx * (y1 - y0) if across else yb
                    if first <= i < last and j < nc:
                        _add(acc, touched, (i - first) * (nc + 1) + j + 1, sign, x, y, xn, yn, xe[j + 1], oy, zone)
                    x, y = xn, yn
                    if across:
                        j += 2 * east - 1
                        nx -= 1
                        xb = xe[j + east]
                        tx = (xb - x0) * per_x if nx > 0 else math.inf
                    else:
                        i += 2 * south - 1
                        ny -= 1
                        yb = ye[i + south]
                        ty = (yb - y0) * per_y if ny > 0 else math.inf
            if first <= i1 < last and j1 < nc:
                _add(acc, touched, (i1 - first) * (nc + 1) + j1 + 1, sign, x, y, x1, y1, xe[j1 + 1], oy, zone)
        x0, y0, i0, j0 = x1, y1, i1, j1
