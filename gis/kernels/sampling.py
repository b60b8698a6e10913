"""Pixels of a tile from the cells under them: means of density, highest and least values, nearest cells, classes.

Positions come from a lattice of pixel corners (`gis.tiles.footprint`). A pixel stands on a box of cells; where it is no
larger than a cell, it shows the cell that owns its centre.
"""

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gis.kernels.pixels import aim_row

__all__ = ["classify", "classify_change", "pack_rows", "sample_density", "sample_extreme"]

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Numbers = NDArray[Any]


@numba.njit(cache=True, nogil=True)
def _box_density(
    values: Floats, km2: Floats, width: Floats, cols: float, rows: float, col: float, row: float, w: float, h: float,
    turn: float,
) -> float:  # fmt: skip
    """Amount over area of the parts of cells under a box; all in cells of the level, its last ones maybe cut short."""
    r0 = max(row - h / 2, 0.0)
    r1 = min(row + h / 2, rows)
    left = col - w / 2
    right = col + w / 2
    if turn > 0.0:
        left -= math.floor(left / turn) * turn
        right = left + min(w, turn)
    amount = 0.0
    area = 0.0
    last_row = values.shape[0] - 1
    last_col = values.shape[1] - 1
    varies = km2.shape[1] > 1
    # A box over the seam of a grid around the globe has a second piece at the grid's start.
    for piece in range(2 if turn > 0.0 and right > turn else 1):
        c0 = max(left, 0.0) if piece == 0 else 0.0
        c1 = min(right, cols) if piece == 0 else min(right - turn, cols)
        if not (c0 < c1 and r0 < r1):
            continue
        j0 = int(c0)
        j1 = min(math.ceil(c1), last_col + 1)
        for i in range(int(r0), min(math.ceil(r1), last_row + 1)):
            part_row = min(r1, i + 1.0) - max(r0, float(i))
            if i == last_row:
                part_row /= rows - last_row
            row_amount = 0.0
            row_area = 0.0
            for j in range(j0, j1):
                part = min(c1, j + 1.0) - max(c0, float(j))
                if j == last_col:
                    part /= cols - last_col
                row_amount += part * values[i, j]
                row_area += part * width[j] * km2[i, j if varies else 0]
            amount += part_row * row_amount
            area += part_row * row_area
    return amount / area if amount != 0.0 else 0.0


@numba.njit(cache=True, nogil=True)
def _three(row: Floats, j: int, p_0: float, p_1: float, p_2: float) -> float:
    """Weighted sum of three neighbours of a row."""
    total: float = (p_0 * row[j] + p_1 * row[j + 1]) + p_2 * row[j + 2]
    return total


@numba.njit(cache=True, nogil=True)
def _box_of_3(values: Floats, km2: Floats, width: float, r0: float, r1: float, c0: float, c1: float) -> float:
    """As `_box_density` of a box within 3 × 3 whole cells, without a branch that is hard to predict."""
    i = int(r0)
    j = int(c0)
    p_0 = min(c1, j + 1.0) - c0
    p_1 = max(min(c1, j + 2.0) - (j + 1.0), 0.0)
    p_2 = max(c1 - (j + 2.0), 0.0)
    q_0 = min(r1, i + 1.0) - r0
    q_1 = max(min(r1, i + 2.0) - (i + 1.0), 0.0)
    q_2 = max(r1 - (i + 2.0), 0.0)
    top, middle, bottom = values[i], values[i + 1], values[i + 2]
    amount = q_0 * _three(top, j, p_0, p_1, p_2) + q_1 * _three(middle, j, p_0, p_1, p_2)
    amount += q_2 * _three(bottom, j, p_0, p_1, p_2)
    if km2.shape[1] > 1:
        area = q_0 * _three(km2[i], j, p_0, p_1, p_2) + q_1 * _three(km2[i + 1], j, p_0, p_1, p_2)
        area += q_2 * _three(km2[i + 2], j, p_0, p_1, p_2)
    else:
        area = (q_0 * km2[i, 0] + q_1 * km2[i + 1, 0] + q_2 * km2[i + 2, 0]) * (c1 - c0)
    return amount / (area * width)


