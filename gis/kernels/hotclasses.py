"""Classes of a grid from ranks: one comparison a cell and species, over the stretches of cells in which decisions are made."""

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.hotbits import set_stretch

__all__ = ["recode_spans", "set_span_bits"]

Ranks = NDArray[np.uint32]
Ints = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def set_span_bits(
    start: Ints, stop: Ints, r0: Ranks, r1: Ranks, r2: Ranks, r3: Ranks, cuts: NDArray[np.uint32], first: np.uint8,
    out: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Set bits ``first`` to ``first + 3`` of every cell of the stretches whose rank is 1 to the cut; a cut of 0 sets none."""
    for k in range(start.shape[0]):
        s, e = start[k], stop[k]
        set_stretch(r0[s:e], r1[s:e], r2[s:e], r3[s:e], cuts, first, out[s:e])


@numba.njit(cache=True, nogil=True)
def recode_spans(start: Ints, stop: Ints, table: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Replace what stands in the stretches by what the table (of 256) has for it."""
    for k in range(start.shape[0]):
        for i in range(start[k], stop[k]):
            out[i] = table[out[i]]
