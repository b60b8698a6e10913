"""Statistics of layers over weighted sets of cells, one thread per polygon."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["zonal_moments", "zonal_quantiles"]


@numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _whole_run(layers, band, shares, cell, a, b):  # type: ignore[no-untyped-def]
    # Σ share v, min and max over neighbouring cells that all hold a value, in four lanes that run side by side; the sum
    # is NaN when one does not.
    m0, m1, m2, m3 = 0.0, 0.0, 0.0, 0.0
    l0, l1, l2, l3 = math.inf, math.inf, math.inf, math.inf
    h0, h1, h2, h3 = -math.inf, -math.inf, -math.inf, -math.inf
    quads = (b - a) // 4
    for q in range(quads):
        at = a + 4 * q
        k = cell + 4 * q
        v0, v1 = np.float64(layers[band, k]), np.float64(layers[band, k + 1])
        v2, v3 = np.float64(layers[band, k + 2]), np.float64(layers[band, k + 3])
        m0 += shares[at] * v0
        m1 += shares[at + 1] * v1
        m2 += shares[at + 2] * v2
        m3 += shares[at + 3] * v3
        l0, h0 = (v0 if v0 < l0 else l0), (v0 if v0 > h0 else h0)
        l1, h1 = (v1 if v1 < l1 else l1), (v1 if v1 > h1 else h1)
        l2, h2 = (v2 if v2 < l2 else l2), (v2 if v2 > h2 else h2)
        l3, h3 = (v3 if v3 < l3 else l3), (v3 if v3 > h3 else h3)
    for at in range(a + 4 * quads, b):
        v0 = np.float64(layers[band, cell + at - a])
        m0 += shares[at] * v0
        l0, h0 = (v0 if v0 < l0 else l0), (v0 if v0 > h0 else h0)
    return (m0 + m1) + (m2 + m3), min(min(l0, l1), min(l2, l3)), max(max(h0, h1), max(h2, h3))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _mixed_run(layers, band, shares, cells, weights, a, b):  # type: ignore[no-untyped-def]
    # Σ share v, Σ share, both with weights as well, min, max; cells without a value are left out.
    moment, mass, heavy_moment, heavy_mass = 0.0, 0.0, 0.0, 0.0
    low, high = math.inf, -math.inf
    for at in range(a, b):
        value = np.float64(layers[band, cells[at]])
        if value != value:
            continue
        moment += shares[at] * value
        mass += shares[at]
        low, high = min(low, value), max(high, value)
        if weights is not None:
            w = shares[at] * weights[cells[at]]
            if w == w:
                heavy_moment += w * value
                heavy_mass += w
    return moment, mass, heavy_moment, heavy_mass, low, high


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def zonal_moments(  # type: ignore[no-untyped-def]
    chunks: NDArray[np.int64], indptr, cells, shares, per_row, area, cols, layers, weights, out
) -> None:
    """Fill ``out`` (polygons, layers, 7) with Σfv, Σwv, Σw, min, max, Σf of cells with a value, Σf of those without.

    f is the cell's fraction inside the polygon, ``shares`` × ``area`` × ``per_row`` of its row; w is the share, times
    ``weights`` (one per cell) when they are given. NaN is no value; a NaN weight leaves the cell out of Σwv and Σw.
    """
    for chunk in numba.prange(chunks.shape[0] - 1):
        for g in range(chunks[chunk], chunks[chunk + 1]):
            for band in range(layers.shape[0]):
                for k in range(7):
                    out[g, band, k] = 0.0
                out[g, band, 3] = math.inf
                out[g, band, 4] = -math.inf
            b = indptr[g]
            while b < indptr[g + 1]:
                # A run of neighbouring cells in one row.
                a = b
                row = cells[a] // cols
                row_stop = (row + 1) * cols
                scale = per_row[row] * area[g]
                all_mass = shares[a]
                b += 1
                while b < indptr[g + 1] and cells[b] == cells[b - 1] + 1 and cells[b] < row_stop:
                    all_mass += shares[b]
                    b += 1
                for band in range(layers.shape[0]):
                    moment, low, high = _whole_run(layers, band, shares, cells[a], a, b)
                    mass, heavy_moment, heavy_mass = all_mass, moment, all_mass
                    if moment != moment or weights is not None:
                        moment, mass, heavy_moment, heavy_mass, low, high = _mixed_run(
                            layers, band, shares, cells, weights, a, b
                        )
                        if weights is None:
                            heavy_moment, heavy_mass = moment, mass
                    out[g, band, 0] += scale * moment
                    out[g, band, 1] += heavy_moment
                    out[g, band, 2] += heavy_mass
                    out[g, band, 3] = min(out[g, band, 3], low)
                    out[g, band, 4] = max(out[g, band, 4], high)
                    out[g, band, 5] += scale * mass
                    out[g, band, 6] += scale * (all_mass - mass)


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def zonal_quantiles(  # type: ignore[no-untyped-def]
    chunks: NDArray[np.int64], indptr, cells, shares, layers, weights, quantiles, out
) -> None:
    """Fill ``out`` (polygons, layers, q): the smallest value whose cumulated weight reaches the share q of the total."""
    for chunk in numba.prange(chunks.shape[0] - 1):
        most = 0
        for g in range(chunks[chunk], chunks[chunk + 1]):
            most = max(most, indptr[g + 1] - indptr[g])
        values, mass = np.empty(most), np.empty(most)
        for g in range(chunks[chunk], chunks[chunk + 1]):
            for band in range(layers.shape[0]):
                n = 0
                for at in range(indptr[g], indptr[g + 1]):
                    value = layers[band, cells[at]]
                    w = shares[at]
                    if weights is not None:
                        w *= weights[cells[at]]
                    if value == value and w > 0.0:
                        values[n] = value
                        mass[n] = w
                        n += 1
                order = np.argsort(values[:n])
                total = 0.0
                for k in range(n):
                    total += mass[order[k]]
                for q in range(quantiles.shape[0]):
                    # Rounding in the running sum must not push an exact tie to the next value.
                    wanted = quantiles[q] * total * (1.0 - 1e-12)
                    run = 0.0
                    out[g, band, q] = math.nan
                    for k in range(n):
                        run += mass[order[k]]
                        if run >= wanted:
                            out[g, band, q] = values[order[k]]
                            break
