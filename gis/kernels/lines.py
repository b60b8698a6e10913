"""Lines over a lattice of cells: the length of every line in every cell, walked from cell to cell.

Most segments of a road stay within one cell, so a vertex is first compared with the edges of the cell the line is in; only
a segment that leaves it is cut, at the parameters where it meets the cell edges. Lengths are planar on a projected lattice
and, on a longitude-latitude one, on the ellipsoid along edges straight in longitude and geodetic latitude.

A line belongs to one thread, which sorts its pieces and adds up those of the same cell, so the result is the same for
any number of threads.
"""

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.cells import ALL_AROUND, column_of, row_of, wrap_degrees
from gis.kernels.queue import take
from gis.kernels.settle import add, settle

__all__ = ["NOT_FINITE", "OFF_GLOBE", "Frame", "Walked", "ground_length", "walk_lines"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOT_FINITE = 1  # a vertex is NaN or infinite, or the length overflows
OFF_GLOBE = 2  # a latitude beyond a pole, or a longitude of more turns than mean anything

FULL = 3  # inside this file: no room left

_STEP = math.radians(0.5)  # longest piece for one rule of Gauss-Legendre
_NODE = math.sqrt(0.6)
_TOUCH = 1e-15  # of a segment: what rounding leaves in a cell whose corner is only passed
_TURNS = 3.6e6  # degrees: 10,000 turns
_POLE = 90.0 + 1e-9
_TASKS = 8  # for each thread


class Frame(NamedTuple):
    """Lattice and metric.

    With ``turn`` coordinates are degrees on an ellipsoid of semi-axis ``scale`` in metres; without, False or None, they are
    planar and ``scale`` is metres per unit.
    """

    x_left: float
    y_top: float
    dx: float
    dy: float
    rows: int
    cols: int
    turn: bool | None
    scale: float
    e2: float


class Walked(NamedTuple):
    """Shares as CSR arrays; per line its full length in metres and doubts (flags above; such a line has no entries)."""

    indptr: NDArray[np.integer[Any]]
    cells: NDArray[np.integer[Any]]
    shares: Floats
    length_m: Floats
    doubt: NDArray[np.uint8]


# -- lengths ----------------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True, inline="always")
def _speed(phi: float, dphi: float, dlam: float, e2: float) -> float:
    # sqrt(M² φ'² + N² cos²φ λ'²) / a, with M = a (1 - e²) / w^1.5 and N = a / sqrt(w), w = 1 - e² sin²φ. The cosine is
    # taken rather than the sine: near a pole 1 - sin² would have no digits left.
    c = math.cos(phi)
    w = 1.0 - e2 * (1.0 - c * c)
    meridian = (1.0 - e2) * dphi / w
    parallel = c * dlam
    return math.sqrt((meridian * meridian + parallel * parallel) / w)


@numba.njit(cache=True, nogil=True)
def ground_length(lat0: float, lat1: float, dlon: float, a_m: float, e2: float) -> float:
    """Metres along an edge straight in longitude and geodetic latitude, all in degrees; 3-point Gauss-Legendre."""
    dphi = math.radians(lat1 - lat0)
    dlam = math.radians(dlon)
    parts = max(1, math.ceil(max(abs(dphi), abs(dlam)) / _STEP - 1e-12))
    dphi /= parts
    dlam /= parts
    total = 0.0
    for k in range(parts):
        middle = math.radians(lat0) + (k + 0.5) * dphi
        reach = 0.5 * _NODE * dphi
        ends = _speed(middle - reach, dphi, dlam, e2) + _speed(middle + reach, dphi, dlam, e2)
        total += (5.0 * ends + 8.0 * _speed(middle, dphi, dlam, e2)) / 18.0
    return total * a_m


# -- the lattice, going on beyond its extent ----------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True, inline="always")
def _period(f: Frame) -> int:
    # Columns of a whole turn: a grid that does not close has one more, the gap between its right and its left edge.
    return f.cols if f.cols * f.dx >= ALL_AROUND else f.cols + 1


@numba.njit(cache=True, nogil=True)
def _column(x: float, f: Frame) -> int:
    """Column of x; planar: -1 left and ``cols`` right of the grid; longitudes: counted on, turn after turn."""
    if f.turn is None:
        if x < f.x_left:
            return -1
        j = column_of(x, f.x_left, f.dx, f.cols)
        return f.cols if j < 0 else j
    turn = math.floor((x - f.x_left) / 360.0)
    rest = x - 360.0 * turn
    if rest < f.x_left:
        rest = f.x_left
    period = _period(f)
    j = column_of(rest, f.x_left, f.dx, f.cols)
    return int(turn) * period + (period - 1 if j < 0 else j)


@numba.njit(cache=True, nogil=True, inline="always")
def _edge(k: int, f: Frame) -> float:
    """Left edge of a column as `_column` counts them."""
    if f.turn is None:
        return f.x_left + k * f.dx
    period = _period(f)
    turn = k // period
    return f.x_left + (k - turn * period) * f.dx + 360.0 * turn


@numba.njit(cache=True, nogil=True)
def _row(y: float, f: Frame) -> int:
    """Row of y, -1 above and ``rows`` below the grid."""
    if y > f.y_top:
        return -1
    i = row_of(y, f.y_top, f.dy, f.rows)
    return f.rows if i < 0 else i


@numba.njit(cache=True, nogil=True, inline="always")
def _cell(row: int, col: int, f: Frame) -> int:
    j = col % _period(f) if f.turn is not None else col
    return row * f.cols + j if 0 <= row < f.rows and 0 <= j < f.cols else -1


@numba.njit(cache=True, nogil=True, forceinline=True)
def _column_from(col: int, u: float, west: float, east: float, f: Frame) -> int:
    """Column of u, looked for first in column ``col`` of these edges and beside it."""
    if west <= u < east:
        return col
    if f.turn is None and 0 < col < f.cols - 1:
        if u < west and u >= f.x_left + (col - 1) * f.dx:
            return col - 1
        if u >= east and u < f.x_left + (col + 2) * f.dx:
            return col + 1
    return _column(u, f)


@numba.njit(cache=True, nogil=True, forceinline=True)
def _row_from(row: int, y: float, south: float, north: float, f: Frame) -> int:
    """Row of y, looked for first in row ``row`` of these edges and beside it."""
    if south <= y < north:
        return row
    if 0 < row < f.rows - 1:
        if y >= north and y < f.y_top - (row - 1) * f.dy:
            return row - 1
        if y < south and y >= f.y_top - (row + 2) * f.dy:
            return row + 1
    return _row(y, f)


@numba.njit(cache=True, nogil=True, inline="always")
def _unwrapped(d: float, f: Frame) -> float:
    """Whole turns, in degrees, to take off a step in longitude so that it goes the short way around."""
    return 360.0 * np.rint(d / 360.0) if f.turn is not None and not -180.0 <= d <= 180.0 else 0.0


@numba.njit(cache=True, nogil=True, inline="always")
def _first_turn(x: float, f: Frame) -> float:
    return 360.0 * np.rint((wrap_degrees(x, f.x_left) - x) / 360.0) if f.turn is not None else 0.0


# -- walking ------------------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True, inline="always")
def _doubtful(x: float, y: float, f: Frame) -> int:
    if not (math.isfinite(x) and math.isfinite(y)):
        return NOT_FINITE
    return OFF_GLOBE if f.turn is not None and (abs(y) > _POLE or abs(x) > _TURNS) else 0


@numba.njit(cache=True, nogil=True, inline="always")
def _piece(y: float, d: float, e: float, t0: float, t1: float, whole: float, f: Frame) -> float:
    """Length of the part t0 to t1 of a segment of ``whole`` length (planar) that starts at y and goes (d, e)."""
    if f.turn is None:
        return whole * (t1 - t0)
    return ground_length(y + t0 * e, y + t1 * e, (t1 - t0) * d, f.scale, f.e2)


@numba.njit(cache=True, nogil=True, forceinline=True)
def _cross(  # type: ignore[no-untyped-def]
    u: float, y: float, d: float, e: float, col: int, row: int, col1: int, row1: int, f: Frame,
    total: float, carry: float, at: int, cells, lengths,
):  # fmt: skip
    """Cut a segment at the cell edges between (row, col) and (row1, col1).

    Pieces that end go to the arrays from ``at`` on; the last one, in (row1, col1), is handed back as a running sum.
    """
    whole = 0.0 if f.turn is not None else math.sqrt(d * d + e * e)
    right, down = (1 if col1 > col else 0), (1 if row1 > row else 0)
    across, along = abs(col1 - col), abs(row1 - row)  # edges still to be crossed
    t_col = (_edge(col + right, f) - u) / d if across > 0 else math.inf
    t_row = (f.y_top - (row + down) * f.dy - y) / e if along > 0 else math.inf
    t0 = 0.0
    for _ in range(across + along):
        t1 = min(t_col, t_row, 1.0)
        # What is too short to be more than a rounding goes to the next piece.
        if t1 - t0 > _TOUCH:
            total, carry = add(total, carry, _piece(y, d, e, t0, t1, whole, f))
            t0 = t1
        if total > 0.0:
            cells[at] = _cell(row, col, f)
            lengths[at] = total + carry
            at += 1
            total = 0.0
            carry = 0.0
        if t_col <= t_row:
            col += 2 * right - 1
            across -= 1
            t_col = (_edge(col + right, f) - u) / d if across > 0 else math.inf
        else:
            row += 2 * down - 1
            along -= 1
            t_row = (f.y_top - (row + down) * f.dy - y) / e if along > 0 else math.inf
    if t0 < 1.0:
        total, carry = add(total, carry, _piece(y, d, e, t0, 1.0, whole, f))
    return at, total, carry


# From here on all is compiled into one loop: handing arrays from function to function would count references per line.


@numba.njit(cache=True, nogil=True, forceinline=True)
def _walk_part(xy, start: int, stop: int, f: Frame, at: int, room: int, cells, lengths):  # type: ignore[no-untyped-def]
    """Write the pieces of one part from ``at`` on, one per stay in a cell (-1 is outside), and hand back the end.

    A negative end is minus a doubt; with FULL there is no room for the pieces before ``room``.
    """
    if stop - start < 1:
        return at
    x0, y0 = xy[start, 0], xy[start, 1]
    if _doubtful(x0, y0, f) > 0:
        return -_doubtful(x0, y0, f)
    turns = _first_turn(x0, f)
    col, row = _column(x0 + turns, f), _row(y0, f)
    west, east = _edge(col, f), _edge(col + 1, f)
    south, north = f.y_top - (row + 1) * f.dy, f.y_top - row * f.dy
    inside = _cell(row, col, f) >= 0
    total = 0.0
    carry = 0.0
    for v in range(start + 1, stop):
        x, y = xy[v, 0], xy[v, 1]
        d, e = x - x0, y - y0
        around = _unwrapped(d, f)
        d -= around
        u = x + (turns - around)
        if inside & (u >= west) & (u < east) & (y >= south) & (y < north):
            step = ground_length(y0, y, d, f.scale, f.e2) if f.turn is not None else math.sqrt(d * d + e * e)
            total, carry = add(total, carry, step)
        else:
            if _doubtful(x, y, f) > 0:
                return -_doubtful(x, y, f)
            c, r = _column_from(col, u, west, east, f), _row_from(row, y, south, north, f)
            if at + abs(c - col) + abs(r - row) >= room:
                return -FULL
            at, total, carry = _cross(
                x0 + turns, y0, d, e, col, row, c, r, f, total, carry, at, cells, lengths
            )  # fmt: skip
            col, row = c, r
            west, east = _edge(col, f), _edge(col + 1, f)
            south, north = f.y_top - (row + 1) * f.dy, f.y_top - row * f.dy
            inside = _cell(row, col, f) >= 0
        turns -= around
        x0, y0 = x, y
    if total > 0.0:
        if at >= room:
            return -FULL
        cells[at] = _cell(row, col, f)
        lengths[at] = total + carry
        at += 1
    return at


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _walk(
    xy: Floats, part_first: Ints, line_first: Ints, f: Frame, split: Ints, room: Ints, threads: int,
    cells: NDArray[np.integer[Any]], lengths: Floats, out_count: Ints, out_full: Floats, out_doubt: NDArray[np.uint8],
) -> bool:  # fmt: skip
    """Walk all lines, task t into the places ``room[t]`` to ``room[t + 1]``; False when one has too few."""
    tasks = split.shape[0] - 1
    short = np.zeros(tasks, np.bool_)
    queue = np.zeros(1, np.int64)
    for _ in numba.prange(threads):
        task = take(queue)
        while task < tasks:
            at = room[task]
            for g in range(split[task], split[task + 1]):
                end = at
                for p in range(line_first[g], line_first[g + 1]):
                    end = _walk_part(xy, part_first[p], part_first[p + 1], f, end, room[task + 1], cells, lengths)
                    if end < 0:
                        break
                if end == -FULL:
                    short[task] = True
                    break
                kept, full = settle(cells, lengths, at, max(end, at))
                out_doubt[g] = max(-end, 0) if math.isfinite(full) else NOT_FINITE
                out_count[g] = kept
                out_full[g] = full if f.turn is not None else full * f.scale
                at += kept
            task = take(queue)
    return not short.any()


@numba.njit(cache=True, nogil=True, parallel=True)
def _pack(
    room: Ints, cells: NDArray[np.integer[Any]], shares: Floats, first: Ints,
    out_cells: NDArray[np.integer[Any]], out_shares: Floats,
) -> None:  # fmt: skip
    for task in numba.prange(room.shape[0] - 1):
        for k in range(first[task + 1] - first[task]):
            out_cells[first[task] + k] = cells[room[task] + k]
            out_shares[first[task] + k] = shares[room[task] + k]


def walk_lines(xy: Floats, part_first: Ints, line_first: Ints, frame: Frame) -> Walked:
    """Shares of each line's full length in the cells, and the lengths.

    ``xy`` (vertices, 2) contiguous; part p has the vertices ``part_first[p]`` to ``part_first[p + 1]``, line g the parts
    ``line_first[g]`` to ``line_first[g + 1]``.
    """
    n = len(line_first) - 1
    threads = numba.get_num_threads()
    tasks = 1 if threads == 1 else _TASKS * threads
    first, last = part_first[line_first[0]], part_first[line_first[-1]]
    parts = np.searchsorted(part_first, first + (last - first) * np.arange(1, tasks) // tasks)
    split = np.concatenate([[0], np.minimum(np.searchsorted(line_first, parts), n), [n]]).astype(np.int64)
    # None and not False: on a plane the compiler then leaves all longitudes out, which halves the time.
    typed: Any = frame._replace(turn=frame.turn or None)
    count, full, doubt = np.empty(n, np.int64), np.empty(n), np.empty(n, np.uint8)
    index = np.int32 if frame.rows * frame.cols < 2**31 else np.int64
    # Room is address space, taken only as far as it is written; lines with longer steps than cells get more of it.
    places = 2 * np.diff(part_first[line_first[split]]) + 64
    while True:
        room = np.concatenate([[0], np.cumsum(places)])
        cells, lengths = np.empty(room[-1], index), np.empty(room[-1])
        if _walk(xy, part_first, line_first, typed, split, room, threads, cells, lengths, count, full, doubt):
            break
        places *= 4
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(count, out=indptr[1:])
    if indptr[-1] >= 2**31:
        index = np.int64
    out_cells, out_shares = np.empty(indptr[-1], index), np.empty(indptr[-1])
    _pack(room, cells, lengths, indptr[split], out_cells, out_shares)
    return Walked(indptr.astype(index), out_cells, out_shares, full, doubt)
