"""Hot sets of several species laid over each other: as they are, and after one of them was moved around a torus."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.queue import take
from gis.kernels.torus import fill_support, low_bit, popcount, position

__all__ = ["BY_AREA", "BY_COUNT", "BY_MASS", "Listed", "Met", "meet", "meet_shifted"]

BY_AREA, BY_COUNT, BY_MASS = 0, 1, 2
_ONE = np.uint64(1)
_NONE = np.uint64(0)
_BLOCK = 1 << 16
# As in gis.hotspots.ranks: what misses a share by less than this has reached it.
_ROUNDING = 1e-12


class Listed(NamedTuple):
    """The densest cells of each species by rank, equals by place, in bins of ranks. Species s has the bins ``bins[s]`` to ``bins[s + 1]``.

    Bin b is the list from ``begins[b]`` to ``begins[b + 1]``; ``levels[b]`` has the bits of the species' cells up to the bin's end.
    ``places`` are positions, and ``whole[s]`` says whether all emitting cells of a species are listed.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    ranks: NDArray[np.uint32]
    places: NDArray[np.int32]
    levels: NDArray[np.uint64]
    begins: NDArray[np.int64]
    bins: NDArray[np.int64]
    whole: NDArray[np.bool_]


class Met(NamedTuple):
    """What each shift gives: areas of hot sets in place, moved, and of both; mass of the moved species in the former and in its own.

    ``short`` marks shifts for which a list of cells was too short.
    """

    placed: NDArray[np.float64]
    moved: NDArray[np.float64]
    both: NDArray[np.float64]
    mass_in: NDArray[np.float64]
    mass_own: NDArray[np.float64]
    short: NDArray[np.bool_]


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def meet(
    bits: NDArray[np.uint8], area: NDArray[np.float64], amount: NDArray[np.float64],
    area_both: NDArray[np.float64], mass_in: NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill per block of cells the area where species i and j are hot, and the mass of j where i is hot: (blocks, i, j)."""
    many = amount.shape[0]
    cells = bits.shape[0]
    for block in numba.prange(area_both.shape[0]):
        for k in range(block * _BLOCK, min((block + 1) * _BLOCK, cells)):
            if bits[k] == 0:
                continue
            for i in range(many):
                if bits[k] >> i & 1:
                    for j in range(many):
                        mass_in[block, i, j] += amount[j, k]
                        if bits[k] >> j & 1:
                            area_both[block, i, j] += area[k]


# Below, arrays are taken out of their tuples once and passed on one by one: a tuple that is handed to a function of an inner loop counts
# references to its arrays there, and threads wait for each other's counts.


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _area_moved(words, first, area, height, width, pitch, row, column, down, right):  # type: ignore[no-untyped-def]
    # Area of the cell to which a cell is moved.
    row = row + down if row + down < height else row + down - height
    column = column + right if column + right < width else column + right - width
    return area[position(words, first, pitch, row, column)]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _total_mass(torus, support, amount, sums, down, right, scales, by_density):  # type: ignore[no-untyped-def]
    # Mass of the cells of a support once moved down and right: a density takes the area of its new place.
    words, first, area, height, width, pitch = (
        torus.words,
        torus.first,
        torus.area,
        torus.height,
        torus.width,
        torus.pitch,
    )
    by_cell = by_density and not torus.by_row
    total = 0.0
    for r in range(height):
        row_mass = 0.0
        for k in range(pitch):
            w = r * pitch + k
            s = support[w]
            at = first[w]
            if s == words[w] and not by_cell:
                row_mass += sums[w]
                continue
            while s != _NONE:
                bit = low_bit(s)
                s &= s - _ONE
                i = at + popcount(words[w] & ((_ONE << np.uint64(bit)) - _ONE))
                v = amount[i]
                if by_cell:
                    v *= _area_moved(words, first, area, height, width, pitch, r, (k << 6) + bit, down, right) / area[i]
                row_mass += v
        total += row_mass * scales[r]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _held(level, support, height, pitch, weights):  # type: ignore[no-untyped-def]
    total = 0.0
    for r in range(height):
        cells = 0
        for w in range(r * pitch, (r + 1) * pitch):
            cells += popcount(level[w] & support[w])
        total += cells * weights[r]
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _search(levels, support, height, pitch, weights, target, low, high):  # type: ignore[no-untyped-def]
    # The first bin up to which the cells on the support reach the target (``high`` if none does), and what those before it hold.
    begin, before = low, 0.0
    while low < high:
        middle = (low + high) // 2
        held = _held(levels[middle], support, height, pitch, weights)
        if held >= target:
            high = middle
        else:
            low, before = middle + 1, held
    return low, before if low > begin else 0.0


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _cut(  # type: ignore[no-untyped-def]
    torus, listed, s, amount, support, down, right, weights, scales, by_density, cut_by, total, q, overshoot, out
):
    # Fill the bits of the smallest set of densest cells on the support that reaches the share q of ``total``, equals as a whole as in
    # RankLayer.cut; hands back whether the list was too short to tell.
    words, first, area = torus.words, torus.first, torus.area
    height, width, pitch = torus.height, torus.width, torus.pitch
    rows, columns, ranks, places = listed.rows, listed.columns, listed.ranks, listed.places
    by_cell = not torus.by_row and (cut_by == BY_AREA or (cut_by == BY_MASS and by_density))
    quick = not by_cell and cut_by != BY_MASS
    target = q * total * (1.0 - _ROUNDING)
    held, b, last = 0.0, listed.bins[s], listed.bins[s + 1]
    if quick:
        b, held = _search(listed.levels, support, height, pitch, weights, target, b, last)
    if quick and b > listed.bins[s]:
        level = listed.levels[b - 1]
        for w in range(out.shape[0]):
            out[w] = level[w] & support[w]
    else:
        out[:] = _NONE
    at, end = listed.begins[b], listed.begins[last]
    while at < end:
        stop, members, group = at, 0, 0.0
        while stop < end and ranks[stop] == ranks[at]:
            r, c = np.int64(rows[stop]), np.int64(columns[stop])
            w = r * pitch + (c >> 6)
            bit = (_ONE << np.uint64(c & 63)) & support[w]
            if bit != _NONE:
                out[w] |= bit
                members += 1
                weight = weights[r]
                if by_cell:
                    weight = _area_moved(words, first, area, height, width, pitch, r, c, down, right)
                if cut_by == BY_MASS:
                    weight = amount[places[stop]] * (weight / area[places[stop]] if by_cell else scales[r])
                group += weight
            stop += 1
        if held + group >= target:
            beyond = (held + group) / total - q
            if members > 1 and beyond > _ROUNDING and beyond > overshoot + _ROUNDING:
                for i in range(at, stop):
                    c = np.int64(columns[i])
                    out[rows[i] * pitch + (c >> 6)] &= ~(_ONE << np.uint64(c & 63))
            return False
        held += group
        at = stop
    return not listed.whole[s]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _turn(words, height, width, pitch, down, right, out):  # type: ignore[no-untyped-def]
    # Bits back from where they were moved: out at (r, c) is the bit at (r + down, c + right).
    for r in range(height):
        source = (r + down if r + down < height else r + down - height) * pitch
        for k in range(pitch):
            begin = (k << 6) + right
            if begin >= width:
                begin -= width
            at, off = source + (begin >> 6), np.uint64(begin & 63)
            bits = words[at] >> off
            if off != _NONE and (begin >> 6) + 1 < pitch:
                bits |= words[at + 1] << (np.uint64(64) - off)
            if begin + 64 > width:
                bits |= words[source] << np.uint64(width - begin)
            out[r * pitch + k] = bits
        out[(r + 1) * pitch - 1] &= ~_NONE >> np.uint64((pitch << 6) - width)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _mass_of(bits, word, begin, amount, j):  # type: ignore[no-untyped-def]
    # Mass of the cells of some bits of a word whose first cell is at ``begin``. One loop a set, as a test for each bit of each set would
    # be guessed wrong by the processor half of the time.
    total = 0.0
    while bits != _NONE:
        rest = bits & (bits - _ONE)
        total += amount[j, begin + popcount(word & ((bits ^ rest) - _ONE))]
        bits = rest
    return total


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _meet_row(  # type: ignore[no-untyped-def]
    words, first, amount, placed, moved, r, pitch, row_area, scale, placed_km2, moved_km2, both_km2, mass_in, mass_own
):
    # Add the areas and masses of one row of hot sets, in the places from which species are moved, all cells of one area.
    many = amount.shape[0]
    for w in range(r * pitch, (r + 1) * pitch):
        d = words[w]
        if d == _NONE:
            continue
        for j in range(many):
            b = moved[j, w]
            if b != _NONE:
                moved_km2[j] += popcount(b) * row_area
                mass_own[j] += _mass_of(b, d, first[w], amount, j) * scale
        for i in range(many - 1):
            a = placed[i, w]
            if a != _NONE:
                placed_km2[i] += popcount(a) * row_area
                for j in range(i + 1, many):
                    both_km2[i, j] += popcount(a & moved[j, w]) * row_area
                    mass_in[i, j] += _mass_of(a, d, first[w], amount, j) * scale


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _meet_row_by_cell(  # type: ignore[no-untyped-def]
    words, first, area, amount, placed, moved, r, height, width, pitch, down, right, by_density,
    placed_km2, moved_km2, both_km2, mass_in, mass_own,
):  # fmt: skip
    # The same where cells of a row differ in area.
    many = amount.shape[0]
    for k in range(pitch):
        w = r * pitch + k
        union = _NONE
        for i in range(many):
            union |= placed[i, w] | moved[i, w]
        while union != _NONE:
            bit = union & (~union + _ONE)
            union ^= bit
            at = first[w] + popcount(words[w] & (bit - _ONE))
            new = _area_moved(words, first, area, height, width, pitch, r, (k << 6) + low_bit(bit), down, right)
            for j in range(many):
                own = moved[j, w] & bit != _NONE
                v = amount[j, at] * (new / area[at] if by_density else 1.0)
                if placed[j, w] & bit != _NONE:
                    placed_km2[j] += new
                if own:
                    moved_km2[j] += new
                    mass_own[j] += v
                for i in range(j):
                    if placed[i, w] & bit != _NONE:
                        mass_in[i, j] += v
                        if own:
                            both_km2[i, j] += new


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _meet_rows(  # type: ignore[no-untyped-def]
    torus, down, right, scales, by_density, amount, placed, moved, placed_km2, moved_km2, both_km2, mass_in, mass_own
):
    words, first, area, row_area = torus.words, torus.first, torus.area, torus.row_area
    height, width, pitch, by_row = torus.height, torus.width, torus.pitch, torus.by_row
    for r in range(height):
        if by_row:
            place = r + down if r + down < height else r + down - height
            _meet_row(
                words, first, amount, placed, moved, r, pitch, row_area[place], scales[r], placed_km2, moved_km2, both_km2,
                mass_in, mass_own,
            )  # fmt: skip
        else:
            _meet_row_by_cell(
                words, first, area, amount, placed, moved, r, height, width, pitch, down, right, by_density, placed_km2,
                moved_km2, both_km2, mass_in, mass_own,
            )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _fill_rows(torus, down, by_density, cut_by, weights, scales):  # type: ignore[no-untyped-def]
    # By a cell's own row: what it weighs in a cut once moved, and the factor of its mass. Both are 1 where cells differ within a row.
    height, row_area, by_row = torus.height, torus.row_area, torus.by_row
    for r in range(height):
        place = r + down - height if r + down >= height else r + down
        weights[r], scales[r] = 1.0, 1.0
        if by_row and cut_by == BY_AREA:
            weights[r] = row_area[place]
        if by_row and by_density and row_area[r] > 0.0:
            scales[r] = row_area[place] / row_area[r]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _meet_one(  # type: ignore[no-untyped-def]
    torus, listed, amount, sums, down, right, whole_km2, by_density, cut_by, q, overshoot, scratch, rows, met, n
):
    many = amount.shape[0]
    support, buffer, placed, moved = scratch[0], scratch[1], scratch[2 : many + 2], scratch[many + 2 :]
    weights, scales = rows[0], rows[1]
    fill_support(torus, down, right, support)
    total = whole_km2
    if cut_by == BY_COUNT:
        total = 0.0
        for w in range(support.shape[0]):
            total += popcount(support[w])
    _fill_rows(torus, 0, by_density, cut_by, weights, scales)
    for i in range(many - 1):
        if cut_by == BY_MASS:
            total = _total_mass(torus, support, amount[i], sums[i], 0, 0, scales, False)
        met.short[n] |= _cut(
            torus, listed, i, amount[i], support, 0, 0, weights, scales, False, cut_by, total, q, overshoot, buffer
        )
        _turn(buffer, torus.height, torus.width, torus.pitch, down, right, placed[i])
    # The places from which cells are moved onto cells.
    fill_support(torus, torus.height - down if down > 0 else 0, torus.width - right if right > 0 else 0, support)
    _fill_rows(torus, down, by_density, cut_by, weights, scales)
    for j in range(1, many):
        if cut_by == BY_MASS:
            total = _total_mass(torus, support, amount[j], sums[j], down, right, scales, by_density)
        met.short[n] |= _cut(
            torus,
            listed,
            j,
            amount[j],
            support,
            down,
            right,
            weights,
            scales,
            by_density,
            cut_by,
            total,
            q,
            overshoot,
            moved[j],
        )
    _meet_rows(
        torus, down, right, scales, by_density, amount, placed, moved,
        met.placed[n], met.moved[n], met.both[n], met.mass_in[n], met.mass_own[n],
    )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
def meet_shifted(torus, listed, amount, sums, shifts, areas, by_density, cut_by, q, overshoot, tasks, met):  # type: ignore[no-untyped-def]
    """Fill ``met`` for each of ``shifts`` (shifts, 2: down, right), whose supports have ``areas``, taken from the queue ``tasks``.

    For every two species i < j, i stays in place and j is moved; both are cut anew, at the share ``q``, on the cells that are cells
    before and after the move. Where a density is moved (``by_density``) its mass is that on the area of the new place. ``sums`` are
    those of ``amount`` by word, for cuts by mass. Several threads call this with one queue.
    """
    many = amount.shape[0]
    scratch = np.zeros((2 * many + 2, torus.words.shape[0]), np.uint64)
    rows = np.empty((2, torus.height))
    n = take(tasks)
    while n < shifts.shape[0]:
        _meet_one(
            torus,
            listed,
            amount,
            sums,
            shifts[n, 0],
            shifts[n, 1],
            areas[n],
            by_density,
            cut_by,
            q,
            overshoot,
            scratch,
            rows,
            met,
            n,
        )
        n = take(tasks)
