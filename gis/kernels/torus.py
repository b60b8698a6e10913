"""Cells as bits on a torus: packing, shifts by whole cells, and lists of the densest cells."""

from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from gis.kernels.queue import take

__all__ = [
    "Torus",
    "fill_support",
    "fill_words",
    "list_cells",
    "low_bit",
    "pack",
    "popcount",
    "position",
    "weigh_supports",
]

_ONE = np.uint64(1)
_NONE = np.uint64(0)


class Torus(NamedTuple):
    """Rows of ``pitch`` words of 64 cells. Positions number the set bits of ``words``, row by row.

    ``twice`` holds each row twice over, so that a row turned by any number of columns can be read in one go. ``row_area`` is the area
    of a cell in each row where ``by_row``; else ``area`` (by position) counts. ``word_area`` is that of all cells of a word.
    """

    height: int
    width: int
    pitch: int
    words: NDArray[np.uint64]
    twice: NDArray[np.uint64]
    first: NDArray[np.int32]
    row_area: NDArray[np.float64]
    area: NDArray[np.float64]
    word_area: NDArray[np.float64]
    by_row: bool


def _popcount(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.uint64), generate


def _low_bit(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


# Number of set bits of a uint64, and the number of its lowest set bit.
popcount: Any = intrinsic(_popcount)
low_bit: Any = intrinsic(_low_bit)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def pack(
    cells: NDArray[np.int64], area: NDArray[np.float64], cols: int, row0: int, col0: int, width: int, pitch: int,
    words: NDArray[np.uint64], twice: NDArray[np.uint64], extremes: NDArray[np.float64],
) -> None:  # fmt: skip
    """Set the bits of ``cells``, ascending by row and column from ``col0``; ``extremes`` (rows, 2) gets least and greatest area."""
    row = row0
    for i in range(cells.shape[0]):
        while cells[i] >= (row + 1) * cols:
            row += 1
        c = cells[i] - row * cols - col0
        if c < 0:
            c += cols
        r = row - row0
        words[r * pitch + (c >> 6)] |= _ONE << np.uint64(c & 63)
        twice[r, c >> 6] |= _ONE << np.uint64(c & 63)
        twice[r, (c + width) >> 6] |= _ONE << np.uint64((c + width) & 63)
        a = area[i]
        if not extremes[r, 0] <= a:
            extremes[r, 0] = a
        if not extremes[r, 1] >= a:
            extremes[r, 1] = a


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_words(
    words: NDArray[np.uint64], values: NDArray[np.float64], first: NDArray[np.int32], out: NDArray[np.float64]
) -> None:
    """Fill the position of the first cell of each word, and the sum of the values (by position) of its cells."""
    at = 0
    for w in range(words.shape[0]):
        first[w] = at
        total = 0.0
        for k in range(at, at + popcount(words[w])):
            total += values[k]
        out[w] = total
        at += popcount(words[w])


@numba.njit(cache=True, nogil=True, error_model="numpy")
def position(words, first, pitch, row, col):  # type: ignore[no-untyped-def]
    """The position of the cell in a row and column."""
    w = row * pitch + (col >> 6)
    return first[w] + popcount(words[w] & ((_ONE << np.uint64(col & 63)) - _ONE))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_support(torus, down, right, out):  # type: ignore[no-untyped-def]
    """Fill the bits of cells that are still cells after all cells moved down and right around the torus, as bits in place."""
    words, twice, pitch = torus.words, torus.twice, torus.pitch
    begin = torus.width - right if right > 0 else 0
    off = np.uint64(begin & 63)
    for r in range(torus.height):
        source = r - down if r >= down else r - down + torus.height
        for k in range(pitch):
            d = words[r * pitch + k]
            if d != _NONE:
                at = (begin >> 6) + k
                moved = twice[source, at]
                if off != _NONE:
                    moved = (moved >> off) | (twice[source, at + 1] << (np.uint64(64) - off))
                d &= moved
            out[r * pitch + k] = d


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _support_area(torus, support):  # type: ignore[no-untyped-def]
    total = 0.0
    for r in range(torus.height):
        cells, area = 0, 0.0
        for w in range(r * torus.pitch, (r + 1) * torus.pitch):
            s = support[w]
            if torus.by_row:
                cells += popcount(s)
            elif s == torus.words[w]:
                area += torus.word_area[w]
            else:
                while s != _NONE:
                    bit = low_bit(s)
                    s &= s - _ONE
                    area += torus.area[torus.first[w] + popcount(torus.words[w] & ((_ONE << np.uint64(bit)) - _ONE))]
        total += area + cells * torus.row_area[r]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def weigh_supports(torus, shifts, tasks, out):  # type: ignore[no-untyped-def]
    """Fill the area of the cells that each of ``shifts`` (shifts, 2: down, right) leaves, of those taken from the queue ``tasks``.

    Several threads of Python call this with one queue: numba cannot cache a parallel kernel that is given a named tuple.
    """
    support = np.empty(torus.words.shape[0], np.uint64)
    i = take(tasks)
    while i < shifts.shape[0]:
        fill_support(torus, shifts[i, 0], shifts[i, 1], support)
        out[i] = _support_area(torus, support)
        i = take(tasks)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def list_cells(  # type: ignore[no-untyped-def]
    cells, rank, cols, row0, col0, pitch, count, ends, rows, columns, ranks, places, levels
):
    """List the cells of rank 1 to ``ends[-1]`` by rank, equals by place; ``levels[b]`` gets the bits of those up to rank ``ends[b]``.

    ``count`` is the number of cells up to each rank.
    """
    deepest = ends[-1]
    used = np.zeros(deepest + 1, np.int32)
    row = row0
    for i in range(rank.shape[0]):
        g = np.int64(rank[i])
        if g < 1 or g > deepest:
            continue
        while cells[i] >= (row + 1) * cols:
            row += 1
        c = cells[i] - row * cols - col0
        if c < 0:
            c += cols
        at = count[g - 1] + used[g]
        used[g] += 1
        rows[at] = row - row0
        columns[at] = c
        ranks[at] = g
        places[at] = i
        levels[np.searchsorted(ends, g), (row - row0) * pitch + (c >> 6)] |= _ONE << np.uint64(c & 63)
    for b in range(1, ends.shape[0]):
        for w in range(levels.shape[1]):
            levels[b, w] |= levels[b - 1, w]
