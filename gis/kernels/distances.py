"""Signed distance fields of glyphs: how far each pixel's centre is from an outline, inside counted below zero, as a byte.

Outlines are those of a font: vertices with y upward, and the codes of matplotlib and FreeType: 1 begins a ring, 2 a line to a vertex,
3 and 4 the vertices of a quadratic and of a cubic curve, 79 closes the ring.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["distance_fields"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_LEVELS_PER_PIXEL = 32.0  # 256 levels over a radius of 8 pixels
_ON_EDGE = 64.0  # a quarter of the levels is inside
_REACH = 6.0  # pixels outside an outline beyond which every level is 0
_FLAT = 0.01  # pixels that a chord may lie off its curve: a third of a level


@numba.njit(nogil=True)
def _segment(x0: float, y0: float, x1: float, y1: float, width: int, height: int, nearest: Floats, turns: Ints) -> None:
    """Bring a segment's squared distances into the pixels near it, and its crossings into the rows that it spans."""
    dx, dy = x1 - x0, y1 - y0
    length = dx * dx + dy * dy
    left = max(0, math.floor(min(x0, x1) - _REACH))
    right = min(width, math.ceil(max(x0, x1) + _REACH))
    top = max(0, math.floor(min(y0, y1) - _REACH))
    bottom = min(height, math.ceil(max(y0, y1) + _REACH))
    inverse = 1.0 / length if length > 0.0 else 0.0
    for row in range(top, bottom):
        py = row + 0.5 - y0
        for col in range(left, right):
            px = col + 0.5 - x0
            t = min(max((px * dx + py * dy) * inverse, 0.0), 1.0)
            ex, ey = px - t * dx, py - t * dy
            nearest[row * width + col] = min(nearest[row * width + col], ex * ex + ey * ey)
    # A row belongs to a segment that has its centre between the ends, the upper one included.
    step = 1 if dy > 0.0 else -1
    first = max(0, math.ceil(min(y0, y1) - 0.5))
    last = min(height, math.ceil(max(y0, y1) - 0.5))
    for row in range(first, last):
        crossing = x0 + (row + 0.5 - y0) * dx / dy
        col = max(0, math.ceil(crossing - 0.5))
        if col < width:
            turns[row * width + col] += step


@numba.njit(nogil=True)
def _curve(control: Floats, order: int, width: int, height: int, nearest: Floats, turns: Ints) -> None:
    """Bring a Bézier curve into the pixels as chords; ``control`` holds x and y of its order + 1 points."""
    bend = 0.0
    for i in range(order - 1):
        a = control[2 * i] - 2.0 * control[2 * i + 2] + control[2 * i + 4]
        b = control[2 * i + 1] - 2.0 * control[2 * i + 3] + control[2 * i + 5]
        bend = max(bend, math.sqrt(a * a + b * b))
    # A chord over 1/n of a curve lies at most order × (order - 1) × bend / (8 n²) off it.
    chords = max(1, math.ceil(math.sqrt(order * (order - 1) * bend / (8.0 * _FLAT))))
    x0, y0 = control[0], control[1]
    for i in range(1, chords + 1):
        t = i / chords
        s = 1.0 - t
        if order == 2:
            wa, wb, wc, wd = s * s, 2.0 * s * t, t * t, 0.0
        else:
            wa, wb, wc, wd = s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t
        x1 = wa * control[0] + wb * control[2] + wc * control[4] + wd * control[6]
        y1 = wa * control[1] + wb * control[3] + wc * control[5] + wd * control[7]
        _segment(x0, y0, x1, y1, width, height, nearest, turns)
        x0, y0 = x1, y1


@numba.njit(nogil=True)
def _outline(
    vertices: Floats, codes: Bytes, first: int, last: int, left: float, top: float, width: int, height: int,
    nearest: Floats, turns: Ints,
) -> None:  # fmt: skip
    """Bring an outline into the pixels of a box whose upper left corner lies at (left, top)."""
    control = np.zeros(8)
    begin_x = begin_y = x = y = 0.0
    i = first
    while i < last:
        code = codes[i]
        to_x, to_y = vertices[i, 0] - left, top - vertices[i, 1]
        if code == 3 or code == 4:
            order = code - 1
            control[0], control[1] = x, y
            for k in range(order):
                control[2 * k + 2], control[2 * k + 3] = vertices[i + k, 0] - left, top - vertices[i + k, 1]
            _curve(control, order, width, height, nearest, turns)
            x, y = control[2 * order], control[2 * order + 1]
            i += order
            continue
        if code == 2:
            _segment(x, y, to_x, to_y, width, height, nearest, turns)
            x, y = to_x, to_y
        elif x != begin_x or y != begin_y:
            _segment(x, y, begin_x, begin_y, width, height, nearest, turns)
            x, y = begin_x, begin_y
        if code == 1:
            begin_x, begin_y, x, y = to_x, to_y, to_x, to_y
        i += 1
    if x != begin_x or y != begin_y:
        _segment(x, y, begin_x, begin_y, width, height, nearest, turns)


@numba.njit(cache=True, nogil=True)
def distance_fields(vertices: Floats, codes: Bytes, start: Ints, boxes: Ints, out_start: Ints, out: Bytes) -> None:
    """Write the field of each outline ``start[i]:start[i + 1]`` over its box (left, top, width, height in whole pixels), row by row.

    A byte is 191 on the outline, 32 more for each pixel inside and 32 less for each pixel outside.
    """
    for glyph in range(len(boxes)):
        width, height = boxes[glyph, 2], boxes[glyph, 3]
        nearest = np.full(width * height, _REACH * _REACH)
        turns = np.zeros(width * height, np.int64)
        _outline(
            vertices, codes, start[glyph], start[glyph + 1], float(boxes[glyph, 0]), float(boxes[glyph, 1]), width, height,
            nearest, turns,
        )  # fmt: skip
        at = out_start[glyph]
        for row in range(height):
            turn = 0
            for col in range(width):
                here = row * width + col
                turn += turns[here]
                distance = math.sqrt(nearest[here]) * _LEVELS_PER_PIXEL
                level = (-distance if turn != 0 else distance) + _ON_EDGE
                out[at + here] = np.uint8(255 - int(min(max(level, 0.0), 255.0)))
