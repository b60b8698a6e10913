"""Mapbox vector tiles (version 2.1): geometries as commands, and features with their values as protobuf bytes.

Coordinates are whole tile units, y counts down. Command integers of a feature are ``commands[start[i]:start[i + 1]]``. A value is 64
bits and a kind; equal values of a tile are written once.
"""

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOOL",
    "DOUBLE",
    "FLOAT",
    "INT",
    "MISSING",
    "TEXT",
    "classed_area",
    "encode_features",
    "point_commands",
    "quad_commands",
    "ring_commands",
]

Ints = NDArray[np.int64]
Shorts = NDArray[np.int32]
Floats = NDArray[np.float64]
Words = NDArray[np.uint32]
Bits = NDArray[np.uint64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

# Kinds of values: the field numbers of a tile's Value message.
TEXT = 1
FLOAT = 2
DOUBLE = 3
INT = 6  # sint64: small whole numbers of either sign stay small
BOOL = 7
MISSING = np.uint64(0xFFFFFFFFFFFFFFFF)  # a value that a feature does not have; as a double it is not a number

_MOVE_ONE = np.uint32(9)  # MoveTo, one point
_CLOSE = np.uint32(15)
_LINE = 2
_SIDES = 32  # vertices of a quad that a box cut on four sides: each cut makes half as many more at most
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(nogil=True)
def _zigzag(value: int) -> np.uint32:
    return np.uint32((value << 1) ^ (value >> 31))


@numba.njit(nogil=True)
def _cut(x: Floats, y: Floats, n: int, axis: int, sign: float, limit: float, out_x: Floats, out_y: Floats) -> int:
    """Vertices of a convex ring on the side of a line where sign × coordinate ≤ limit (Sutherland & Hodgman 1974)."""
    m = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        a = sign * (x[i] if axis == 0 else y[i]) - limit
        b = sign * (x[j] if axis == 0 else y[j]) - limit
        if a <= 0.0:
            out_x[m], out_y[m] = x[i], y[i]
            m += 1
        if (a < 0.0 and b > 0.0) or (a > 0.0 and b < 0.0):
            # From the inner end, whichever way the ring runs: the cell across the side gets the same point.
            if a < 0.0:
                t = a / (a - b)
                out_x[m], out_y[m] = x[i] + t * (x[j] - x[i]), y[i] + t * (y[j] - y[i])
            else:
                t = b / (b - a)
                out_x[m], out_y[m] = x[j] + t * (x[i] - x[j]), y[j] + t * (y[i] - y[j])
            # On the line itself: a hair beyond it, half a unit would round to the outside.
            if axis == 0:
                out_x[m] = sign * limit
            else:
                out_y[m] = sign * limit
            m += 1
    return m


@numba.njit(nogil=True)
def _write_ring(x: Floats, y: Floats, n: int, sign: int, pen: Ints, commands: Words, at: int) -> int:
    """Write a ring of rounded vertices, doubles left out; the position after it, ``at`` itself where sign × area is not positive."""
    px, py = pen[0], pen[1]
    first_x = first_y = last_x = last_y = twice = np.int64(0)
    m = 0
    k = at
    for i in range(n):
        vx, vy = np.int64(np.rint(x[i])), np.int64(np.rint(y[i]))
        if m > 0 and ((vx == last_x and vy == last_y) or (i == n - 1 and vx == first_x and vy == first_y)):
            continue
        if m == 0:
            first_x, first_y = vx, vy
            commands[k] = _MOVE_ONE
            k += 1
        else:
            twice += last_x * vy - vx * last_y
            if m == 1:
                k += 1  # the LineTo, when the number of its points is known
        commands[k], commands[k + 1] = _zigzag(vx - px), _zigzag(vy - py)
        k += 2
        px, py = vx, vy
        last_x, last_y = vx, vy
        m += 1
    twice += last_x * first_y - first_x * last_y
    if m < 3 or sign * twice <= 0:
        return at
    commands[at + 3] = np.uint32(((m - 1) << 3) | _LINE)
    commands[k] = _CLOSE
    pen[0], pen[1] = px, py
    return k + 1


@numba.njit(cache=True, nogil=True)
def quad_commands(
    x: Floats, y: Floats, row: Ints, col: Ints, low: float, high: float, commands: Words, start: Ints
) -> None:
    """Commands of the cells of a lattice of corners, cut by the box low … high; none for a cell that lies beyond it.

    A cell in the box that rounding leaves without area becomes a square of one unit: what it holds is not lost.
    """
    rx, ry = np.empty(_SIDES), np.empty(_SIDES)
    sx, sy = np.empty(_SIDES), np.empty(_SIDES)
    pen = np.zeros(2, np.int64)
    at = 0
    start[0] = 0
    for i in range(row.shape[0]):
        r, c = row[i], col[i]
        rx[0], rx[1], rx[2], rx[3] = x[r, c], x[r, c + 1], x[r + 1, c + 1], x[r + 1, c]
        ry[0], ry[1], ry[2], ry[3] = y[r, c], y[r, c + 1], y[r + 1, c + 1], y[r + 1, c]
        west, east = min(rx[0], rx[1], rx[2], rx[3]), max(rx[0], rx[1], rx[2], rx[3])
        north, south = min(ry[0], ry[1], ry[2], ry[3]), max(ry[0], ry[1], ry[2], ry[3])
        n = 4
        # Two of the corners may be no number and the extremes not tell.
        place = rx[0] + rx[1] + rx[2] + rx[3] + ry[0] + ry[1] + ry[2] + ry[3]
        if not (abs(place) < np.inf) or west > high or east < low or north > high or south < low:
            start[i + 1] = at
            continue
        if west < low or east > high or north < low or south > high:
            n = _cut(rx, ry, n, 0, -1.0, -low, sx, sy)
            n = _cut(sx, sy, n, 0, 1.0, high, rx, ry)
            n = _cut(rx, ry, n, 1, -1.0, -low, sx, sy)
            n = _cut(sx, sy, n, 1, 1.0, high, rx, ry)
        pen[0] = pen[1] = 0
        stop = _write_ring(rx, ry, n, 1, pen, commands, at)
        if stop == at and n > 0:
            left, top = np.floor(rx[0]), np.floor(ry[0])
            rx[0], rx[1], rx[2], rx[3] = left, left + 1.0, left + 1.0, left
            ry[0], ry[1], ry[2], ry[3] = top, top, top + 1.0, top + 1.0
            stop = _write_ring(rx, ry, 4, 1, pen, commands, at)
        at = stop
        start[i + 1] = at


@numba.njit(nogil=True)
def _rounded(coords: Floats, first: int, last: int, sign: int, x: Floats, y: Floats) -> int:
    """Fill the rounded vertices of a closed ring, once each and in the order in which sign × area is positive; their number."""
    n = last - first - 1
    twice = 0.0
    for v in range(first, last - 1):
        twice += np.rint(coords[v, 0]) * np.rint(coords[v + 1, 1]) - np.rint(coords[v + 1, 0]) * np.rint(coords[v, 1])
    for k in range(n):
        v = first + k if sign * twice > 0.0 else last - 1 - k
        x[k], y[k] = np.rint(coords[v, 0]), np.rint(coords[v, 1])
    return n


@numba.njit(cache=True, nogil=True)
def ring_commands(coords: Floats, first: Ints, feature: Ints, hole: Bools, commands: Words, start: Ints) -> None:
    """Commands of polygons given as closed rings: each feature's shells, every shell followed by its holes.

    Shells run with positive area (y down), holes the other way, however they came. A shell without area goes, and its holes.
    """
    longest = 4
    for r in range(feature.shape[0]):
        longest = max(longest, first[r + 1] - first[r])
    x, y = np.empty(longest), np.empty(longest)
    pen = np.zeros(2, np.int64)
    at = r = 0
    for i in range(start.shape[0] - 1):
        start[i] = at
        pen[0] = pen[1] = 0
        drawn = False
        while r < feature.shape[0] and feature[r] == i:
            sign = -1 if hole[r] else 1
            n = _rounded(coords, first[r], first[r + 1], sign, x, y)
            if drawn or not hole[r]:
                stop = _write_ring(x, y, n, sign, pen, commands, at)
                drawn = drawn if hole[r] else stop > at
                at = stop
            r += 1
    start[start.shape[0] - 1] = at


@numba.njit(cache=True, nogil=True)
def point_commands(x: Ints, y: Ints, commands: Words, start: Ints) -> None:
    """Commands of single points."""
    start[0] = 0
    for i in range(x.shape[0]):
        commands[3 * i] = _MOVE_ONE
        commands[3 * i + 1], commands[3 * i + 2] = _zigzag(x[i]), _zigzag(y[i])
        start[i + 1] = 3 * i + 3


# -- protobuf -------------------------------------------------------------------------------------------------------------


@numba.njit(nogil=True)
def _length(value: np.uint64) -> int:
    """Bytes of a varint."""
    n = 1
    while value >= np.uint64(128):
        value >>= np.uint64(7)
        n += 1
    return n


@numba.njit(nogil=True)
def _varint(value: np.uint64, out: Bytes, at: int) -> int:
    while value >= np.uint64(128):
        out[at] = np.uint8((value & np.uint64(127)) | np.uint64(128))
        value >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(value)
    return at + 1


@numba.njit(nogil=True)
def _value(kind: int, bits: np.uint64, texts: Bytes, text_start: Ints, out: Bytes, at: int) -> int:
    """Write a Value of a layer, its tag and length included."""
    out[at] = np.uint8(0x22)
    if kind == TEXT:
        a = int(text_start[np.int64(bits)])
        size = int(text_start[np.int64(bits) + 1]) - a
        at = _varint(np.uint64(1 + _length(np.uint64(size)) + size), out, at + 1)
        out[at] = np.uint8(TEXT << 3 | 2)
        at = _varint(np.uint64(size), out, at + 1)
        for i in range(size):
            out[at + i] = texts[a + i]
        return at + size
    if kind == DOUBLE or kind == FLOAT:
        size = 8 if kind == DOUBLE else 4
        out[at + 1] = np.uint8(size + 1)
        out[at + 2] = np.uint8(kind << 3 | (1 if kind == DOUBLE else 5))
        for i in range(size):
            out[at + 3 + i] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(255))
        return at + 3 + size
    out[at + 1] = np.uint8(1 + _length(bits))
    out[at + 2] = np.uint8(kind << 3)
    stop: int = _varint(bits, out, at + 3)
    return stop


