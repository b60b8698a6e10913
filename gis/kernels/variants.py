"""Variants of a zoning: classes under many cuts at once, and what each class then measures."""

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.queue import take

__all__ = ["classify_variants", "link_queens", "measure_variants"]

_CHUNK = 8192


@numba.njit(cache=True, nogil=True)
def link_queens(cells: NDArray[np.int64], cols: int, wraps: bool, out: NDArray[np.int32]) -> None:
    """Write the positions of the queen neighbours that come before each cell, -1 for none; cell ids ascend.

    Going round a wrapping grid the last column meets the first: its eastern neighbours lie one row of ids back.
    """
    offsets = (1, cols - 1, cols, cols + 1, 2 * cols - 1)
    for k in range(5):
        offset = offsets[k]
        at = 0
        for j in range(cells.shape[0]):
            col = cells[j] % cols
            if k == 0:
                asked = col > 0 or (wraps and cols > 2)
            elif k == 1:
                asked = cols > 1 and (col < cols - 1 or wraps)
            elif k == 2:
                asked = True
            elif k == 3:
                asked = col > 0
            else:
                asked = wraps and cols > 1 and col == cols - 1
            target = cells[j] - offset
            while at < j and cells[at] < target:
                at += 1
            out[j, k] = at if asked and at < j and cells[at] == target else -1


@numba.njit(cache=True, nogil=True, parallel=True)
def classify_variants(
    ranks: NDArray[np.uint32],
    order: NDArray[np.int64],
    cuts: NDArray[np.uint32],
    tables: NDArray[np.uint8],
    always: NDArray[np.uint8],
    ever: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Write the class of every cell under every variant; ``always`` and ``ever`` collect a bit for every class it had.

    ``ranks`` is (orders, species, cells), ``order`` that of each variant, ``cuts`` (variants, species) the last hot rank.
    """
    m = out.shape[1]
    for b in numba.prange((m + _CHUNK - 1) // _CHUNK):
        start = b * _CHUNK
        size = min(_CHUNK, m - start)
        bits = np.empty(size, np.uint8)
        for v in range(out.shape[0]):
            # Variants that differ by the overlap rule alone have the same hot cells.
            if v == 0 or order[v] != order[v - 1] or (cuts[v] != cuts[v - 1]).any():
                bits[:] = 0
                for s in range(ranks.shape[1]):
                    last = cuts[v, s]
                    rank = ranks[order[v], s, start : start + size]
                    for j in range(size):
                        # Rank 0 wraps round to the greatest number: one comparison finds 1 <= rank <= last.
                        bits[j] |= np.uint8(np.uint32(rank[j] - np.uint32(1)) < last) << np.uint8(s)
            for j in range(size):
                klass = tables[v, bits[j]]
                out[v, start + j] = klass
                always[start + j] &= np.uint8(1 << klass)
                ever[start + j] |= np.uint8(1 << klass)


@numba.njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int32], j: int) -> int:
    while parent[j] != j:
        parent[j] = parent[parent[j]]
        j = parent[j]
    return j


@numba.njit(cache=True, nogil=True)
def _measure(
    klass: NDArray[np.uint8],
    base: NDArray[np.uint8],
    area_km2: NDArray[np.float64],
    before: NDArray[np.int32],
    cells: NDArray[np.int64],
    area: NDArray[np.float64],
    both: NDArray[np.float64],
    patches: NDArray[np.int64],
) -> None:
    parent = np.empty(klass.shape[0], np.int32)
    for j in range(klass.shape[0]):
        k = klass[j]
        if k == 0:
            continue
        cells[k] += 1
        area[k] += area_km2[j]
        if base[j] == k:
            both[k] += area_km2[j]
        patches[k] += 1
        parent[j] = j
        north = before[j, 2]
        if north >= 0 and klass[north] == k:
            # All other earlier neighbours touch the northern one: its piece has them.
            parent[j] = _root(parent, north)
            patches[k] -= 1
            continue
        for e in (0, 1, 3, 4):
            i = before[j, e]
            if i >= 0 and klass[i] == k:
                root, other = _root(parent, j), _root(parent, i)
                if other != root:
                    parent[max(other, root)] = min(other, root)
                    patches[k] -= 1


@numba.njit(cache=True, nogil=True, parallel=True)
def measure_variants(
    klass: NDArray[np.uint8],
    base: NDArray[np.uint8],
    area_km2: NDArray[np.float64],
    before: NDArray[np.int32],
    threads: int,
    cells: NDArray[np.int64],
    area: NDArray[np.float64],
    both: NDArray[np.float64],
    patches: NDArray[np.int64],
) -> None:
    """Write cells, area, area in common with the base, and connected pieces (queen) of every class of every variant.

    ``threads`` take variants one by one, as deep cuts take longer than shallow ones.
    """
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        v = take(queue)
        while v < klass.shape[0]:
            _measure(klass[v], base, area_km2, before, cells[v], area[v], both[v], patches[v])
            v = take(queue)
