"""Sums over shares of cells: what each unit has of a layer."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["place_values", "share_sums"]

_CHUNK = 1 << 16


@numba.njit(cache=True, nogil=True, parallel=True)
def place_values(
    at: NDArray[np.int32], value: NDArray[np.float64], place: NDArray[np.int32], out: NDArray[np.float64]
) -> None:
    """Write the values whose cells have a place into it; every cell is named once, and has a place of its own or none (-1)."""
    n = at.shape[0]
    for b in numba.prange((n + _CHUNK - 1) // _CHUNK):
        for e in range(b * _CHUNK, min((b + 1) * _CHUNK, n)):
            p = place[at[e]]
            if p >= 0:
                out[p] = value[e]


@numba.njit(cache=True, nogil=True, parallel=True)
def share_sums(
    indptr: NDArray[np.int64],
    column: NDArray[np.int64],
    share: NDArray[np.float64],
    value: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write Σ share × value of every row into ``out``, compensated (Neumaier 1974), in the order of the entries."""
    for u in numba.prange(out.shape[0]):
        total = 0.0
        carry = 0.0
        for e in range(indptr[u], indptr[u + 1]):
            v = share[e] * value[column[e]]
            moved = total + v
            if abs(total) >= abs(v):
                carry += (total - moved) + v
            else:
                carry += (v - moved) + total
            total = moved
        out[u] = total + carry