@numba.njit(nogil=True)
def _place(kind: int, bits: np.uint64, slot: Shorts, known: Bits, known_kind: Bytes) -> int:
    """Slot of a value: the one that holds its number, or the empty one where it belongs."""
    mask = slot.shape[0] - 1
    key = (bits ^ (np.uint64(kind) << np.uint64(56))) * _MULTIPLIER
    h: int = int(key >> np.uint64(32)) & mask
    while slot[h] >= 0 and (known[slot[h]] != bits or known_kind[slot[h]] != kind):
        h = (h + 1) & mask
    return h


@numba.njit(cache=True, nogil=True)
def encode_features(  # type: ignore[no-untyped-def]
    geometry: int, ids: Bits, commands: Words, start: Ints, kind: Bytes, bits: Bits, texts: Bytes, text_start: Ints
):
    """Features and values of a layer as bytes, and the number of features: one without a geometry is left out.

    ``bits`` (features × columns) holds doubles and floats as they lie in memory, zigzag numbers, 0 or 1, and numbers of texts.
    """
    n, columns = bits.shape
    # As much as every varint at its longest takes.
    features = np.empty(n * (48 + 10 * columns) + 5 * commands.shape[0], np.uint8)
    longest = 0
    for i in range(text_start.shape[0] - 1):
        longest += text_start[i + 1] - text_start[i] + 12
    values = np.empty(n * columns * 13 + longest, np.uint8)
    size = 16
    while size < 2 * n * columns:
        size *= 2
    slot = np.full(size, -1, np.int32)
    known, known_kind = np.empty(n * columns, np.uint64), np.empty(n * columns, np.uint8)
    tags = np.empty(2 * columns, np.uint64)
    at = values_at = count = written = 0
    for i in range(n):
        if start[i + 1] == start[i]:
            continue
        m = tags_size = 0
        for c in range(columns):
            b = bits[i, c]
            if b == MISSING:
                continue
            h = _place(kind[c], b, slot, known, known_kind)
            if slot[h] < 0:
                slot[h] = count
                known[count], known_kind[count] = b, kind[c]
                count += 1
                values_at = _value(kind[c], b, texts, text_start, values, values_at)
            tags[m], tags[m + 1] = np.uint64(c), np.uint64(slot[h])
            tags_size += _length(tags[m]) + _length(tags[m + 1])
            m += 2
        geometry_size = 0
        for k in range(start[i], start[i + 1]):
            geometry_size += _length(np.uint64(commands[k]))
        body = 1 + _length(ids[i]) + 2 + 1 + _length(np.uint64(geometry_size)) + geometry_size
        if m > 0:
            body += 1 + _length(np.uint64(tags_size)) + tags_size
        features[at] = np.uint8(0x12)
        at = _varint(np.uint64(body), features, at + 1)
        features[at] = np.uint8(0x08)
        at = _varint(ids[i], features, at + 1)
        if m > 0:
            features[at] = np.uint8(0x12)
            at = _varint(np.uint64(tags_size), features, at + 1)
            for k in range(m):
                at = _varint(tags[k], features, at)
        features[at], features[at + 1] = np.uint8(0x18), np.uint8(geometry)
        features[at + 2] = np.uint8(0x22)
        at = _varint(np.uint64(geometry_size), features, at + 3)
        for k in range(start[i], start[i + 1]):
            at = _varint(np.uint64(commands[k]), features, at)
        written += 1
    return features[:at], values[:values_at], written


# -- cells --------------------------------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True)
def classed_area(classes: Bytes, km2: Floats, width: Floats, level: int, out: Floats) -> None:
    """Add, to each parent of a level, the areas of its cells that have a class: ``km2`` (a column, or all) times ``width``."""
    along = 0 if km2.shape[1] == 1 else 1
    for r in range(classes.shape[0]):
        parent = out[r >> level]
        area = km2[r]
        for c in range(classes.shape[1]):
            if classes[r, c] > 0:
                parent[c >> level] += area[c * along] * width[c]