@numba.njit(cache=True, nogil=True)
def _box_of_4(values: Floats, km2: Floats, width: float, r0: float, r1: float, c0: float, c1: float) -> float:
    """As `_box_density` of a box within 4 × 4 whole cells."""
    i = int(r0)
    j = int(c0)
    amount_0 = amount_1 = amount_2 = amount_3 = 0.0
    area_0 = area_1 = area_2 = area_3 = 0.0
    varies = km2.shape[1] > 1
    for k in range(i, i + 4):
        q = max(min(r1, k + 1.0) - max(r0, float(k)), 0.0)
        amount_0 += q * values[k, j]
        amount_1 += q * values[k, j + 1]
        amount_2 += q * values[k, j + 2]
        amount_3 += q * values[k, j + 3]
        if varies:
            area_0 += q * km2[k, j]
            area_1 += q * km2[k, j + 1]
            area_2 += q * km2[k, j + 2]
            area_3 += q * km2[k, j + 3]
        else:
            area_0 += q * km2[k, 0]
    p_0 = min(c1, j + 1.0) - c0
    p_1 = max(min(c1, j + 2.0) - (j + 1.0), 0.0)
    p_2 = max(min(c1, j + 3.0) - (j + 2.0), 0.0)
    p_3 = max(c1 - (j + 3.0), 0.0)
    amount = (p_0 * amount_0 + p_1 * amount_1) + (p_2 * amount_2 + p_3 * amount_3)
    if varies:
        return amount / (((p_0 * area_0 + p_1 * area_1) + (p_2 * area_2 + p_3 * area_3)) * width)
    return amount / (area_0 * (c1 - c0) * width)


