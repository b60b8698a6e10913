"""Sources → cells as a gather: entries sorted by cell, so that one thread owns a cell and sums it in a fixed order."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["count_cells", "fill_by_cell", "gather", "row_sums"]

_CHUNK = 4096


@numba.njit(cache=True, nogil=True)
def count_cells(cell: NDArray[np.integer], count: NDArray[np.integer]) -> None:
    """Add up how many entries each cell has."""
    for e in range(cell.shape[0]):
        count[cell[e]] += 1


@numba.njit(cache=True, nogil=True)
def fill_by_cell(
    indptr: NDArray[np.int64],
    cell: NDArray[np.integer],
    share: NDArray[np.float64],
    start: NDArray[np.integer],
    out_source: NDArray[np.int32],
    out_share: NDArray[np.float64],
) -> None:
    """Turn rows of sources into columns of cells, stable; ``start`` holds each cell's first place and is used up."""
    for s in range(indptr.shape[0] - 1):
        for e in range(indptr[s], indptr[s + 1]):
            at = start[cell[e]]
            start[cell[e]] = at + 1
            out_source[at] = s
            out_share[at] = share[e]


@numba.njit(cache=True, nogil=True, parallel=True)
def gather(
    cells: NDArray[np.integer],
    indptr: NDArray[np.integer],
    source: NDArray[np.int32],
    share: NDArray[np.float64],
    amount: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add Σ share × amount into ``out`` at each listed cell, compensated within the cell."""
    n = cells.shape[0]
    for b in numba.prange((n + _CHUNK - 1) // _CHUNK):
        for i in range(b * _CHUNK, min((b + 1) * _CHUNK, n)):
            total = 0.0
            carry = 0.0
            for e in range(indptr[i], indptr[i + 1]):
                value = share[e] * amount[source[e]]
                moved = total + value
                if abs(total) >= abs(value):
                    carry += (total - moved) + value
                else:
                    carry += (value - moved) + total
                total = moved
            if total != 0.0:
                out[cells[i]] += total + carry


@numba.njit(cache=True, nogil=True)
def row_sums(indptr: NDArray[np.int64], share: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Compensated sum of every row."""
    for s in range(indptr.shape[0] - 1):
        total = 0.0
        carry = 0.0
        for e in range(indptr[s], indptr[s + 1]):
            moved = total + share[e]
            if abs(total) >= abs(share[e]):
                carry += (total - moved) + share[e]
            else:
                carry += (share[e] - moved) + total
            total = moved
        out[s] = total + carry
