"""Shares of sources over many cells: what of each source's mass lies in a set of cells, each taken by a fraction."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["add_shares"]


@numba.njit(cache=True, nogil=True)
def add_shares(
    cell: NDArray[np.int64],
    source: NDArray[np.int32],
    share: NDArray[np.float64],
    wanted: NDArray[np.int64],
    fraction: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add to ``out`` (by source) the fraction of each wanted cell times the shares in it; ``cell`` and ``wanted`` ascend.

    Entries are added in their order, so that the sums are the same every time.
    """
    low = np.int64(0)
    n = len(cell)
    for k in range(len(wanted)):
        key = wanted[k]
        # Doubling steps from where the last cell ended: wanted cells are mostly neighbours.
        step = np.int64(1)
        high = low
        while high < n and cell[high] < key:
            low = high
            high += step
            step *= 2
        if high > n:
            high = np.int64(n)
        while low < high:
            middle = (low + high) // 2
            if cell[middle] < key:
                low = middle + 1
            else:
                high = middle
        while low < n and cell[low] == key:
            out[source[low]] += fraction[k] * share[low]
            low += 1
