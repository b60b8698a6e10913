"""Hot sets as bits: one comparison a cell and species."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["set_bits", "set_stretch"]

_CHUNK = 1 << 16

Ranks = NDArray[np.uint32]


@numba.njit(cache=True, nogil=True)
def set_stretch(
    r0: Ranks, r1: Ranks, r2: Ranks, r3: Ranks, cuts: NDArray[np.uint32], first: np.uint8, out: NDArray[np.uint8]
) -> None:
    """Set the bits of a stretch of cells, as ``set_bits`` does for all."""
    # From 0, so that the compiler sees that no index is negative, and compares many cells at a time.
    c0, c1, c2, c3 = cuts[0], cuts[1], cuts[2], cuts[3]
    one = np.uint32(1)
    for i in range(out.shape[0]):
        # Rank 0, no emissions, becomes the greatest of all numbers.
        own = np.uint8(np.uint32(r0[i] - one) < c0)
        own |= np.uint8(np.uint8(np.uint32(r1[i] - one) < c1) << np.uint8(1))
        own |= np.uint8(np.uint8(np.uint32(r2[i] - one) < c2) << np.uint8(2))
        own |= np.uint8(np.uint8(np.uint32(r3[i] - one) < c3) << np.uint8(3))
        out[i] |= np.uint8(own << first)


@numba.njit(cache=True, nogil=True, parallel=True)
def set_bits(
    r0: Ranks, r1: Ranks, r2: Ranks, r3: Ranks, cuts: NDArray[np.uint32], first: np.uint8, out: NDArray[np.uint8]
) -> None:
    """Set bits ``first`` to ``first + 3`` of every cell whose rank is 1 to the cut; a cut of 0 sets none."""
    for c in numba.prange((out.shape[0] + _CHUNK - 1) // _CHUNK):
        s, e = c * _CHUNK, min((c + 1) * _CHUNK, out.shape[0])
        set_stretch(r0[s:e], r1[s:e], r2[s:e], r3[s:e], cuts, first, out[s:e])
