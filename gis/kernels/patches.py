"""Connected cells: who is beside whom, growth from seeds, components. Only the cells that matter are touched.

The cells that may belong to a patch are pulled together into short arrays ("spots", ascending by cell id), with one row of
neighbours each. Components are joined by the lesser number (union-find, Tarjan 1975), so that a component is named
by its first spot whatever the order of the unions: bands of rows are joined by any thread, their borders afterwards.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.queue import take

__all__ = ["gather", "grow", "join", "link", "measure", "number", "sift", "sums"]

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Floats = NDArray[np.float64]

# Columns of the neighbour table; the first four are those that share an edge.
WEST, EAST, NORTH, SOUTH, NORTHWEST, NORTHEAST, SOUTHWEST, SOUTHEAST = range(8)

_CHUNK = 1 << 16
_BANDS = 64  # of rows at most, whatever the number of threads
_ROWS = 4  # in a band at least


@numba.njit(cache=True, nogil=True, parallel=True)
def sift(  # type: ignore[no-untyped-def]
    cells: Ints, bits: Bytes, low: Bytes, classes: Bytes, rules: Bytes, threads: int, klass: Bytes, patch: Shorts
):
    """Position, id, class and open rules of every spot, and whether a cell loses a bit; fills ``klass``, ``patch`` with -1.

    A spot has a class or meets a rule. Its class is -1 where it has none; rules are open to spots without a class only.
    Behind the last spot stands one without a class to which nothing is open: neighbour -1.
    """
    n = bits.shape[0]
    chunks = (n + _CHUNK - 1) // _CHUNK
    found, lost = np.zeros(chunks + 1, np.int64), np.zeros(chunks, np.uint8)
    scratch = np.empty(n, np.int32)
    queue = np.zeros(2, np.int64)
    for _ in numba.prange(threads):
        chunk = take(queue)
        while chunk < chunks:
            begin = chunk * _CHUNK
            k, missing = begin, np.uint8(0)
            for i in range(begin, min(n, begin + _CHUNK)):
                c = classes[bits[i]]
                klass[i] = c
                patch[i] = -1
                missing |= bits[i] & ~low[i]
                # Written in any case, and kept if it counts: no branch that depends on the cell.
                scratch[k] = i
                k += 1 if (c | rules[low[i]]) != 0 else 0
            found[chunk + 1] = k - begin
            lost[chunk] = missing
            chunk = take(queue)
    for chunk in range(chunks):
        found[chunk + 1] += found[chunk]
    spots = found[chunks]
    at, ids = np.empty(spots, np.int64), np.empty(spots, np.int64)
    owner, free = np.empty(spots + 1, np.int32), np.empty(spots + 1, np.uint8)
    owner[spots], free[spots] = -1, 0
    queue[0] = 0
    for _ in numba.prange(threads):
        chunk = take(queue)
        while chunk < chunks:
            for k in range(found[chunk], found[chunk + 1]):
                i = scratch[chunk * _CHUNK + k - found[chunk]]
                at[k], ids[k] = i, cells[i]
                owner[k] = klass[i] if klass[i] != 0 else -1
                free[k] = rules[low[i]] if klass[i] == 0 else 0
            chunk = take(queue)
    return at, ids, owner, free, lost.any()


@numba.njit(cache=True, nogil=True)
def gather(cells: Ints, patch: Shorts, wanted: Bytes):  # type: ignore[no-untyped-def]
    """Id and patch of every cell that belongs to a wanted patch, and how many cells belong to none that exists."""
    spots = strange = 0
    for i in range(patch.shape[0]):
        p = patch[i]
        if p >= wanted.shape[0]:
            strange += 1
        elif p >= 0 and wanted[p] != 0:
            spots += 1
    ids, label = np.empty(spots, np.int64), np.empty(spots, np.int32)
    k = 0
    for i in range(patch.shape[0]):
        p = patch[i]
        if 0 <= p < wanted.shape[0] and wanted[p] != 0:
            ids[k], label[k] = cells[i], p
            k += 1
    return ids, label, strange


@numba.njit(nogil=True)
def _bands(rows: int) -> int:
    return max(1, min(_BANDS, rows // _ROWS))


@numba.njit(nogil=True)
def _link_rows(ids: Ints, cols: int, above: int, first: int, last: int, near: Shorts) -> None:
    """Fill what lies north of the spots of a row, and south of those of the row above, which begins at ``above``."""
    for i in range(above, first):
        near[i, SOUTH] = near[i, SOUTHWEST] = near[i, SOUTHEAST] = -1
    p = above
    for i in range(first, last):
        near[i, NORTH] = near[i, NORTHWEST] = near[i, NORTHEAST] = -1
        near[i, WEST] = i - 1 if i > first and ids[i - 1] == ids[i] - 1 else -1
        near[i, EAST] = i + 1 if i + 1 < last and ids[i + 1] == ids[i] + 1 else -1
        over = ids[i] - cols
        while p < first and ids[p] < over - 1:
            p += 1
        q = p
        while q < first and ids[q] <= over + 1:
            if ids[q] == over:
                near[i, NORTH], near[q, SOUTH] = q, i
            elif ids[q] < over:
                near[i, NORTHWEST], near[q, SOUTHEAST] = q, i
            else:
                near[i, NORTHEAST], near[q, SOUTHWEST] = q, i
            q += 1


@numba.njit(nogil=True)
def _link_seam(ids: Ints, cols: int, row: int, above: int, first: int, last: int, near: Shorts) -> None:
    """Fill what lies across the seam, of a row and of the row above."""
    west = first if last > first and ids[first] == row * cols else -1
    east = last - 1 if last > first and ids[last - 1] == (row + 1) * cols - 1 else -1
    north_west = above if first > above and ids[above] == (row - 1) * cols else -1
    north_east = first - 1 if first > above and ids[first - 1] == row * cols - 1 else -1
    if west >= 0 and east >= 0:
        near[west, WEST], near[east, EAST] = east, west
    if west >= 0 and north_east >= 0:
        near[west, NORTHWEST], near[north_east, SOUTHEAST] = north_east, west
    if east >= 0 and north_west >= 0:
        near[east, NORTHEAST], near[north_west, SOUTHWEST] = north_west, east


@numba.njit(cache=True, nogil=True, parallel=True)
def link(ids: Ints, starts: Ints, cols: int, wraps: bool, threads: int, near: Shorts) -> None:
    """Fill the eight neighbours of every spot, -1 where there is none; ``starts`` is the first spot of every row."""
    rows = starts.shape[0] - 1
    bands = _bands(rows)
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        band = take(queue)
        while band < bands:
            # A step looks at two rows: one step more than rows, so that the last row learns that nothing is below.
            for row in range((rows + 1) * band // bands, (rows + 1) * (band + 1) // bands):
                above = starts[row - 1] if row > 0 else 0
                first = starts[row]
                last = starts[row + 1] if row < rows else first
                _link_rows(ids, cols, above, first, last, near)
                if wraps:
                    _link_seam(ids, cols, row, above, first, last, near)
            band = take(queue)


@numba.njit(nogil=True)
def _spread(near: Shorts, c: int, begin: int, first: int, last: int, owner: Shorts, free: Bytes, stack: Shorts) -> None:
    """Give the class an open spot and what it reaches from there over open spots from ``first`` to ``last``."""
    stack[0] = begin
    free[begin] = 0
    owner[begin] = c
    top = 1
    while top > 0:
        top -= 1
        i = stack[top]
        for side in range(4):
            j = near[i, side]
            if first <= j < last and (free[j] >> c) & 1:
                free[j] = 0
                owner[j] = c
                stack[top] = j
                top += 1


@numba.njit(nogil=True)
def _touches(near: Shorts, c: int, i: int, owner: Shorts) -> bool:
    """Whether the class has a spot on one of the four sides; neighbour -1 is the spot behind the last, which has none."""
    west, east, north, south = owner[near[i, WEST]], owner[near[i, EAST]], owner[near[i, NORTH]], owner[near[i, SOUTH]]
    return bool((west == c) | (east == c) | (north == c) | (south == c))


@numba.njit(cache=True, nogil=True, parallel=True)
def grow(near: Shorts, starts: Ints, order: Bytes, threads: int, owner: Shorts, free: Bytes) -> None:
    """Let the classes, in their order, spread over edges onto spots that are open to them; takes what is open.

    A class spreads within bands of rows first, then from one into the next. Whatever the order, it reaches the same: all
    that is open to it and connected with a spot it had. So it does no harm that a thread may see what another has taken.
    """
    rows, spots = starts.shape[0] - 1, starts[-1]
    bands = _bands(rows)
    queue = np.zeros(1, np.int64)
    for c in order:
        queue[0] = 0
        for _ in numba.prange(threads):
            band = take(queue)
            while band < bands:
                first, last = starts[rows * band // bands], starts[rows * (band + 1) // bands]
                stack = np.empty(last - first + 1, np.int32)
                for i in range(first, last):
                    if (free[i] >> c) & 1 and _touches(near, c, i, owner):
                        _spread(near, c, i, first, last, owner, free, stack)
                band = take(queue)
        stack = np.empty(spots + 1, np.int32)
        for band in range(1, bands):
            row = rows * band // bands
            for i in range(starts[max(row - 1, 0)], starts[row + 1]):
                if (free[i] >> c) & 1 and _touches(near, c, i, owner):
                    _spread(near, c, i, 0, spots, owner, free, stack)


@numba.njit(nogil=True)
def _root(parent: Shorts, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(nogil=True)
def _unite(parent: Shorts, i: int, j: int) -> None:
    a, b = _root(parent, i), _root(parent, j)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@numba.njit(nogil=True)
def _meets(near: Shorts, key: Shorts, i: int, side: int, first: int, last: int) -> bool:
    j = near[i, side]
    return bool(first <= j < last and key[j] == key[i])


@numba.njit(nogil=True)
def _join_spot(near: Shorts, key: Shorts, corner: Bytes, i: int, first: int, last: int, parent: Shorts) -> None:
    """Join a spot with those before it that lie from ``first`` to ``last``, or west of it across the seam.

    What others join is left out: west and north-west meet in an edge, north-west and north, north and north-east.
    """
    west = _meets(near, key, i, WEST, first, last)
    north = _meets(near, key, i, NORTH, first, last)
    if west:
        _unite(parent, near[i, WEST], i)
        west = near[i, WEST] < i  # not across the seam, where on a grid of one or two columns the others are the same
    if north and not (west and _meets(near, key, i, NORTHWEST, first, last)):
        _unite(parent, near[i, NORTH], i)
    if corner[i] == 0 or north:
        return
    for side in (NORTHWEST, NORTHEAST):
        if _meets(near, key, i, side, first, last) and corner[near[i, side]] != 0 and not (side == NORTHWEST and west):
            _unite(parent, near[i, side], i)


@numba.njit(cache=True, nogil=True, parallel=True)
def join(near: Shorts, starts: Ints, key: Shorts, corner: Bytes, threads: int, parent: Shorts) -> None:
    """Fill the first spot of the component of every spot: equal keys that share an edge, or a corner if both may.

    Spots with a negative key are alone.
    """
    rows = starts.shape[0] - 1
    bands = _bands(rows)
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        band = take(queue)
        while band < bands:
            first, last = starts[rows * band // bands], starts[rows * (band + 1) // bands]
            for i in range(first, last):
                parent[i] = i
            for i in range(first, last):
                if key[i] >= 0:
                    _join_spot(near, key, corner, i, first, last, parent)
            band = take(queue)
    for band in range(1, bands):
        row = rows * band // bands
        for i in range(starts[row], starts[row + 1]):
            if key[i] >= 0:
                _join_spot(near, key, corner, i, 0, starts[row], parent)
    for i in range(starts[rows]):
        # A parent comes before its child, and is the first of its component by now.
        parent[i] = parent[parent[i]]


@numba.njit(cache=True, nogil=True)
def number(parent: Shorts, owner: Shorts, at: Ints, order: Bytes, label: Shorts, patch: Shorts):  # type: ignore[no-untyped-def]
    """First spot of every patch, by class in the order given, then by spot; fills labels of spots and cells."""
    begin = np.zeros(257, np.int64)
    for i in range(at.shape[0]):
        if owner[i] >= 0 and parent[i] == i:
            begin[owner[i]] += 1
    patches = 0
    for c in order:
        count = begin[c]
        begin[c] = patches
        patches += count
    first = np.empty(patches, np.int64)
    for i in range(at.shape[0]):
        if owner[i] < 0:
            label[i] = -1
            continue
        if parent[i] == i:
            label[i] = begin[owner[i]]
            first[label[i]] = i
            begin[owner[i]] += 1
        else:
            label[i] = label[parent[i]]
        patch[at[i]] = label[i]
    return first


@numba.njit(cache=True, nogil=True)
def measure(
    at: Ints, label: Shorts, seed: Bytes, area_km2: Floats, count: Ints, seeds: Ints, total_km2: Floats
) -> None:
    """Add the cells at these positions to the count, the seeds and the area of their patches."""
    for k in range(at.shape[0]):
        p = label[k]
        if p >= 0:
            count[p] += 1
            seeds[p] += seed[k]
            total_km2[p] += area_km2[at[k]]


@numba.njit(cache=True, nogil=True, parallel=True)
def sums(patch: Shorts, values: NDArray[Any], out: Floats) -> None:
    """Add values (layers, cells) up by patch (patches, layers); one thread owns a layer."""
    for layer in numba.prange(values.shape[0]):
        carry = np.zeros(out.shape[0])
        for i in range(patch.shape[0]):
            p = patch[i]
            v = values[layer, i]
            if p >= 0 and v != 0.0:
                # Neumaier 1974; amounts are not negative, so that only their sizes decide.
                total = out[p, layer]
                new = total + v
                carry[p] += (total - new) + v if total >= v else (v - new) + total
                out[p, layer] = new
        for p in range(out.shape[0]):
            out[p, layer] += carry[p]