@numba.njit(cache=True, nogil=True)
def _nearest_row(
    values: Numbers, col: float, col_step: float, row: float, row_step: float, turn: float, first: int, stop: int,
    cells: NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill ``cells`` with row × columns + column of the cell that owns the centre of each pixel, -1 outside."""
    rows, cols = values.shape
    for x in range(first, stop):
        c = col + x * col_step
        if turn > 0.0:
            c -= math.floor(c / turn) * turn
        i = math.ceil(row + x * row_step) - 1
        j = math.floor(c)
        cells[x] = i * cols + j if (i >= 0) & (i < rows) & (j >= 0) & (j < cols) else -1


@numba.njit(cache=True, nogil=True)
def sample_density(
    col: Floats, row: Floats, x_start: int, x_stop: int, y_start: int, y_stop: int, turn: float,
    finest: Floats, finest_km2: Floats, values: Floats, km2: Floats, width: Floats, cells: float, out: Floats,
) -> None:  # fmt: skip
    """Fill a window of ``out`` with amount per area: means over the cells of a level, ``cells`` of the finest wide."""
    aim = np.empty((col.shape[1] - 1, 8))
    owner = np.empty(out.shape[1], np.int64)
    per_cell = 1.0 / cells
    rows = finest.shape[0] * per_cell
    cols = finest.shape[1] * per_cell
    inner_rows = values.shape[0] - 4.0
    inner_cols = values.shape[1] - 4.0
    for y in range(y_start, y_stop):
        aim_row(col, row, x_start, x_stop, y_start, y_stop, y, False, aim)
        for i in range(aim.shape[0]):
            first, stop = int(aim[i, 0]), int(aim[i, 1])
            c, c_step, r, r_step, w, h = aim[i, 2], aim[i, 3], aim[i, 4], aim[i, 5], aim[i, 6], aim[i, 7]
            if first >= stop or not (w < math.inf and h < math.inf):
                continue
            if w <= 1.0 and h <= 1.0:
                _nearest_row(finest, c, c_step, r, r_step, turn, first, stop, owner)
                _density_of_owners(finest, finest_km2, owner, first, stop, out[y])
                continue
            c, c_step, r, r_step = c * per_cell, c_step * per_cell, r * per_cell, r_step * per_cell
            w, h = w * per_cell, h * per_cell
            ends_c = c + first * c_step, c + (stop - 1) * c_step
            ends_r = r + first * r_step, r + (stop - 1) * r_step
            small = w <= 3.0 and h <= 3.0 and turn == 0.0
            small &= min(ends_c) - w / 2 >= 0.0 and max(ends_c) + w / 2 <= inner_cols
            small &= min(ends_r) - h / 2 >= 0.0 and max(ends_r) + h / 2 <= inner_rows
            if small:
                few = w <= 2.0 and h <= 2.0
                for x in range(first, stop):
                    left = c + x * c_step - w / 2
                    top = r + x * r_step - h / 2
                    if few:
                        out[y, x] = _box_of_3(values, km2, cells, top, top + h, left, left + w)
                    else:
                        out[y, x] = _box_of_4(values, km2, cells, top, top + h, left, left + w)
            elif max(ends_r) + h > 0.0 and min(ends_r) - h < rows:
                for x in range(first, stop):
                    out[y, x] = _box_density(
                        values, km2, width, cols, rows, c + x * c_step, r + x * r_step, w, h, turn * per_cell
                    )


@numba.njit(cache=True, nogil=True)
def _density_of_owners(
    values: Floats, km2: Floats, cells: NDArray[np.int64], first: int, stop: int, out: Floats
) -> None:
    """Fill part of a row of ``out`` with the densities of cells."""
    cols = values.shape[1]
    flat = values.reshape(-1)
    for x in range(first, stop):
        cell = cells[x]
        v = flat[cell] if cell >= 0 else 0.0
        if v != 0.0:
            i = cell // cols
            out[x] = v / km2[i, cell - i * cols if km2.shape[1] > 1 else 0]


@numba.njit(cache=True, nogil=True)
def _centres(middle: float, side: float, count: int) -> tuple[int, int]:
    """First and one past the last cell whose middle lies in an interval, which is at least a cell wide."""
    half = max(side, 1.0) / 2
    first = max(math.ceil(middle - half - 0.5), 0)
    return first, min(max(math.ceil(middle + half - 0.5), first), count)


@numba.njit(cache=True, nogil=True)
def _better(v: Any, best: Any, least: bool) -> Any:
    """The higher of two values, or the lesser above zero."""
    if least:
        return v if v > 0 and (v < best or best == 0) else best
    return v if v > best else best


@numba.njit(cache=True, nogil=True)
def _extreme(values: Numbers, i0: int, i1: int, j0: int, j1: int, most: float, least: bool, best: Any) -> Any:
    """The extreme of a block of at most ``most`` rows and columns, or ``best`` where that is better."""
    # Always four or nine values, some of them twice: cheaper than counts that change from pixel to pixel.
    if most <= 2.0:
        best = _better(values[i0, j0], best, least)
        best = _better(values[i0, j1 - 1], best, least)
        best = _better(values[i1 - 1, j0], best, least)
        return _better(values[i1 - 1, j1 - 1], best, least)
    if most <= 3.0:
        for a in range(3):
            i = min(i0 + a, i1 - 1)
            best = _better(values[i, j0], best, least)
            best = _better(values[i, min(j0 + 1, j1 - 1)], best, least)
            best = _better(values[i, j1 - 1], best, least)
        return best
    for i in range(i0, i1):
        for j in range(j0, j1):
            best = _better(values[i, j], best, least)
    return best


@numba.njit(cache=True, nogil=True)
def sample_extreme(
    col: Floats, row: Floats, x_start: int, x_stop: int, y_start: int, y_stop: int, turn: float,
    finest: Numbers, values: Numbers, cells: float, least: bool, out: Numbers,
) -> None:  # fmt: skip
    """Fill a window of ``out`` with the highest value, or the least above zero, of the cells of a level under each pixel.

    These are the cells whose middle lies in the box around the pixel: boxes leave no gap, so that no cell is lost.
    """
    aim = np.empty((col.shape[1] - 1, 8))
    owner = np.empty(out.shape[1], np.int64)
    per_cell = 1.0 / cells
    flat = finest.reshape(-1)
    for y in range(y_start, y_stop):
        aim_row(col, row, x_start, x_stop, y_start, y_stop, y, True, aim)
        for i in range(aim.shape[0]):
            first, stop = int(aim[i, 0]), int(aim[i, 1])
            c, c_step, r, r_step, w, h = aim[i, 2], aim[i, 3], aim[i, 4], aim[i, 5], aim[i, 6], aim[i, 7]
            if first >= stop or not (w < math.inf and h < math.inf):
                continue
            if w <= 1.0 and h <= 1.0:
                _nearest_row(finest, c, c_step, r, r_step, turn, first, stop, owner)
                for x in range(first, stop):
                    if owner[x] >= 0:
                        out[y, x] = flat[owner[x]]
                continue
            most = max(w, h) * per_cell
            for x in range(first, stop):
                at_col = c + x * c_step
                if turn > 0.0:
                    at_col -= math.floor(at_col / turn) * turn
                i0, i1 = _centres((r + x * r_step) * per_cell, h * per_cell, values.shape[0])
                best = out[y, x]
                # Around the globe the box may reach over either end.
                for shift in range(-1, 2) if turn > 0.0 else range(1):
                    j0, j1 = _centres((at_col + shift * turn) * per_cell, w * per_cell, values.shape[1])
                    if i0 < i1 and j0 < j1:
                        best = _extreme(values, i0, i1, j0, j1, most, least, best)
                out[y, x] = best


@numba.njit(cache=True, nogil=True)
def _classify_row(
    values: Floats, keys: NDArray[np.uint64], breaks: Floats, first: NDArray[np.int16], out: Bytes
) -> None:
    """Fill ``out`` with 1 and the number of breaks not above each value; ``first`` knows it up to the bits of a key."""
    for x in range(values.shape[0]):
        at = first[keys[x] >> np.uint64(48)]
        while breaks[at] <= values[x]:
            at += 1
        out[x] = 1 + at


@numba.njit(cache=True, nogil=True)
def classify(values: Numbers, breaks: Floats, first: NDArray[np.int16], out: Bytes) -> None:
    """Fill ``out`` with 0 where a value is not above zero, else 1 and the number of breaks that are not above it.

    ``breaks`` ends with infinity. ``first`` holds, for the upper 16 bits of a float64, the breaks that are not above the
    least number of these bits: a value is then at most a few breaks away.
    """
    row = np.empty(values.shape[1])
    for y in range(values.shape[0]):
        for x in range(values.shape[1]):
            row[x] = values[y, x]
        _classify_row(row, row.view(np.uint64), breaks, first, out[y])
        for x in range(values.shape[1]):
            if not row[x] > 0.0:
                out[y, x] = 0


@numba.njit(cache=True, nogil=True)
def classify_change(before: Floats, after: Floats, breaks: Floats, first: NDArray[np.int16], out: Bytes) -> None:
    """Fill ``out`` with 0 where both values are zero, else 1 and the number of breaks not above after - before."""
    row = np.empty(before.shape[1])
    for y in range(before.shape[0]):
        for x in range(before.shape[1]):
            row[x] = after[y, x] - before[y, x]
        _classify_row(row, row.view(np.uint64), breaks, first, out[y])
        for x in range(before.shape[1]):
            if before[y, x] == 0.0 and after[y, x] == 0.0:
                out[y, x] = 0


@numba.njit(cache=True, nogil=True)
def pack_rows(indices: Bytes, bits: int, out: Bytes) -> None:
    """Fill rows of ``out`` with a 0 (a PNG row that is not filtered) and then indices of 1, 2, 4 or 8 bits, high bits first."""
    rows, cols = indices.shape
    per_byte = 8 // bits
    for y in range(rows):
        out[y, 0] = 0
        if bits == 8:
            out[y, 1:] = indices[y]
            continue
        for b in range(out.shape[1] - 1):
            packed = 0
            for k in range(per_byte):
                x = b * per_byte + k
                packed = (packed << bits) | (indices[y, x] if x < cols else 0)
            out[y, b + 1] = packed
