"""Concentration curves: amounts of all species summed in the order of one species' ranks."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["CHUNK", "sum_by_step", "sum_weighted"]

# Sums are made chunk by chunk and then added in order, so that threads change nothing.
CHUNK = 1 << 18

Floats = NDArray[np.float64]


@numba.njit(cache=True, nogil=True, parallel=True)
def sum_by_step(rank: NDArray[np.uint32], step: NDArray[np.uint16], amount: Floats, out: Floats) -> None:
    """Add each species' amounts into (chunk, step, species); ``step`` is looked up by rank."""
    for c in numba.prange(out.shape[0]):
        sums = np.zeros((out.shape[1], out.shape[2]))
        for i in range(c * CHUNK, min((c + 1) * CHUNK, rank.shape[0])):
            k = step[rank[i]]
            for s in range(amount.shape[0]):
                sums[k, s] += amount[s, i]
        out[c] = sums


@numba.njit(cache=True, nogil=True, parallel=True)
def sum_weighted(rank: NDArray[np.uint32], weight: Floats, amount: Floats, out: Floats) -> None:
    """Add each species' amounts, times a weight looked up by rank, into (chunk, species)."""
    for c in numba.prange(out.shape[0]):
        sums = np.zeros(out.shape[1])
        for i in range(c * CHUNK, min((c + 1) * CHUNK, rank.shape[0])):
            w = weight[rank[i]]
            for s in range(amount.shape[0]):
                sums[s] += amount[s, i] * w
        out[c] = sums
