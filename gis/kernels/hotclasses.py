"""Classes of a grid from ranks: one comparison a cell and species, over the stretches of cells in which decisions are made."""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["recode_spans", "set_span_bits"]

Ranks = NDArray[np.uint32]
Ints = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def _set_span(
    r0: Ranks, r1: Ranks, r2: Ranks, r3: Ranks, cuts: NDArray[np.uint32], first: np.uint8, out: NDArray[np.uint8]
) -> None:
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


@numba.njit(cache=True, nogil=True)
def set_span_bits(
    start: Ints, stop: Ints, r0: Ranks, r1: Ranks, r2: Ranks, r3: Ranks, cuts: NDArray[np.uint32], first: np.uint8,
    out: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Set bits ``first`` to ``first + 3`` of every cell of the stretches whose rank is 1 to the cut; a cut of 0 sets none."""
    for k in range(start.shape[0]):
        s, e = start[k], stop[k]
        _set_span(r0[s:e], r1[s:e], r2[s:e], r3[s:e], cuts, first, out[s:e])


@numba.njit(cache=True, nogil=True)
def recode_spans(start: Ints, stop: Ints, table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Replace what stands in the stretches by what the table (of 256) has for it."""
    for k in range(start.shape[0]):
        for i in range(start[k], stop[k]):
            out[i] = table[out[i]]
