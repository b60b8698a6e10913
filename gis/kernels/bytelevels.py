"""The next coarser level of a plane of bytes: as `pyramid.halve_by_max`, in steps that the compiler does many at a time."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["halve_bytes_by_max"]

Bytes = NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def halve_bytes_by_max(values: Bytes, out: Bytes) -> None:
    """Fill ``out`` with the largest of up to 2 × 2 values."""
    rows, cols = values.shape
    tall = np.empty(cols, np.uint8)
    pairs = cols // 2
    for i in range(out.shape[0]):
        upper = values[2 * i]
        lower = values[min(2 * i + 1, rows - 1)]
        for j in range(cols):
            tall[j] = max(upper[j], lower[j])
        row = out[i]
        for j in range(pairs):
            row[j] = max(tall[2 * j], tall[2 * j + 1])
        if pairs < out.shape[1]:
            row[pairs] = tall[cols - 1]
